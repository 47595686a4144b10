#pragma once

#include <optional>
#include <string>
#include <vector>

#include "json/json.h"

/// Which hyperparameters a tuning job tries next. Pure: the same seed and the same results give the
/// same choices. Documentation: "Understand the hyperparameter tuning strategies".
namespace stepmill::sagemaker {

/// One training job of a tuning job: what it was given and what came of it.
struct Trial {
  Json parameters;  ///< {name: text}
  std::optional<double> objective;
};

/// ValidationException for ranges that are none, or a strategy that is not built.
Result<> CheckTuningRanges(const Json& config, const Json& ranges);
/// How many jobs a tuning job has at most: of Grid all combinations.
int64_t TrialsMax(const Json& config, const Json& ranges);

/// The parameters of job number `index` (from 0). Random and Hyperband: drawn from the ranges.
/// Grid: the combination of this number. Bayesian: drawn at first; then of some drawn near the
/// better quarter of `trials` the one that is likeliest to be among them (a tree of Parzen
/// estimators).
Json NextParameters(const Json& config, const Json& ranges, const std::vector<Trial>& trials,
                    uint64_t seed, int64_t index);

}  // namespace stepmill::sagemaker
