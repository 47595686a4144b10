#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace stepmill::wire::registry {

/// What a path below /v2/ names (distribution specification, "Endpoints").
struct Path {
  enum class Kind { kBase, kBlob, kUploads, kUpload, kManifest, kTags } kind = Kind::kBase;
  std::string repository;
  std::string reference;  ///< a digest, an upload's id, a tag or digest
};

/// nullopt: no path of this protocol.
std::optional<Path> ParsePath(std::string_view decoded);

}  // namespace stepmill::wire::registry
