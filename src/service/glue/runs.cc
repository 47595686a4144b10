#include "base/digest.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/counter.h"
#include "service/glue/contract.h"
#include "service/glue/definition.h"
#include "service/glue/errors.h"
#include "service/glue/records.h"
#include "service/glue/run_machine.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::glue {
namespace {

constexpr int kRunsMax = 10'000;  ///< of one job that are active or wait
constexpr int kPage = 200;

bool IsOver(const std::string& state) {
  return state == "STOPPED" || state == "SUCCEEDED" || state == "FAILED" || state == "TIMEOUT" ||
         state == "ERROR" || state == "EXPIRED";
}

int64_t RunsAtOnce(const Json& job) {
  return job["ExecutionProperty"].IntOr("MaxConcurrentRuns", 1);
}

Task<int64_t> CountActive(Call& call, std::string job) {
  const Key prefix = call.KeyFor({"glue", "active", job}) + "/";
  MILL_CO_TRY(const auto active, co_await ReadAll(call, prefix, kRunsMax));
  co_return static_cast<int64_t>(active.size());
}

Task<std::optional<Json>> FindRun(Call& call, std::string job, std::string id) {
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(RunKey(call.account, call.region, job, id)));
  if (!found) co_return std::optional<Json>();
  co_return std::optional<Json>(found->body);
}

/// The document is written as it is but for a count, which is answered: two starts that meet
/// conflict.
int64_t Touch(Call& call, const Document& job) {
  const int64_t starts = job.body["Own"].IntOr("starts", 0) + 1;
  call.batch.Replace(job, job.body.With("Own", Json::Object{{"starts", starts}}));
  return starts;
}

Json StopError(const Json& input, const Json& id, const char* code, const std::string& message) {
  const Json detail = Json::Object{{"ErrorCode", code}, {"ErrorMessage", message}};
  return Json::Object{{"JobName", input["JobName"]}, {"JobRunId", id}, {"ErrorDetail", detail}};
}

}  // namespace

Key RunKey(std::string_view account, std::string_view region, std::string_view job,
           std::string_view run) {
  return MakeKey({account, region, "glue", "run", job, run});
}
Key ActiveKey(std::string_view account, std::string_view region, std::string_view job,
              std::string_view run) {
  return MakeKey({account, region, "glue", "active", job, run});
}
Key StartedKey(std::string_view account, std::string_view region, const Json& run, int64_t order) {
  const Time at = TimeFromSeconds(run["StartedOn"].AsDouble());
  return MakeKey({account, region, "glue", "started", run.StringOr("JobName", ""),
                  PaddedNumber(MillisSinceEpoch(at)), PaddedNumber(order),
                  PaddedNumber(run.IntOr("Attempt", 0)), run.StringOr("Id", "")});
}
Key WaitingKey(std::string_view account, std::string_view region, const Json& run, int64_t order) {
  return MakeKey({account, region, "glue", "waiting", run.StringOr("JobName", ""),
                  PaddedNumber(order), run.StringOr("Id", "")});
}
std::string InstanceId(std::string_view account, std::string_view region, std::string_view run) {
  return "glue/" + std::string(account) + "/" + std::string(region) + "/" + FirstRunId(run);
}
std::string FirstRunId(std::string_view run) {
  return std::string(run.substr(0, run.find("_attempt_")));
}

Task<Json> StartJobRun(Call& call) {
  const std::string name = call.input.StringOr("JobName", "");
  MILL_CO_TRY(const auto job, co_await FindJob(call, name));
  if (!job) co_return NoMetadata();
  MILL_CO_CHECK(CheckStart(job->body, call.input));
  Json input = call.input;
  const std::string previous = input.StringOr("JobRunId", "");
  if (!previous.empty()) {
    MILL_CO_TRY(const auto old, co_await FindRun(call, name, previous));
    if (!old) co_return RunNotFound(previous);
    if (!IsOver(old->StringOr("JobRunState", "")))
      co_return InvalidInput("Job run " + previous + " is not in a terminal state");
    if (!input.Has("Arguments") && old->Has("Arguments"))
      input = input.With("Arguments", (*old)["Arguments"]);
  }
  Json run = NewRun(job->body, input);
  MILL_CO_TRY(const int64_t active, co_await CountActive(call, name));
  const bool has_place = active < RunsAtOnce(job->body);
  if (!has_place && !run.BoolOr("JobRunQueuingEnabled", false)) co_return TooManyRuns(name);
  const std::string id = "jr_" + Hex(Sha256(call.ports.random.NewUuid()));
  const double now = SecondsSinceEpoch(call.Now());
  run = run.With("Id", id)
            .With("StartedOn", now)
            .With("LastModifiedOn", now)
            .With("JobRunState", has_place ? "STARTING" : "WAITING");
  if (!previous.empty()) run = run.With("PreviousRunId", previous);
  const int64_t order = Touch(call, *job);
  call.batch.PutDocument(RunKey(call.account, call.region, name, id), run);
  call.batch.PutDocument(StartedKey(call.account, call.region, run, order),
                         Json::Object{{"Id", id}});
  if (has_place)
    call.batch.PutDocument(ActiveKey(call.account, call.region, name, id), Json::Object{});
  else
    call.batch.PutDocument(WaitingKey(call.account, call.region, run, order),
                           Json::Object{{"Id", id}});
  const Json data = Json::Object{{"run", run}, {"job", Shown(job->body)}, {"order", order}};
  call.ports.engine.Start(call.batch, InstanceId(call.account, call.region, id), kMachine, data);
  co_return Json::Object{{"JobRunId", id}};
}

