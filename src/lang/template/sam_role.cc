// The Policies property: names and ARNs of managed policies, policy documents, policy templates.
#include <optional>

#include "base/strings.h"
#include "lang/template/managed_policies.h"
#include "lang/template/policy_templates.h"
#include "lang/template/sam_parts.h"

namespace stepmill::cfn {
namespace {

enum class PolicyKind { kManaged, kDocument, kTemplate, kUnknown };

Error InvalidTemplate(const std::string& what) {
  return Error{Code::kInvalid, "ValidationError",
               "Structure of the SAM template is invalid. " + what};
}

bool IsNoValue(const Json& value) {
  return IsFunction(value, "Ref") && value["Ref"].is_string() &&
         value["Ref"].AsString() == "AWS::NoValue";
}

Result<PolicyKind> KindOf(const Json& policy);

Result<PolicyKind> KindOfIf(const Json& branches) {
  if (!branches.is_array() || branches.size() != 3) {
    return InvalidTemplate("Fn::If requires 3 arguments");
  }
  MILL_TRY(const PolicyKind then_kind, KindOf(branches.At(1)));
  MILL_TRY(const PolicyKind else_kind, KindOf(branches.At(2)));
  if (then_kind == else_kind) return then_kind;
  if (IsNoValue(branches.At(1))) return else_kind;
  if (IsNoValue(branches.At(2))) return then_kind;
  return InvalidTemplate(
      "Different policy types within the same Fn::If statement is unsupported. Separate different "
      "policy types into different Fn::If statements");
}

Result<PolicyKind> KindOf(const Json& policy) {
  if (policy.is_string()) return PolicyKind::kManaged;
  if (IsFunction(policy, "Fn::If")) return KindOfIf(policy["Fn::If"]);
  if (IsFunction(policy)) return PolicyKind::kManaged;
  if (policy.Has("Statement")) return PolicyKind::kDocument;
  if (policy.is_object() && policy.size() == 1 && FindPolicyTemplate(policy.members()[0].name)) {
    return PolicyKind::kTemplate;
  }
  return PolicyKind::kUnknown;
}

/// {"$": "P"} replaced by the value of P.
Json Filled(const Json& text, const Json& values) {
  if (text.is_array()) {
    Json::Array items;
    for (const Json& item : text.items()) items.push_back(Filled(item, values));
    return Json(std::move(items));
  }
  if (!text.is_object()) return text;
  if (text.size() == 1 && text.members()[0].name == "$") return values[text["$"].AsString()];
  Json::Object members;
  for (const Json::Member& member : text.members()) {
    members.Add(member.name, Filled(member.value, values));
  }
  return Json(std::move(members));
}

Result<Json> Expanded(const std::string& id, const Json& policy) {
  const std::string& name = policy.members()[0].name;
  const Json& values = policy.members()[0].value;
  const PolicyTemplate* found = FindPolicyTemplate(name);
  MILL_ASSERT(found != nullptr);
  if (!values.is_object()) {
    return InvalidResource(
        id, "Must specify valid parameter values for policy template '" + name + "'");
  }
  std::vector<std::string> missing;
  for (const std::string_view parameter : Split(found->parameters, ',')) {
    if (!parameter.empty() && !values.Has(parameter)) {
      missing.push_back("'" + std::string(parameter) + "'");
    }
  }
  if (!missing.empty()) {
    return InvalidResource(id, "Following required parameters of template '" + name +
                                   "' don't have values: [" + Join(missing, ", ") + "]");
  }
  MILL_TRY(const Json text, ParseJson(found->statements));
  return Filled(text, values);
}

/// Fn::If with its branches changed by `change`; AWS::NoValue stays.
template <class Change>
Json WithBranches(const Json& policy, Change change) {
  const Json& branches = policy["Fn::If"];
  const auto branch = [&](const Json& value) { return IsNoValue(value) ? value : change(value); };
  return Json(Json::Object{{"Fn::If", Json(Json::Array{branches.At(0), branch(branches.At(1)),
                                                       branch(branches.At(2))})}});
}

Json ManagedArn(const Json& policy, const SamOptions& options) {
  if (!policy.is_string()) return policy;
  const std::string arn = ManagedPolicyArn(options.partition, policy.AsString());
  return arn.empty() ? policy : Json(arn);
}

void PushOnce(const Json& value, Json::Array& list) {
  for (const Json& item : list) {
    if (item == value) return;
  }
  list.push_back(value);
}

}  // namespace

Result<Json> ExpandPolicyTemplates(const std::string& id, const Json& properties) {
  const Json& policies = properties["Policies"];
  if (!IsTruthy(policies)) return properties;
  const Json::Array list = policies.is_array() ? policies.items() : Json::Array{policies};
  Json::Array out;
  for (const Json& policy : list) {
    MILL_TRY(const PolicyKind kind, KindOf(policy));
    if (kind != PolicyKind::kTemplate) {
      out.push_back(policy);
    } else if (IsFunction(policy, "Fn::If")) {
      Json::Array branches{policy["Fn::If"].At(0)};
      for (size_t i = 1; i < 3; ++i) {
        const Json& branch = policy["Fn::If"].At(i);
        if (IsNoValue(branch)) {
          branches.push_back(branch);
          continue;
        }
        MILL_TRY(Json expanded, Expanded(id, branch));
        branches.push_back(std::move(expanded));
      }
      out.push_back(Json::Object{{"Fn::If", Json(std::move(branches))}});
    } else {
      MILL_TRY(Json expanded, Expanded(id, policy));
      out.push_back(std::move(expanded));
    }
  }
  return properties.With("Policies", Json(std::move(out)));
}

Result<CfnResource> MakeRole(RoleRequest request, const SamOptions& options) {
  CfnResource role{request.resource_id + "Role", "AWS::IAM::Role", {}, request.attributes, {}};
  size_t index = 0;
  for (const Json& policy : request.policies.items()) {
    MILL_TRY(const PolicyKind kind, KindOf(policy));
    const std::string name = role.id + "Policy" + std::to_string(index);
    const auto inline_policy = [&name](const Json& document) {
      return Json(Json::Object{{"PolicyName", name}, {"PolicyDocument", document}});
    };
    if (kind == PolicyKind::kDocument) {
      request.documents.push_back(IsFunction(policy, "Fn::If") ? WithBranches(policy, inline_policy)
                                                               : inline_policy(policy));
    } else if (kind == PolicyKind::kManaged) {
      const auto managed = [&options](const Json& value) { return ManagedArn(value, options); };
      PushOnce(IsFunction(policy, "Fn::If") ? WithBranches(policy, managed) : managed(policy),
               request.managed_arns);
    } else {
      return InvalidResource(request.resource_id, "Policy at index " + std::to_string(index) +
                                                      " in the 'Policies' property is not valid");
    }
    ++index;
  }
  role.properties.Set("AssumeRolePolicyDocument", request.trust);
  role.properties.Set("ManagedPolicyArns", Json(std::move(request.managed_arns)));
  role.properties.Set("Path", request.path);
  role.properties.Set("PermissionsBoundary", request.permissions_boundary);
  if (!request.documents.empty()) {
    role.properties.Set("Policies", Json(std::move(request.documents)));
  }
  role.properties.Set("Tags", request.tags);
  return role;
}

}  // namespace stepmill::cfn
