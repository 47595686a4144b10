#include "base/strings.h"
#include "gate/principal.h"
#include "json/each.h"
#include "service/codepipeline/declaration.h"
#include "service/codepipeline/errors.h"
#include "service/codepipeline/records.h"
#include "service/counter.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codepipeline {
namespace {

constexpr int kPageMax = 100;  // AWS: executions of one page
constexpr int kFollowersMax = 1000;

std::string InstanceId(const std::string& execution_id, int64_t attempt) {
  return "codepipeline:" + execution_id + ":" + std::to_string(attempt);
}

Task<Document> RequireExecution(Call& call, std::string name, std::string id) {
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  const Key key = call.KeyFor({"codepipeline", "execution", name, id});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return ExecutionNotFound(id);
  co_return *std::move(found);
}

bool HasStage(const Json& declaration, const std::string& name) {
  for (const Json& stage : ItemsOf(declaration["stages"]))
    if (stage.StringOr("name", "") == name) return true;
  return false;
}

// ---- who is in a stage ----

struct StageRecord {
  Key key;
  Version version = 0;
  Json body;
  bool is_open() const { return body["inbound"].BoolOr("enabled", true); }
  std::string holder() const { return body.StringOr("holder", ""); }
};

Task<StageRecord> ReadStage(Call& call, std::string pipeline, std::string stage) {
  StageRecord record;
  record.key = call.KeyFor({"codepipeline", "stage", pipeline, stage});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(record.key));
  record.body = found ? found->body : Json(Json::Object{});
  record.version = found ? found->version : 0;
  co_return record;
}

void WriteStage(Call& call, const StageRecord& record) {
  call.batch.expects.push_back({record.key, record.version});
  call.batch.PutDocument(record.key, record.body);
}

/// Lets the first that waits into a free, open stage.
void Admit(Call& call, StageRecord& record, const std::string& stage) {
  const Json waiting = record.body["waiting"];
  if (!record.is_open() || !record.holder().empty() || waiting.size() == 0) return;
  const Json next = waiting.At(0);
  Json::Array left(waiting.items().begin() + 1, waiting.items().end());
  record.body = record.body.With("holder", next["executionId"]).With("waiting", left);
  call.ports.engine.Post(call.batch, next.StringOr("instance", ""), "granted",
                         Json::Object{{"stage", stage}});
}

/// Takes an execution out of a stage, whether it is inside or waits.
void Leave(Call& call, StageRecord& record, const std::string& stage,
           const std::string& execution) {
  if (record.holder() == execution) record.body = record.body.Without("holder");
  Json::Array left;
  for (const Json& waiting : ItemsOf(record.body["waiting"]))
    if (waiting.StringOr("executionId", "") != execution) left.push_back(waiting);
  record.body = record.body.With("waiting", left);
  Admit(call, record, stage);
}

bool EnterNow(Call& call, StageRecord& record, const std::string& mode,
              const std::string& execution, const std::string& instance) {
  if (record.holder() == execution) return true;
  Json::Array waiting;
  for (const Json& other : ItemsOf(record.body["waiting"])) {
    if (other.StringOr("executionId", "") == execution) continue;
    if (mode == "SUPERSEDED") {
      // A newer one takes the place in front of a stage.
      call.ports.engine.Post(call.batch, other.StringOr("instance", ""), "superseded",
                             Json::Object{{"by", execution}});
    } else {
      waiting.push_back(other);
    }
  }
  const bool is_free = record.holder().empty() && record.is_open() && waiting.empty();
  if (is_free) {
    record.body = record.body.With("holder", execution);
  } else {
    waiting.push_back(Json::Object{{"executionId", execution}, {"instance", instance}});
  }
  record.body = record.body.With("waiting", waiting);
  return is_free;
}

Task<Json> SetTransition(Call& call, bool is_enabled) {
  const std::string name = call.input.StringOr("pipelineName", "");
  const std::string stage = call.input.StringOr("stageName", "");
  if (call.input.StringOr("transitionType", "") != "Inbound")
    co_return Validation("transitionType Outbound is not supported by stepmill; Inbound is");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  if (!HasStage(pipeline.body["declaration"], stage)) co_return StageNotFound(name, stage);
  MILL_CO_TRY(StageRecord record, co_await ReadStage(call, name, stage));
  Json::Object inbound;
  inbound.Set("enabled", is_enabled);
  inbound.Set("lastChangedBy", call.principal.arn);
  inbound.Set("lastChangedAt", SecondsSinceEpoch(call.Now()));
  if (!is_enabled) inbound.SetIf("disabledReason", call.input.Find("reason"));
  record.body = record.body.With("inbound", inbound);
  Admit(call, record, stage);
  WriteStage(call, record);
  co_return Json::Object{};
}

