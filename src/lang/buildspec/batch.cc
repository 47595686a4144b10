#include "lang/buildspec/batch.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "json/each.h"
#include "lang/buildspec/limits.h"
#include "lang/yaml/yaml.h"

namespace stepmill::buildspec {
namespace {

constexpr size_t kBuildsMax = 100;  // of a batch

Error Fault(const std::string& message) { return {Code::kInvalid, "YAML_FILE_ERROR", message}; }

std::string TextOf(const Json& value) {
  if (value.is_bool()) return value.AsBool() ? "true" : "false";
  if (value.is_number()) return value.NumberText();
  return value.is_string() ? value.AsString() : "";
}

bool YesOf(const Json& value) {
  return value.is_bool() ? value.AsBool() : TextOf(value) == "yes" || TextOf(value) == "true";
}

/// The members of `env` as a group has them.
void AddEnvironment(const Json& env, Json& group) {
  const std::pair<const char*, const char*> kNames[] = {
      {"image", "image"}, {"compute-type", "computeType"}, {"type", "type"}};
  for (const auto& [from, to] : kNames)
    if (env.Has(from)) group = group.With(to, TextOf(env[from]));
  if (env.Has("privileged-mode"))
    group = group.With("privilegedMode", YesOf(env["privileged-mode"]));
  Json variables = group["variables"];
  for (const auto& variable : MembersOf(env["variables"]))
    variables = variables.With(variable.name, TextOf(variable.value));
  group = group.With("variables", variables);
}

Json NewGroup(const std::string& identifier) {
  return Json::Object{{"identifier", identifier},
                      {"dependsOn", Json::Array{}},
                      {"ignoreFailure", false},
                      {"variables", Json::Object{}}};
}

Result<Json> ListedGroup(const Json& entry, bool is_graph) {
  if (!entry.is_object() || TextOf(entry["identifier"]).empty())
    return Fault("Each build of a batch must have an identifier");
  Json group = NewGroup(TextOf(entry["identifier"]));
  if (entry.Has("buildspec")) group = group.With("buildspec", TextOf(entry["buildspec"]));
  group = group.With("ignoreFailure", YesOf(entry["ignore-failure"]));
  if (YesOf(entry["debug-session"])) return Fault("debug-session is not available here");
  if (entry.Has("depend-on") && !is_graph)
    return Fault("depend-on is only allowed in a build-graph");
  Json::Array needs;
  for (const Json& other : ItemsOf(entry["depend-on"])) needs.push_back(TextOf(other));
  group = group.With("dependsOn", std::move(needs));
  AddEnvironment(entry["env"], group);
  return group;
}

/// One value or a list of them.
std::vector<std::string> ValuesOf(const Json& value) {
  std::vector<std::string> values;
  for (const Json& item : ItemsOf(value)) values.push_back(TextOf(item));
  if (!value.is_array() && !value.is_null()) values.push_back(TextOf(value));
  return values;
}

Result<Json::Array> MatrixGroups(const Json& matrix) {
  if (!matrix.is_object()) return Fault("build-matrix must have the keys static and dynamic");
  Json base = NewGroup("");
  base = base.With("ignoreFailure", YesOf(matrix["static"]["ignore-failure"]));
  AddEnvironment(matrix["static"]["env"], base);
  std::vector<Json> groups{base};
  const auto multiply = [&](const std::vector<std::string>& values, auto apply) {
    if (values.empty()) return;
    std::vector<Json> next;
    for (const Json& group : groups)
      for (const std::string& value : values)
        if (next.size() <= kBuildsMax) next.push_back(apply(group, value));
    groups = std::move(next);
  };
  const Json& dynamic = matrix["dynamic"];
  multiply(ValuesOf(dynamic["buildspec"]), [](const Json& group, const std::string& value) {
    return group.With("buildspec", value);
  });
  for (const auto& member : MembersOf(dynamic["env"])) {
    if (member.name == "variables") continue;
    const std::string name = member.name;
    multiply(ValuesOf(member.value), [&name](const Json& group, const std::string& value) {
      Json with = group;
      AddEnvironment(Json::Object{{name, value}}, with);
      return with;
    });
  }
  for (const auto& variable : MembersOf(dynamic["env"]["variables"])) {
    const std::string name = variable.name;
    multiply(ValuesOf(variable.value), [&name](const Json& group, const std::string& value) {
      return group.With("variables", group["variables"].With(name, value));
    });
  }
  Json::Array numbered;
  for (const Json& group : groups)
    numbered.push_back(group.With("identifier", "build" + std::to_string(numbered.size())));
  return numbered;
}

/// Every name is there and nothing waits for itself.
Result<> CheckGraph(const Json::Array& groups) {
  std::set<std::string> names;
  for (const Json& group : groups)
    if (!names.insert(group.StringOr("identifier", "")).second)
      return Fault("The identifier " + group.StringOr("identifier", "") + " is there twice");
  std::set<std::string> done;
  for (size_t round = 0; round < groups.size(); ++round) {
    for (const Json& group : groups) {
      bool is_free = true;
      for (const Json& need : ItemsOf(group["dependsOn"])) {
        if (!names.contains(need.AsString()))
          return Fault("The build " + group.StringOr("identifier", "") + " depends on " +
                       need.AsString() + ", which is not there");
        is_free = is_free && done.contains(need.AsString());
      }
      if (is_free) done.insert(group.StringOr("identifier", ""));
    }
  }
  if (done.size() != names.size()) return Fault("The builds of the batch depend on each other");
  return {};
}

}  // namespace

Result<Json> BatchOf(std::string_view text) {
  if (text.size() > kTextBytesMax) return Fault("The buildspec is too large");
  const auto document = ParseYaml(text, YamlOptions::Buildspec());
  if (!document) return Fault(document.error().message);
  const Json& batch = (*document)["batch"];
  if (!batch.is_object()) return Fault("The buildspec has no batch");
  for (const auto& member : batch.members()) {
    const bool is_known = member.name == "fast-fail" || member.name == "build-list" ||
                          member.name == "build-graph" || member.name == "build-matrix";
    if (!is_known) return Fault("batch/" + member.name + " is not available here");
  }
  const int kinds =
      int{batch.Has("build-list")} + int{batch.Has("build-graph")} + int{batch.Has("build-matrix")};
  if (kinds != 1) return Fault("A batch has one of build-list, build-graph and build-matrix");
  Json::Array groups;
  if (batch.Has("build-matrix")) {
    MILL_TRY(groups, MatrixGroups(batch["build-matrix"]));
  }
  for (const bool is_graph : {false, true})
    for (const Json& entry : ItemsOf(batch[is_graph ? "build-graph" : "build-list"])) {
      MILL_TRY(const Json group, ListedGroup(entry, is_graph));
      groups.push_back(group);
    }
  if (groups.empty() || groups.size() > kBuildsMax)
    return Fault("A batch has 1 to 100 builds, not " + std::to_string(groups.size()));
  MILL_CHECK(CheckGraph(groups));
  return Json(Json::Object{{"fastFail", YesOf(batch["fast-fail"])}, {"groups", std::move(groups)}});
}

}  // namespace stepmill::buildspec
