// CreateStack, UpdateStack, DeleteStack, and what change sets share with them.
#include "base/strings.h"
#include "engine/engine.h"
#include "lang/template/template.h"
#include "service/cloudformation/handlers.h"
#include "service/cloudformation/operation.h"
#include "service/cloudformation/stack.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::cloudformation {

Json NewStack(const Call& call, const std::string& uuid, const std::string& name,
              const std::string& status) {
  return Json(Json::Object{{"id", call.Arn("cloudformation", "stack/" + name + "/" + uuid)},
                           {"uuid", uuid},
                           {"name", name},
                           {"status", status},
                           {"reason", "User Initiated"},
                           {"created", MillisSinceEpoch(call.now)},
                           {"operations", 0},
                           {"resources", Json(Json::Object{})}});
}

Json WithSubmission(Json stack, const Json& submitted, const Plan& plan) {
  stack = stack.With("parameters", plan.parameters).With("description", plan.description);
  stack = stack.With("outputDefinitions", plan.target["outputs"]).With("imports", plan.imports);
  const std::pair<const char*, const char*> members[] = {{"Tags", "tags"},
                                                         {"Capabilities", "capabilities"},
                                                         {"RoleARN", "roleArn"},
                                                         {"NotificationARNs", "notificationArns"},
                                                         {"TimeoutInMinutes", "timeout"}};
  for (const auto& [member, name] : members) {
    if (submitted.Has(member)) stack = stack.With(name, submitted[member]);
  }
  return stack;
}

Result<> CheckUpdatable(const Json& stack) {
  const std::string status = stack.StringOr("status", "");
  for (const char* good : {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE",
                           "CREATE_FAILED", "UPDATE_FAILED"}) {
    if (status == good) return {};
  }
  return ValidationFailure("Stack:" + stack.StringOr("id", "") + " is in " + status +
                           " state and can not be updated.");
}

Result<> CheckBuilt(const Json& input) {
  for (const char* member :
       {"ResourcesToImport", "RollbackConfiguration", "StackPolicyBody", "StackPolicyURL",
        "StackPolicyDuringUpdateBody", "StackPolicyDuringUpdateURL", "ResourceTypes",
        "RetainExceptOnCreate", "DeploymentConfig", "DeploymentMode", "ImportExistingResources",
        "IncludeNestedStacks", "TimeoutInMinutes", "DeletionMode"}) {
    const Json& value = input[member];
    const bool is_off = value.is_null() || (value.is_bool() && !value.AsBool()) ||
                        ((value.is_array() || value.is_object()) && value.size() == 0);
    if (!is_off) return ValidationFailure(std::string(member) + " is not built in stepmill.");
  }
  return {};
}

Result<Json> StartOperation(Call& call, OperationRequest request) {
  Principal principal = call.principal;
  const std::string role = request.stack.StringOr("roleArn", "");
  if (!role.empty()) {
    MILL_TRY(principal, RolePrincipal(role, "AWSCloudFormation"));
  }
  const int64_t number = request.stack.IntOr("operations", 0) + 1;
  const Json stack = request.stack.With("operations", number);
  Json start = OperationStart(request.kind, call.account, call.region, principal, stack);
  start = start.With("before", request.before)
              .With("target", request.target)
              .With("retain", request.retain)
              .With("changeSet", request.change_set);
  call.ports.engine.Start(call.batch,
                          "cfn/" + stack.StringOr("uuid", "") + "/" + std::to_string(number),
                          kMachine, start);
  return stack;
}

Task<Json> CreateStack(Call& call) {
  MILL_CO_CHECK(CheckBuilt(call.input));
  const std::string name = call.input.StringOr("StackName", "");
  MILL_CO_TRY(const std::optional<Document> existing, co_await FindStack(call, name));
  if (existing) {
    co_return Error{Code::kConflict, "AlreadyExistsException",
                    "Stack [" + name + "] already exists"};
  }
  const std::string uuid = call.ports.random.NewUuid();
  Json stack = NewStack(call, uuid, name, "CREATE_IN_PROGRESS");
  std::string stack_id = stack.StringOr("id", "");
  MILL_CO_TRY(const Plan plan, co_await MakePlan(call, Json(), stack_id, name));
  if (plan.has_transform) {
    const Json& given = call.input["Capabilities"];
    bool expands = false;
    for (size_t i = 0; i < given.size(); ++i) {
      expands = expands || given.At(i) == Json("CAPABILITY_AUTO_EXPAND");
    }
    if (!expands) {
      co_return Error{Code::kInvalid, "InsufficientCapabilitiesException",
                      "Requires capabilities : [CAPABILITY_AUTO_EXPAND]"};
    }
  }
  stack = WithSubmission(stack, call.input, plan);
  const std::string on_failure = call.input.StringOr(
      "OnFailure", call.input.BoolOr("DisableRollback", false) ? "DO_NOTHING" : "ROLLBACK");
  stack = stack.With("disableRollback", on_failure == "DO_NOTHING").With("onFailure", on_failure);
  stack =
      stack.With("terminationProtection", call.input.BoolOr("EnableTerminationProtection", false));
  OperationRequest request;
  request.kind = "create";
  request.stack = stack;
  request.target = plan.target;
  MILL_CO_TRY(stack, StartOperation(call, std::move(request)));
  const StackKeys keys = KeysOf(call.account, call.region, uuid, name);
  call.batch.Create(keys.name, Json::Object{{"uuid", uuid}});
  call.batch.Create(keys.stack, stack);
  co_return Json::Object{{"StackId", stack_id}};
}

