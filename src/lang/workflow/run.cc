#include "lang/workflow/run.h"

#include <algorithm>

#include "json/each.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/workflow.h"

namespace stepmill::workflow {
namespace {

const Json& JobOf(const Json& workflow, std::string_view id) {
  for (const Json& job : ItemsOf(workflow["jobs"]))
    if (job.StringOr("id", "") == id) return job;
  return workflow["nothing"];
}

/// One turn over the state. Jobs are kept as a list of JSON objects: a job id that is not expanded
/// yet has one entry (status waiting); its matrix replaces it by one entry each.
class Machine {
 public:
  Machine(const Json& state, Time at)
      : workflow_(state["workflow"]),
        contexts_(state["contexts"]),
        is_cancelled_(state.BoolOr("cancelled", false)),
        conclusion_(state.StringOr("conclusion", "")),
        at_(at) {
    if (state.Has("jobs")) jobs_ = state["jobs"].items();
  }

  RunStep Run(const RunEvent& event) {
    if (conclusion_.empty()) {
      if (const auto* started = std::get_if<RunStarted>(&event)) Start(*started);
      if (const auto* opened = std::get_if<JobOpened>(&event)) Opened(opened->key);
      if (const auto* lost = std::get_if<JobLost>(&event)) Lost(lost->key, lost->message);
      if (const auto* ended = std::get_if<StepEnded>(&event)) Ended(*ended);
      if (std::holds_alternative<RunCancelled>(event)) Cancel();
      if (const auto* one = std::get_if<JobCancelled>(&event))
        if (Json* job = Find(one->key)) Complete(*job, "cancelled", one->message);
      Schedule();
    }
    return {Json::Object{{"workflow", workflow_},
                         {"contexts", contexts_},
                         {"cancelled", is_cancelled_},
                         {"conclusion", conclusion_},
                         {"jobs", jobs_}},
            std::move(effects_)};
  }

 private:
  // --- the run
  void Start(const RunStarted& started) {
    workflow_ = started.workflow;
    contexts_ = started.contexts;
    for (const Json& job : ItemsOf(workflow_["jobs"]))
      jobs_.push_back(Json::Object{{"key", job["id"]},
                                   {"id", job["id"]},
                                   {"name", job.StringOr("name", job.StringOr("id", ""))},
                                   {"status", "waiting"},
                                   {"result", ""}});
  }

  void Cancel() {
    is_cancelled_ = true;
    for (Json& job : jobs_) {
      const std::string status = job.StringOr("status", "");
      if (status == "queued" || status == "in_progress") Complete(job, "cancelled", "Cancelled");
    }
  }

  /// Starts what has become ready, until nothing moves; ends the run when all is done.
  void Schedule() {
    for (bool has_moved = true; has_moved;) {
      has_moved = false;
      for (size_t i = 0; i < jobs_.size(); ++i) {
        if (jobs_[i].StringOr("status", "") == "waiting" && NeedsAreDone(jobs_[i])) {
          Expand(i);
          has_moved = true;
          break;
        }
        if (jobs_[i].StringOr("status", "") == "queued" && !jobs_[i].BoolOr("isOpening", false) &&
            HasRoom(jobs_[i])) {
          Open(jobs_[i]);
          has_moved = true;
        }
      }
    }
    const bool is_done = std::all_of(jobs_.begin(), jobs_.end(), [](const Json& job) {
      return job.StringOr("status", "") == "completed";
    });
    if (is_done) Finish();
  }

  void Finish() {
    bool has_failure = false, has_cancelled = is_cancelled_, has_success = false;
    for (const Json& job : jobs_) {
      const std::string result = job.StringOr("result", "");
      has_failure = has_failure || result == "failure";
      has_cancelled = has_cancelled || result == "cancelled";
      has_success = has_success || result == "success";
    }
    conclusion_ = has_failure     ? "failure"
                  : has_cancelled ? "cancelled"
                  : has_success   ? "success"
                                  : "skipped";
    effects_.push_back(FinishRun{conclusion_});
  }

