#pragma once

#include <string>
#include <vector>

#include "service/ask.h"

/// A build's cache: an archive (tar.gz) of the buildspec's cache paths, brought before INSTALL and
/// stored after a build that succeeded. Whatever goes wrong with it is a line of the log, never the
/// end of the build.
///
/// S3, below the project's "BUCKET/PREFIX": PREFIX/SCOPE without a key, PREFIX/SCOPE/PATHS/KEY with
/// one (never written a second time). SCOPE is made of the project (or its cacheNamespace) and of
/// how often its cache was invalidated, PATHS of the cache's paths. LOCAL with
/// LOCAL_CUSTOM_CACHE: DATA/codebuild-cache/SCOPE.tar.gz. The other local modes have nothing to do:
/// sources come from this machine, and the engine of all builds keeps its layers.
namespace stepmill::codebuild {

/// Inside the sandbox: what was brought, what is to be stored from outside the source folder.
inline constexpr char kCacheIn[] = "/codebuild/output/tmp/cache.in";
inline constexpr char kCacheOut[] = "/codebuild/output/tmp/cache.out";

/// Takes the key's texts, as the sandbox expanded them (`expanded`: key, fallback keys), to the
/// spec's cache; `source_folder`: on this machine, for $(codebuild-hash-files ...).
Json WithExpandedKeys(const Json& cache, const std::vector<std::string>& expanded,
                      const std::string& source_folder);
/// The texts to expand, in that order.
std::vector<std::string> KeyTexts(const Json& cache);

bool IsRestored(const Json& build, const Json& spec);
bool IsSaved(const Json& build, const Json& spec);

/// The archive's files at kCacheIn, when there are any. False: nothing to copy. `lines` outlives
/// the task.
Task<bool> FetchCache(Asker asker, Json build, Json spec, std::vector<std::string>& lines);
/// Packs what was copied to kCacheOut and what the source folder (on this machine) has, and stores
/// it.
Task<> StoreCache(Asker asker, Json build, Json spec, std::string source_folder,
                  std::string effect_id, std::vector<std::string>& lines);

}  // namespace stepmill::codebuild
