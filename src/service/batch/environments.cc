// Compute environments and job queues. Both are VALID at once: this machine is what there is, and
// an environment's maxvCpus bounds what its queues run at a time.
#include "base/strings.h"
#include "json/each.h"
#include "service/batch/operations.h"
#include "service/batch/records.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::batch {

namespace {

constexpr int kEntriesMax = 1000;

bool IsName(const std::string& name) {
  if (name.empty() || name.size() > 128) return false;
  for (const char c : name)
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && c != '_' &&
        c != '-')
      return false;
  return true;
}

/// The documents below a prefix that are named (by ARN or name), or all, as one page.
Task<Json> Described(Call& call, std::string kind, std::string list, std::string id) {
  const Key prefix = call.KeyFor({"batch", kind}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> all,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kEntriesMax));
  const Json wanted = call.input[list];
  Json::Array found;
  for (const Document& document : all) {
    bool is_wanted = wanted.size() == 0;
    for (const Json& name : ItemsOf(wanted))
      is_wanted |= NameOf(name.AsString()) == document.body.StringOr(id, "");
    if (is_wanted) found.push_back(document.body);
  }
  co_return PageOf(call.input, list, found, "maxResults", "nextToken",
                   ClientError("The nextToken is invalid."));
}

Task<Json> CheckedOrder(Call& call) {
  const Json order = call.input["computeEnvironmentOrder"];
  if (order.size() == 0 || order.size() > 3)
    co_return ClientError("computeEnvironmentOrder must have between 1 and 3 entries.");
  Json::Array out;
  for (const Json& entry : ItemsOf(order)) {
    const std::string name = entry.StringOr("computeEnvironment", "");
    MILL_CO_TRY(const auto found,
                co_await call.ports.store.Get(EnvironmentKey(call, NameOf(name))));
    if (!found) co_return ClientError("ComputeEnvironment " + name + " not found.");
    out.push_back(entry.With("computeEnvironment", found->body["computeEnvironmentArn"]));
  }
  co_return Json(std::move(out));
}

}  // namespace

Task<Json> CreateComputeEnvironment(Call& call) {
  const std::string name = call.input.StringOr("computeEnvironmentName", "");
  if (!IsName(name))
    co_return ClientError(
        "computeEnvironmentName can only contain up to 128 letters, numbers, "
        "hyphens and underscores.");
  const bool is_managed = call.input.StringOr("type", "") == "MANAGED";
  if (is_managed && !call.input.Has("computeResources"))
    co_return ClientError("computeResources must be provided for a MANAGED compute environment");
  const Key key = EnvironmentKey(call, name);
  MILL_CO_TRY(const auto there, co_await call.ports.store.Get(key));
  if (there) co_return ClientError("Object already exists");
  const std::string arn = call.Arn("batch", "compute-environment/" + name);
  Json body = call.input.With("computeEnvironmentArn", arn)
                  .With("state", call.input.StringOr("state", "ENABLED"))
                  .With("status", "VALID")
                  .With("statusReason", "ComputeEnvironment Healthy")
                  .With("containerOrchestrationType", "ECS")
                  .With("ecsClusterArn", call.Arn("ecs", "cluster/AWSBatch-" + name))
                  .With("uuid", call.ports.random.NewUuid());
  if (!body.Has("tags")) body = body.With("tags", Json::Object{});
  call.batch.Create(key, body);
  co_return Json::Object{{"computeEnvironmentName", name}, {"computeEnvironmentArn", arn}};
}

Task<Json> DescribeComputeEnvironments(Call& call) {
  co_return co_await Described(call, "environment", "computeEnvironments",
                               "computeEnvironmentName");
}

