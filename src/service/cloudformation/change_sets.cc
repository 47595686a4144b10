// Change sets. They are worked out within CreateChangeSet, so that the first DescribeChangeSet
// finds them complete.
//
// Document ACCOUNT/REGION/cloudformation/change-set/STACK-UUID/NAME:
//   {"name", "id", "stackUuid", "stackId", "stackName", "description", "type", "status", "reason",
//    "executionStatus", "created", "changes", "operations" (of the stack, when it was made),
//    "submitted" (the input's members that the stack takes), "plan" {...}}
// Document .../change-set-id/UUID: {"key"}, for those who give an ARN alone.
#include "base/strings.h"
#include "service/cloudformation/handlers.h"
#include "service/cloudformation/stack.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::cloudformation {
namespace {

constexpr int kChangeSetsMax = 1000;

Key ChangeSetKey(const Call& call, const std::string& stack_uuid, const std::string& name) {
  return call.KeyFor({"cloudformation", "change-set", stack_uuid, name});
}

Json PlanToJson(const Plan& plan) {
  return Json(Json::Object{{"target", plan.target},
                           {"parameters", plan.parameters},
                           {"imports", plan.imports},
                           {"description", plan.description}});
}

Plan PlanFromJson(const Json& json) {
  Plan plan;
  plan.target = json["target"];
  plan.parameters = json["parameters"];
  plan.imports = json["imports"];
  plan.description = json.StringOr("description", "");
  return plan;
}

Error NotFound(const std::string& name) {
  return Error{Code::kNotFound, "ChangeSetNotFound", "ChangeSet [" + name + "] does not exist"};
}

Task<Document> RequireChangeSet(Call& call) {
  const std::string name = call.input.StringOr("ChangeSetName", "");
  Key key;
  if (name.starts_with("arn:")) {
    const Key index = call.KeyFor({"cloudformation", "change-set-id", UuidOf(name)});
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(index));
    if (!found) co_return NotFound(name);
    key = found->body.StringOr("key", "");
  } else {
    if (!call.input.Has("StackName")) {
      co_return ValidationFailure(
          "StackName must be specified if ChangeSetName is not specified as an ARN.");
    }
    MILL_CO_TRY(const Document stack,
                co_await RequireStack(call, call.input.StringOr("StackName", "")));
    key = ChangeSetKey(call, stack.body.StringOr("uuid", ""), name);
  }
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return NotFound(name);
  co_return *std::move(found);
}

/// The stack that a change set is for: the one that is there, or a new one under review.
struct Subject {
  Json stack;    ///< its document
  Json planned;  ///< what the plan compares with: null for a stack that was never made
  bool is_new = false;
};

Task<Subject> SubjectOf(Call& call) {
  const std::string name = call.input.StringOr("StackName", "");
  const bool creates = call.input.StringOr("ChangeSetType", "UPDATE") == "CREATE";
  MILL_CO_TRY(const std::optional<Document> found, co_await FindStack(call, name));
  const std::string status = found ? found->body.StringOr("status", "") : "";
  Subject subject;
  if (creates) {
    if (found && status != "REVIEW_IN_PROGRESS") {
      co_return ValidationFailure("Stack [" + name +
                                  "] already exists and cannot be created again with the "
                                  "changeSet [" +
                                  call.input.StringOr("ChangeSetName", "") + "].");
    }
    if (found) {
      subject.stack = found->body;
    } else {
      subject.is_new = true;
      subject.stack = NewStack(call, call.ports.random.NewUuid(), name, "REVIEW_IN_PROGRESS");
    }
    co_return subject;
  }
  if (call.input.StringOr("ChangeSetType", "UPDATE") != "UPDATE") {
    co_return ValidationFailure("ChangeSetType IMPORT is not built in stepmill.");
  }
  if (!found || status == "DELETE_COMPLETE") {
    co_return ValidationFailure("Stack [" + name + "] does not exist");
  }
  MILL_CO_CHECK(CheckUpdatable(found->body));
  subject.stack = found->body;
  subject.planned = found->body;
  co_return subject;
}

Json Submitted(const Json& input) {
  Json::Object out;
  for (const char* member : {"Tags", "Capabilities", "RoleARN", "NotificationARNs"}) {
    out.SetIf(member, input.Find(member));
  }
  return Json(std::move(out));
}

bool HasNewTags(const Json& input, const Json& stack) {
  return input.Has("Tags") && stack["tags"].is_array() && !(input["Tags"] == stack["tags"]);
}

}  // namespace

