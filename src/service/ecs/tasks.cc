#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ecs/operations.h"
#include "service/ecs/records.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::ecs {

namespace {

constexpr int64_t kTasksAtOnce = 10;
constexpr size_t kDescribedMax = 100;
constexpr int kTasksMax = 10'000;

/// A container of a definition with what the call sets over it.
Json Overridden(Json container, const Json& overrides) {
  for (const Json& over : ItemsOf(overrides["containerOverrides"])) {
    if (over["name"] != container["name"]) continue;
    for (const char* member : {"command", "cpu", "memory", "memoryReservation"})
      if (over.Has(member)) container = container.With(member, over[member]);
    Json::Array environment;
    for (const Json& variable : ItemsOf(container["environment"])) {
      bool is_replaced = false;
      for (const Json& other : ItemsOf(over["environment"]))
        is_replaced |= other["name"] == variable["name"];
      if (!is_replaced) environment.push_back(variable);
    }
    for (const Json& other : ItemsOf(over["environment"])) environment.push_back(other);
    container = container.With("environment", std::move(environment));
  }
  return container;
}

Result<> CheckOverrides(const Json& definition, const Json& overrides) {
  for (const Json& over : ItemsOf(overrides["containerOverrides"])) {
    bool is_there = false;
    for (const Json& container : ItemsOf(definition["containerDefinitions"]))
      is_there |= container["name"] == over["name"];
    if (!is_there)
      return InvalidParameter("Override for container named " + over.StringOr("name", "") +
                              " is not a container in the TaskDefinition.");
  }
  return Result<>();
}

struct Made {
  Json task, containers;
};

Made MakeTask(const Call& call, const std::string& cluster, const std::string& id,
              const Json& definition) {
  const Json& input = call.input;
  const std::string arn = call.Arn("ecs", "task/" + cluster + "/" + id);
  Json::Array shown, containers;
  for (const Json& one : ItemsOf(definition["containerDefinitions"])) {
    const Json container = Overridden(one, input["overrides"]);
    containers.push_back(container);
    shown.push_back(Json::Object{
        {"containerArn",
         call.Arn("ecs", "container/" + cluster + "/" + id + "/" + call.ports.random.NewUuid())},
        {"taskArn", arn},
        {"name", container["name"]},
        {"image", container["image"]},
        {"lastStatus", "PENDING"},
        {"networkInterfaces", Json::Array{}},
        {"cpu", std::to_string(container.IntOr("cpu", 0))}});
  }
  const Json& overrides = input["overrides"];
  Json task = Json::Object{
      {"taskArn", arn},
      {"clusterArn", call.Arn("ecs", "cluster/" + cluster)},
      {"taskDefinitionArn", definition["taskDefinitionArn"]},
      {"attachments", Json::Array{}},
      {"attributes", Json::Array{}},
      {"containers", std::move(shown)},
      {"createdAt", SecondsSinceEpoch(call.now)},
      {"desiredStatus", "RUNNING"},
      {"lastStatus", "PROVISIONING"},
      {"enableExecuteCommand", input.BoolOr("enableExecuteCommand", false)},
      {"group", input.StringOr("group", "family:" + definition.StringOr("family", ""))},
      {"launchType", input.StringOr("launchType", "EC2")},
      {"overrides", overrides.is_object() ? overrides : Json(Json::Object{})},
      {"tags", input["tags"].is_array() ? input["tags"] : Json(Json::Array{})},
      {"version", 1}};
  for (const char* member : {"startedBy", "platformVersion"})
    if (input.Has(member)) task = task.With(member, input[member]);
  for (const char* member : {"cpu", "memory"}) {
    const Json& value = overrides.Has(member) ? overrides[member] : definition[member];
    if (value.is_string()) task = task.With(member, value);
  }
  return {task, Json(std::move(containers))};
}

/// The task that `reference` (ARN or id) names in the call's cluster.
Task<std::optional<Document>> FindTask(Call& call, std::string cluster, std::string reference) {
  co_return co_await call.ports.store.Get(
      TaskKey(call.account, call.region, cluster, NameOf(reference)));
}

}  // namespace

Key TaskKey(std::string_view account, std::string_view region, const std::string& cluster,
            const std::string& id) {
  return MakeKey({account, region, "ecs", "task", cluster, id});
}

std::string InstanceId(const Call& call, const std::string& cluster, const std::string& id) {
  return "ecs/" + call.account + "/" + call.region + "/" + cluster + "/" + id;
}