Json SummaryOf(const Json& execution) {
  Json::Object summary;
  for (const char* member : {"pipelineExecutionId", "status", "statusSummary", "startTime",
                             "lastUpdateTime", "trigger", "stopTrigger", "executionMode"})
    summary.SetIf(member, execution.Find(member));
  Json::Array revisions;
  for (const Json& revision : ItemsOf(execution["artifactRevisions"])) {
    Json::Object source;
    source.Set("actionName", revision["actionName"]);
    for (const char* member : {"revisionId", "revisionSummary", "revisionUrl"})
      source.SetIf(member, revision.Find(member));
    revisions.push_back(Json(source));
  }
  summary.Set("sourceRevisions", revisions);
  summary.Set("executionType", "STANDARD");
  return summary;
}

/// The values of a pipeline's variables in one execution.
Result<Json> ResolveInputs(const Json& declaration, const Json& given) {
  Json::Array resolved;
  for (const Json& variable : ItemsOf(declaration["variables"])) {
    const std::string name = variable.StringOr("name", "");
    const Json* value = variable.Find("defaultValue");
    for (const Json& one : ItemsOf(given))
      if (one.StringOr("name", "") == name) value = one.Find("value");
    if (!value) return Validation("The variable '" + name + "' has no default and no value");
    resolved.push_back(Json::Object{{"name", name}, {"resolvedValue", *value}});
  }
  for (const Json& one : ItemsOf(given)) {
    bool is_known = false;
    for (const Json& variable : ItemsOf(declaration["variables"]))
      is_known = is_known || variable.StringOr("name", "") == one.StringOr("name", "");
    if (!is_known)
      return Validation("The pipeline has no variable '" + one.StringOr("name", "") + "'");
  }
  return Json(resolved);
}

}  // namespace

Task<std::string> AddExecution(Call& call, Launch launch) {
  const std::string name = launch.declaration.StringOr("name", "");
  const std::string id = call.ports.random.NewUuid();
  const std::string instance = InstanceId(id, 1);
  MILL_CO_TRY(const Json variables, ResolveInputs(launch.declaration, launch.variables));
  const Key counter = call.KeyFor({"codepipeline", "counter"});
  MILL_CO_TRY(const int64_t number, co_await NextNumber(call, counter));
  const Json trigger = Json::Object{{"triggerType", launch.trigger_type},
                                    {"triggerDetail", TruncateUtf8(launch.trigger_detail, 1024)}};
  const double now = SecondsSinceEpoch(call.Now());
  Json::Object execution;
  execution.Set("pipelineName", name);
  execution.Set("pipelineVersion", launch.declaration["version"]);
  execution.Set("pipelineExecutionId", id);
  execution.Set("status", "InProgress");
  execution.Set("artifactRevisions", Json(Json::Array{}));
  execution.Set("variables", variables);
  execution.Set("trigger", trigger);
  execution.Set("executionMode", launch.declaration["executionMode"]);
  execution.Set("startTime", now);
  execution.Set("lastUpdateTime", now);
  execution.Set("instance", instance);
  call.batch.PutDocument(call.KeyFor({"codepipeline", "execution", name, id}), execution);
  call.batch.PutDocument(
      call.KeyFor({"codepipeline", "order", name, PaddedNumber(MillisSinceEpoch(call.Now())),
                   PaddedNumber(number)}),
      Json::Object{{"id", id}});
  call.ports.engine.Start(call.batch, instance, kMachine,
                          Json::Object{{"account", call.account},
                                       {"region", call.region},
                                       {"declaration", launch.declaration},
                                       {"executionId", id},
                                       {"trigger", trigger},
                                       {"variables", variables},
                                       {"sourceRevisions", launch.source_revisions},
                                       {"started", now},
                                       {"attempt", 1}});
  co_return id;
}

