#pragma once

#include <memory>
#include <string>
#include <vector>

#include "service/ask.h"

/// The metrics that a training host reports in its log, on their way to CloudWatch and into the
/// job.
namespace stepmill::sagemaker {

struct MetricPublisher;

/// Reads what was found before the process started.
Task<std::shared_ptr<MetricPublisher>> OpenMetricPublisher(Asker asker, std::string job_id,
                                                           Json job);
/// Looks for metrics in lines of the log: the last value of each is kept, all of them are put into
/// CloudWatch (namespace /aws/sagemaker/TrainingJobs, dimension TrainingJobName) where that service
/// is there. A range that comes again counts once.
Task<> PublishMetrics(std::shared_ptr<MetricPublisher> publisher, std::string range_id,
                      std::vector<std::string> lines);
/// {name: {"Value", "Timestamp"}}: the last value of each metric.
Json FoundMetrics(const MetricPublisher& publisher);
void ForgetMetrics(const Asker& asker, const std::string& job_id, Batch& batch);

}  // namespace stepmill::sagemaker
