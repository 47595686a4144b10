// Stacks, their resources and events, as they are.
#include <algorithm>

#include "base/strings.h"
#include "service/cloudformation/handlers.h"
#include "service/cloudformation/stack.h"
#include "service/ports.h"

namespace stepmill::cloudformation {
namespace {

constexpr int kEventsPerPage = 100;

Json Seconds(const Json& body, const char* member) {
  return SecondsSinceEpoch(TimeFromMillis(body.IntOr(member, 0)));
}

Json NotChecked() { return Json(Json::Object{{"StackDriftStatus", "NOT_CHECKED"}}); }

Json Described(const Json& stack) {
  Json::Object out{
      {"StackId", stack["id"]},
      {"StackName", stack["name"]},
      {"CreationTime", Seconds(stack, "created")},
      {"StackStatus", stack["status"]},
      {"DisableRollback", stack.BoolOr("disableRollback", false)},
      {"RollbackConfiguration", Json(Json::Object{})},
      {"NotificationARNs",
       stack["notificationArns"].is_array() ? stack["notificationArns"] : Json(Json::Array{})},
      {"Tags", stack["tags"].is_array() ? stack["tags"] : Json(Json::Array{})},
      {"EnableTerminationProtection", stack.BoolOr("terminationProtection", false)},
      {"DriftInformation", NotChecked()}};
  const Json parameters = ShownParameters(stack["parameters"]);
  if (parameters.size() > 0) out.Set("Parameters", parameters);
  if (!stack.StringOr("description", "").empty()) out.Set("Description", stack["description"]);
  const std::string reason = stack.StringOr("reason", "");
  if (!reason.empty() && reason != "User Initiated") out.Set("StackStatusReason", reason);
  const std::pair<const char*, const char*> members[] = {{"changeSetId", "ChangeSetId"},
                                                         {"roleArn", "RoleARN"},
                                                         {"capabilities", "Capabilities"},
                                                         {"outputs", "Outputs"}};
  for (const auto& [name, member] : members) out.SetIf(member, stack.Find(name));
  if (stack.Has("updated")) out.Set("LastUpdatedTime", Seconds(stack, "updated"));
  if (stack.Has("deleted")) out.Set("DeletionTime", Seconds(stack, "deleted"));
  return Json(std::move(out));
}

/// One resource as four operations show it; `time_member` differs among them.
Json DescribedResource(const std::string& id, const Json& record, const char* time_member) {
  Json::Object out{
      {"LogicalResourceId", id},
      {"ResourceType", record["type"]},
      {time_member, Seconds(record, "updated")},
      {"ResourceStatus", record["status"]},
      {"DriftInformation", Json(Json::Object{{"StackResourceDriftStatus", "NOT_CHECKED"}})}};
  out.SetIf("PhysicalResourceId", record.Find("physical"));
  if (!record.StringOr("reason", "").empty()) {
    out.Set("ResourceStatusReason", record["reason"]);
  }
  return Json(std::move(out));
}

Json WithStack(const Json& resource, const Json& stack) {
  return resource.With("StackName", stack["name"]).With("StackId", stack["id"]);
}

}  // namespace

Task<Json> DescribeStacks(Call& call) {
  Json::Array stacks;
  if (call.input.Has("StackName")) {
    MILL_CO_TRY(const Document stack,
                co_await RequireStack(call, call.input.StringOr("StackName", "")));
    stacks.push_back(Described(stack.body));
  } else {
    MILL_CO_TRY(const std::vector<Document> all, co_await AllStacks(call));
    for (const Document& stack : all) {
      if (stack.body.StringOr("status", "") != "DELETE_COMPLETE") {
        stacks.push_back(Described(stack.body));
      }
    }
  }
  co_return Json::Object{{"Stacks", Json(std::move(stacks))}};
}

Task<Json> DescribeStackEvents(Call& call) {
  const std::string name = call.input.StringOr("StackName", "");
  MILL_CO_TRY(const std::optional<Document> stack, co_await FindStack(call, name));
  if (!stack) co_return ValidationFailure("Stack [" + name + "] does not exist");
  const StackKeys keys = KeysOf(call.account, call.region, stack->body.StringOr("uuid", ""), "");
  uint64_t from = 0;  // the newest
  if (call.input.Has("NextToken")) {
    const auto number = ParseInt(call.input.StringOr("NextToken", ""));
    if (!number || *number < 1) co_return ValidationFailure("Invalid NextToken");
    from = static_cast<uint64_t>(*number);
  }
  MILL_CO_TRY(
      const std::vector<Record> records,
      co_await call.ports.store.Read(keys.events, from, Direction::kBackward, kEventsPerPage));
  Json::Array events;
  for (const Record& record : records) events.push_back(record.body);
  Json::Object out{{"StackEvents", Json(std::move(events))}};
  if (!records.empty() && records.back().sequence > 1) {
    out.Set("NextToken", std::to_string(records.back().sequence - 1));
  }
  co_return Json(std::move(out));
}

Task<Json> DescribeStackResource(Call& call) {
  MILL_CO_TRY(const Document stack,
              co_await RequireStack(call, call.input.StringOr("StackName", "")));
  const std::string id = call.input.StringOr("LogicalResourceId", "");
  const Json* record = stack.body["resources"].Find(id);
  if (!record) {
    co_return ValidationFailure("Resource " + id + " does not exist for stack " +
                                stack.body.StringOr("name", ""));
  }
  Json detail = WithStack(DescribedResource(id, *record, "LastUpdatedTimestamp"), stack.body);
  detail = detail.With("Metadata",
                       (*record)["metadata"].is_null() ? "{}" : (*record)["metadata"].Print());
  co_return Json::Object{{"StackResourceDetail", detail}};
}

Task<Json> DescribeStackResources(Call& call) {
  const std::string physical = call.input.StringOr("PhysicalResourceId", "");
  std::string name = call.input.StringOr("StackName", "");
  if (physical.empty() == name.empty()) {
    co_return ValidationFailure("Either StackName or PhysicalResourceId must be specified.");
  }
  Json stack;
  if (!name.empty()) {
    MILL_CO_TRY(const Document found, co_await RequireStack(call, name));
    stack = found.body;
  } else {
    MILL_CO_TRY(const std::vector<Document> all, co_await AllStacks(call));
    for (const Document& candidate : all) {
      if (candidate.body.StringOr("status", "") == "DELETE_COMPLETE") continue;
      for (const Json::Member& member : candidate.body["resources"].members()) {
        if (member.value.StringOr("physical", "") == physical) stack = candidate.body;
      }
    }
    if (stack.is_null()) {
      co_return ValidationFailure("Stack for " + physical + " does not exist");
    }
  }
  const std::string wanted = call.input.StringOr("LogicalResourceId", "");
  Json::Array resources;
  for (const Json::Member& member : stack["resources"].members()) {
    if (!wanted.empty() && member.name != wanted) continue;
    resources.push_back(
        WithStack(DescribedResource(member.name, member.value, "Timestamp"), stack));
  }
  if (!wanted.empty() && resources.empty()) {
    co_return ValidationFailure("Resource " + wanted + " does not exist for stack " +
                                stack.StringOr("name", ""));
  }
  co_return Json::Object{{"StackResources", Json(std::move(resources))}};
}

Task<Json> ListStackResources(Call& call) {
  MILL_CO_TRY(const Document stack,
              co_await RequireStack(call, call.input.StringOr("StackName", "")));
  Json::Array summaries;
  for (const Json::Member& member : stack.body["resources"].members()) {
    summaries.push_back(DescribedResource(member.name, member.value, "LastUpdatedTimestamp"));
  }
  co_return Json::Object{{"StackResourceSummaries", Json(std::move(summaries))}};
}

Task<Json> ListStacks(Call& call) {
  MILL_CO_TRY(const std::vector<Document> all, co_await AllStacks(call));
  const Json& filter = call.input["StackStatusFilter"];
  Json::Array summaries;
  for (const Document& stack : all) {
    if (filter.is_array() && filter.size() > 0 &&
        std::find(filter.items().begin(), filter.items().end(), stack.body["status"]) ==
            filter.items().end()) {
      continue;
    }
    Json::Object summary{{"StackId", stack.body["id"]},
                         {"StackName", stack.body["name"]},
                         {"CreationTime", Seconds(stack.body, "created")},
                         {"StackStatus", stack.body["status"]},
                         {"DriftInformation", NotChecked()}};
    if (!stack.body.StringOr("description", "").empty()) {
      summary.Set("TemplateDescription", stack.body["description"]);
    }
    const std::string reason = stack.body.StringOr("reason", "");
    if (!reason.empty() && reason != "User Initiated") summary.Set("StackStatusReason", reason);
    if (stack.body.Has("updated")) {
      summary.Set("LastUpdatedTime", Seconds(stack.body, "updated"));
    }
    if (stack.body.Has("deleted")) summary.Set("DeletionTime", Seconds(stack.body, "deleted"));
    summaries.push_back(Json(std::move(summary)));
  }
  co_return Json::Object{{"StackSummaries", Json(std::move(summaries))}};
}

Task<Json> ListExports(Call& call) {
  MILL_CO_TRY(const std::vector<Document> all, co_await AllStacks(call));
  Json::Array exports;
  for (const Document& stack : all) {
    if (stack.body.StringOr("status", "") == "DELETE_COMPLETE") continue;
    if (!stack.body["outputs"].is_array()) continue;
    for (const Json& output : stack.body["outputs"].items()) {
      if (!output.Has("ExportName")) continue;
      exports.push_back(Json::Object{{"ExportingStackId", stack.body["id"]},
                                     {"Name", output["ExportName"]},
                                     {"Value", output["OutputValue"]}});
    }
  }
  co_return Json::Object{{"Exports", Json(std::move(exports))}};
}

}  // namespace stepmill::cloudformation