Task<Json> UpdateStack(Call& call) {
  MILL_CO_CHECK(CheckBuilt(call.input));
  const std::string name = call.input.StringOr("StackName", "");
  MILL_CO_TRY(const std::optional<Document> found, co_await FindStack(call, name));
  if (!found || found->body.StringOr("status", "") == "DELETE_COMPLETE") {
    co_return ValidationFailure("Stack [" + name + "] does not exist");
  }
  MILL_CO_CHECK(CheckUpdatable(found->body));
  std::string stack_id = found->body.StringOr("id", "");
  std::string stack_name = found->body.StringOr("name", "");
  MILL_CO_TRY(const Plan plan, co_await MakePlan(call, found->body, stack_id, stack_name));
  const bool has_new_tags = call.input.Has("Tags") && !(call.input["Tags"] == found->body["tags"]);
  if (!plan.has_changes && !has_new_tags) {
    co_return ValidationFailure("No updates are to be performed.");
  }
  Json stack = WithSubmission(found->body, call.input, plan);
  stack = stack.With("status", "UPDATE_IN_PROGRESS").With("reason", "User Initiated");
  stack = stack.With("updated", MillisSinceEpoch(call.now))
              .With("disableRollback", call.input.BoolOr("DisableRollback", false));
  OperationRequest request;
  request.kind = "update";
  request.before = found->body;
  request.stack = stack;
  request.target = plan.target;
  MILL_CO_TRY(stack, StartOperation(call, std::move(request)));
  call.batch.Replace(*found, stack);
  co_return Json::Object{{"StackId", stack_id}};
}

namespace {

/// "Export X cannot be deleted as it is in use by Y"
Task<> CheckExports(Call& call, Json stack) {
  if (!stack["outputs"].is_array()) co_return Result<>();
  MILL_CO_TRY(const std::vector<Document> stacks, co_await AllStacks(call));
  for (const Json& output : stack["outputs"].items()) {
    if (!output.Has("ExportName")) continue;
    for (const Document& other : stacks) {
      if (other.body["id"] == stack["id"] || !other.body["imports"].is_array()) continue;
      if (other.body.StringOr("status", "") == "DELETE_COMPLETE") continue;
      for (const Json& name : other.body["imports"].items()) {
        if (!(name == output["ExportName"])) continue;
        co_return ValidationFailure("Export " + name.AsString() +
                                    " cannot be deleted as it is in use by " +
                                    other.body.StringOr("name", ""));
      }
    }
  }
  co_return Result<>();
}

}  // namespace

Task<Json> DeleteStack(Call& call) {
  MILL_CO_CHECK(CheckBuilt(call.input));
  MILL_CO_TRY(const std::optional<Document> found,
              co_await FindStack(call, call.input.StringOr("StackName", "")));
  if (!found) co_return Json::Object{};  // as AWS does
  const std::string status = found->body.StringOr("status", "");
  if (status == "DELETE_COMPLETE" || status == "DELETE_IN_PROGRESS") co_return Json::Object{};
  if (IsInProgress(status)) {
    co_return ValidationFailure("Stack [" + found->body.StringOr("id", "") +
                                "] cannot be deleted while in status " + status);
  }
  if (found->body.BoolOr("terminationProtection", false)) {
    co_return ValidationFailure("Stack [" + found->body.StringOr("name", "") +
                                "] cannot be deleted while TerminationProtection is enabled");
  }
  if (call.input["RetainResources"].size() > 0 && status != "DELETE_FAILED") {
    co_return ValidationFailure(
        "Invalid operation on stack [" + found->body.StringOr("id", "") +
        "]. When you delete a stack, specify which resources to retain only when the stack is in "
        "the DELETE_FAILED state.");
  }
  MILL_CO_CHECK(co_await CheckExports(call, found->body));
  Json stack = found->body.With("status", "DELETE_IN_PROGRESS").With("reason", "User Initiated");
  if (call.input.Has("RoleARN")) stack = stack.With("roleArn", call.input["RoleARN"]);
  OperationRequest request;
  request.kind = "delete";
  request.before = found->body;
  request.stack = stack;
  request.retain = call.input["RetainResources"];
  MILL_CO_TRY(stack, StartOperation(call, std::move(request)));
  call.batch.Replace(*found, stack);
  co_return Json::Object{};
}

}  // namespace stepmill::cloudformation