  // --- needs
  std::vector<const Json*> Instances(std::string_view id) const {
    std::vector<const Json*> out;
    for (const Json& job : jobs_)
      if (job.StringOr("id", "") == id) out.push_back(&job);
    return out;
  }
  bool NeedsAreDone(const Json& job) const {
    for (const Json& need : ItemsOf(JobOf(workflow_, job.StringOr("id", ""))["needs"]))
      for (const Json* instance : Instances(need.AsString()))
        if (instance->StringOr("status", "") != "completed") return false;
    return true;
  }
  /// success < skipped < cancelled < failure over the instances of one job id.
  std::string ResultOf(std::string_view id) const {
    std::string out = "success";
    const auto rank = [](const std::string& result) {
      return result == "failure" ? 3 : result == "cancelled" ? 2 : result == "skipped" ? 1 : 0;
    };
    for (const Json* job : Instances(id))
      if (const std::string result = job->StringOr("result", ""); rank(result) > rank(out))
        out = result;
    return out;
  }
  Json NeedsContext(const Json& definition) const {
    Json::Object out;
    for (const Json& need : ItemsOf(definition["needs"])) {
      Json outputs = Json::Object();
      for (const Json* job : Instances(need.AsString()))
        for (const auto& member : MembersOf((*job)["outputs"]))
          if (member.value != Json("") || !outputs.Has(member.name))
            outputs = outputs.With(member.name, member.value);
      out.Set(need.AsString(),
              Json::Object{{"result", ResultOf(need.AsString())}, {"outputs", outputs}});
    }
    return out;
  }
  /// How everything that a job needs, and what that needed, ended.
  Status NeedsStatus(const Json& definition, int depth = 0) const {
    if (is_cancelled_) return Status::kCancelled;
    Status status = Status::kSuccess;
    if (depth > static_cast<int>(kJobsMax)) return status;
    for (const Json& need : ItemsOf(definition["needs"])) {
      const std::string result = ResultOf(need.AsString());
      if (result == "failure") return Status::kFailure;
      if (result == "success") continue;
      if (NeedsStatus(JobOf(workflow_, need.AsString()), depth + 1) == Status::kFailure)
        return Status::kFailure;
      status = Status::kSkipped;
    }
    return status;
  }

  // --- jobs
  Json JobContexts(const Json& definition) const {
    return contexts_.With("needs", NeedsContext(definition));
  }

  void Expand(size_t position) {
    const Json definition = JobOf(workflow_, jobs_[position].StringOr("id", ""));
    Scope scope{JobContexts(definition), NeedsStatus(definition)};
    Json& job = jobs_[position];
    const auto wanted = EvaluateCondition(definition.StringOr("if", ""), scope);
    if (!wanted) return Complete(job, "failure", "if: " + wanted.error().message);
    if (!*wanted) {
      // A cancelled run cancels what had not begun; a condition that is false skips.
      return is_cancelled_ ? Complete(job, "cancelled", "Cancelled")
                           : Complete(job, "skipped", "Skipped");
    }
    auto matrix = InterpolateValue(definition["matrix"], scope);
    if (!matrix) return Complete(job, "failure", "matrix: " + matrix.error().message);
    const auto combinations = ExpandMatrix(*matrix);
    if (!combinations) return Complete(job, "failure", combinations.error().message);
    if (jobs_.size() + combinations->size() > kJobsMax)
      return Complete(job, "failure", "The run has too many jobs");
    Json::Array instances;
    for (size_t i = 0; i < combinations->size(); ++i)
      instances.push_back(
          Instance(definition, (*combinations)[i], i, combinations->size(), scope.contexts));
    jobs_.erase(jobs_.begin() + static_cast<long>(position));
    jobs_.insert(jobs_.begin() + static_cast<long>(position), instances.begin(), instances.end());
    for (size_t i = 0; i < instances.size(); ++i) Check(jobs_[position + i], definition);
  }

