#include "base/strings.h"
#include "json/each.h"
#include "service/ecs/operations.h"
#include "service/ecs/records.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::ecs {

namespace {

constexpr int kClustersMax = 10'000, kTasksMax = 10'000;
constexpr char kDefault[] = "default";

/// A cluster with the counts of its tasks.
Task<Json> Shown(Call& call, Json cluster) {
  const Key prefix = TaskKey(call.account, call.region, cluster.StringOr("clusterName", ""), "");
  MILL_CO_TRY(
      const std::vector<Document> tasks,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kTasksMax));
  int64_t running = 0, pending = 0;
  for (const Document& task : tasks) {
    const std::string status = task.body.StringOr("lastStatus", "");
    running += status == "RUNNING";
    pending += status == "PENDING" || status == "PROVISIONING";
  }
  co_return cluster.With("runningTasksCount", running).With("pendingTasksCount", pending);
}

}  // namespace

std::string NameOf(const std::string& arn_or_name) {
  const size_t slash = arn_or_name.rfind('/');
  return slash == std::string::npos ? arn_or_name : arn_or_name.substr(slash + 1);
}

Key ClusterKey(const Call& call, const std::string& name) {
  return call.KeyFor({"ecs", "cluster", name});
}

Task<std::string> RequireCluster(Call& call) {
  const std::string name = NameOf(call.input.StringOr("cluster", kDefault));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ClusterKey(call, name)));
  if (!found || found->body.StringOr("status", "") != "ACTIVE")
    co_return Error{Code::kNotFound, "ClusterNotFoundException", "Cluster not found."};
  co_return name;
}

Task<Json> CreateCluster(Call& call) {
  const std::string name = call.input.StringOr("clusterName", kDefault);
  const Key key = ClusterKey(call, name);
  MILL_CO_TRY(const auto there, co_await call.ports.store.Get(key));
  if (there && there->body.StringOr("status", "") == "ACTIVE")  // it may be made again
    co_return Json::Object{{"cluster", there->body}};
  const auto list = [&call](const char* member) {
    return call.input[member].is_array() ? call.input[member] : Json(Json::Array{});
  };
  const Json cluster =
      Json::Object{{"clusterArn", call.Arn("ecs", "cluster/" + name)},
                   {"clusterName", name},
                   {"status", "ACTIVE"},
                   {"registeredContainerInstancesCount", 0},
                   {"runningTasksCount", 0},
                   {"pendingTasksCount", 0},
                   {"activeServicesCount", 0},
                   {"statistics", Json::Array{}},
                   {"tags", list("tags")},
                   {"settings", list("settings")},
                   {"capacityProviders", list("capacityProviders")},
                   {"defaultCapacityProviderStrategy", list("defaultCapacityProviderStrategy")}};
  if (there)
    call.batch.Replace(*there, cluster);
  else
    call.batch.Create(key, cluster);
  co_return Json::Object{{"cluster", cluster}};
}

Task<Json> DescribeClusters(Call& call) {
  Json wanted = call.input["clusters"];
  if (wanted.size() == 0) wanted = Json::Array{Json(kDefault)};
  Json::Array clusters, failures;
  for (const Json& one : ItemsOf(wanted)) {
    const std::string name = NameOf(one.AsString());
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ClusterKey(call, name)));
    if (!found) {
      failures.push_back(
          Json::Object{{"arn", call.Arn("ecs", "cluster/" + name)}, {"reason", "MISSING"}});
      continue;
    }
    MILL_CO_TRY(Json shown, co_await Shown(call, found->body));
    clusters.push_back(std::move(shown));
  }
  co_return Json::Object{{"clusters", std::move(clusters)}, {"failures", std::move(failures)}};
}

Task<Json> ListClusters(Call& call) {
  const Key prefix = ClusterKey(call, "");
  MILL_CO_TRY(const std::vector<Document> all,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kClustersMax));
  Json::Array arns;
  for (const Document& cluster : all)
    if (cluster.body.StringOr("status", "") == "ACTIVE") arns.push_back(cluster.body["clusterArn"]);
  co_return PageOf(call.input, "clusterArns", arns, "maxResults", "nextToken",
                   InvalidParameter("Invalid token"));
}

Task<Json> DeleteCluster(Call& call) {
  MILL_CO_TRY(const std::string name, co_await RequireCluster(call));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ClusterKey(call, name)));
  MILL_CO_TRY(const Json shown, co_await Shown(call, found->body));
  if (shown.IntOr("runningTasksCount", 0) + shown.IntOr("pendingTasksCount", 0) > 0)
    co_return Error{Code::kConflict, "ClusterContainsTasksException",
                    "The Cluster cannot be deleted while Tasks are active."};
  const Json body = found->body.With("status", "INACTIVE");
  call.batch.Replace(*found, body);
  co_return Json::Object{{"cluster", body}};
}

}  // namespace stepmill::ecs
