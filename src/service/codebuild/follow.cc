#include "service/codebuild/follow.h"

#include "base/strings.h"
#include "gate/door.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/records.h"
#include "service/ports.h"

namespace stepmill::codebuild {
namespace {

/// "arn:aws:states:R:A:execution:MACHINE:NAME" -> part 6 or 7.
std::string ArnPart(const std::string& arn, size_t index) {
  const auto parts = Split(arn, ':');
  return parts.size() > index ? std::string(parts[index]) : "";
}

/// What a job says of itself in a task's cause, else the cause as it stands.
std::string ReasonOf(const std::string& cause) {
  const auto job = ParseJson(cause);
  if (!job || !job->is_object()) return cause;
  for (const char* member : {"ErrorMessage", "FailureReason"})
    if (job->Has(member)) return job->StringOr(member, "");
  return cause;
}

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "event") OnEvent();
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return {state_, std::move(turn_)};
  }

 private:
  /// Parts of "codebuild-follow/ACCOUNT/REGION/...".
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }
  std::string Arn() const { return state_.StringOr("executionArn", ""); }
  int64_t Next(const char* counter) {
    const int64_t number = state_.IntOr(counter, 0) + 1;
    state_ = state_.With(counter, number);
    return number;
  }
  void Ask(const std::string& tag, const char* service, const char* operation, const Json& input) {
    const Principal codebuild = ServicePrincipal("codebuild.amazonaws.com", Part(1));
    turn_.effects.push_back(
        {tag, "door", DoorCall(service, operation, input, codebuild, Part(1), Part(2))});
  }

  void OnStart() {
    state_ = event_.data;
    turn_.subscriptions.push_back(
        {"changes",
         Json::Object{{"source", Json::Array{"aws.states"}},
                      {"detail-type", Json::Array{"Step Functions Execution Status Change"}},
                      {"detail", Json::Object{{"executionArn", Json::Array{Arn()}}}}}});
    Report("pending", "Execution started");
    Look();
  }
  /// It may have ended before the subscription was there, or while the server was away.
  void Look() {
    const Json input = Json::Object{{"executionArn", Arn()}};
    Ask("look:" + std::to_string(Next("looks")), "states", "DescribeExecution", input);
  }
  void OnEvent() {
    const Json& told = event_.data["event"];
    if (told.StringOr("source", "") == kRecovered) return Look();
    OnStatus(told["detail"]);
  }
  void OnEffect(const std::string& tag) {
    if (tag.starts_with("look:")) return OnStatus(event_.data["output"]);
    state_ = state_.With("isReporting", false);
    const Json next = state_["toReport"];
    state_ = state_.Without("toReport");
    if (next.is_object()) return Send(next);
    if (state_.BoolOr("isOver", false)) turn_.is_finished = true;
  }

  void OnStatus(const Json& execution) {
    const std::string status = execution.StringOr("status", "");
    if (state_.BoolOr("isOver", false) || status.empty()) return;
    if (status == "RUNNING" || status == "PENDING_REDRIVE") return;
    state_ = state_.With("isOver", true);
    turn_.unsubscriptions.push_back("changes");
    if (status == "SUCCEEDED") return Report("success", "Execution succeeded");
    if (status == "ABORTED") return Report("error", "Execution aborted");
    if (status == "TIMED_OUT") return Report("failure", "Execution timed out");
    Report("failure", "Execution failed: " + execution.StringOr("error", "") + ": " +
                          ReasonOf(execution.StringOr("cause", "")));
  }

  void Report(const std::string& state, const std::string& description) {
    const Json what = Json::Object{{"state", state}, {"description", description}};
    if (!state_.BoolOr("isReporting", false)) return Send(what);
    state_ = state_.With("toReport", what);
  }
  void Send(const Json& what) {
    state_ = state_.With("isReporting", true);
    const std::string context =
        "AWS Step Functions " + Part(2) + " (" + ArnPart(Arn(), 6) + ") " + ArnPart(Arn(), 7);
    const Json input = Json::Object{{"repositoryName", state_["repository"]},
                                    {"commitId", state_["commit"]},
                                    {"context", context},
                                    {"state", what["state"]},
                                    {"description", what["description"]},
                                    {"targetUrl", state_["targetUrl"]}};
    Ask("status:" + std::to_string(Next("statuses")), "codecommit", "PutCommitStatus", input);
  }

  const std::string& id_;
  Json state_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

Step AdvanceFollow(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

/// Internal row: somebody with a session of a role started an execution; was it a build that shows
/// its status on a commit?
Task<Json> OnExecutionStarted(Call& call) {
  const Json& detail = call.input["event"]["detail"];
  const std::string arn = detail["responseElements"].StringOr("executionArn", "");
  const std::string caller = detail["userIdentity"].StringOr("arn", "");
  const Json none = Json::Object{};
  const std::string session = caller.substr(caller.rfind('/') + 1);
  const Key known_key = call.KeyFor({"codebuild", "session", session});
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(known_key));
  if (!known || arn.empty()) co_return none;
  const std::string id = known->body.StringOr("id", "");
  MILL_CO_TRY(const auto build,
              co_await call.ports.store.Get(BuildKey(call.account, call.region, id)));
  if (!build || !build->body.Has("resolvedSourceVersion")) co_return none;
  const Key followed = call.KeyFor({"codebuild", "followed", arn});
  MILL_CO_TRY(const auto already, co_await call.ports.store.Get(followed));
  if (already) co_return none;
  const std::string page = "https://" + call.region +
                           ".console.aws.amazon.com/states/home?region=" + call.region +
                           "#/v2/executions/details/" + arn;
  const Json data =
      Json::Object{{"executionArn", arn},
                   {"repository", RepositoryOf(build->body["source"].StringOr("location", ""))},
                   {"commit", build->body["resolvedSourceVersion"]},
                   {"targetUrl", page}};
  call.batch.Create(followed, Json::Object{{"id", id}});
  call.ports.engine.Start(call.batch,
                          "codebuild-follow/" + call.account + "/" + call.region + "/" + arn,
                          kFollowMachine, data);
  co_return Json::Object{{"executionArn", arn}};
}

}  // namespace stepmill::codebuild
