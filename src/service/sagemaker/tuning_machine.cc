#include "service/sagemaker/tuning_machine.h"

#include <cstdio>

#include "base/strings.h"
#include "gate/door.h"
#include "gate/principal.h"
#include "json/each.h"
#include "service/sagemaker/job_machine.h"
#include "service/sagemaker/mix_seed.h"
#include "service/sagemaker/tuning_definitions.h"
#include "service/sagemaker/tuning_search.h"
#include "service/sagemaker/tuning_stop.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kReasonMax = 1024;

bool IsEnd(const std::string& status) {
  return status == "Completed" || status == "Failed" || status == "Stopped";
}

class TuningMachine : private JobMachine {
 public:
  TuningMachine(const std::string& instance_id, const Json& state, const Event& event)
      : JobMachine(kTuningJob, instance_id, state, event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "stop") Stop("Stopped");
    if (event_.kind == "timer") Stop("Completed");
    if (event_.kind == "event") OnEvent();
    if (event_.kind == "effect") OnEffect();
    if (event_.kind == "report") OnReport();
    return Done();
  }

 private:
  int HostCount() const override { return 0; }  // its training jobs have hosts
  const Json& Config() const { return job_["HyperParameterTuningJobConfig"]; }
  std::string Name() const { return job_.StringOr("HyperParameterTuningJobName", ""); }
  const Json& Jobs() const { return job_["Own"]["jobs"]; }
  void SetJobs(Json jobs) { job_ = job_.With("Own", job_["Own"].With("jobs", std::move(jobs))); }

  void OnStart() {
    job_ = event_.data["job"].With("Own", Json::Object{});
    SetJobs(Json::Array{});
    const Json& asked = Config()["RandomSeed"];
    const uint64_t seed =
        asked.is_number() ? static_cast<uint64_t>(asked.AsInteger()) : event_.entropy;
    state_ = Json::Object{{"seed", std::to_string(seed)}, {"round", 0}};
    const Json name = Json::Array{Json::Object{{"prefix", Name() + "-"}}};
    turn_.subscriptions.push_back(
        {"ends", Json::Object{{"source", Json::Array{"aws.sagemaker"}},
                              {"detail-type", Json::Array{"SageMaker Training Job State Change"}},
                              {"detail", Json::Object{{"TrainingJobName", name}}}}});
    const int64_t limit = Config()["ResourceLimits"].IntOr("MaxRuntimeInSeconds", 0);
    if (limit > 0) turn_.timers.push_back({"limit", event_.at + std::chrono::seconds(limit)});
    Tell();
    Launch();
  }

  void Launch() {
    if (status() != "InProgress") return;
    const int64_t together = Config()["ResourceLimits"].IntOr("MaxParallelTrainingJobs", 1);
    const auto most = Config()["ResourceLimits"].IntOr("MaxNumberOfTrainingJobs", INT64_MAX);
    while (Running() < together && static_cast<int64_t>(Jobs().size()) < most)
      if (!CreateOne()) break;
    if (Running() == 0)
      End("Completed");
    else
      SaveChange();
  }

  /// A job of the definition that has had the fewest; false when all have had theirs.
  bool CreateOne() {
    const std::vector<Json> definitions = DefinitionsOf(job_);
    std::vector<std::vector<Trial>> trials(definitions.size());
    for (const Json& one : ItemsOf(Jobs())) {
      Trial trial{one["parameters"], std::nullopt};
      if (one["objective"].is_number()) trial.objective = one["objective"].AsDouble();
      trials[static_cast<size_t>(one.IntOr("definition", 0))].push_back(std::move(trial));
    }
    size_t chosen = definitions.size();
    for (size_t i = 0; i < definitions.size(); ++i) {
      const int64_t most = TrialsMax(Config(), definitions[i]["HyperParameterRanges"]);
      if (static_cast<int64_t>(trials[i].size()) >= most) continue;
      if (chosen == definitions.size() || trials[i].size() < trials[chosen].size()) chosen = i;
    }
    if (chosen == definitions.size()) return false;
    const Json& definition = definitions[chosen];
    const auto index = static_cast<int64_t>(Jobs().size());
    const uint64_t seed = Seed();
    const Json config =
        Config().With("HyperParameterTuningJobObjective", definition["TuningObjective"]);
    const Json parameters = NextParameters(
        config, definition["HyperParameterRanges"], trials[chosen],
        chosen == 0 ? seed : MixSeed(seed, chosen), static_cast<int64_t>(trials[chosen].size()));
    char suffix[32];
    std::snprintf(suffix, sizeof suffix, "-%03d-%08x", static_cast<int>(index + 1),
                  static_cast<unsigned>(MixSeed(seed, 1'000'000 + static_cast<uint64_t>(index))));
    const std::string name = Name() + suffix;
    Json::Object entry{{"name", name}, {"parameters", parameters}, {"status", "InProgress"}};
    if (chosen > 0) entry.Set("definition", static_cast<int64_t>(chosen));
    SetJobs(Jobs().Push(std::move(entry)));
    Ask("create:" + std::to_string(index), "CreateTrainingJob",
        RequestOf(name, parameters, definition));
    return true;
  }

  uint64_t Seed() const { return std::strtoull(state_.StringOr("seed", "0").c_str(), nullptr, 10); }

  static Json RequestOf(const std::string& name, const Json& parameters, const Json& definition) {
    Json::Object request{{"TrainingJobName", name}};
    for (const char* member :
         {"AlgorithmSpecification", "RoleArn", "InputDataConfig", "OutputDataConfig",
          "ResourceConfig", "StoppingCondition", "VpcConfig", "EnableNetworkIsolation",
          "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "CheckpointConfig",
          "RetryStrategy", "Environment"})
      request.SetIf(member, definition.Find(member));
    Json words = definition["StaticHyperParameters"];
    if (!words.is_object()) words = Json::Object{};
    for (const auto& member : MembersOf(parameters)) words = words.With(member.name, member.value);
    words = words.With("_tuning_objective_metric", definition["TuningObjective"]["MetricName"]);
    request.Set("HyperParameters", words);
    return request;
  }

  /// Values of the objective that a training job has reported; a range of its log that comes again
  /// counts once.
  void OnReport() {
    const std::string name = event_.data.StringOr("name", "");
    for (size_t i = 0; i < Jobs().size(); ++i) {
      const Json one = Jobs().At(i);
      if (one.StringOr("name", "") != name) continue;
      const std::string host = event_.data.StringOr("host", "");
      Json known = state_["reports"][name];
      if (!known.is_object())
        known = Json::Object{{"values", Json::Array{}}, {"ranges", Json::Object{}}};
      if (known["ranges"][host] == event_.data["range"]) return;
      known = known.With("ranges", known["ranges"].With(host, event_.data["range"]));
      for (const Json& value : ItemsOf(event_.data["values"])) {
        known = known.With("values", known["values"].Push(value));
        Keep(name, known);
        if (one.StringOr("status", "") == "InProgress" && !Jobs().At(i).BoolOr("isEarly", false) &&
            EndsNow(i))
          EndJobEarly(i);
      }
      Keep(name, known);
      return;
    }
  }
  void Keep(const std::string& name, const Json& reports) {
    const Json all = state_["reports"].is_object() ? state_["reports"] : Json(Json::Object{});
    state_ = state_.With("reports", all.With(name, reports));
  }
  bool EndsNow(size_t index) const {
    const int64_t definition = Jobs().At(index).IntOr("definition", 0);
    std::vector<Reports> all;
    size_t mine = 0;
    for (size_t i = 0; i < Jobs().size(); ++i) {
      const Json& one = Jobs().At(i);
      if (one.IntOr("definition", 0) != definition) continue;
      if (i == index) mine = all.size();
      Reports reports;
      reports.number = static_cast<int64_t>(all.size());
      for (const Json& value : ItemsOf(state_["reports"][one.StringOr("name", "")]["values"]))
        reports.values.push_back(value.AsDouble());
      all.push_back(std::move(reports));
    }
    const Json words = DefinitionOf(job_, Jobs().At(index))["StaticHyperParameters"];
    return EndsEarly(Config(), MaxResourceOf(Config(), words), all, mine, IsUp(job_));
  }
  void EndJobEarly(size_t index) {
    const Json one = Jobs().At(index);
    Put(index, one.With("isEarly", true));
    Ask("early:" + std::to_string(index), "StopTrainingJob",
        Json::Object{{"TrainingJobName", one["name"]}});
  }

  void OnEvent() {
    const Json& event = event_.data["event"];
    if (event.StringOr("source", "") != kRecovered) {
      OnTraining(event["detail"]);
      return;
    }
    // What ended while nobody listened.
    const int64_t round = state_.IntOr("round", 0) + 1;
    state_ = state_.With("round", round);
    for (size_t i = 0; i < Jobs().size(); ++i) {
      const Json& one = Jobs().At(i);
      if (IsEnd(one.StringOr("status", ""))) continue;
      const std::string tag = "look:" + std::to_string(i) + ":" + std::to_string(round);
      Ask(tag, "DescribeTrainingJob", Json::Object{{"TrainingJobName", one["name"]}});
    }
  }

  void OnEffect() {
    const auto parts = Split(event_.data.StringOr("tag", ""), ':');
    const Json* error = event_.data.Find("error");
    if (parts[0] == "look" && !error) OnTraining(event_.data["output"]);
    if (parts[0] != "create" || !error) return;
    // Refused: the next would be as well.
    const auto index = static_cast<size_t>(ParseInt(parts[1]).value_or(0));
    Put(index, Jobs().At(index).With("status", "Failed"));
    job_ = job_.With("FailureReason",
                     std::string(TruncateUtf8(error->StringOr("message", ""), kReasonMax)));
    Stop("Failed");
    if (Running() == 0) End(state_.StringOr("endsWith", "Failed"));
  }

  void OnTraining(const Json& training) {
    const std::string status = training.StringOr("TrainingJobStatus", "");
    if (!IsEnd(status)) return;
    for (size_t i = 0; i < Jobs().size(); ++i) {
      const Json one = Jobs().At(i);
      if (one["name"] != training["TrainingJobName"]) continue;
      if (IsEnd(one.StringOr("status", ""))) return;
      Json ended = one.With("status", status);
      const Json wanted = DefinitionOf(job_, one)["TuningObjective"]["MetricName"];
      const bool counts =
          status == "Completed" || (status == "Stopped" && one.BoolOr("isEarly", false));
      for (const Json& metric : ItemsOf(training["FinalMetricDataList"])) {
        if (counts && metric["MetricName"] == wanted)
          ended = ended.With("objective", metric["Value"]);
      }
      Put(i, ended);
      OnOneEnded(ended);
      return;
    }
  }

  void OnOneEnded(const Json& ended) {
    const Json& criteria = Config()["TuningJobCompletionCriteria"];
    const Json& target = criteria["TargetObjectiveMetricValue"];
    const bool is_up = IsUp(job_);
    CountIdle(ended, is_up);
    const int64_t idle_max =
        criteria["BestObjectiveNotImproving"].IntOr("MaxNumberOfTrainingJobsNotImproving", 0);
    if (idle_max > 0 && job_["Own"].IntOr("notImproving", 0) >= idle_max) Stop("Completed");
    if (target.is_number() && ended["objective"].is_number()) {
      const double value = ended["objective"].AsDouble();
      if (is_up ? value >= target.AsDouble() : value <= target.AsDouble()) Stop("Completed");
    }
    if (status() == "InProgress") return Launch();
    if (Running() == 0) return End(state_.StringOr("endsWith", "Stopped"));
    SaveChange();
  }

  /// How many jobs in a row were no better than the best before them.
  void CountIdle(const Json& ended, bool is_up) {
    if (!ended["objective"].is_number()) return;
    const Json& best = job_["Own"]["best"];
    const double value = ended["objective"].AsDouble();
    const bool is_better =
        !best.is_number() || (is_up ? value > best.AsDouble() : value < best.AsDouble());
    const int64_t idle = is_better ? 0 : job_["Own"].IntOr("notImproving", 0) + 1;
    Json own = job_["Own"].With("notImproving", idle);
    if (is_better) own = own.With("best", value);
    job_ = job_.With("Own", own);
  }

  void Put(size_t index, const Json& entry) {
    Json::Array jobs = Jobs().items();
    jobs[index] = entry;
    SetJobs(std::move(jobs));
  }

  int64_t Running() const {
    int64_t count = 0;
    for (const Json& one : ItemsOf(Jobs())) count += IsEnd(one.StringOr("status", "")) ? 0 : 1;
    return count;
  }

  void Stop(const char* ends_with) {
    if (status() != "InProgress") return;
    state_ = state_.With("endsWith", ends_with);
    if (Running() == 0) return End(ends_with);
    job_ = job_.With("HyperParameterTuningJobStatus", "Stopping");
    for (size_t i = 0; i < Jobs().size(); ++i) {
      const Json& one = Jobs().At(i);
      if (!IsEnd(one.StringOr("status", "")))
        Ask("stop:" + std::to_string(i), "StopTrainingJob",
            Json::Object{{"TrainingJobName", one["name"]}});
    }
    SaveChange();
    Tell();
  }

  void End(const std::string& ends_with) {
    if (IsEnd(status())) return;
    bool has_result = false;
    for (const Json& one : ItemsOf(Jobs())) has_result = has_result || one.Has("objective");
    const bool has_failed = ends_with == "Completed" && !has_result;
    if (has_failed) {
      job_ = job_.With("FailureReason",
                       "All training jobs failed. Please take a look at the training jobs failures "
                       "to get more details.");
    }
    job_ = job_.With("HyperParameterTuningJobStatus", has_failed ? "Failed" : ends_with)
               .With("HyperParameterTuningEndTime", SecondsSinceEpoch(event_.at));
    turn_.timer_cancels.push_back("limit");
    turn_.unsubscriptions.push_back("ends");
    SaveChange();
    Tell();
    turn_.is_finished = true;
  }

  void Ask(const std::string& tag, const char* operation, Json input) {
    const Principal principal = ServicePrincipal("sagemaker.amazonaws.com", Account());
    turn_.effects.push_back(
        {tag, "door",
         DoorCall("sagemaker", operation, std::move(input), principal, Account(), Region())});
  }
  void SaveChange() {
    job_ = job_.With("LastModifiedTime", SecondsSinceEpoch(event_.at));
    Save();
  }
};

}  // namespace

Step AdvanceTuning(const std::string& instance_id, const Json& state, const Event& event) {
  return TuningMachine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
