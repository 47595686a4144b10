// What a template says before there is a stack.
#include <set>

#include "base/strings.h"
#include "lang/template/document.h"
#include "lang/template/resolve.h"
#include "lang/template/template.h"
#include "service/cloudformation/handlers.h"
#include "service/cloudformation/stack.h"
#include "service/ports.h"

namespace stepmill::cloudformation {
namespace {

Json Transforms(const Json& document) {
  const Json& transform = document["Transform"];
  if (transform.is_string()) return Json(Json::Array{transform});
  return transform.is_array() ? transform : Json(Json::Array{});
}

Json Summary(const Json& document) {
  Json::Array parameters;
  if (document["Parameters"].is_object()) {
    for (const Json::Member& member : document["Parameters"].members()) {
      const Json& definition = member.value;
      Json::Object out{{"ParameterKey", member.name},
                       {"ParameterType", definition["Type"]},
                       {"NoEcho", cfn::ScalarText(definition["NoEcho"]).value_or("") == "true"}};
      if (definition.Has("Default")) {
        out.Set("DefaultValue", cfn::ScalarText(definition["Default"]).value_or(""));
      }
      out.SetIf("Description", definition.Find("Description"));
      Json::Array allowed;
      if (definition["AllowedValues"].is_array()) {
        for (const Json& value : definition["AllowedValues"].items()) {
          allowed.push_back(cfn::ScalarText(value).value_or(""));
        }
      }
      Json::Object constraints;
      if (!allowed.empty()) constraints.Set("AllowedValues", Json(std::move(allowed)));
      out.Set("ParameterConstraints", Json(std::move(constraints)));
      parameters.push_back(Json(std::move(out)));
    }
  }
  Json::Object out{{"Parameters", Json(std::move(parameters))}};
  out.SetIf("Description", document.Find("Description"));
  Json::Array capabilities;
  for (const std::string& one : cfn::NeededCapabilities(document)) capabilities.push_back(one);
  const Json transforms = Transforms(document);
  if (transforms.size() > 0) {
    capabilities.push_back("CAPABILITY_AUTO_EXPAND");
    out.Set("DeclaredTransforms", transforms);
    out.Set("CapabilitiesReason", "The following transform(s) require capabilities: " +
                                      ReplaceAll(transforms.Print(), "\"", ""));
  } else if (!capabilities.empty()) {
    std::set<std::string> types;
    for (const Json::Member& resource : document["Resources"].members()) {
      const std::string type = resource.value.StringOr("Type", "");
      if (type.starts_with("AWS::IAM::")) types.insert(type);
    }
    out.Set("CapabilitiesReason", "The following resource(s) require capabilities: [" +
                                      Join({types.begin(), types.end()}, ", ") + "]");
  }
  if (!capabilities.empty()) out.Set("Capabilities", Json(std::move(capabilities)));
  return Json(std::move(out));
}

/// Parsed and checked: what a transform would refuse is refused too.
Task<Json> CheckedDocument(Call& call, Json stack) {
  MILL_CO_TRY(const std::string text, co_await TemplateText(call, stack));
  MILL_CO_TRY(const Json document, cfn::ParseDocument(text));
  auto processed = Transformed(document);
  if (!processed) co_return ValidationFailure(processed.error().message);
  MILL_CO_CHECK(cfn::CheckTemplate(*processed));
  co_return document;
}

}  // namespace

Task<Json> ValidateTemplate(Call& call) {
  MILL_CO_TRY(const Json document, co_await CheckedDocument(call, Json()));
  const Json summary = Summary(document);
  Json::Array parameters;
  for (const Json& parameter : summary["Parameters"].items()) {
    parameters.push_back(parameter.Without("ParameterType").Without("ParameterConstraints"));
  }
  co_return summary.With("Parameters", Json(std::move(parameters)));
}

Task<Json> GetTemplateSummary(Call& call) {
  Json document;
  if (call.input.Has("StackSetName")) {
    co_return ValidationFailure("StackSetName is not built in stepmill.");
  }
  if (call.input.Has("StackName")) {
    MILL_CO_TRY(const Document stack,
                co_await RequireStack(call, call.input.StringOr("StackName", "")));
    const Key key =
        KeysOf(call.account, call.region, stack.body.StringOr("uuid", ""), "").templates;
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
    if (!found) {
      co_return ValidationFailure("Stack with id " + call.input.StringOr("StackName", "") +
                                  " does not exist");
    }
    MILL_CO_TRY(document, cfn::ParseDocument(found->body.StringOr("text", "")));
  } else {
    MILL_CO_TRY(document, co_await CheckedDocument(call, Json()));
  }
  Json summary = Summary(document);
  std::set<std::string> types;
  for (const Json::Member& resource : document["Resources"].members()) {
    types.insert(resource.value.StringOr("Type", ""));
  }
  Json::Array list;
  for (const std::string& type : types) list.push_back(type);
  summary = summary.With("ResourceTypes", Json(std::move(list)));
  if (document.Has("AWSTemplateFormatVersion")) {
    summary = summary.With("Version", document["AWSTemplateFormatVersion"]);
  }
  if (document.Has("Metadata")) {
    summary = summary.With("Metadata", document["Metadata"].Print());
  }
  co_return summary;
}

Task<Json> GetTemplate(Call& call) {
  const std::string stage = call.input.StringOr("TemplateStage", "Original");
  std::string text;
  Json processed;
  if (call.input.Has("ChangeSetName")) {
    const std::string name = call.input.StringOr("ChangeSetName", "");
    MILL_CO_TRY(const Document stack,
                co_await RequireStack(call, call.input.StringOr("StackName", "")));
    const Key key =
        call.KeyFor({"cloudformation", "change-set", stack.body.StringOr("uuid", ""), name});
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
    if (!found) {
      co_return Error{Code::kNotFound, "ChangeSetNotFound",
                      "ChangeSet [" + name + "] does not exist"};
    }
    text = found->body["plan"]["target"].StringOr("text", "");
    processed = found->body["plan"]["target"]["processed"];
  } else {
    MILL_CO_TRY(const Document stack,
                co_await RequireStack(call, call.input.StringOr("StackName", "")));
    const Key key =
        KeysOf(call.account, call.region, stack.body.StringOr("uuid", ""), "").templates;
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
    if (!found) {
      co_return ValidationFailure("Stack [" + call.input.StringOr("StackName", "") +
                                  "] has no template yet");
    }
    text = found->body.StringOr("text", "");
    processed = found->body["processed"];
  }
  co_return Json::Object{{"TemplateBody", stage == "Processed" ? processed.Print() : text},
                         {"StagesAvailable", Json(Json::Array{"Original", "Processed"})}};
}

}  // namespace stepmill::cloudformation