Task<Json> CreateChangeSet(Call& call) {
  MILL_CO_CHECK(CheckBuilt(call.input));
  MILL_CO_TRY(const Subject subject, co_await SubjectOf(call));
  const Json& stack = subject.stack;
  const std::string name = call.input.StringOr("ChangeSetName", "");
  const std::string stack_uuid = stack.StringOr("uuid", "");
  const Key key = ChangeSetKey(call, stack_uuid, name);
  MILL_CO_TRY(const std::optional<Document> same, co_await call.ports.store.Get(key));
  if (same) {
    co_return Error{Code::kConflict, "AlreadyExistsException",
                    "ChangeSet " + name +
                        " cannot be created due to a mismatch with existing "
                        "attribute ChangeSetName"};
  }
  std::string stack_id = stack.StringOr("id", "");
  std::string stack_name = stack.StringOr("name", "");
  auto plan = co_await MakePlan(call, subject.planned, stack_id, stack_name);
  if (!plan && plan.error().name != "TransformFailure") co_return plan.error();
  std::string reason;
  if (!plan) {
    reason = plan.error().message;
  } else if (!plan->has_changes && !HasNewTags(call.input, stack)) {
    reason = plan->has_transform
                 ? "No updates are to be performed."
                 : "The submitted information didn't contain changes. Submit different information "
                   "to create a change set.";
  }
  const std::string uuid = call.ports.random.NewUuid();
  const std::string id = call.Arn("cloudformation", "changeSet/" + name + "/" + uuid);
  Json::Object body{{"name", name},
                    {"id", id},
                    {"stackUuid", stack_uuid},
                    {"stackId", stack_id},
                    {"stackName", stack_name},
                    {"type", call.input.StringOr("ChangeSetType", "UPDATE")},
                    {"status", reason.empty() ? "CREATE_COMPLETE" : "FAILED"},
                    {"reason", reason},
                    {"executionStatus", reason.empty() ? "AVAILABLE" : "UNAVAILABLE"},
                    {"created", MillisSinceEpoch(call.now)},
                    {"operations", stack.IntOr("operations", 0)},
                    {"onStackFailure", call.input["OnStackFailure"]},
                    {"submitted", Submitted(call.input)}};
  body.SetIf("description", call.input.Find("Description"));
  if (plan) {
    body.Set("changes", reason.empty() ? plan->changes : Json(Json::Array{}));
    body.Set("plan", PlanToJson(*plan));
  }
  call.batch.Create(key, Json(std::move(body)));
  call.batch.PutDocument(call.KeyFor({"cloudformation", "change-set-id", uuid}),
                         Json::Object{{"key", key}});
  if (subject.is_new) {
    const StackKeys keys = KeysOf(call.account, call.region, stack_uuid, stack_name);
    call.batch.Create(keys.name, Json::Object{{"uuid", stack_uuid}});
    call.batch.Create(keys.stack, stack);
    const EventText text{stack_name, stack_id, "AWS::CloudFormation::Stack", "REVIEW_IN_PROGRESS",
                         "User Initiated"};
    call.batch.AppendTo(keys.events,
                        StackEvent(stack, text, call.ports.random.NewUuid(), call.now));
  }
  co_return Json::Object{{"Id", id}, {"StackId", stack_id}};
}

Task<Json> DescribeChangeSet(Call& call) {
  MILL_CO_TRY(const Document found, co_await RequireChangeSet(call));
  const Json& set = found.body;
  Json::Object out{{"ChangeSetName", set["name"]},
                   {"ChangeSetId", set["id"]},
                   {"StackId", set["stackId"]},
                   {"StackName", set["stackName"]},
                   {"Parameters", ShownParameters(set["plan"]["parameters"])},
                   {"CreationTime", SecondsSinceEpoch(TimeFromMillis(set.IntOr("created", 0)))},
                   {"ExecutionStatus", set["executionStatus"]},
                   {"Status", set["status"]},
                   {"Changes", set["changes"].is_array() ? set["changes"] : Json(Json::Array{})},
                   {"IncludeNestedStacks", false}};
  if (!set.StringOr("reason", "").empty()) out.Set("StatusReason", set["reason"]);
  out.SetIf("Description", set.Find("description"));
  for (const char* member : {"Tags", "Capabilities", "NotificationARNs"}) {
    out.SetIf(member, set["submitted"].Find(member));
  }
  co_return Json(std::move(out));
}

