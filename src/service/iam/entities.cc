#include "service/iam/entities.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/template/managed_policies.h"
#include "service/iam/errors.h"
#include "service/ports.h"

namespace stepmill::iam {

namespace {

constexpr int kEntitiesMax = 5000;  // AWS's quota of users; roles have fewer
constexpr int64_t kPageUsual = 100;
constexpr size_t kDocumentMax = 131072;

/// Paths and names of AWS's own policies ("arn:aws:iam::aws:policy/" in front).
constexpr std::string_view kManaged[] = {
    "AWSBatchFullAccess",
    "AWSCloudFormationFullAccess",
    "AWSCloudFormationReadOnlyAccess",
    "AWSCodeBuildAdminAccess",
    "AWSCodeBuildDeveloperAccess",
    "AWSCodeBuildReadOnlyAccess",
    "AWSCodeCommitFullAccess",
    "AWSCodeCommitPowerUser",
    "AWSCodeCommitReadOnly",
    "AWSCodePipeline_FullAccess",
    "AWSCodePipeline_ReadOnlyAccess",
    "AWSCodeStarFullAccess",
    "AWSGlueConsoleFullAccess",
    "AWSLambda_FullAccess",
    "AWSLambda_ReadOnlyAccess",
    "AWSStepFunctionsConsoleFullAccess",
    "AWSStepFunctionsFullAccess",
    "AWSStepFunctionsReadOnlyAccess",
    "AWSXRayDaemonWriteAccess",
    "AWSXrayWriteOnlyAccess",
    "AdministratorAccess",
    "AmazonDynamoDBFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "AmazonEC2ContainerRegistryFullAccess",
    "AmazonEC2ContainerRegistryPowerUser",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonECS_FullAccess",
    "AmazonEventBridgeFullAccess",
    "AmazonEventBridgeReadOnlyAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSNSFullAccess",
    "AmazonSNSReadOnlyAccess",
    "AmazonSQSFullAccess",
    "AmazonSQSReadOnlyAccess",
    "AmazonSSMFullAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "AmazonSageMakerFullAccess",
    "AmazonSageMakerPipelinesIntegrations",
    "AmazonSageMakerReadOnly",
    "CloudWatchEventsFullAccess",
    "CloudWatchEventsReadOnlyAccess",
    "CloudWatchFullAccess",
    "CloudWatchLogsFullAccess",
    "CloudWatchLogsReadOnlyAccess",
    "CloudWatchReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
    "SecurityAudit",
    "job-function/ViewOnlyAccess",
    "service-role/AWSBatchServiceRole",
    "service-role/AWSCodePipelineServiceRole",
    "service-role/AWSGlueServiceRole",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaRole",
    "service-role/AmazonECSTaskExecutionRolePolicy",
    "service-role/CloudWatchEventsBuiltInTargetExecutionAccess",
    "service-role/CloudWatchEventsInvocationAccess"};
constexpr std::string_view kManagedPrefix = "arn:aws:iam::aws:policy/";

Key GlobalKey(const Call& call, std::string_view kind, const std::string& name) {
  return MakeKey({call.account, "global", "iam", kind, name});
}

Result<> CheckStatement(const Json& statement, bool is_trust) {
  if (!statement.is_object()) return MalformedPolicyDocument("Syntax errors in policy.");
  const std::string effect = statement.StringOr("Effect", "");
  if (effect != "Allow" && effect != "Deny")
    return MalformedPolicyDocument(effect.empty() ? "Missing required field Effect"
                                                  : "Invalid effect: " + effect);
  const bool has_principal = statement.Has("Principal") || statement.Has("NotPrincipal");
  const bool has_resource = statement.Has("Resource") || statement.Has("NotResource");
  const bool has_action = statement.Has("Action") || statement.Has("NotAction");
  if (is_trust && !has_principal)
    return MalformedPolicyDocument("Missing required field Principal");
  if (is_trust && has_resource) return MalformedPolicyDocument("Has prohibited field Resource");
  if (!is_trust && has_principal)
    return MalformedPolicyDocument("Policy document should not specify a principal.");
  if (!has_action)
    return MalformedPolicyDocument(is_trust ? "Missing required field Action"
                                            : "Policy statement must contain actions.");
  if (!is_trust && !has_resource)
    return MalformedPolicyDocument("Policy statement must contain resources.");
  return Result<>();
}

}  // namespace

Key RoleKey(const Call& call, const std::string& name) { return GlobalKey(call, "role", name); }
Key UserKey(const Call& call, const std::string& name) { return GlobalKey(call, "user", name); }
Key GroupKey(const Call& call, const std::string& name) { return GlobalKey(call, "group", name); }
Key ProfileKey(const Call& call, const std::string& name) {
  return GlobalKey(call, "instance-profile", name);
}
Key PolicyKey(const Call& call, const std::string& arn) { return GlobalKey(call, "policy", arn); }
Key Folder(const Call& call, std::string_view kind) {
  return MakeKey({call.account, "global", "iam", kind}) + "/";
}

std::string_view KindName(Kind kind) {
  switch (kind) {
    case Kind::kRole: return "role";
    case Kind::kUser: return "user";
    case Kind::kGroup: return "group";
  }
  return "";
}

Json RoleJson(const Json& body) {
  return body.Without("inline")
      .Without("attached")
      .With("AssumeRolePolicyDocument",
            Json(UrlEncode(body.StringOr("AssumeRolePolicyDocument", ""))));
}

Json WithoutItem(const Json& list, const std::string& text) {
  Json::Array kept;
  if (!list.is_array()) return Json(std::move(kept));
  for (const Json& item : list.items())
    if (!(item == Json(text))) kept.push_back(item);
  return Json(std::move(kept));
}

Task<Document> FindEntity(Call& call, Kind kind, std::string name) {
  const std::string word(KindName(kind));
  MILL_CO_TRY(auto document, co_await call.ports.store.Get(GlobalKey(call, word, name)));
  if (!document) co_return NoSuchEntity("The " + word + " with name " + name + " cannot be found.");
  co_return std::move(*document);
}

Task<Document> FindPolicy(Call& call, std::string arn) {
  MILL_CO_TRY(auto document, co_await call.ports.store.Get(PolicyKey(call, arn)));
  if (!document) co_return NoSuchEntity("Policy " + arn + " was not found.");
  co_return std::move(*document);
}

Task<std::vector<Document>> ListFolder(Call& call, std::string kind) {
  const Key from = Folder(call, kind);
  co_return co_await call.ports.store.Range(from, PrefixEnd(from), Direction::kForward,
                                            kEntitiesMax);
}

Json Page(const Json& input, std::string_view name, Json::Array items) {
  const auto limit = static_cast<size_t>(input.IntOr("MaxItems", kPageUsual));
  const auto start = ParseInt(Unbase64(input.StringOr("Marker", "")).value_or(""));
  size_t at = start && *start > 0 ? static_cast<size_t>(*start) : 0;
  at = std::min(at, items.size());
  const size_t end = std::min(items.size(), at + limit);
  Json::Object out;
  const auto first = items.begin() + static_cast<std::ptrdiff_t>(at);
  const auto last = items.begin() + static_cast<std::ptrdiff_t>(end);
  out.Add(std::string(name), Json(Json::Array(first, last)));
  out.Add("IsTruncated", end < items.size());
  if (end < items.size()) out.Add("Marker", Json(Base64(std::to_string(end))));
  return Json(std::move(out));
}

Result<> CheckPolicyDocument(const std::string& text, bool is_trust) {
  if (text.size() > kDocumentMax)
    return LimitExceeded("Cannot exceed quota for PolicySize: " + std::to_string(kDocumentMax));
  const auto document = ParseJson(text);
  if (!document || !document->is_object())
    return MalformedPolicyDocument(is_trust ? "This policy contains invalid Json"
                                            : "Syntax errors in policy.");
  const std::string version = document->StringOr("Version", "2008-10-17");
  if (version != "2012-10-17" && version != "2008-10-17")
    return MalformedPolicyDocument("The policy must contain a valid version string");
  const Json* statements = document->Find("Statement");
  if (!statements) return MalformedPolicyDocument("Syntax errors in policy.");
  if (!statements->is_array()) return CheckStatement(*statements, is_trust);
  for (const Json& statement : statements->items()) MILL_CHECK(CheckStatement(statement, is_trust));
  return Result<>();
}

bool IsManagedPolicy(std::string_view arn) {
  if (!arn.starts_with(kManagedPrefix)) return false;
  const std::string_view name = arn.substr(kManagedPrefix.size());
  if (std::find(std::begin(kManaged), std::end(kManaged), name) != std::end(kManaged)) return true;
  const size_t slash = arn.rfind('/');
  return cfn::ManagedPolicyArn("aws", arn.substr(slash + 1)) == arn;
}

std::vector<std::string> ManagedPolicies() {
  std::vector<std::string> arns;
  for (const std::string_view name : kManaged)
    arns.push_back(std::string(kManagedPrefix) + std::string(name));
  return arns;
}

Json MergeTags(const Json& old, const Json& added) {
  Json::Array tags;
  if (old.is_array()) tags = old.items();
  if (!added.is_array()) return Json(std::move(tags));
  for (const Json& tag : added.items()) {
    const std::string key = tag.StringOr("Key", "");
    std::erase_if(tags, [&key](const Json& other) { return other.StringOr("Key", "") == key; });
    tags.push_back(tag);
  }
  return Json(std::move(tags));
}

Json WithoutTags(const Json& old, const Json& keys) {
  Json::Array tags;
  if (!old.is_array()) return Json(std::move(tags));
  for (const Json& tag : old.items()) {
    bool is_removed = false;
    for (const Json& key : keys.items()) is_removed |= key == tag["Key"];
    if (!is_removed) tags.push_back(tag);
  }
  return Json(std::move(tags));
}

}  // namespace stepmill::iam
