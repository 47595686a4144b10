// What a bucket is told about itself. Versioning and notifications work; tags, the policy, the
// public access block, ownership, lifecycle and the AES256 encryption are kept and given back.

#include "base/strings.h"
#include "service/s3/documents.h"
#include "service/s3/errors.h"
#include "service/s3/limits.h"
#include "service/s3/operations.h"

namespace stepmill::s3 {
namespace {

/// Sets (null: takes away) one member of the bucket's document.
Task<Json> Configure(Call& call, std::string member, Json value) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Json& body = bucket.document.body;
  call.batch.Replace(bucket.document,
                     value.is_null() ? body.Without(member) : body.With(member, std::move(value)));
  co_return Json::Object{};
}

/// Keeps the input's `member`.
Task<Json> Keep(Call& call, std::string member) {
  if (!call.input.Has(member)) co_return MalformedXml();
  co_return co_await Configure(call, member, call.input[member]);
}

/// The kept `member`; `missing` where there is none.
Task<Json> Kept(Call& call, std::string member, Error missing) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Json& found = bucket.document.body[member];
  if (found.is_null()) {
    missing.fields.emplace_back("BucketName", bucket.name);
    co_return missing;
  }
  co_return found;
}

Error Missing(std::string name, std::string message) {
  return {Code::kNotFound, std::move(name), std::move(message)};
}

Json DefaultEncryption() {
  const Json apply = Json::Object{{"SSEAlgorithm", "AES256"}};
  const Json rule =
      Json::Object{{"ApplyServerSideEncryptionByDefault", apply}, {"BucketKeyEnabled", false}};
  return Json::Object{{"Rules", Json(Json::Array{rule})}};
}

}  // namespace

Task<Json> PutBucketVersioning(Call& call) {
  const Json& configuration = call.input["VersioningConfiguration"];
  const std::string status = configuration.StringOr("Status", "");
  if (configuration.StringOr("MFADelete", "Disabled") != "Disabled")
    co_return NotImplemented("MfaDelete");
  if (status != "Enabled" && status != "Suspended") co_return MalformedXml();
  co_return co_await Configure(call, "Versioning", Json(status));
}
Task<Json> GetBucketVersioning(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  Json::Object output;
  if (bucket.is_versioned()) output.Set("Status", bucket.versioning());
  co_return Json(std::move(output));
}

Task<Json> PutBucketTagging(Call& call) { return Keep(call, "Tagging"); }
Task<Json> GetBucketTagging(Call& call) {
  return Kept(call, "Tagging", Missing("NoSuchTagSet", "The TagSet does not exist"));
}
Task<Json> DeleteBucketTagging(Call& call) { return Configure(call, "Tagging", Json()); }

Task<Json> PutBucketPolicy(Call& call) {
  const std::string policy = call.input.StringOr("Policy", "");
  const auto parsed = ParseJson(policy);
  if (!parsed || !parsed->is_object() || policy.size() > kPolicyBytesMax)
    co_return Error{Code::kInvalid, "MalformedPolicy",
                    "Policies must be valid JSON and the first byte must be '{'"};
  if (!(*parsed)["Statement"].is_array() && !(*parsed)["Statement"].is_object())
    co_return Error{Code::kInvalid, "MalformedPolicy", "Missing required field Statement"};
  co_return co_await Configure(call, "Policy", Json(policy));
}
Task<Json> GetBucketPolicy(Call& call) {
  MILL_CO_TRY(const Json policy,
              co_await Kept(call, "Policy",
                            Missing("NoSuchBucketPolicy", "The bucket policy does not exist")));
  co_return Json::Object{{"Policy", policy}};
}
Task<Json> DeleteBucketPolicy(Call& call) { return Configure(call, "Policy", Json()); }

Task<Json> PutPublicAccessBlock(Call& call) { return Keep(call, "PublicAccessBlockConfiguration"); }
Task<Json> GetPublicAccessBlock(Call& call) {
  MILL_CO_TRY(const Json block,
              co_await Kept(call, "PublicAccessBlockConfiguration",
                            Missing("NoSuchPublicAccessBlockConfiguration",
                                    "The public access block configuration was not found")));
  co_return Json::Object{{"PublicAccessBlockConfiguration", block}};
}
Task<Json> DeletePublicAccessBlock(Call& call) {
  return Configure(call, "PublicAccessBlockConfiguration", Json());
}

Task<Json> PutBucketEncryption(Call& call) {
  const Json& rules = call.input["ServerSideEncryptionConfiguration"]["Rules"];
  if (!rules.is_array() || rules.size() != 1) co_return MalformedXml();
  const Json& apply = rules.At(0)["ApplyServerSideEncryptionByDefault"];
  const std::string algorithm = apply.StringOr("SSEAlgorithm", "");
  if (algorithm != "AES256") co_return NotImplemented("SSEAlgorithm " + algorithm);
  if (apply.Has("KMSMasterKeyID")) co_return NotImplemented("KMSMasterKeyID");
  co_return co_await Keep(call, "ServerSideEncryptionConfiguration");
}
Task<Json> GetBucketEncryption(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Json& kept = bucket.document.body["ServerSideEncryptionConfiguration"];
  co_return Json::Object{
      {"ServerSideEncryptionConfiguration", kept.is_null() ? DefaultEncryption() : kept}};
}

Task<Json> PutBucketLifecycleConfiguration(Call& call) {
  return Keep(call, "LifecycleConfiguration");
}
Task<Json> GetBucketLifecycleConfiguration(Call& call) {
  return Kept(
      call, "LifecycleConfiguration",
      Missing("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist"));
}

Task<Json> PutBucketOwnershipControls(Call& call) { return Keep(call, "OwnershipControls"); }
Task<Json> GetBucketOwnershipControls(Call& call) {
  MILL_CO_TRY(const Json controls,
              co_await Kept(call, "OwnershipControls",
                            Missing("OwnershipControlsNotFoundError",
                                    "The bucket ownership controls were not found")));
  co_return Json::Object{{"OwnershipControls", controls}};
}

Task<Json> PutBucketNotificationConfiguration(Call& call) {
  const Json& configuration = call.input["NotificationConfiguration"];
  if (configuration.is_null()) co_return MalformedXml();
  for (const char* member :
       {"TopicConfigurations", "QueueConfigurations", "LambdaFunctionConfigurations"})
    if (configuration[member].size() > 0)
      co_return NotImplemented(std::string(member) + " (EventBridgeConfiguration is built)");
  co_return co_await Configure(call, "Notification", configuration);
}
Task<Json> GetBucketNotificationConfiguration(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Json& kept = bucket.document.body["Notification"];
  co_return kept.is_null() ? Json(Json::Object{}) : kept;
}

Task<Json> GetBucketAcl(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Json owner = Owner(call);
  const Json grant = Json::Object{{"Grantee", owner.With("Type", "CanonicalUser")},
                                  {"Permission", "FULL_CONTROL"}};
  co_return Json::Object{{"Owner", owner}, {"Grants", Json(Json::Array{grant})}};
}

}  // namespace stepmill::s3