  Json Instance(const Json& definition, const Json& matrix, size_t index, size_t total,
                Json contexts) const {
    const std::string id = definition.StringOr("id", "");
    const bool has_matrix = definition.Has("matrix");
    if (has_matrix) contexts = contexts.With("matrix", matrix);
    contexts = contexts.With(
        "strategy", Json::Object{{"fail-fast", definition["failFast"]},
                                 {"job-index", static_cast<int64_t>(index)},
                                 {"job-total", static_cast<int64_t>(total)},
                                 {"max-parallel", definition.Has("maxParallel")
                                                      ? definition["maxParallel"]
                                                      : Json(static_cast<int64_t>(total))}});
    std::string name = definition.StringOr("name", id);
    if (auto text = Interpolate(name, Scope{contexts})) name = *text;
    if (has_matrix && definition.StringOr("name", "").find("${{") == std::string::npos) {
      std::string values;
      for (const auto& member : MembersOf(matrix))
        values += (values.empty() ? "" : ", ") + ToText(member.value);
      name += " (" + values + ")";
    }
    Json::Array steps;
    for (const Json& step : ItemsOf(definition["steps"])) {
      std::string title = step.StringOr("name", "");
      if (title.empty())
        title = step.Has("uses") ? "Run " + step.StringOr("uses", "")
                                 : "Run " + step.StringOr("run", "").substr(
                                                0, step.StringOr("run", "").find('\n'));
      steps.push_back(Json::Object{{"name", title}, {"status", "queued"}});
    }
    return Json::Object{{"key", has_matrix ? id + "." + std::to_string(index) : id},
                        {"id", id},
                        {"name", name},
                        {"status", "queued"},
                        {"result", ""},
                        {"contexts", contexts},
                        {"steps", std::move(steps)}};
  }

  /// What a definition asks for that cannot be done ends the job with its name.
  void Check(Json& job, const Json& definition) {
    if (definition.Has("uses"))
      return Complete(job, "failure",
                      "The reusable workflow '" + definition.StringOr("uses", "") +
                          "' cannot be called: put its jobs into this file");
    if (definition["services"].size() > 0)
      return Complete(job, "failure",
                      "services are not available: start them in a step, with docker run");
  }

  bool HasRoom(const Json& job) const {
    const Json definition = JobOf(workflow_, job.StringOr("id", ""));
    auto limit = InterpolateValue(definition["maxParallel"], Scope{job["contexts"]});
    if (!limit || !limit->is_integer() || limit->AsInteger() < 1) return true;
    int64_t running = 0;
    for (const Json* other : Instances(job.StringOr("id", "")))
      if (other->BoolOr("isOpening", false) && other->StringOr("status", "") != "completed")
        ++running;
    return running < limit->AsInteger();
  }

