#include "wire/registry/path.h"

namespace stepmill::wire::registry {

std::optional<Path> ParsePath(std::string_view decoded) {
  if (decoded == "/v2" || decoded == "/v2/") return Path{};
  if (!decoded.starts_with("/v2/")) return std::nullopt;
  const std::string_view rest = decoded.substr(4);
  const auto split =
      [&](std::string_view word) -> std::optional<std::pair<std::string, std::string>> {
    // The last one counts: a repository may be called "blobs".
    const size_t at = rest.rfind(word);
    if (at == rest.npos || at == 0) return std::nullopt;
    return std::pair(std::string(rest.substr(0, at)), std::string(rest.substr(at + word.size())));
  };
  if (rest.ends_with("/tags/list"))
    return Path{Path::Kind::kTags, std::string(rest.substr(0, rest.size() - 10)), ""};
  if (const auto upload = split("/blobs/uploads/"))
    return Path{upload->second.empty() ? Path::Kind::kUploads : Path::Kind::kUpload, upload->first,
                upload->second};
  if (rest.ends_with("/blobs/uploads"))
    return Path{Path::Kind::kUploads, std::string(rest.substr(0, rest.size() - 14)), ""};
  for (const auto& [word, kind] :
       {std::pair<std::string_view, Path::Kind>{"/manifests/", Path::Kind::kManifest},
        std::pair<std::string_view, Path::Kind>{"/blobs/", Path::Kind::kBlob}}) {
    const auto parts = split(word);
    if (!parts || parts->second.empty() || parts->second.find('/') != std::string::npos) continue;
    return Path{kind, parts->first, parts->second};
  }
  return std::nullopt;
}

}  // namespace stepmill::wire::registry
