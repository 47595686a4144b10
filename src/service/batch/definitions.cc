// Job definitions: revisions of a name, each for ever (INACTIVE once it is deregistered).
#include "base/strings.h"
#include "json/each.h"
#include "service/batch/operations.h"
#include "service/batch/records.h"
#include "service/counter.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::batch {

namespace {

constexpr int kDefinitionsMax = 10'000;

Result<> CheckContainer(const Json& container) {
  if (container.StringOr("image", "").empty())
    return ClientError("Error executing request, Exception : Container image must be specified.");
  const std::string driver = container["logConfiguration"].StringOr("logDriver", "awslogs");
  if (driver != "awslogs")
    return ClientError("The log driver " + driver + " is not supported by stepmill");
  bool has_vcpus = container.Has("vcpus"), has_memory = container.Has("memory");
  for (const Json& one : ItemsOf(container["resourceRequirements"])) {
    const std::string type = one.StringOr("type", "");
    has_vcpus |= type == "VCPU";
    has_memory |= type == "MEMORY";
    if (type == "GPU") return ClientError("Resource requirement GPU is not supported by stepmill");
  }
  if (!has_vcpus || !has_memory)
    return ClientError("Error executing request, Exception : Resource requirement for " +
                       std::string(has_vcpus ? "MEMORY" : "VCPU") + " is missing.");
  return Result<>();
}

}  // namespace

Task<Json> RegisterJobDefinition(Call& call) {
  const std::string name = call.input.StringOr("jobDefinitionName", "");
  if (call.input.StringOr("type", "") != "container")
    co_return ClientError("Job definitions of the type " + call.input.StringOr("type", "") +
                          " are not supported by stepmill");
  if (!call.input.Has("containerProperties"))
    co_return ClientError("containerProperties must not be null for a container job definition.");
  MILL_CO_CHECK(CheckContainer(call.input["containerProperties"]));
  const Key counter = call.KeyFor({"batch", "revision", name});
  MILL_CO_TRY(const int64_t revision, co_await NextNumber(call, counter));
  const std::string arn =
      call.Arn("batch", "job-definition/" + name + ":" + std::to_string(revision));
  const Json body = call.input.With("jobDefinitionArn", arn)
                        .With("revision", revision)
                        .With("status", "ACTIVE")
                        .With("containerOrchestrationType", "ECS");
  call.batch.PutDocument(call.KeyFor({"batch", "definition", name, PaddedNumber(revision)}), body);
  co_return Json::Object{
      {"jobDefinitionName", name}, {"jobDefinitionArn", arn}, {"revision", revision}};
}

Task<Json> DescribeJobDefinitions(Call& call) {
  const std::string name = call.input.StringOr("jobDefinitionName", "");
  const std::string status = call.input.StringOr("status", "");
  const Json wanted = call.input["jobDefinitions"];
  Key prefix = call.KeyFor({"batch", "definition"}) + "/";
  if (!name.empty()) prefix = call.KeyFor({"batch", "definition", name}) + "/";
  MILL_CO_TRY(const std::vector<Document> all,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kDefinitionsMax));
  Json::Array found;
  for (const Document& document : all) {
    const Json& body = document.body;
    const std::string own = body.StringOr("jobDefinitionName", "");
    const std::string with_revision = own + ":" + std::to_string(body.IntOr("revision", 0));
    bool is_wanted = wanted.size() == 0;
    for (const Json& reference : ItemsOf(wanted)) {
      const std::string text = NameOf(reference.AsString());
      is_wanted |= text == own || text == with_revision;
    }
    if (is_wanted && (status.empty() || body.StringOr("status", "") == status))
      found.push_back(body);
  }
  co_return PageOf(call.input, "jobDefinitions", found, "maxResults", "nextToken",
                   ClientError("The nextToken is invalid."));
}

Task<Json> DeregisterJobDefinition(Call& call) {
  const std::string reference = call.input.StringOr("jobDefinition", "");
  MILL_CO_TRY(const Json body, co_await RequireDefinition(call, reference));
  call.batch.PutDocument(call.KeyFor({"batch", "definition", body.StringOr("jobDefinitionName", ""),
                                      PaddedNumber(body.IntOr("revision", 0))}),
                         body.With("status", "INACTIVE"));
  co_return Json::Object{};
}

}  // namespace stepmill::batch
