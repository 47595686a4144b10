#include "service/cloudformation/plan.h"

#include <algorithm>
#include <set>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "gate/door.h"
#include "lang/template/document.h"
#include "lang/template/limits.h"
#include "lang/template/resolve.h"
#include "lang/template/sam.h"
#include "lang/template/template.h"
#include "service/cloudformation/stack.h"
#include "service/cloudformation/types.h"
#include "service/ports.h"

namespace stepmill::cloudformation {
namespace {

/// {"Bucket", "Key"[, "VersionId"]} of an S3 URL: path style, virtual hosted, or a local endpoint.
Result<Json> PlaceOf(const std::string& url) {
  const auto bad = [&url] {
    return ValidationFailure("TemplateURL must be a supported URL: " + url);
  };
  std::string_view rest = url;
  const size_t scheme = rest.find("://");
  if (scheme == std::string_view::npos) return bad();
  rest.remove_prefix(scheme + 3);
  std::string version;
  if (const size_t question = rest.find('?'); question != std::string_view::npos) {
    for (const std::string_view part : Split(rest.substr(question + 1), '&')) {
      if (part.starts_with("versionId=")) version = UrlDecode(part.substr(10));
    }
    rest = rest.substr(0, question);
  }
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos) return bad();
  const std::string_view host = rest.substr(0, slash);
  std::string bucket;
  std::string key;
  const size_t s3 = host.find(".s3");
  const std::string path = UrlDecode(rest.substr(slash + 1));
  if (s3 != std::string_view::npos && host.find("amazonaws.com") != std::string_view::npos) {
    bucket = std::string(host.substr(0, s3));
    key = path;
  } else {
    const size_t end = path.find('/');
    if (end == std::string::npos) return bad();
    bucket = path.substr(0, end);
    key = path.substr(end + 1);
  }
  if (bucket.empty() || key.empty()) return bad();
  Json::Object place{{"Bucket", bucket}, {"Key", key}};
  if (!version.empty()) place.Set("VersionId", version);
  return Json(std::move(place));
}

Task<std::string> ReadTemplateObject(Call& call, std::string url) {
  MILL_CO_TRY(const Json place, PlaceOf(url));
  auto answer = co_await AskToRead(call, "s3", "GetObject", place);
  if (!answer) {
    co_return ValidationFailure(
        "S3 error: " + answer.error().message +
        "\nFor more information check "
        "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html");
  }
  if (!answer->body) co_return std::string();
  auto text = co_await ReadAll(*answer->body, cfn::kTemplateUrlBytesMax);
  if (!text) co_return ValidationFailure("Template may not exceed 1000000 bytes in size.");
  co_return text;
}

/// parameter -> text of the input's list, previous values filled in.
Result<Json> GivenParameters(const Json& input, const Json& stack) {
  Json::Object given;
  const Json& list = input["Parameters"];
  if (!list.is_array()) return Json(std::move(given));
  for (const Json& parameter : list.items()) {
    const std::string key = parameter.StringOr("ParameterKey", "");
    if (parameter.BoolOr("UsePreviousValue", false)) {
      const Json& previous = stack["parameters"][key]["given"];
      if (previous.is_null()) {
        return ValidationFailure(
            "Invalid input for parameter key " + key +
            ". Cannot specify usePreviousValue as true for a parameter key not in the previous "
            "template");
      }
      given.Set(key, previous);
    } else {
      given.Set(key, parameter.StringOr("ParameterValue", ""));
    }
  }
  return Json(std::move(given));
}

Task<Json> StoredParameters(Call& call, std::vector<std::string> names) {
  Json::Object stored;
  for (const std::string& name : names) {
    Json input(Json::Object{{"Name", name}});
    auto answer = co_await AskToRead(call, "ssm", "GetParameter", input);
    // A missing one is reported by ResolveParameters, with the others.
    if (!answer) continue;
    stored.Set(name, answer->output["Parameter"]["Value"]);
  }
  co_return Json(std::move(stored));
}

/// {{resolve:ssm:NAME[:VERSION]}} -> text.
Task<Json> DynamicValues(Call& call, std::vector<std::string> references) {
  Json::Object values;
  for (const std::string& reference : references) {
    const std::string inner = reference.substr(10, reference.size() - 12);
    const size_t colon = inner.find(':');
    const std::string service = inner.substr(0, colon);
    if (service != "ssm" || colon == std::string::npos) {
      co_return ValidationFailure("Dynamic references of " + service +
                                  " are not built in stepmill: " + reference);
    }
    Json input(Json::Object{{"Name", inner.substr(colon + 1)}});
    auto answer = co_await AskToRead(call, "ssm", "GetParameter", input);
    if (!answer) {
      co_return ValidationFailure("Parameters: [ssm:" + inner.substr(colon + 1) +
                                  "] cannot be resolved: " + answer.error().message);
    }
    values.Set(reference, answer->output["Parameter"]["Value"]);
  }
  co_return Json(std::move(values));
}

Result<> CheckTypes(const Json& document) {
  std::set<std::string> unknown;
  for (const Json::Member& resource : document["Resources"].members()) {
    const std::string type = resource.value.StringOr("Type", "");
    if (!FindResourceType(type)) unknown.insert(type);
  }
  if (unknown.empty()) return {};
  return ValidationFailure("Template format error: Unrecognized resource types: [" +
                           Join({unknown.begin(), unknown.end()}, ", ") + "]");
}

Result<> CheckCapabilities(const Json& input, const Json& document) {
  std::vector<std::string> given;
  if (input["Capabilities"].is_array()) {
    for (const Json& capability : input["Capabilities"].items()) {
      given.push_back(capability.is_string() ? capability.AsString() : "");
    }
  }
  const std::string missing = cfn::MissingCapabilities(document, given);
  if (missing.empty()) return {};
  return Error{Code::kInvalid, "InsufficientCapabilitiesException", missing};
}

Json TextList(const std::vector<std::string>& texts) {
  Json::Array items;
  for (const std::string& text : texts) items.push_back(text);
  return Json(std::move(items));
}

/// Ids so that each comes behind those that it needs.
std::vector<std::string> Ordered(const Json& resources, const cfn::Dependencies& needs) {
  std::vector<std::string> order;
  std::set<std::string> placed;
  const auto place = [&](const auto& self, const std::string& id) -> void {
    if (!placed.insert(id).second) return;
    for (const std::string& before : needs.at(id)) self(self, before);
    order.push_back(id);
  };
  for (const Json::Member& resource : resources.members()) place(place, resource.name);
  return order;
}

Json Change(const char* action, const std::string& id, const Json& record,
            const std::string& type) {
  Json::Object change{{"Action", action}, {"LogicalResourceId", id}};
  if (record["physical"].is_string()) change.Set("PhysicalResourceId", record["physical"]);
  change.Set("ResourceType", type);
  return Json(std::move(change));
}

Json Wrapped(const Json& change) {
  return Json(Json::Object{{"Type", "Resource"}, {"ResourceChange", change}});
}

bool HoldsFunction(const Json& value) {
  if (value.is_array()) {
    return std::any_of(value.items().begin(), value.items().end(), HoldsFunction);
  }
  if (!value.is_object()) return false;
  return std::any_of(value.members().begin(), value.members().end(), [](const Json::Member& m) {
    return m.name == "Ref" || m.name.starts_with("Fn::") || HoldsFunction(m.value);
  });
}

/// The change of a resource that is there already, or null. `replaces` says whether it makes a new
/// one.
Json Modification(const std::string& id, const Json& record, const ResourceType& type,
                  const Json& properties, bool& replaces) {
  Json::Array details;
  bool may_replace = false;
  replaces = record.StringOr("type", "") != type.name;
  for (const std::string_view name : Split(type.properties, ',')) {
    const Json& now = properties[name];
    if (now == record["properties"][name]) continue;
    const bool recreates = IsReplacedBy(type, name);
    const bool is_known = !HoldsFunction(now);
    replaces = replaces || (recreates && is_known);
    may_replace = may_replace || recreates;
    const Json target(Json::Object{{"Attribute", "Properties"},
                                   {"Name", name},
                                   {"RequiresRecreation", !recreates ? "Never"
                                                          : is_known ? "Always"
                                                                     : "Conditionally"}});
    details.push_back(Json::Object{{"Target", target},
                                   {"Evaluation", is_known ? "Static" : "Dynamic"},
                                   {"ChangeSource", "DirectModification"}});
  }
  if (details.empty() && !replaces) return Json();
  return Change("Modify", id, record, std::string(type.name))
      .With("Replacement", replaces      ? "True"
                           : may_replace ? "Conditional"
                                         : "False")
      .With("Scope", Json(Json::Array{"Properties"}))
      .With("Details", Json(std::move(details)));
}

/// Compares the target with the stack. `scope` has all but the resources' values.
Result<Json> ChangesOf(const Json& stack, const Json& present, const cfn::Dependencies& needs,
                       cfn::Scope scope) {
  Json::Array changes;
  Json::Object known;
  const Json& records = stack["resources"];
  scope.keeps_unknown = true;
  for (const std::string& id : Ordered(present, needs)) {
    scope.resources = Json(known);
    const std::string type_name = present[id].StringOr("Type", "");
    const ResourceType* type = FindResourceType(type_name);
    MILL_ASSERT(type != nullptr);
    const Json& given = present[id]["Properties"];
    MILL_TRY(const Json resolved,
             cfn::ResolveValue(given.is_null() ? Json(Json::Object{}) : given, scope));
    MILL_TRY(const Json properties, CheckedProperties(*type, id, resolved));
    const Json& record = records[id];
    if (!record["physical"].is_string() || record.StringOr("status", "") == "DELETE_COMPLETE") {
      changes.push_back(Wrapped(Change("Add", id, Json(), type_name)));
      continue;
    }
    bool replaces = false;
    const Json change = Modification(id, record, *type, properties, replaces);
    if (!change.is_null()) changes.push_back(Wrapped(change));
    if (!replaces) known.Set(id, record["attributes"]);
  }
  if (records.is_object()) {
    for (const Json::Member& record : records.members()) {
      if (present.Has(record.name) || !record.value["physical"].is_string()) continue;
      if (record.value.StringOr("status", "") == "DELETE_COMPLETE") continue;
      changes.push_back(
          Wrapped(Change("Remove", record.name, record.value, record.value.StringOr("type", ""))));
    }
  }
  return Json(std::move(changes));
}

/// Names below Fn::ImportValue that are texts once parameters are known.
void CollectImports(const Json& value, const cfn::Scope& scope, Json::Array& names) {
  if (value.is_array()) {
    for (const Json& item : value.items()) CollectImports(item, scope, names);
    return;
  }
  if (!value.is_object()) return;
  for (const Json::Member& member : value.members()) {
    if (member.name == "Fn::ImportValue") {
      const auto name = cfn::ResolveValue(member.value, scope);
      if (name && name->is_string()) names.push_back(*name);
    }
    CollectImports(member.value, scope, names);
  }
}

}  // namespace