  void Open(Json& job) {
    const Json definition = JobOf(workflow_, job.StringOr("id", ""));
    const Scope scope{job["contexts"]};
    auto minutes = InterpolateValue(definition["timeoutMinutes"], scope);
    auto container = InterpolateValue(definition["container"], scope);
    auto runs_on = InterpolateValue(definition["runsOn"], scope);
    auto environment = InterpolateValue(definition["environment"], scope);
    auto concurrency = InterpolateValue(definition["concurrency"], scope);
    for (const auto* value : {&minutes, &container, &runs_on, &environment, &concurrency})
      if (!*value) return Complete(job, "failure", value->error().message);
    double timeout = static_cast<double>(kJobTimeoutMinutesDefault);
    if (minutes->is_number()) timeout = minutes->AsDouble();
    if (minutes->is_string()) timeout = std::strtod(minutes->AsString().c_str(), nullptr);
    if (!(timeout > 0)) return Complete(job, "failure", "timeout-minutes is not above zero");
    const Time deadline = at_ + Millis(static_cast<int64_t>(std::min(timeout, 1e6) * 60'000));
    job = job.With("isOpening", true)
              .With("startedAt", MillisSinceEpoch(at_))
              .With("deadline", MillisSinceEpoch(deadline));
    if (!environment->is_null())
      job =
          job.With("environment", environment->is_object() ? (*environment)["name"] : *environment);
    effects_.push_back(
        JobChanged{job.StringOr("key", ""), job.StringOr("name", ""), "pending", "In progress"});
    effects_.push_back(
        OpenJob{job.StringOr("key", ""), Json::Object{{"id", job["id"]},
                                                      {"name", job["name"]},
                                                      {"runsOn", *runs_on},
                                                      {"container", *container},
                                                      {"concurrency", GroupOf(*concurrency)},
                                                      {"deadline", job["deadline"]}}});
  }

  Json* Find(std::string_view key) {
    for (Json& job : jobs_)
      if (job.StringOr("key", "") == key && job.StringOr("status", "") != "completed") return &job;
    return nullptr;  // ended meanwhile, or a repeat
  }

  void Opened(const std::string& key) {
    Json* job = Find(key);
    if (!job || job->StringOr("status", "") != "queued") return;
    *job = job->With("status", "in_progress").With("step", 0);
    NextStep(*job);
  }

  void Lost(const std::string& key, const std::string& message) {
    if (Json* job = Find(key)) Complete(*job, "failure", message);
  }

  Json StepsContext(const Json& job, const Json& definition) const {
    Json::Object out;
    for (size_t i = 0; i < job["steps"].size(); ++i) {
      const std::string id = definition["steps"].At(i).StringOr("id", "");
      const Json& step = job["steps"].At(i);
      if (id.empty() || step.StringOr("status", "") != "completed") continue;
      out.Set(id, Json::Object{{"outputs", step.Has("outputs") ? step["outputs"] : Json::Object()},
                               {"outcome", step["outcome"]},
                               {"conclusion", step["conclusion"]}});
    }
    return out;
  }
  Json StepContexts(const Json& job, const Json& definition) const {
    return job["contexts"]
        .With("steps", StepsContext(job, definition))
        .With("job",
              Json::Object{{"status", job.BoolOr("hasFailed", false) ? "failure" : "success"}});
  }

  void SetStep(Json& job, size_t index, Json step) {
    Json::Array steps = job["steps"].items();
    steps[index] = std::move(step);
    job = job.With("steps", std::move(steps));
  }

  void NextStep(Json& job) {
    const Json definition = JobOf(workflow_, job.StringOr("id", ""));
    const auto index = static_cast<size_t>(job.IntOr("step", 0));
    if (index >= definition["steps"].size()) return CompleteBySteps(job, definition);
    SetStep(job, index,
            job["steps"]
                .At(index)
                .With("status", "in_progress")
                .With("startedAt", MillisSinceEpoch(at_)));
    Json::Object what{{"step", definition["steps"].At(index)},
                      {"workflowEnv", workflow_["env"]},
                      {"jobEnv", definition["env"]},
                      {"env", job.Has("env") ? job["env"] : Json::Object()},
                      {"path", job.Has("path") ? job["path"] : Json::Array()},
                      {"title", job["steps"].At(index)["name"]},
                      {"hasFailed", job.BoolOr("hasFailed", false)},
                      {"contexts", StepContexts(job, definition)}};
    for (const char* name : {"shell", "workingDirectory"}) {
      if (definition.Has(name))
        what.Set(name, definition[name]);
      else if (workflow_.Has(name))
        what.Set(name, workflow_[name]);
    }
    effects_.push_back(PerformStep{job.StringOr("key", ""), index, std::move(what),
                                   TimeFromMillis(job.IntOr("deadline", 0))});
  }

  void Ended(const StepEnded& ended) {
    Json* found = Find(ended.key);
    if (!found || static_cast<size_t>(found->IntOr("step", 0)) != ended.index) return;
    Json& job = *found;
    const Json& result = ended.result;
    const std::string outcome = result.StringOr("outcome", "failure");
    const bool is_forgiven = outcome == "failure" && result.BoolOr("continueOnError", false);
    Json step = job["steps"]
                    .At(ended.index)
                    .With("status", "completed")
                    .With("outcome", outcome)
                    .With("conclusion", is_forgiven ? "success" : outcome)
                    .With("completedAt", MillisSinceEpoch(at_));
    for (const char* name : {"outputs", "message", "name", "summary"})
      if (result.Has(name)) step = step.With(name, result[name]);
    SetStep(job, ended.index, step);
    if (outcome == "failure" && !is_forgiven) job = job.With("hasFailed", true);
    Json env = job.Has("env") ? job["env"] : Json::Object();
    for (const auto& member : MembersOf(result["env"])) env = env.With(member.name, member.value);
    job = job.With("env", env);
    if (result["path"].size() > 0) {
      // What was added last stands first.
      Json::Array path = result["path"].items();
      std::reverse(path.begin(), path.end());
      if (job.Has("path"))
        for (const Json& old : ItemsOf(job["path"])) path.push_back(old);
      job = job.With("path", std::move(path));
    }
    if (MillisSinceEpoch(at_) >= job.IntOr("deadline", 0))
      return Complete(job, "cancelled", "The job has exceeded its maximum execution time");
    job = job.With("step", static_cast<int64_t>(ended.index + 1));
    NextStep(job);
  }

  void CompleteBySteps(Json& job, const Json& definition) {
    const Scope scope{StepContexts(job, definition)};
    Json::Object outputs;
    for (const auto& member : MembersOf(definition["outputs"])) {
      const auto text = Interpolate(ToText(member.value), scope);
      if (!text)
        return Complete(job, "failure", "outputs." + member.name + ": " + text.error().message);
      outputs.Set(member.name, *text);
    }
    job = job.With("outputs", std::move(outputs));
    if (!job.BoolOr("hasFailed", false)) return Complete(job, "success", "Successful");
    std::string message = "Failed";
    for (const Json& step : ItemsOf(job["steps"]))
      if (step.StringOr("conclusion", "") == "failure") {
        message = step.StringOr("name", "");
        if (step.Has("message")) message += ": " + step.StringOr("message", "");
        break;
      }
    Complete(job, "failure", message);
  }

  void Complete(Json& job, std::string result, const std::string& message) {
    const Json definition = JobOf(workflow_, job.StringOr("id", ""));
    const bool was_open = job.BoolOr("isOpening", false);
    const bool is_real_failure = result == "failure";
    if (is_real_failure && job.Has("contexts")) {
      const auto forgiven = InterpolateValue(definition["continueOnError"], Scope{job["contexts"]});
      if (forgiven && IsTruthy(*forgiven)) result = "success";
    }
    job = job.With("status", "completed")
              .With("result", result)
              .With("message", message)
              .With("completedAt", MillisSinceEpoch(at_));
    const std::string key = job.StringOr("key", "");
    effects_.push_back(JobChanged{key, job.StringOr("name", ""),
                                  is_real_failure         ? "failure"
                                  : result == "cancelled" ? "error"
                                                          : result,
                                  message});
    if (was_open) effects_.push_back(CloseJob{key, result});
    if (result == "failure") FailFast(job, definition);
  }

  void FailFast(const Json& failed, const Json& definition) {
    const auto fail_fast = InterpolateValue(definition["failFast"], Scope{failed["contexts"]});
    if (!definition.Has("matrix") || (fail_fast && !IsTruthy(*fail_fast))) return;
    const std::string id = failed.StringOr("id", ""), key = failed.StringOr("key", "");
    for (Json& job : jobs_)
      if (job.StringOr("id", "") == id && job.StringOr("key", "") != key &&
          job.StringOr("status", "") != "completed")
        Complete(job, "cancelled", "Cancelled, since '" + key + "' failed");
  }

  Json workflow_, contexts_;
  bool is_cancelled_;
  std::string conclusion_;
  Time at_;
  Json::Array jobs_;
  std::vector<RunEffect> effects_;
};

}  // namespace

RunStep AdvanceRun(const Json& state, const RunEvent& event, Time at) {
  return Machine(state, at).Run(event);
}

}  // namespace stepmill::workflow
