#include "app/job_images.h"

#include "app/image_store.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/ask.h"
#include "wire/registry/mirror_front.h"

namespace stepmill {

Task<container::RegistryImage> FindJobImage(Ports& ports, EcrImage image, std::string role_arn) {
  Asker asker{ports, Principal{}, image.account, image.region};
  if (role_arn.empty()) {
    asker.principal.account = image.account;
    asker.principal.arn = "arn:aws:iam::" + image.account + ":root";
  } else {
    MILL_CO_TRY(asker.principal, RolePrincipal(role_arn, "stepmill-job"));
  }
  Json::Object id;
  if (image.digest.empty())
    id.Set("imageTag", image.tag);
  else
    id.Set("imageDigest", image.digest);
  const Json wanted = Json::Object{{"registryId", image.account},
                                   {"repositoryName", image.repository},
                                   {"imageIds", Json::Array{Json(std::move(id))}}};
  MILL_CO_TRY(const Json found, co_await AskService(asker, "ecr", "BatchGetImage", wanted));
  container::RegistryImage result;
  for (const Json& one : ItemsOf(found["images"]))
    result.digest = one["imageId"].StringOr("imageDigest", "");
  if (result.digest.empty()) {
    std::string reason = "it is not in the repository";
    for (const Json& failure : ItemsOf(found["failures"]))
      reason = failure.StringOr("failureReason", reason);
    const std::string name = image.host + "/" + image.repository +
                             (image.digest.empty() ? ":" + image.tag : "@" + image.digest);
    co_return Error{Code::kNotFound, "ImageNotFoundException",
                    "image '" + name + "' is not there: " + reason};
  }
  const Json nothing = Json::Object{};
  MILL_CO_TRY(const Json answer,
              co_await AskService(asker, "ecr", "GetAuthorizationToken", nothing));
  for (const Json& data : ItemsOf(answer["authorizationData"])) {
    const auto text = Unbase64(data.StringOr("authorizationToken", ""));
    const size_t colon = text ? text->find(':') : std::string::npos;
    if (colon == std::string::npos) continue;
    result.username = text->substr(0, colon);
    result.password = text->substr(colon + 1);
  }
  co_return result;
}

container::ContainerOptions JobOptions(const std::string& data_dir, bool allows_unlimited,
                                       ImageTable images) {
  container::ContainerOptions options;
  options.data_dir = data_dir;
  options.sandbox_dir = SandboxHomeFolder();
  options.image_cache = ImageCacheFolder();
  options.mirror_host = wire::kMirrorHost;
  options.ca_bundle = data_dir + "/ca/bundle.pem";
  options.ca = data_dir + "/ca/ca.crt";
  options.relay_socket = data_dir + "/run/relay.sock";
  options.endpoint_file = data_dir + "/run/endpoint";
  options.allows_unlimited = allows_unlimited;
  options.images = std::move(images);
  return options;
}

}  // namespace stepmill