Task<std::string> TemplateText(Call& call, Json stack) {
  const Json& input = call.input;
  const int given = input.Has("TemplateBody") + input.Has("TemplateURL") +
                    input.BoolOr("UsePreviousTemplate", false);
  if (given != 1) {
    co_return ValidationFailure("Either Template URL or Template Body must be specified.");
  }
  if (input.Has("TemplateURL")) {
    co_return co_await ReadTemplateObject(call, input.StringOr("TemplateURL", ""));
  }
  if (input.Has("TemplateBody")) {
    const std::string text = input.StringOr("TemplateBody", "");
    if (text.size() > cfn::kTemplateBodyBytesMax) {
      co_return ValidationFailure(
          "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: "
          "Member must have length less than or equal to 51200");
    }
    co_return text;
  }
  const Key key = KeysOf(call.account, call.region, stack.StringOr("uuid", ""), "").templates;
  MILL_CO_TRY(const std::optional<Document> document, co_await call.ports.store.Get(key));
  if (!document) co_return ValidationFailure("The stack has no previous template.");
  co_return document->body.StringOr("text", "");
}

Result<Json> Transformed(const Json& document) {
  const Json& transform = document["Transform"];
  Json::Array names;
  if (transform.is_string()) names.push_back(transform);
  if (transform.is_array()) names = transform.items();
  for (const Json& name : names) {
    const std::string text = name.is_string() ? name.AsString() : name.Print();
    if (text == cfn::kSamTransform || text == "AWS::LanguageExtensions") continue;
    return Error{Code::kInvalid, "TransformFailure",
                 "Transform " + text + " is not built in stepmill."};
  }
  if (!cfn::UsesSam(document)) return document.Without("Transform");
  cfn::SamOptions options;
  Json::Object defaults;
  if (document["Parameters"].is_object()) {
    for (const Json::Member& parameter : document["Parameters"].members()) {
      defaults.SetIf(parameter.name, parameter.value.Find("Default"));
    }
  }
  options.parameters = Json(std::move(defaults));
  auto translated = cfn::TranslateSam(document, options);
  if (translated) return translated;
  return Error{Code::kInvalid, "TransformFailure",
               "Transform " + std::string(cfn::kSamTransform) +
                   " failed with: " + translated.error().message};
}