Task<Json> StartPipelineExecution(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  const std::string token = call.input.StringOr("clientRequestToken", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  const Key token_key = call.KeyFor({"codepipeline", "token", name, token});
  if (!token.empty()) {
    MILL_CO_TRY(const std::optional<Document> used, co_await call.ports.store.Get(token_key));
    if (used) co_return used->body;
  }
  Launch launch;
  launch.declaration = pipeline.body["declaration"];
  launch.trigger_type = "StartPipelineExecution";
  launch.trigger_detail = call.principal.arn;
  launch.variables = call.input["variables"];
  launch.source_revisions = call.input["sourceRevisions"];
  for (const Json& revision : ItemsOf(launch.source_revisions)) {
    const std::string type = revision.StringOr("revisionType", "");
    if (type != "COMMIT_ID" && type != "S3_OBJECT_VERSION_ID")
      co_return Validation("revisionType " + type + " is not supported by stepmill");
  }
  MILL_CO_TRY(const std::string id, co_await AddExecution(call, launch));
  const Json output = Json::Object{{"pipelineExecutionId", id}};
  if (!token.empty()) call.batch.Create(token_key, output);
  co_return output;
}

Task<Json> StopPipelineExecution(Call& call) {
  const std::string name = call.input.StringOr("pipelineName", "");
  const std::string id = call.input.StringOr("pipelineExecutionId", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, name, id));
  const std::string status = execution.body.StringOr("status", "");
  const bool abandons = call.input.BoolOr("abandon", false);
  if (status == "Stopping" && !abandons) co_return DuplicatedStopRequest(id);
  if (status != "InProgress" && status != "Stopping") co_return NotStoppable(id, status);
  call.ports.engine.Post(call.batch, execution.body.StringOr("instance", ""), "stop",
                         Json::Object{{"abandon", abandons},
                                      {"reason", call.input.StringOr("reason", "")},
                                      {"by", call.principal.arn}});
  co_return Json::Object{{"pipelineExecutionId", id}};
}

Task<Json> RetryStageExecution(Call& call) {
  const std::string name = call.input.StringOr("pipelineName", "");
  const std::string stage = call.input.StringOr("stageName", "");
  const std::string id = call.input.StringOr("pipelineExecutionId", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  if (!HasStage(pipeline.body["declaration"], stage)) co_return StageNotFound(name, stage);
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, name, id));
  const Key latest_key = call.KeyFor({"codepipeline", "latest", name, stage});
  MILL_CO_TRY(const std::optional<Document> latest, co_await call.ports.store.Get(latest_key));
  if (!latest || latest->body.StringOr("pipelineExecutionId", "") != id)
    co_return NotLatestExecution(stage, id);
  const std::string status = latest->body.StringOr("status", "");
  const Key resume_key = call.KeyFor({"codepipeline", "resume", name, id});
  MILL_CO_TRY(const std::optional<Document> resume, co_await call.ports.store.Get(resume_key));
  if (!resume || (status != "Failed" && status != "Stopped"))
    co_return StageNotRetryable(stage, "its status is " + status);
  const int64_t attempt = resume->body.IntOr("attempt", 1) + 1;
  const std::string instance = InstanceId(id, attempt);
  call.batch.expects.push_back({resume_key, resume->version});
  call.batch.Delete(resume_key);
  call.batch.Replace(execution, execution.body.With("status", "InProgress")
                                    .With("instance", instance)
                                    .Without("statusSummary")
                                    .Without("stopTrigger"));
  call.ports.engine.Start(call.batch, instance, kMachine,
                          Json::Object{{"account", call.account},
                                       {"region", call.region},
                                       {"declaration", resume->body["declaration"]},
                                       {"executionId", id},
                                       {"trigger", execution.body["trigger"]},
                                       {"variables", execution.body["variables"]},
                                       {"started", execution.body["startTime"]},
                                       {"attempt", attempt},
                                       {"resume", resume->body},
                                       {"retryMode", call.input["retryMode"]}});
  co_return Json::Object{{"pipelineExecutionId", id}};
}

Task<Json> GetPipelineState(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  const Json declaration = pipeline.body["declaration"];
  Json::Array stages;
  for (const Json& stage : declaration["stages"].items()) {
    const std::string stage_name = stage.StringOr("name", "");
    MILL_CO_TRY(const StageRecord record, co_await ReadStage(call, name, stage_name));
    const Key latest_key = call.KeyFor({"codepipeline", "latest", name, stage_name});
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(latest_key));
    const Json latest = found ? found->body : Json();
    Json::Object state;
    state.Set("stageName", stage_name);
    Json::Array inbound;
    for (const Json& waiting : ItemsOf(record.body["waiting"]))
      inbound.push_back(Json::Object{{"pipelineExecutionId", waiting["executionId"]},
                                     {"status", "InProgress"},
                                     {"type", "STANDARD"}});
    if (!inbound.empty()) {
      state.Set("inboundExecution", inbound.front());
      state.Set("inboundExecutions", inbound);
    }
    state.Set("inboundTransitionState", record.body.Has("inbound")
                                            ? record.body["inbound"]
                                            : Json(Json::Object{{"enabled", true}}));
    Json::Array actions;
    for (const Json& action : stage["actions"].items()) {
      const std::string action_name = action.StringOr("name", "");
      Json one = Json::Object{{"actionName", action_name}};
      for (const Json::Member& member : MembersOf(latest["actions"][action_name]))
        one = one.With(member.name, member.value);
      actions.push_back(one);
    }
    state.Set("actionStates", actions);
    if (latest.is_object())
      state.Set("latestExecution",
                Json::Object{{"pipelineExecutionId", latest["pipelineExecutionId"]},
                             {"status", latest["status"]},
                             {"type", "STANDARD"}});
    stages.push_back(Json(state));
  }
  co_return Json::Object{{"pipelineName", name},
                         {"pipelineVersion", declaration["version"]},
                         {"stageStates", stages},
                         {"created", pipeline.body["created"]},
                         {"updated", pipeline.body["updated"]}};
}

