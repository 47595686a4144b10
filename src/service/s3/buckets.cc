#include "base/strings.h"
#include "service/s3/content.h"
#include "service/s3/documents.h"
#include "service/s3/errors.h"
#include "service/s3/limits.h"
#include "service/s3/operations.h"
#include "task/ports.h"

namespace stepmill::s3 {
namespace {

/// docs: "General purpose bucket naming rules".
bool IsBucketName(std::string_view name) {
  if (name.size() < 3 || name.size() > 63) return false;
  const auto is_plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (!is_plain(name.front()) || !is_plain(name.back())) return false;
  bool is_address = true;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if (!is_plain(c) && c != '-' && c != '.') return false;
    if (c == '.' && name[i - 1] == '.') return false;
    is_address &= c == '.' || (c >= '0' && c <= '9');
  }
  return !(is_address && Split(name, '.').size() == 4) && !name.starts_with("xn--") &&
         !name.ends_with("-s3alias");
}

/// CreateBucket's region: the endpoint's, or what the configuration says at us-east-1's.
Result<std::string> RegionOf(const Call& call) {
  const Json& configuration = call.input["CreateBucketConfiguration"];
  if (configuration.Has("Location") || configuration.Has("Bucket"))
    return NotImplemented("directory buckets");
  const std::string given = configuration.StringOr("LocationConstraint", "");
  if (call.region == "us-east-1") {
    if (given == "us-east-1")
      return Error{Code::kInvalid,
                   "InvalidLocationConstraint",
                   "The specified location-constraint is not valid",
                   {{"LocationConstraint", given}}};
    return given.empty() ? call.region : given == "EU" ? "eu-west-1" : given;
  }
  if (given != call.region) return IllegalLocation(given);
  return call.region;
}

}  // namespace

Task<Json> CreateBucket(Call& call) {
  const std::string name = call.input.StringOr("Bucket", "");
  if (!IsBucketName(name)) co_return InvalidBucketName(name);
  MILL_CO_CHECK(CheckUnbuilt(call.input));
  if (call.input.BoolOr("ObjectLockEnabledForBucket", false))
    co_return NotImplemented("ObjectLockEnabledForBucket");
  MILL_CO_TRY(const std::string region, RegionOf(call));
  const Json output = Json::Object{{"Location", "/" + name}};
  MILL_CO_TRY(const auto present, co_await call.ports.store.Get(BucketKey(call, name)));
  if (present) {
    // us-east-1 answers its owner with success, for old clients' sake.
    if (region == "us-east-1" && present->body.StringOr("Region", "") == region) co_return output;
    co_return BucketAlreadyOwnedByYou(name);
  }
  MILL_CO_TRY(const auto owner, co_await call.ports.store.Get(NameKey(name)));
  if (owner) co_return BucketAlreadyExists(name);
  Json::Object bucket{{"Id", ReplaceAll(call.ports.random.NewUuid(), "-", "")},
                      {"Region", region},
                      {"Created", MillisSinceEpoch(call.now)}};
  const std::string ownership = call.input.StringOr("ObjectOwnership", "");
  if (!ownership.empty()) {
    const Json rule = Json::Object{{"ObjectOwnership", ownership}};
    bucket.Set("OwnershipControls", Json::Object{{"Rules", Json(Json::Array{rule})}});
  }
  const Json& tags = call.input["CreateBucketConfiguration"]["Tags"];
  if (tags.is_array()) bucket.Set("Tagging", Json::Object{{"TagSet", tags}});
  call.batch.Create(BucketKey(call, name), Json(std::move(bucket)));
  call.batch.Create(NameKey(name), Json::Object{{"Account", call.account}});
  co_return output;
}

Task<Json> DeleteBucket(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const Key objects = ObjectPrefix(call, bucket);
  MILL_CO_TRY(const auto first,
              co_await call.ports.store.Range(objects, PrefixEnd(objects), Direction::kForward, 1));
  if (!first.empty()) co_return BucketNotEmpty(bucket.name, bucket.is_versioned());
  const Key uploads = UploadPrefix(call, bucket);
  MILL_CO_TRY(const auto unfinished,
              co_await call.ports.store.Range(uploads, PrefixEnd(uploads), Direction::kForward, 1));
  if (!unfinished.empty()) co_return BucketNotEmpty(bucket.name, false);
  call.batch.expects.push_back({bucket.document.key, bucket.document.version});
  call.batch.Delete(bucket.document.key);
  call.batch.Delete(NameKey(bucket.name));
  co_return Json::Object{};
}

Task<Json> HeadBucket(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  co_return Json::Object{{"BucketRegion", bucket.document.body["Region"]},
                         {"BucketArn", "arn:aws:s3:::" + bucket.name}};
}

Task<Json> ListBuckets(Call& call) {
  const std::string wanted = call.input.StringOr("Prefix", "");
  const std::string region = call.input.StringOr("BucketRegion", "");
  const int64_t count_max = call.input.IntOr("MaxBuckets", kBucketsMax);
  if (count_max < 1 || count_max > kBucketsMax)
    co_return InvalidArgument("Argument max-buckets must be an integer between 1 and 10000",
                              "max-buckets", std::to_string(count_max));
  const Key prefix = BucketPrefix(call) + MakeKey({wanted});
  const std::string token = call.input.StringOr("ContinuationToken", "");
  Key from = prefix;
  if (!token.empty()) from = BucketKey(call, Unbase64(token).value_or("")) + '\0';
  MILL_CO_TRY(const auto found, co_await call.ports.store.Range(from, PrefixEnd(prefix),
                                                                Direction::kForward, kBucketsMax));
  Json::Array buckets;
  Json::Object output;
  for (const Document& document : found) {
    const Json& body = document.body;
    if (!region.empty() && body.StringOr("Region", "") != region) continue;
    if (static_cast<int64_t>(buckets.size()) == count_max) {
      output.Set("ContinuationToken", Base64(buckets.back().StringOr("Name", "")));
      break;
    }
    const std::string name = KeyParts(document.key).back();
    Json::Object bucket{{"Name", name}, {"CreationDate", SecondsOf(body["Created"])}};
    // Only newer clients, which page, are told the region.
    if (call.input.Has("MaxBuckets") || !region.empty() || !wanted.empty())
      bucket.Set("BucketRegion", body["Region"]);
    buckets.push_back(Json(std::move(bucket)));
  }
  output.Set("Owner", Owner(call));
  output.Set("Buckets", Json(std::move(buckets)));
  output.SetIf("Prefix", call.input.Find("Prefix"));
  co_return Json(std::move(output));
}

Task<Json> GetBucketLocation(Call& call) {
  MILL_CO_TRY(const Bucket bucket, co_await InputBucket(call));
  const std::string region = bucket.document.body.StringOr("Region", "");
  if (region == "us-east-1") co_return Json::Object{};  // its location has no name
  co_return Json::Object{{"LocationConstraint", region}};
}

}  // namespace stepmill::s3
