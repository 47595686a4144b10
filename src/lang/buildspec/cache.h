#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/json.h"

/// The paths of a buildspec's `cache` (Parsed::spec's "cache"): what they mean in the sandbox. A
/// cache archive holds "abs/..." (absolute paths) and "rel/..." (those below the source folder).
namespace stepmill::buildspec {

/// Does one of the cache's patterns take `path`? Absolute ones without their first '/'. A pattern
/// without wildcards also takes what lies below it.
bool CacheTakes(const Json& cache, std::string_view path, bool is_absolute);

/// The folders or files that hold all that absolute patterns can match: "/root/.m2/**/*" ->
/// "/root/.m2". Patterns of the whole disk, and of what holds `own_folder`, have none.
std::vector<std::string> CacheBases(const Json& cache, std::string_view own_folder);

/// For the sandbox's shell: copies what stands outside of the source folder to `to_folder`/abs.
std::string CacheSaveScript(const Json& cache, std::string_view to_folder,
                            std::string_view own_folder);
/// And back from `from_folder`, which is taken away.
std::string CacheRestoreScript(const Json& cache, std::string_view from_folder,
                               std::string_view source_folder, std::string_view own_folder);

/// Which caches may stand for one another: those of the same paths.
std::string CachePathsText(const Json& cache);

/// "$(codebuild-hash-files a b*)" of a key: each list of patterns, in order. `replaced` gets the
/// text with @0@, @1@, ... in their places.
std::vector<std::vector<std::string>> HashCalls(std::string_view key, std::string& replaced);

}  // namespace stepmill::buildspec
