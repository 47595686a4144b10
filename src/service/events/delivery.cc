#include "service/events/delivery.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/cron/cron.h"
#include "lang/pattern/pattern.h"
#include "service/ask.h"
#include "service/events/errors.h"
#include "service/events/rules.h"
#include "service/ports.h"
#include "store/events.h"
#include "task/ports.h"

namespace stepmill::events {

namespace {

// EventBridge's own when a target names none.
constexpr int64_t kAttemptsMax = 185;
constexpr int64_t kAgeMaxSeconds = 86'400;
constexpr Seconds kDelayMax{3600};
constexpr Seconds kFireAgain{60};

constexpr struct {
  std::string_view service, resource;  ///< the ARN's service, and how its resource begins
  std::string_view operation;
  bool needs_role;
} kKinds[] = {{"states", "stateMachine:", "StartExecution", true},
              {"codepipeline", "", "StartPipelineExecution", true},
              {"codebuild", "project/", "StartBuild", true},
              {"logs", "log-group:", "PutLogEvents", false},
              {"sqs", "", "SendMessage", false},
              {"sns", "", "Publish", false},
              {"lambda", "function:", "Invoke", false},
              {"events", "event-bus/", "ReceiveEvent", false}};

/// service, region, account and resource of an ARN.
struct ArnParts {
  std::string_view service, region, account, resource;
};
std::optional<ArnParts> SplitArn(std::string_view arn) {
  const auto parts = Split(arn, ':');
  if (parts.size() < 6 || parts[0] != "arn" || parts[2].empty() || parts[5].empty())
    return std::nullopt;
  const auto at = static_cast<size_t>(parts[5].data() - arn.data());
  return ArnParts{parts[2], parts[3], parts[4], arn.substr(at)};
}

/// Errors that pass: the others would only come again.
bool IsPassing(const std::string& name) {
  for (const char* part : {"Throttling", "TooManyRequests", "LimitExceeded", "Internal",
                           "Unavailable", "OperationAborted", "Timeout"})
    if (name.find(part) != std::string::npos) return true;
  return false;
}

std::string TagOf(int64_t attempt) { return "try-" + std::to_string(attempt); }

Step Try(const Json& state) {
  Step step;
  step.state = state;
  step.turn.effects.push_back(
      {TagOf(state.IntOr("attempt", 1)), std::string(kDeliverer), state["what"]});
  return step;
}

Step Finish(const Json& state) {
  Step step;
  step.state = state;
  step.turn.is_finished = true;
  return step;
}

}  // namespace

Result<TargetKind> KindOfTarget(std::string_view arn) {
  const auto parts = SplitArn(arn);
  if (!parts) return Error{Code::kInvalid, "ValidationException", "not an ARN"};
  for (const auto& kind : kKinds)
    if (parts->service == kind.service && parts->resource.starts_with(kind.resource))
      return TargetKind{kind.service, kind.operation, kind.needs_role};
  return TargetKind{parts->service, "", false};
}

void Deliver(Call& call, const Json& rule, const Json& event) {
  const std::string name = rule.StringOr("name", "");
  const std::string arn = RuleArn(call, rule);
  for (const Json& target : ItemsOf(rule["targets"])) {
    const Json& policy = target["RetryPolicy"];
    // The name of an execution that a rule starts: two UUIDs.
    const std::string run = event.StringOr("id", "") + "_" + call.ports.random.NewUuid();
    const Json what = Json::Object{{"arn", target["Arn"]},
                                   {"roleArn", target["RoleArn"]},
                                   {"rule", name},
                                   {"ruleArn", arn},
                                   {"account", call.account},
                                   {"region", call.region},
                                   {"run", run},
                                   {"group", target["SqsParameters"]["MessageGroupId"]},
                                   {"isShaped", target.Has("Input") || target.Has("InputPath") ||
                                                    target.Has("InputTransformer")},
                                   {"input", ShapeInput(target, event, name, arn, call.now)}};
    const int64_t age_ms = policy.IntOr("MaximumEventAgeInSeconds", kAgeMaxSeconds) * 1000;
    call.ports.engine.Start(
        call.batch, "events-delivery/" + call.ports.random.NewUuid(), kDeliveryMachine,
        Json::Object{{"what", what},
                     {"attempt", 1},
                     {"attemptsMax", 1 + policy.IntOr("MaximumRetryAttempts", kAttemptsMax)},
                     {"until", MillisSinceEpoch(call.now) + age_ms}});
  }
}

void Offer(Call& call, const Json& rule, const Json& event) {
  const std::string text = rule.StringOr("pattern", "");
  if (text.empty() || !IsEnabled(rule)) return;
  const auto pattern = pattern::Compile(text);
  if (pattern && pattern->Matches(event)) Deliver(call, rule, event);
}

Task<> Dispatch(Call& call, std::string bus, Json event) {
  MILL_CO_TRY(const auto rules, co_await ReadRules(call, bus));
  for (const Document& rule : rules) Offer(call, rule.body, event);
  co_return Result<>();
}

Step AdvanceDelivery(const std::string&, const Json& state, const Event& event) {
  if (event.kind == "start") return Try(event.data);
  if (event.kind == "timer") return Try(state);
  if (event.kind != "effect" || event.data.Has("output")) return Finish(state);
  const int64_t attempt = state.IntOr("attempt", 1);
  const int64_t doublings = std::min<int64_t>(attempt - 1, 12);
  const Time at = event.at + std::min<Seconds>(Seconds(int64_t{1} << doublings), kDelayMax);
  if (!IsPassing(event.data["error"].StringOr("name", "")) ||
      attempt >= state.IntOr("attemptsMax", 1) || MillisSinceEpoch(at) > state.IntOr("until", 0))
    return Finish(state);
  Step step;
  step.state = state.With("attempt", attempt + 1);
  step.turn.timers.push_back({"again", at});
  return step;
}

Step AdvanceTick(const std::string& instance_id, const Json& state, const Event& event) {
  Step step;
  if (event.kind == "start") {
    step.state = event.data.With("attempt", 1);
    step.turn.timers.push_back({"tick", TimeFromMillis(event.data.IntOr("at", 0))});
    return step;
  }
  if (event.kind == "timer") {
    const Json input = Json::Object{
        {"rule", state["rule"]}, {"bus", state["bus"]}, {"tick", instance_id}, {"at", state["at"]}};
    const std::string account = state.StringOr("account", "");
    step.state = state;
    step.turn.effects.push_back({TagOf(state.IntOr("attempt", 1)), "door",
                                 DoorCall("events", "FireSchedule", input,
                                          ServicePrincipal("events.amazonaws.com", account),
                                          account, state.StringOr("region", ""), true)});
    return step;
  }
  if (event.kind == "effect" && event.data.Has("error")) {
    // A schedule does not end because one firing failed.
    step.state = state.With("attempt", state.IntOr("attempt", 1) + 1);
    step.turn.timers.push_back({"tick", event.at + kFireAgain});
    return step;
  }
  return Finish(state);  // it has fired, or "stop"
}

Task<Json> FireSchedule(Call& call) {
  const Json& input = call.input;
  const std::string bus = input.StringOr("bus", "");
  MILL_CO_TRY(const auto rule,
              co_await call.ports.store.Get(RuleKey(call, bus, input.StringOr("rule", ""))));
  // The rule may have changed while this was on its way.
  if (!rule || rule->body["tick"] != input["tick"]) co_return Json(Json::Object{});
  const Time at = TimeFromMillis(input.IntOr("at", 0));
  Json event = MakeEvent("aws.events", "Scheduled Event", call.account, call.region,
                         {RuleArn(call, rule->body)}, Json::Object{});
  event = event.With("id", call.ports.random.NewUuid()).With("time", FormatIso(at, false));
  Deliver(call, rule->body, event);
  // The next one; firings that were missed while the server was away are not made up for.
  const Json idle = rule->body.Without("tick");
  call.batch.Replace(*rule, Reschedule(call, idle, idle));
  co_return Json(Json::Object{});
}

namespace {

Task<Json> WriteToLog(Asker asker, std::string group, Json what, std::string effect_id) {
  if (group.ends_with(":*")) group.resize(group.size() - 2);
  const std::string stream = what.StringOr("run", "");
  const Json place = Json::Object{{"logGroupName", group}, {"logStreamName", stream}};
  const auto made = co_await AskService(asker, "logs", "CreateLogStream", place);
  if (!made && made.error().name != "ResourceAlreadyExistsException") co_return made.error();
  const int64_t now = MillisSinceEpoch(asker.ports.clock.Now());
  const Json line = Json::Object{{"timestamp", now}, {"message", what["input"]}};
  const Json put = place.With("logEvents", Json::Array{line});
  co_return co_await AskService(asker, "logs", "PutLogEvents", put, effect_id);
}

Task<Json> CallTarget(Asker asker, Json what, std::string effect_id) {
  const std::string arn = what.StringOr("arn", "");
  const auto parts = SplitArn(arn);
  if (!parts) co_return Invalid("Parameter " + arn + " is not valid.");
  const std::string service(parts->service), resource(parts->resource);
  if (service == "logs")
    co_return co_await WriteToLog(asker, resource.substr(std::string("log-group:").size()), what,
                                  effect_id);
  Json input;
  std::string operation;
  if (service == "states") {
    operation = "StartExecution";
    input = Json::Object{{"stateMachineArn", arn}, {"name", what["run"]}, {"input", what["input"]}};
  } else if (service == "codepipeline") {
    operation = "StartPipelineExecution";
    input = Json::Object{{"name", resource}};
  } else if (service == "codebuild") {
    operation = "StartBuild";
    const auto given = ParseJson(what.StringOr("input", ""));
    input = what.BoolOr("isShaped", false) && given && given->is_object() ? *given
                                                                          : Json(Json::Object{});
    input = input.With("projectName", resource.substr(std::string("project/").size()));
  } else if (service == "sqs") {
    operation = "SendMessage";
    const std::string url = "https://sqs." + std::string(parts->region) + ".amazonaws.com/" +
                            std::string(parts->account) + "/" + resource;
    input = Json::Object{{"QueueUrl", url}, {"MessageBody", what["input"]}};
    if (what["group"].is_string()) input = input.With("MessageGroupId", what["group"]);
  } else if (service == "sns") {
    operation = "Publish";
    input = Json::Object{{"TopicArn", arn}, {"Message", what["input"]}};
  } else if (service == "lambda") {
    operation = "InvokeFrom";
    input = Json::Object{{"FunctionName", arn},
                         {"InvocationType", "Event"},
                         {"SourceArn", what["ruleArn"]},
                         {"Payload", Base64(what.StringOr("input", ""))}};
  } else if (service == "events") {
    operation = "ReceiveEvent";
    MILL_CO_TRY(const Json event, ParseJson(what.StringOr("input", "")));
    input = Json::Object{{"bus", arn}, {"event", event}};
  } else {
    co_return NotBuilt("the target " + arn);
  }
  co_return co_await AskService(asker, service, operation, input, effect_id);
}

}  // namespace

Task<Json> PerformDelivery(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  const std::string account = what.StringOr("account", "");
  const std::string role = what.StringOr("roleArn", "");
  Principal principal = ServicePrincipal("events.amazonaws.com", account);
  if (!role.empty()) {
    MILL_CO_TRY(principal, RolePrincipal(role, what.StringOr("rule", "").substr(0, 64)));
  }
  Asker asker{ports, std::move(principal), account, what.StringOr("region", "")};
  auto answer = co_await CallTarget(asker, what, performance.effect_id);
  if (!answer)
    MILL_LOG(kWarn, "rule " + what.StringOr("rule", "") + ": target " + what.StringOr("arn", "") +
                        ": " + answer.error().name + ": " + answer.error().message);
  co_return answer;
}

}  // namespace stepmill::events