Task<Json> UpdateComputeEnvironment(Call& call) {
  const std::string given = call.input.StringOr("computeEnvironment", "");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(EnvironmentKey(call, NameOf(given))));
  if (!found) co_return ClientError("ComputeEnvironment " + given + " not found.");
  Json body = found->body;
  for (const char* member : {"state", "serviceRole", "unmanagedvCpus"})
    if (call.input.Has(member)) body = body.With(member, call.input[member]);
  Json resources = body["computeResources"];
  for (const Json::Member& member : MembersOf(call.input["computeResources"]))
    resources = resources.With(member.name, member.value);
  if (resources.is_object()) body = body.With("computeResources", resources);
  call.batch.Replace(*found, body);
  co_return Json::Object{{"computeEnvironmentName", body["computeEnvironmentName"]},
                         {"computeEnvironmentArn", body["computeEnvironmentArn"]}};
}

Task<Json> DeleteComputeEnvironment(Call& call) {
  const std::string given = call.input.StringOr("computeEnvironment", "");
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(EnvironmentKey(call, NameOf(given))));
  if (!found) co_return Json::Object{};
  if (found->body.StringOr("state", "") != "DISABLED")
    co_return ClientError("Cannot delete, compute environment must be disabled first.");
  const Key prefix = call.KeyFor({"batch", "queue"}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> queues,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kEntriesMax));
  for (const Document& queue : queues)
    for (const Json& entry : ItemsOf(queue.body["computeEnvironmentOrder"]))
      if (entry["computeEnvironment"] == found->body["computeEnvironmentArn"])
        co_return ClientError("Cannot delete, found existing JobQueue relationship");
  call.batch.expects.push_back({found->key, found->version});
  call.batch.Delete(found->key);
  co_return Json::Object{};
}

Task<Json> CreateJobQueue(Call& call) {
  const std::string name = call.input.StringOr("jobQueueName", "");
  if (!IsName(name))
    co_return ClientError(
        "jobQueueName can only contain up to 128 letters, numbers, hyphens and "
        "underscores.");
  MILL_CO_TRY(const Json order, co_await CheckedOrder(call));
  const Key key = QueueKey(call, name);
  MILL_CO_TRY(const auto there, co_await call.ports.store.Get(key));
  if (there) co_return ClientError("Object already exists");
  const std::string arn = call.Arn("batch", "job-queue/" + name);
  Json body = call.input.With("jobQueueArn", arn)
                  .With("state", call.input.StringOr("state", "ENABLED"))
                  .With("status", "VALID")
                  .With("statusReason", "JobQueue Healthy")
                  .With("computeEnvironmentOrder", order);
  if (!body.Has("tags")) body = body.With("tags", Json::Object{});
  call.batch.Create(key, body);
  co_return Json::Object{{"jobQueueName", name}, {"jobQueueArn", arn}};
}

Task<Json> DescribeJobQueues(Call& call) {
  co_return co_await Described(call, "queue", "jobQueues", "jobQueueName");
}

Task<Json> UpdateJobQueue(Call& call) {
  const std::string given = call.input.StringOr("jobQueue", "");
  MILL_CO_TRY(const Document queue, co_await RequireQueue(call, given));
  Json body = queue.body;
  for (const char* member : {"state", "priority"})
    if (call.input.Has(member)) body = body.With(member, call.input[member]);
  if (call.input.Has("computeEnvironmentOrder")) {
    MILL_CO_TRY(const Json order, co_await CheckedOrder(call));
    body = body.With("computeEnvironmentOrder", order);
  }
  call.batch.Replace(queue, body);
  co_return Json::Object{{"jobQueueName", body["jobQueueName"]},
                         {"jobQueueArn", body["jobQueueArn"]}};
}

Task<Json> DeleteJobQueue(Call& call) {
  const std::string name = NameOf(call.input.StringOr("jobQueue", ""));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(QueueKey(call, name)));
  if (!found) co_return Json::Object{};
  if (found->body.StringOr("state", "") != "DISABLED")
    co_return ClientError("Cannot delete, job queue must be disabled first.");
  call.batch.expects.push_back({found->key, found->version});
  call.batch.Delete(found->key);
  co_return Json::Object{};
}

}  // namespace stepmill::batch
