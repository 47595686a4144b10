#include "base/strings.h"
#include "gate/vault.h"
#include "service/ecr/rows.h"
#include "service/ports.h"

namespace stepmill::ecr {
namespace {

constexpr int kPageMax = 1000;
constexpr Seconds kTokenLife{12 * 3600};
constexpr int kAllMax = 1'000'000;
constexpr int kLayersMax = 1'000'000;

std::string RegistryHost(const Call& call) {
  return call.account + ".dkr.ecr." + call.region + ".amazonaws.com";
}

Json Describe(const Call& call, const std::string& name, const Json& document) {
  Json::Object repository;
  repository.Set("repositoryArn", call.Arn("ecr", "repository/" + name));
  repository.Set("registryId", call.account);
  repository.Set("repositoryName", name);
  repository.Set("repositoryUri", RegistryHost(call) + "/" + name);
  for (const char* member :
       {"createdAt", "imageTagMutability", "imageScanningConfiguration", "encryptionConfiguration"})
    repository.SetIf(member, document.Find(member));
  return repository;
}

/// [a-z0-9]+((\.|_|__|-+)[a-z0-9]+)* in parts between slashes.
bool IsRepositoryName(std::string_view name) {
  if (name.size() < 2 || name.size() > 256) return false;
  for (const std::string_view part : Split(name, '/')) {
    if (part.empty() || !std::isalnum(static_cast<unsigned char>(part.front())) ||
        !std::isalnum(static_cast<unsigned char>(part.back())))
      return false;
    for (const char c : part)
      if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '.' && c != '_' && c != '-')
        return false;
    if (part.find("..") != part.npos || part.find("___") != part.npos) return false;
  }
  return true;
}

Result<> CheckMutability(const std::string& value) {
  if (value == "MUTABLE" || value == "IMMUTABLE") return {};
  return InvalidParameter("imageTagMutability " + value + " is not supported by stepmill");
}

Task<> DeleteAll(Call& call, Key prefix) {
  MILL_CO_TRY(
      const std::vector<Document> found,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAllMax));
  for (const Document& document : found) call.batch.Delete(document.key);
  co_return Result<>();
}

Task<Document> RequireByArn(Call& call) {
  const std::string arn = call.input.StringOr("resourceArn", "");
  const std::string prefix = call.Arn("ecr", "repository/");
  if (!arn.starts_with(prefix))
    co_return InvalidParameter("Invalid parameter at 'resourceArn': " + arn);
  const std::string name = arn.substr(prefix.size());
  const Key key = call.KeyFor({"ecr", "repository", name});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return RepositoryNotFound(Place{name, call.account});
  co_return *std::move(found);
}

Json WithoutTag(const Json& tags, const std::string& tag_key) {
  Json::Array left;
  if (tags.is_array())
    for (const Json& tag : tags.items())
      if (tag.StringOr("Key", "") != tag_key) left.push_back(tag);
  return left;
}

}  // namespace

Place PlaceOf(const Call& call) {
  return {call.input.StringOr("repositoryName", ""),
          call.input.StringOr("registryId", call.account)};
}

Task<Document> RequireRepository(Call& call) {
  const Place place = PlaceOf(call);
  const Key key = call.KeyFor({"ecr", "repository", place.repository});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found || place.registry != call.account) co_return RepositoryNotFound(place);
  co_return *std::move(found);
}

Task<Json> CreateRepository(Call& call) {
  const Place place = PlaceOf(call);
  if (!IsRepositoryName(place.repository))
    co_return InvalidParameter(
        "Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular "
        "expression "
        "'(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*''");
  const std::string mutability = call.input.StringOr("imageTagMutability", "MUTABLE");
  MILL_CO_CHECK(CheckMutability(mutability));
  const Json& encryption = call.input["encryptionConfiguration"];
  if (encryption.is_object() && encryption.StringOr("encryptionType", "") != "AES256")
    co_return InvalidParameter("encryptionType " + encryption.StringOr("encryptionType", "") +
                               " is not supported by stepmill");
  const Key key = call.KeyFor({"ecr", "repository", place.repository});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (found) co_return RepositoryAlreadyExists(place);
  Json::Object document;
  document.Set("createdAt", SecondsSinceEpoch(call.Now()));
  document.Set("imageTagMutability", mutability);
  document.Set("imageScanningConfiguration",
               Json::Object{{"scanOnPush", call.input["imageScanningConfiguration"].BoolOr(
                                               "scanOnPush", false)}});
  document.Set("encryptionConfiguration", Json::Object{{"encryptionType", "AES256"}});
  document.SetIf("tags", call.input.Find("tags"));
  const Json body(document);
  call.batch.Create(key, body);
  co_return Json::Object{{"repository", Describe(call, place.repository, body)}};
}

