#pragma once

#include <cstdint>
#include <vector>

#include "json/json.h"

/// Which training jobs of a tuning job end before their time. Pure.
/// Documentation: "HyperbandStrategyConfig"; "Stop Training Jobs Early".
namespace stepmill::sagemaker {

/// What a training job has reported of its objective, one value for each unit of the resource (an
/// epoch, a round).
struct Reports {
  std::vector<double> values;
  int64_t number = 0;  ///< of the job among those of its definition, from 0
};

/// MaxResource, or what AWS infers it from: epochs, numepochs, n-epochs, n_epochs or num_epochs of
/// `static_words`. 0: neither.
int64_t MaxResourceOf(const Json& config, const Json& static_words);
/// ValidationException for a Hyperband or early stopping configuration that is none.
Result<> CheckEarlyStopping(const Json& config, const Json& static_words);
/// True when jobs have to report while they run.
bool EndsJobsEarly(const Json& config);

/// Asked after each report of job `index`. Hyperband: jobs are dealt to brackets; in a bracket the
/// jobs that reach a rung (MinResource, three times as much, and so on) go on when they are among
/// the better third of those that have reached it so far; at MaxResource a job is done. Early
/// stopping "Auto": the value is worse than the median of the other jobs' running averages.
bool EndsEarly(const Json& config, int64_t max_resource, const std::vector<Reports>& all,
               size_t index, bool is_up);

}  // namespace stepmill::sagemaker