Task<Json> AdmitJobRun(Call& call) {
  const std::string name = call.input.StringOr("JobName", "");
  const std::string id = call.input.StringOr("RunId", "");
  MILL_CO_TRY(const auto job, co_await FindJob(call, name));
  if (!job) co_return Json::Object{{"state", "gone"}};
  MILL_CO_TRY(const int64_t active, co_await CountActive(call, name));
  const Key prefix = call.KeyFor({"glue", "waiting", name}) + "/";
  MILL_CO_TRY(const auto waiting, co_await ReadAll(call, prefix, kRunsMax));
  int64_t before = 0;
  const Document* own = nullptr;
  for (const Document& document : waiting) {
    if (document.body.StringOr("Id", "") == id) own = &document;
    if (!own) ++before;
  }
  if (!own || active + before >= RunsAtOnce(job->body))
    co_return Json::Object{{"state", "waiting"}};
  Touch(call, *job);
  call.batch.Delete(own->key);
  call.batch.PutDocument(ActiveKey(call.account, call.region, name, id), Json::Object{});
  co_return Json::Object{{"state", "admitted"}};
}

/// As clients see it: what is started and has no room on the machine is waiting, and says for what.
Json ShownRun(const Call& call, const Json& run) {
  if (run.StringOr("JobRunState", "") != "STARTING") return run;
  const JobId sandbox{SandboxId(call.account, call.region, run.StringOr("Id", ""))};
  const std::string reason = call.ports.backend.WaitsFor(sandbox);
  if (reason.empty()) return run;
  return run.With("JobRunState", "WAITING").With("StateDetail", reason);
}

Task<Json> GetJobRun(Call& call) {
  const std::string id = call.input.StringOr("RunId", "");
  MILL_CO_TRY(const auto run, co_await FindRun(call, call.input.StringOr("JobName", ""), id));
  if (!run) co_return RunNotFound(id);
  co_return Json::Object{{"JobRun", ShownRun(call, *run)}};
}

Task<Json> GetJobRuns(Call& call) {
  const std::string name = call.input.StringOr("JobName", "");
  MILL_CO_TRY(const Document job, co_await RequireJob(call, name));
  const Key prefix = call.KeyFor({"glue", "started", name}) + "/";
  const std::string token = call.input.StringOr("NextToken", "");
  Key to = PrefixEnd(prefix);
  if (!token.empty()) {
    const auto rest = Unhex(token);
    if (!rest) co_return InvalidInput("Invalid NextToken");
    to = prefix + *rest;
  }
  const auto limit = static_cast<int>(call.input.IntOr("MaxResults", kPage));
  MILL_CO_TRY(const auto documents,
              co_await call.ports.store.Range(prefix, to, Direction::kBackward, limit + 1));
  Json::Array runs;
  Json::Object output;
  for (const Document& document : documents) {
    MILL_CO_TRY(const auto run, co_await FindRun(call, name, document.body.StringOr("Id", "")));
    if (run) runs.push_back(ShownRun(call, *run));
    if (static_cast<int>(runs.size()) < limit) continue;
    if (static_cast<int>(documents.size()) > limit)
      output.Set("NextToken", Hex(document.key.substr(prefix.size())));
    break;
  }
  output.Set("JobRuns", std::move(runs));
  co_return Json(std::move(output));
}

Task<Json> BatchStopJobRun(Call& call) {
  const std::string name = call.input.StringOr("JobName", "");
  Json::Array stopped, errors;
  for (const Json& id : ItemsOf(call.input["JobRunIds"])) {
    MILL_CO_TRY(const auto run, co_await FindRun(call, name, id.AsString()));
    if (!run) {
      errors.push_back(
          StopError(call.input, id, "EntityNotFoundException", RunNotFound(id.AsString()).message));
      continue;
    }
    const std::string state = run->StringOr("JobRunState", "");
    if (IsOver(state)) {
      errors.push_back(StopError(call.input, id, "JobRunInTerminalStateException",
                                 "Job run " + id.AsString() + " is in state " + state));
      continue;
    }
    call.ports.engine.Post(call.batch, InstanceId(call.account, call.region, id.AsString()), "stop",
                           Json::Object{});
    stopped.push_back(Json::Object{{"JobName", name}, {"JobRunId", id}});
  }
  co_return Json::Object{{"SuccessfulSubmissions", std::move(stopped)},
                         {"Errors", std::move(errors)}};
}

}  // namespace stepmill::glue