Task<Json> DescribeRepositories(Call& call) {
  Json::Array repositories;
  if (call.input.Has("repositoryNames")) {
    for (const Json& name : call.input["repositoryNames"].items()) {
      const Key key = call.KeyFor({"ecr", "repository", name.AsString()});
      MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
      if (!found) co_return RepositoryNotFound(Place{name.AsString(), call.account});
      repositories.push_back(Describe(call, name.AsString(), found->body));
    }
    co_return Json::Object{{"repositories", repositories}};
  }
  const Key prefix = call.KeyFor({"ecr", "repository", ""});
  const std::string after = Unbase64(call.input.StringOr("nextToken", "")).value_or("");
  const Key from = after.starts_with(prefix) ? after + '\0' : prefix;
  const int limit = static_cast<int>(call.input.IntOr("maxResults", 100));
  MILL_CO_TRY(const std::vector<Document> found,
              co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                              std::min(limit, kPageMax)));
  for (const Document& document : found)
    repositories.push_back(Describe(call, KeyParts(document.key).back(), document.body));
  Json::Object output{{"repositories", repositories}};
  if (static_cast<int>(found.size()) == limit) output.Set("nextToken", Base64(found.back().key));
  co_return Json(output);
}

Task<Json> DeleteRepository(Call& call) {
  const Place place = PlaceOf(call);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  const Key images = call.KeyFor({"ecr", "image", place.repository, ""});
  MILL_CO_TRY(const std::vector<Document> first,
              co_await call.ports.store.Range(images, PrefixEnd(images), Direction::kForward, 1));
  if (!first.empty() && !call.input.BoolOr("force", false)) co_return RepositoryNotEmpty(place);
  const Key layer_prefix = call.KeyFor({"ecr", "layer", place.repository, ""});
  MILL_CO_TRY(const std::vector<Document> layers,
              co_await call.ports.store.Range(layer_prefix, PrefixEnd(layer_prefix),
                                              Direction::kForward, kLayersMax));
  std::vector<std::string> dropped;
  for (const Document& layer : layers) dropped.push_back(KeyParts(layer.key).back());
  DropLayers(call, dropped);
  MILL_CO_CHECK(co_await TouchImages(call));
  for (const std::string_view kind : {"image", "tag", "layer", "upload"}) {
    const Key prefix = call.KeyFor({"ecr", kind, place.repository, ""});
    MILL_CO_CHECK(co_await DeleteAll(call, prefix));
  }
  call.batch.Delete(repository.key);
  co_return Json::Object{{"repository", Describe(call, place.repository, repository.body)}};
}

/// The password is the caller's principal, sealed: the registry (wire/registry) opens it.
Task<Json> GetAuthorizationToken(Call& call) {
  const Time expires = call.Now() + kTokenLife;
  Json::Object told;
  told.Set("principal", PrincipalToJson(call.principal));
  told.Set("account", call.account);
  told.Set("region", call.region);
  told.Set("expiresAt", MillisSinceEpoch(expires));
  const std::string password =
      call.ports.vault.Seal(Secret(Json(told).Print()), "ecr-authorization");
  Json::Object data;
  data.Set("authorizationToken", Base64("AWS:" + password));
  data.Set("expiresAt", SecondsSinceEpoch(expires));
  data.Set("proxyEndpoint", "https://" + RegistryHost(call));
  co_return Json::Object{{"authorizationData", Json(Json::Array{Json(data)})}};
}

Task<Json> PutImageTagMutability(Call& call) {
  const Place place = PlaceOf(call);
  const std::string mutability = call.input.StringOr("imageTagMutability", "");
  MILL_CO_CHECK(CheckMutability(mutability));
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call));
  call.batch.Replace(repository, repository.body.With("imageTagMutability", mutability));
  co_return Json::Object{{"registryId", call.account},
                         {"repositoryName", place.repository},
                         {"imageTagMutability", mutability}};
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document repository, co_await RequireByArn(call));
  Json tags = repository.body["tags"];
  for (const Json& tag : call.input["tags"].items())
    tags = WithoutTag(tags, tag.StringOr("Key", "")).Push(tag);
  call.batch.Replace(repository, repository.body.With("tags", tags));
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document repository, co_await RequireByArn(call));
  Json tags = repository.body["tags"];
  for (const Json& key : call.input["tagKeys"].items()) tags = WithoutTag(tags, key.AsString());
  call.batch.Replace(repository, repository.body.With("tags", tags));
  co_return Json::Object{};
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document repository, co_await RequireByArn(call));
  const Json& tags = repository.body["tags"];
  co_return Json::Object{{"tags", tags.is_array() ? tags : Json(Json::Array{})}};
}

}  // namespace stepmill::ecr