Task<Json> RunTask(Call& call) {
  MILL_CO_TRY(const std::string cluster, co_await RequireCluster(call));
  const int64_t count = call.input.IntOr("count", 1);
  if (count < 1 || count > kTasksAtOnce)
    co_return InvalidParameter("count should be between 1 and 10");
  const auto found = co_await RequireDefinition(call, call.input.StringOr("taskDefinition", ""));
  if (!found && found.error().name == "ClientException")
    co_return ClientError("TaskDefinition not found.");
  if (!found) co_return found.error();
  const Json definition = found->body;
  if (definition.StringOr("status", "") != "ACTIVE")
    co_return ClientError("TaskDefinition is inactive");
  MILL_CO_CHECK(CheckOverrides(definition, call.input["overrides"]));
  const Json& overrides = call.input["overrides"];
  const Json role =
      overrides.Has("taskRoleArn") ? overrides["taskRoleArn"] : definition["taskRoleArn"];
  // A token that was seen gives the tasks that it made.
  const std::string token = call.input.StringOr("clientToken", "");
  const Key token_key = call.KeyFor({"ecs", "token", cluster, token});
  if (!token.empty()) {
    MILL_CO_TRY(const auto seen, co_await call.ports.store.Get(token_key));
    if (seen) co_return Json::Object{{"tasks", seen->body["tasks"]}, {"failures", Json::Array{}}};
  }
  Json::Array tasks;
  for (int64_t i = 0; i < count; ++i) {
    std::string id = ReplaceAll(call.ports.random.NewUuid(), "-", "");
    const Made made = MakeTask(call, cluster, id, definition);
    call.batch.Create(TaskKey(call.account, call.region, cluster, id), made.task);
    Json::Object data{{"task", made.task}, {"containers", made.containers}};
    if (role.is_string()) data.Set("role", role);
    call.ports.engine.Start(call.batch, InstanceId(call, cluster, id), kMachine,
                            Json(std::move(data)));
    tasks.push_back(made.task);
  }
  if (!token.empty()) call.batch.Create(token_key, Json::Object{{"tasks", tasks}});
  co_return Json::Object{{"tasks", std::move(tasks)}, {"failures", Json::Array{}}};
}

Task<Json> DescribeTasks(Call& call) {
  MILL_CO_TRY(const std::string cluster, co_await RequireCluster(call));
  const Json wanted = call.input["tasks"];
  if (wanted.size() == 0) co_return InvalidParameter("Tasks cannot be empty.");
  if (wanted.size() > kDescribedMax)
    co_return InvalidParameter("Tasks cannot have more than 100 elements.");
  bool wants_tags = false;
  for (const Json& field : ItemsOf(call.input["include"])) wants_tags |= field == Json("TAGS");
  Json::Array tasks, failures;
  for (const Json& one : ItemsOf(wanted)) {
    MILL_CO_TRY(const auto found, co_await FindTask(call, cluster, one.AsString()));
    if (found)
      tasks.push_back(wants_tags ? found->body : found->body.Without("tags"));
    else
      failures.push_back(
          Json::Object{{"arn", call.Arn("ecs", "task/" + cluster + "/" + NameOf(one.AsString()))},
                       {"reason", "MISSING"}});
  }
  co_return Json::Object{{"tasks", std::move(tasks)}, {"failures", std::move(failures)}};
}

Task<Json> ListTasks(Call& call) {
  MILL_CO_TRY(const std::string cluster, co_await RequireCluster(call));
  const std::string family = call.input.StringOr("family", "");
  const std::string started_by = call.input.StringOr("startedBy", "");
  const std::string desired = call.input.StringOr("desiredStatus", "RUNNING");
  const std::string launch_type = call.input.StringOr("launchType", "");
  const Key prefix = TaskKey(call.account, call.region, cluster, "");
  MILL_CO_TRY(
      const std::vector<Document> all,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kTasksMax));
  Json::Array arns;
  for (const Document& document : all) {
    const Json& task = document.body;
    const std::string definition = NameOf(task.StringOr("taskDefinitionArn", ""));
    if (!family.empty() && definition.substr(0, definition.find(':')) != family) continue;
    if (!started_by.empty() && task.StringOr("startedBy", "") != started_by) continue;
    if (task.StringOr("desiredStatus", "") != desired) continue;
    if (!launch_type.empty() && task.StringOr("launchType", "") != launch_type) continue;
    arns.push_back(task["taskArn"]);
  }
  const Json paged = call.input.Has("maxResults") ? call.input : call.input.With("maxResults", 100);
  co_return PageOf(paged, "taskArns", arns, "maxResults", "nextToken",
                   InvalidParameter("Invalid token"));
}

Task<Json> StopTask(Call& call) {
  MILL_CO_TRY(const std::string cluster, co_await RequireCluster(call));
  const std::string id = NameOf(call.input.StringOr("task", ""));
  MILL_CO_TRY(const auto found, co_await FindTask(call, cluster, id));
  if (!found) co_return InvalidParameter("The referenced task was not found.");
  const std::string reason = call.input.StringOr("reason", "Task stopped by user");
  call.ports.engine.Post(call.batch, InstanceId(call, cluster, id), "stop",
                         Json::Object{{"reason", reason}});
  Json shown = found->body;
  if (shown.StringOr("lastStatus", "") != "STOPPED")
    shown = shown.With("desiredStatus", "STOPPED")
                .With("stoppedReason", reason)
                .With("stopCode", "UserInitiated");
  co_return Json::Object{{"task", shown}};
}

}  // namespace stepmill::ecs
