#include "service/sagemaker/training_publish.h"

#include "base/log.h"
#include "engine/engine.h"
#include "service/sagemaker/training_metrics.h"
#include "store/events.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr char kMetricsService[] = "cloudwatch";
constexpr char kNamespace[] = "/aws/sagemaker/TrainingJobs";
constexpr size_t kPointsAtOnce = 1000;  ///< PutMetricData's own bound

Key MetricsKey(const Asker& asker, const std::string& job_id) {
  return MakeKey({asker.account, asker.region, "sagemaker", "training-metrics", job_id});
}

}  // namespace

struct MetricPublisher {
  MetricPublisher(Asker who, std::string id, const Json& job)
      : asker(std::move(who)),
        job_id(std::move(id)),
        job_name(job.StringOr("TrainingJobName", "")),
        reports_to(job["Own"].StringOr("reportsTo", "")),
        objective(job["HyperParameters"].StringOr("_tuning_objective_metric", "")),
        matcher(job["AlgorithmSpecification"]["MetricDefinitions"]) {}
  Asker asker;
  std::string job_id;
  std::string job_name;
  std::string reports_to;  ///< the tuning job's instance, when it ends jobs early
  std::string objective;
  MetricMatcher matcher;
  Json found = Json::Object{};
  std::string last_put;  ///< effect id of the call before
};

Task<std::shared_ptr<MetricPublisher>> OpenMetricPublisher(Asker asker, std::string job_id,
                                                           Json job) {
  // Shared: the log pump's hook holds it as long as the pump runs.
  const auto publisher = std::make_shared<MetricPublisher>(asker, job_id, job);
  MILL_CO_TRY(const auto known, co_await asker.ports.store.Get(MetricsKey(asker, job_id)));
  if (known) publisher->found = known->body["metrics"];
  co_return publisher;
}

Task<> PublishMetrics(std::shared_ptr<MetricPublisher> publisher, std::string range_id,
                      std::vector<std::string> lines) {
  const Asker& asker = publisher->asker;
  const double now = SecondsSinceEpoch(asker.ports.clock.Now());
  Json::Array data, reports;
  const Json dimensions =
      Json::Array{Json::Object{{"Name", "TrainingJobName"}, {"Value", publisher->job_name}}};
  for (const std::string& line : lines) {
    for (const MetricPoint& point : publisher->matcher.Find(line)) {
      publisher->found = publisher->found.With(
          point.name, Json::Object{{"Value", point.value}, {"Timestamp", now}});
      if (point.name == publisher->objective) reports.push_back(point.value);
      data.push_back(Json::Object{{"MetricName", point.name},
                                  {"Dimensions", dimensions},
                                  {"Timestamp", now},
                                  {"Value", point.value}});
    }
  }
  if (data.empty()) co_return Result<>();
  Batch batch;
  if (asker.ports.door.FindService(kMetricsService)) {
    for (size_t from = 0; from < data.size(); from += kPointsAtOnce) {
      const size_t to = std::min(data.size(), from + kPointsAtOnce);
      const Json input =
          Json::Object{{"Namespace", kNamespace},
                       {"MetricData", Json::Array(data.begin() + static_cast<std::ptrdiff_t>(from),
                                                  data.begin() + static_cast<std::ptrdiff_t>(to))}};
      const std::string id = range_id + ":metrics:" + std::to_string(from);
      const auto put = co_await AskService(asker, kMetricsService, "PutMetricData", input, id);
      // A metric that is not taken does not hold the training up.
      if (!put) MILL_LOG(kWarn, "metrics of " + publisher->job_name + ": " + put.error().message);
      if (!publisher->last_put.empty()) batch.Delete(AnswerKey(publisher->last_put));
      publisher->last_put = id;
    }
  }
  batch.PutDocument(MetricsKey(asker, publisher->job_id),
                    Json::Object{{"metrics", publisher->found}});
  if (!publisher->reports_to.empty() && !reports.empty()) {
    const Json report = Json::Object{{"name", publisher->job_name},
                                     {"host", publisher->job_id},
                                     {"range", range_id},
                                     {"values", std::move(reports)}};
    asker.ports.engine.Post(batch, publisher->reports_to, "report", report);
  }
  co_return co_await asker.ports.engine.Commit(std::move(batch));
}

Json FoundMetrics(const MetricPublisher& publisher) { return publisher.found; }

void ForgetMetrics(const Asker& asker, const std::string& job_id, Batch& batch) {
  batch.Delete(MetricsKey(asker, job_id));
}

}  // namespace stepmill::sagemaker