Task<Json> ExecuteChangeSet(Call& call) {
  MILL_CO_CHECK(CheckBuilt(call.input));
  MILL_CO_TRY(const Document found, co_await RequireChangeSet(call));
  const Json& set = found.body;
  const Key stack_key = KeysOf(call.account, call.region, set.StringOr("stackUuid", ""), "").stack;
  MILL_CO_TRY(const std::optional<Document> stack_found, co_await call.ports.store.Get(stack_key));
  if (!stack_found) co_return NotFound(set.StringOr("id", ""));
  const Json& before = stack_found->body;
  std::string execution = set.StringOr("executionStatus", "");
  const bool is_first = before.StringOr("status", "") == "REVIEW_IN_PROGRESS";
  if (execution == "AVAILABLE" && set.IntOr("operations", 0) != before.IntOr("operations", 0)) {
    execution = "OBSOLETE";
  }
  if (execution != "AVAILABLE") {
    const std::string status =
        set.StringOr("status", "") == "FAILED" ? std::string("FAILED") : execution;
    co_return Error{Code::kInvalid, "InvalidChangeSetStatus",
                    "ChangeSet [" + set.StringOr("id", "") +
                        "] cannot be executed in its current status of [" + status + "]"};
  }
  if (!is_first) MILL_CO_CHECK(CheckUpdatable(before));

  const Plan plan = PlanFromJson(set["plan"]);
  Json stack = WithSubmission(before, set["submitted"], plan);
  stack = stack.With("status", is_first ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS")
              .With("reason", "User Initiated")
              .With("changeSetId", set["id"]);
  const std::string on_failure = set.StringOr("onStackFailure", "");
  stack = stack.With("disableRollback",
                     call.input.BoolOr("DisableRollback", false) || on_failure == "DO_NOTHING");
  if (is_first) stack = stack.With("onFailure", on_failure);
  if (!is_first) stack = stack.With("updated", MillisSinceEpoch(call.now));
  const Json executed = set.With("executionStatus", "EXECUTE_IN_PROGRESS").Without("plan");
  OperationRequest request;
  request.kind = is_first ? "create" : "update";
  if (!is_first) request.before = before;
  request.stack = stack;
  request.target = plan.target;
  request.change_set = Json(Json::Object{{"key", found.key}, {"body", executed}});
  MILL_CO_TRY(stack, StartOperation(call, std::move(request)));
  call.batch.Replace(*stack_found, stack);
  call.batch.Replace(found, executed);
  co_return Json::Object{};
}

Task<Json> DeleteChangeSet(Call& call) {
  auto found = co_await RequireChangeSet(call);
  if (!found) {
    // Deleting what is not there is no error as long as its stack is.
    if (found.error().name == "ChangeSetNotFound") co_return Json::Object{};
    co_return found.error();
  }
  if (found->body.StringOr("executionStatus", "") == "EXECUTE_IN_PROGRESS") {
    co_return Error{Code::kInvalid, "InvalidChangeSetStatus",
                    "ChangeSet [" + found->body.StringOr("id", "") +
                        "] cannot be deleted in its current status of [EXECUTE_IN_PROGRESS]"};
  }
  call.batch.Delete(found->key);
  call.batch.Delete(
      call.KeyFor({"cloudformation", "change-set-id", UuidOf(found->body.StringOr("id", ""))}));
  co_return Json::Object{};
}

Task<Json> ListChangeSets(Call& call) {
  MILL_CO_TRY(const Document stack,
              co_await RequireStack(call, call.input.StringOr("StackName", "")));
  const Key from =
      call.KeyFor({"cloudformation", "change-set", stack.body.StringOr("uuid", "")}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> sets,
      co_await call.ports.store.Range(from, PrefixEnd(from), Direction::kForward, kChangeSetsMax));
  Json::Array summaries;
  for (const Document& set : sets) {
    Json::Object summary{
        {"StackId", set.body["stackId"]},
        {"StackName", set.body["stackName"]},
        {"ChangeSetId", set.body["id"]},
        {"ChangeSetName", set.body["name"]},
        {"ExecutionStatus", set.body["executionStatus"]},
        {"Status", set.body["status"]},
        {"CreationTime", SecondsSinceEpoch(TimeFromMillis(set.body.IntOr("created", 0)))},
        {"IncludeNestedStacks", false}};
    if (!set.body.StringOr("reason", "").empty()) summary.Set("StatusReason", set.body["reason"]);
    summary.SetIf("Description", set.body.Find("description"));
    summaries.push_back(Json(std::move(summary)));
  }
  co_return Json::Object{{"Summaries", Json(std::move(summaries))}};
}

}  // namespace stepmill::cloudformation