Json ShownParameters(const Json& resolved) {
  Json::Array list;
  if (!resolved.is_object()) return Json(std::move(list));
  for (const Json::Member& member : resolved.members()) {
    const bool is_secret = member.value.BoolOr("no_echo", false);
    Json::Object shown{{"ParameterKey", member.name},
                       {"ParameterValue", is_secret ? Json("****") : member.value["given"]}};
    if (!is_secret && member.value.Has("stored"))
      shown.Set("ResolvedValue", member.value["stored"]);
    list.push_back(Json(std::move(shown)));
  }
  return Json(std::move(list));
}

Task<Plan> MakePlan(Call& call, Json stack, std::string stack_id, std::string stack_name) {
  MILL_CO_TRY(const std::string text, co_await TemplateText(call, stack));
  MILL_CO_TRY(const Json document, cfn::ParseDocument(text));
  Plan plan;
  plan.has_transform = document.Has("Transform");
  MILL_CO_TRY(plan.processed, Transformed(document));
  const Json& processed = plan.processed;
  MILL_CO_CHECK(cfn::CheckTemplate(processed));
  MILL_CO_CHECK(CheckTypes(processed));
  MILL_CO_TRY(const Json given, GivenParameters(call.input, stack));
  std::vector<std::string> store_names = cfn::ParameterStoreNames(processed, given);
  MILL_CO_TRY(const Json stored, co_await StoredParameters(call, std::move(store_names)));
  MILL_CO_TRY(plan.parameters, cfn::ResolveParameters(processed, given, stored));
  MILL_CO_CHECK(CheckCapabilities(call.input, processed));

  cfn::Scope scope;
  scope.account = call.account;
  scope.region = call.region;
  scope.stack_id = stack_id;
  scope.stack_name = stack_name;
  if (call.input["NotificationARNs"].is_array()) {
    scope.notification_arns = call.input["NotificationARNs"];
  }
  scope.parameters = cfn::ParameterValues(plan.parameters);
  scope.mappings = processed["Mappings"];
  MILL_CO_TRY(scope.conditions, cfn::ResolveConditions(processed, scope));
  MILL_CO_TRY(const std::vector<Document> stacks, co_await AllStacks(call));
  scope.exports = ExportsOf(stacks, UuidOf(stack_id));
  std::vector<std::string> references = cfn::DynamicReferences(processed["Resources"]);
  MILL_CO_TRY(scope.dynamic, co_await DynamicValues(call, std::move(references)));

  const Json present = cfn::PresentResources(processed, scope.conditions);
  const cfn::Dependencies needs = cfn::DependenciesOf(present, scope.conditions);
  MILL_CO_TRY(plan.changes, ChangesOf(stack, present, needs, scope));
  Json::Object dependencies;
  for (const auto& [id, ids] : needs) dependencies.Add(id, TextList(ids));
  Json::Array imports;
  CollectImports(present, scope, imports);
  plan.imports = Json(std::move(imports));
  plan.description = processed.StringOr("Description", "");
  plan.target = Json(Json::Object{{"resources", present},
                                  {"dependencies", Json(std::move(dependencies))},
                                  {"conditions", scope.conditions},
                                  {"parameters", scope.parameters},
                                  {"mappings", scope.mappings},
                                  {"outputs", processed["Outputs"]},
                                  {"exports", scope.exports},
                                  {"dynamic", scope.dynamic},
                                  {"text", text},
                                  {"processed", processed}});
  plan.has_changes =
      plan.changes.size() > 0 || !(stack["outputDefinitions"] == processed["Outputs"]);
  co_return plan;
}

}  // namespace stepmill::cloudformation