Task<Json> GetPipelineExecution(Call& call) {
  MILL_CO_TRY(const Document execution,
              co_await RequireExecution(call, call.input.StringOr("pipelineName", ""),
                                        call.input.StringOr("pipelineExecutionId", "")));
  Json::Object output;
  for (const char* member : {"pipelineName", "pipelineVersion", "pipelineExecutionId", "status",
                             "statusSummary", "variables", "trigger", "executionMode"})
    output.SetIf(member, execution.body.Find(member));
  Json::Array revisions;
  for (const Json& revision : ItemsOf(execution.body["artifactRevisions"]))
    revisions.push_back(revision.Without("actionName"));
  output.Set("artifactRevisions", revisions);
  output.Set("executionType", "STANDARD");
  co_return Json::Object{{"pipelineExecution", output}};
}

Task<Json> ListPipelineExecutions(Call& call) {
  const std::string name = call.input.StringOr("pipelineName", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  if (call.input.Has("filter"))
    co_return Validation("filter of ListPipelineExecutions is not supported by stepmill");
  const Key prefix = call.KeyFor({"codepipeline", "order", name, ""});
  const std::string token = Unbase64(call.input.StringOr("nextToken", "")).value_or("");
  const Key to = token.starts_with(prefix) ? token : PrefixEnd(prefix);
  const int limit = static_cast<int>(call.input.IntOr("maxResults", kPageMax));
  MILL_CO_TRY(const std::vector<Document> found,
              co_await call.ports.store.Range(prefix, to, Direction::kBackward, limit));
  Json::Array summaries;
  for (const Document& order : found) {
    const Key key = call.KeyFor({"codepipeline", "execution", name, order.body.StringOr("id", "")});
    MILL_CO_TRY(const std::optional<Document> execution, co_await call.ports.store.Get(key));
    if (execution) summaries.push_back(SummaryOf(execution->body));
  }
  Json::Object output{{"pipelineExecutionSummaries", summaries}};
  if (static_cast<int>(found.size()) == limit) output.Set("nextToken", Base64(found.back().key));
  co_return Json(output);
}

Task<Json> ListActionExecutions(Call& call) {
  const std::string name = call.input.StringOr("pipelineName", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  const Json& filter = call.input["filter"];
  const std::string id =
      filter.StringOr("pipelineExecutionId",
                      filter["latestInPipelineExecution"].StringOr("pipelineExecutionId", ""));
  const Key prefix = call.KeyFor({"codepipeline", "action", name, ""});
  const std::string token = Unbase64(call.input.StringOr("nextToken", "")).value_or("");
  Key to = token.starts_with(prefix) ? token : PrefixEnd(prefix);
  const auto limit = static_cast<size_t>(call.input.IntOr("maxResults", kPageMax));
  Json::Array details;
  bool is_over = false;
  while (details.size() < limit && !is_over) {
    MILL_CO_TRY(const std::vector<Document> found,
                co_await call.ports.store.Range(prefix, to, Direction::kBackward, kPageMax));
    is_over = found.size() < static_cast<size_t>(kPageMax);
    for (const Document& document : found) {
      if (details.size() == limit) {
        is_over = false;
        break;
      }
      to = document.key;
      if (id.empty() || document.body.StringOr("pipelineExecutionId", "") == id)
        details.push_back(document.body);
    }
  }
  Json::Object output{{"actionExecutionDetails", details}};
  if (!is_over) output.Set("nextToken", Base64(to));
  co_return Json(output);
}

Task<Json> PutApprovalResult(Call& call) {
  const std::string name = call.input.StringOr("pipelineName", "");
  const std::string stage = call.input.StringOr("stageName", "");
  const std::string action = call.input.StringOr("actionName", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  if (!HasStage(pipeline.body["declaration"], stage)) co_return StageNotFound(name, stage);
  const Key key = call.KeyFor({"codepipeline", "latest", name, stage});
  MILL_CO_TRY(const std::optional<Document> latest, co_await call.ports.store.Get(key));
  const Json state = latest ? latest->body["actions"][action]["latestExecution"] : Json();
  if (!state.is_object()) co_return ActionNotFound(stage, action);
  if (state.StringOr("status", "") != "InProgress") co_return ApprovalAlreadyCompleted();
  if (state.StringOr("token", "") != call.input.StringOr("token", ""))
    co_return InvalidApprovalToken();
  MILL_CO_TRY(
      const Document execution,
      co_await RequireExecution(call, name, latest->body.StringOr("pipelineExecutionId", "")));
  const Json& result = call.input["result"];
  call.ports.engine.Post(call.batch, execution.body.StringOr("instance", ""), "approval",
                         Json::Object{{"action", action},
                                      {"token", call.input["token"]},
                                      {"status", result["status"]},
                                      {"summary", result["summary"]},
                                      {"by", call.principal.arn}});
  co_return Json::Object{{"approvedAt", SecondsSinceEpoch(call.Now())}};
}

Task<Json> EnableStageTransition(Call& call) { return SetTransition(call, true); }
Task<Json> DisableStageTransition(Call& call) { return SetTransition(call, false); }

/// {pipelineName, executionId, instance, mode, enter, leave} -> {granted}: out of one stage and
/// into the next, or into the queue in front of it ("granted" is posted later).
Task<Json> MoveToStage(Call& call) {
  const std::string name = call.input.StringOr("pipelineName", "");
  const std::string execution = call.input.StringOr("executionId", "");
  const std::string enter = call.input.StringOr("enter", "");
  const std::string leave = call.input.StringOr("leave", "");
  const std::string mode = call.input.StringOr("mode", "");
  if (mode == "PARALLEL") co_return Json::Object{{"granted", true}};
  if (!leave.empty()) {
    MILL_CO_TRY(StageRecord record, co_await ReadStage(call, name, leave));
    Leave(call, record, leave, execution);
    WriteStage(call, record);
  }
  if (enter.empty()) co_return Json::Object{{"granted", false}};
  MILL_CO_TRY(StageRecord record, co_await ReadStage(call, name, enter));
  const bool is_granted =
      EnterNow(call, record, mode, execution, call.input.StringOr("instance", ""));
  WriteStage(call, record);
  co_return Json::Object{{"granted", is_granted}};
}

/// An event of a source that a pipeline follows: a push to a branch, a new object.
Task<Json> SourceChanged(Call& call) {
  const Json& event = call.input["event"];
  const Json& detail = event["detail"];
  std::string kind = "codecommit", first = detail.StringOr("repositoryName", ""),
              second = detail.StringOr("referenceName", "");
  if (event.StringOr("source", "") == "aws.s3") {
    kind = "s3";
    first = detail["bucket"].StringOr("name", "");
    second = detail["object"].StringOr("key", "");
  }
  const Key prefix = call.KeyFor({"codepipeline", "follow", kind, first, second, ""});
  MILL_CO_TRY(const std::vector<Document> followers,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kFollowersMax));
  Json::Array started;
  for (const Document& follower : followers) {
    const std::string name = KeyParts(follower.key).back();
    const Result<Document> pipeline = co_await RequirePipeline(call, name);
    if (!pipeline && pipeline.error().code == Code::kNotFound) continue;
    if (!pipeline) co_return pipeline.error();
    Launch launch;
    launch.declaration = pipeline->body["declaration"];
    const bool is_connection =
        launch.declaration["stages"].At(0)["actions"].At(0)["actionTypeId"].StringOr(
            "provider", "") == "CodeStarSourceConnection";
    launch.trigger_type = is_connection ? "WebhookV2" : "CloudWatchEvent";
    launch.trigger_detail = event["resources"].size() > 0 && event["resources"].At(0).is_string()
                                ? event["resources"].At(0).AsString()
                                : "";
    const Result<std::string> id = co_await AddExecution(call, launch);
    // A pipeline whose variables have no defaults cannot start by itself.
    if (id) started.push_back(*id);
  }
  co_return Json::Object{{"started", started}};
}

}  // namespace stepmill::codepipeline
