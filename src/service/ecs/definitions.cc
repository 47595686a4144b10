// Task definitions: revisions of a family, each for ever (INACTIVE once it is deregistered).
#include <algorithm>
#include <set>

#include "base/strings.h"
#include "json/each.h"
#include "service/counter.h"
#include "service/ecs/operations.h"
#include "service/ecs/records.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::ecs {

namespace {

constexpr int kDefinitionsMax = 10'000;

Result<> CheckContainers(const Json& input) {
  const Json& containers = input["containerDefinitions"];
  if (containers.size() == 0) return ClientError("Container.image should not be null or empty.");
  std::set<std::string> names;
  bool has_essential = false;
  for (const Json& container : ItemsOf(containers)) {
    const std::string name = container.StringOr("name", "");
    if (name.empty()) return ClientError("Container.name should not be null or empty.");
    if (container.StringOr("image", "").empty())
      return ClientError("Container.image should not be null or empty.");
    if (!names.insert(name).second) return ClientError("Container names must be unique: " + name);
    has_essential |= container.BoolOr("essential", true);
    if (!container.Has("memory") && !container.Has("memoryReservation") && !input.Has("memory"))
      return ClientError("Invalid setting for container '" + name +
                         "'. At least one of 'memory' or 'memoryReservation' must be specified.");
    const std::string driver = container["logConfiguration"].StringOr("logDriver", "awslogs");
    if (driver != "awslogs")
      return ClientError("The log driver " + driver + " is not supported by stepmill");
  }
  if (!has_essential)
    return ClientError("A task definition must have at least one essential container.");
  for (const Json& container : ItemsOf(containers))
    for (const Json& need : ItemsOf(container["dependsOn"])) {
      const std::string name = need.StringOr("containerName", "");
      if (!names.contains(name) || name == container.StringOr("name", ""))
        return ClientError("Invalid 'dependsOn' setting for container '" +
                           container.StringOr("name", "") + "': " + name);
      if (need.StringOr("condition", "") == "HEALTHY")
        return ClientError("The condition HEALTHY is not supported by stepmill");
    }
  return Result<>();
}

Key FamilyKey(const Call& call, const std::string& family) {
  return call.KeyFor({"ecs", "definition", family, ""});
}

Json Answer(const Json& body) {
  const Json& tags = body["tags"];
  return Json::Object{{"taskDefinition", body.Without("tags")},
                      {"tags", tags.is_array() ? tags : Json(Json::Array{})}};
}

}  // namespace

Task<Document> RequireDefinition(Call& call, std::string reference) {
  std::string family = NameOf(reference), revision;
  const size_t colon = family.find(':');
  if (colon != std::string::npos) {
    revision = family.substr(colon + 1);
    family.resize(colon);
  }
  const Key prefix = FamilyKey(call, family);
  MILL_CO_TRY(std::vector<Document> all,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kBackward,
                                              kDefinitionsMax));
  for (Document& document : all) {
    const bool is_it = revision.empty()
                           ? document.body.StringOr("status", "") == "ACTIVE"
                           : std::to_string(document.body.IntOr("revision", 0)) == revision;
    if (is_it) co_return std::move(document);
  }
  co_return ClientError("Unable to describe task definition.");
}

Task<Json> RegisterTaskDefinition(Call& call) {
  MILL_CO_CHECK(CheckContainers(call.input));
  const std::string family = call.input.StringOr("family", "");
  const Key counter = call.KeyFor({"ecs", "revision", family});
  MILL_CO_TRY(const int64_t revision, co_await NextNumber(call, counter));
  Json::Array containers;
  for (Json container : ItemsOf(call.input["containerDefinitions"])) {
    if (!container.Has("essential")) container = container.With("essential", true);
    for (const char* list : {"environment", "mountPoints", "portMappings", "volumesFrom"})
      if (!container.Has(list)) container = container.With(list, Json::Array{});
    containers.push_back(container.Has("cpu") ? container : container.With("cpu", 0));
  }
  Json body = call.input
                  .With("taskDefinitionArn", call.Arn("ecs", "task-definition/" + family + ":" +
                                                                 std::to_string(revision)))
                  .With("containerDefinitions", std::move(containers))
                  .With("revision", revision)
                  .With("status", "ACTIVE")
                  .With("registeredAt", SecondsSinceEpoch(call.now))
                  .With("registeredBy", call.principal.arn)
                  .With("compatibilities", Json::Array{"EC2", "FARGATE"});
  for (const char* list : {"volumes", "placementConstraints"})
    if (!body.Has(list)) body = body.With(list, Json::Array{});
  call.batch.PutDocument(call.KeyFor({"ecs", "definition", family, PaddedNumber(revision)}), body);
  co_return Answer(body);
}

Task<Json> DescribeTaskDefinition(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await RequireDefinition(call, call.input.StringOr("taskDefinition", "")));
  const Json answer = Answer(found.body);
  bool wants_tags = false;
  for (const Json& field : ItemsOf(call.input["include"])) wants_tags |= field == Json("TAGS");
  co_return wants_tags ? answer : answer.Without("tags");
}

Task<Json> DeregisterTaskDefinition(Call& call) {
  const std::string reference = call.input.StringOr("taskDefinition", "");
  if (NameOf(reference).find(':') == std::string::npos)
    co_return ClientError("Invalid revision number. Number: " + NameOf(reference));
  MILL_CO_TRY(const Document found, co_await RequireDefinition(call, reference));
  const Json body =
      found.body.With("status", "INACTIVE").With("deregisteredAt", SecondsSinceEpoch(call.now));
  call.batch.Replace(found, body);
  co_return Json::Object{{"taskDefinition", body.Without("tags")}};
}

Task<Json> ListTaskDefinitions(Call& call) {
  const std::string family = call.input.StringOr("familyPrefix", "");
  const std::string status = call.input.StringOr("status", "ACTIVE");
  const Key prefix =
      family.empty() ? call.KeyFor({"ecs", "definition", ""}) : FamilyKey(call, family);
  MILL_CO_TRY(const std::vector<Document> all,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kDefinitionsMax));
  Json::Array arns;
  for (const Document& document : all)
    if (document.body.StringOr("status", "") == status)
      arns.push_back(document.body["taskDefinitionArn"]);
  if (call.input.StringOr("sort", "") == "DESC") std::reverse(arns.begin(), arns.end());
  co_return PageOf(call.input, "taskDefinitionArns", arns, "maxResults", "nextToken",
                   InvalidParameter("Invalid token"));
}

}  // namespace stepmill::ecs
