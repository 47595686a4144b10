#include "service/batch/records.h"

#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "service/counter.h"
#include "service/ports.h"

namespace stepmill::batch {

Key EnvironmentKey(const Call& call, const std::string& name) {
  return call.KeyFor({"batch", "environment", name});
}
Key QueueKey(const Call& call, const std::string& name) {
  return call.KeyFor({"batch", "queue", name});
}
Key JobKey(std::string_view account, std::string_view region, const std::string& id) {
  return MakeKey({account, region, "batch", "job", id});
}

std::string NameOf(const std::string& arn_or_name) {
  const size_t slash = arn_or_name.rfind('/');
  return slash == std::string::npos ? arn_or_name : arn_or_name.substr(slash + 1);
}

std::string InstanceId(const Call& call, const std::string& job_id) {
  return "batch/" + call.account + "/" + call.region + "/" + job_id;
}

Task<Document> RequireQueue(Call& call, std::string arn_or_name) {
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(QueueKey(call, NameOf(arn_or_name))));
  if (!found) co_return ClientError("JobQueue " + arn_or_name + " not found.");
  co_return std::move(*found);
}

Task<Json> RequireDefinition(Call& call, std::string reference) {
  std::string name = NameOf(reference);
  std::string revision;
  const size_t colon = name.find(':');
  if (colon != std::string::npos) {
    revision = name.substr(colon + 1);
    name.resize(colon);
  }
  const Key prefix = call.KeyFor({"batch", "definition", name}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> all,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kBackward, 1000));
  for (const Document& document : all) {
    const bool is_it = revision.empty()
                           ? document.body.StringOr("status", "") == "ACTIVE"
                           : std::to_string(document.body.IntOr("revision", 0)) == revision;
    if (is_it) co_return document.body;
  }
  co_return ClientError("JobDefinition " + reference + " not found.");
}

Task<int64_t> VcpusOfQueue(Call& call, Json queue) {
  int64_t all = 0;
  for (const Json& entry : ItemsOf(queue["computeEnvironmentOrder"])) {
    const std::string name = NameOf(entry.StringOr("computeEnvironment", ""));
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(EnvironmentKey(call, name)));
    if (!found || found->body.StringOr("state", "") != "ENABLED") continue;
    const Json& resources = found->body["computeResources"];
    all += resources.is_object() ? resources.IntOr("maxvCpus", 0)
                                 : found->body.IntOr("unmanagedvCpus", 256);
  }
  co_return all;
}

bool IsOver(const std::string& status) { return status == "SUCCEEDED" || status == "FAILED"; }

Json Overlaid(const Json& list, const Json& over, std::string_view key) {
  Json::Array out;
  for (const Json& item : ItemsOf(list)) {
    bool is_replaced = false;
    for (const Json& other : ItemsOf(over)) is_replaced |= other[key] == item[key];
    if (!is_replaced) out.push_back(item);
  }
  for (const Json& other : ItemsOf(over)) out.push_back(other);
  return Json(std::move(out));
}

namespace {

/// A resource requirement rounded up, else the older member.
int64_t ResourceOf(const Json& container, const char* type, const char* member, int64_t least) {
  for (const Json& one : ItemsOf(container["resourceRequirements"])) {
    if (one.StringOr("type", "") != type) continue;
    const std::string text = one.StringOr("value", "");
    const size_t dot = text.find('.');
    const int64_t whole = ParseInt(text.substr(0, dot)).value_or(0);
    return std::max(least, whole + (dot == std::string::npos ? 0 : 1));
  }
  return std::max(least, container.IntOr(member, 0));
}

}  // namespace

int64_t VcpusOf(const Json& container) { return ResourceOf(container, "VCPU", "vcpus", 1); }
int64_t MemoryOf(const Json& container) { return ResourceOf(container, "MEMORY", "memory", 4); }

}  // namespace stepmill::batch
