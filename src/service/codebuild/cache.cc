#include "service/codebuild/cache.h"

#include <algorithm>
#include <filesystem>

#include "archive/archive.h"
#include "base/digest.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "json/each.h"
#include "lang/buildspec/cache.h"
#include "lang/buildspec/glob.h"
#include "service/codebuild/build_machine.h"
#include "service/codebuild/files.h"

namespace stepmill::codebuild {
namespace {

namespace fs = std::filesystem;

constexpr int kListPagesMax = 10;  // of caches that a fallback key may begin
constexpr size_t kKeyBytesMax = 512;

bool HasMode(const Json& cache, std::string_view mode) {
  for (const Json& one : ItemsOf(cache["modes"]))
    if (one == Json(mode)) return true;
  return false;
}

bool HasPlace(const Json& build, const Json& spec) {
  const Json& cache = build["cache"];
  const std::string type = cache.StringOr("type", "NO_CACHE");
  const bool is_used = type == "S3" || (type == "LOCAL" && HasMode(cache, "LOCAL_CUSTOM_CACHE"));
  return is_used && spec["cache"]["paths"].size() > 0;
}

bool IsLocal(const Json& build) { return build["cache"].StringOr("type", "") == "LOCAL"; }

/// A name like a UUID, as the ids of caches are.
std::string Scope(const Json& build) {
  const std::string space = build["cache"].StringOr("cacheNamespace", "");
  const std::string arn = build.StringOr("arn", "");
  const std::string project =
      arn.substr(0, arn.find(":build/")) + build.StringOr("projectName", "");
  const std::string text = (space.empty() ? "project " + project : "namespace " + space) + " " +
                           std::to_string(build["own"].IntOr("cacheResets", 0));
  const std::string hex = Hex(Sha256(text));
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20, 12);
}

/// Bucket, and what all keys of this cache begin with ("" or "...").
struct S3Place {
  std::string bucket, base;
};
S3Place PlaceOf(const Json& build, const Json& spec) {
  std::string location = build["cache"].StringOr("location", "");
  if (location.starts_with("arn:aws:s3:::")) location = location.substr(13);
  const size_t slash = location.find('/');
  std::string prefix = slash == std::string::npos ? "" : location.substr(slash + 1);
  while (prefix.ends_with('/')) prefix.pop_back();
  if (!prefix.empty()) prefix += "/";
  S3Place place{location.substr(0, slash), prefix + Scope(build)};
  if (!spec["cache"].StringOr("key", "").empty())
    place.base += "/" + Hex(Sha256(buildspec::CachePathsText(spec["cache"]))).substr(0, 16) + "/";
  return place;
}

std::string LocalFolder(const Asker& asker) { return asker.ports.data_dir + "/codebuild-cache"; }
std::string LocalPath(const Asker& asker, const Json& build) {
  return LocalFolder(asker) + "/" + Scope(build) + ".tar.gz";
}

/// The newest object whose key starts with `prefix`; empty when there is none.
Task<std::string> NewestUnder(Asker asker, std::string bucket, std::string prefix) {
  Json input = Json::Object{{"Bucket", bucket}, {"Prefix", prefix}};
  std::string newest;
  double newest_at = 0;
  for (int page = 0; page < kListPagesMax; ++page) {
    MILL_CO_TRY(const Json found, co_await AskService(asker, "s3", "ListObjectsV2", input));
    for (const Json& object : ItemsOf(found["Contents"])) {
      const double at = object["LastModified"].is_number() ? object["LastModified"].AsDouble() : 0;
      if (newest.empty() || at >= newest_at) {
        newest = object.StringOr("Key", "");
        newest_at = at;
      }
    }
    if (!found.BoolOr("IsTruncated", false)) break;
    input = input.With("ContinuationToken", found["NextContinuationToken"]);
  }
  co_return newest;
}

/// The archive as the file at `to`. kNotFound: there is none.
Task<> Bring(Asker asker, Json build, Json spec, std::string to, std::vector<std::string>& lines) {
  const S3Place place = PlaceOf(build, spec);
  const Json& cache = spec["cache"];
  const std::string key = cache.StringOr("key", "");
  const auto first = co_await FetchObject(asker, place.bucket, place.base + key, to);
  if (first) {
    if (!key.empty()) lines.push_back("Cache restored from key: " + key);
    co_return Result<>();
  }
  if (first.error().code != Code::kNotFound || key.empty()) co_return first.error();
  for (const Json& fallback : ItemsOf(cache["fallbackKeys"])) {
    const std::string prefix = place.base + fallback.AsString();
    if (fallback.AsString().empty()) continue;
    MILL_CO_TRY(const std::string found, co_await NewestUnder(asker, place.bucket, prefix));
    if (found.empty()) continue;
    MILL_CO_CHECK(co_await FetchObject(asker, place.bucket, found, to));
    lines.push_back("Cache restored from key: " + found.substr(place.base.size()));
    co_return Result<>();
  }
  co_return first.error();
}

/// Symbolic links of a cache stand in a member of their own: archives whose links lead out are
/// refused, and those of virtual environments do.
struct Packed {
  std::vector<Archive::Entry> entries;
  std::string links;  ///< path NUL target NUL ...
};
Result<> AddFiles(const std::string& folder, const std::string& inside, const Json& cache,
                  bool is_absolute, Packed& packed) {
  std::error_code failed;
  if (folder.empty() || !fs::is_directory(folder, failed)) return {};
  MILL_TRY(const std::vector<std::string> files, FilesBelow(folder));
  for (const std::string& file : files) {
    if (!buildspec::CacheTakes(cache, file, is_absolute)) continue;
    const fs::path path = folder + "/" + file;
    if (fs::is_symlink(fs::symlink_status(path, failed)))
      packed.links += inside + "/" + file + '\0' + fs::read_symlink(path, failed).string() + '\0';
    else
      packed.entries.push_back({inside + "/" + file, path.string()});
  }
  return {};
}

/// Makes the links again, below the unpacked folder: copies of it carry them along.
void MakeLinks(const std::string& folder, const std::string& links) {
  const std::vector<std::string_view> parts = Split(links, '\0');
  for (size_t i = 0; i + 1 < parts.size(); i += 2) {
    const fs::path at = fs::path(std::string(parts[i])).lexically_normal();
    if (at.is_absolute() || at.empty() || *at.begin() == "..") continue;
    // Links that were made before lead anywhere: nothing is put behind them.
    bool is_plain = true;
    std::error_code failed;
    fs::path above = folder;
    for (const auto& part : at.parent_path()) {
      above /= part;
      is_plain = is_plain && !fs::is_symlink(fs::symlink_status(above, failed));
    }
    if (!is_plain) continue;
    fs::create_directories(above, failed);
    fs::create_symlink(std::string(parts[i + 1]), fs::path(folder) / at, failed);
  }
}

constexpr char kLinksMember[] = "links";

}  // namespace

std::vector<std::string> KeyTexts(const Json& cache) {
  std::vector<std::string> texts;
  std::string replaced;
  buildspec::HashCalls(cache.StringOr("key", ""), replaced);
  texts.push_back(replaced);
  for (const Json& fallback : ItemsOf(cache["fallbackKeys"])) {
    buildspec::HashCalls(fallback.AsString(), replaced);
    texts.push_back(replaced);
  }
  return texts;
}

Json WithExpandedKeys(const Json& cache, const std::vector<std::string>& expanded,
                      const std::string& source_folder) {
  const auto files = FilesBelow(source_folder);
  const auto hash = [&](const std::vector<std::string>& patterns) {
    std::string digests;
    for (const std::string& file : files ? *files : std::vector<std::string>()) {
      bool is_in = false;
      for (const std::string& pattern : patterns)
        is_in = is_in || buildspec::GlobMatch(pattern, file);
      if (is_in) digests += HashOfFile(source_folder + "/" + file);
    }
    return Hex(Sha256(digests));
  };
  const auto full = [&](const std::string& text, size_t index) {
    std::string replaced, out = index < expanded.size() ? expanded[index] : "";
    const auto calls = buildspec::HashCalls(text, replaced);
    for (size_t i = 0; i < calls.size(); ++i)
      out = ReplaceAll(out, "@" + std::to_string(i) + "@", hash(calls[i]));
    while (out.starts_with('/')) out.erase(0, 1);
    return out.substr(0, kKeyBytesMax);
  };
  Json::Array fallback;
  for (size_t i = 0; i < cache["fallbackKeys"].size(); ++i)
    fallback.push_back(full(cache["fallbackKeys"].At(i).AsString(), i + 1));
  return cache.With("key", full(cache.StringOr("key", ""), 0)).With("fallbackKeys", fallback);
}

bool IsRestored(const Json& build, const Json& spec) {
  return HasPlace(build, spec) && spec["cache"].StringOr("action", "") != "save";
}
bool IsSaved(const Json& build, const Json& spec) {
  return HasPlace(build, spec) && spec["cache"].StringOr("action", "") != "restore";
}

Task<bool> FetchCache(Asker asker, Json build, Json spec, std::vector<std::string>& lines) {
  const JobId job{JobIdOf(build)};
  MILL_CO_TRY(const std::string folder, asker.ports.backend.HostPath(job, kCacheIn));
  const std::string temporary = asker.ports.data_dir + "/tmp/" + JobIdOf(build) + ".cache";
  std::error_code failed;
  fs::remove_all(folder, failed);
  std::string archive = temporary;
  if (IsLocal(build)) {
    archive = LocalPath(asker, build);
    if (!fs::exists(archive, failed)) co_return false;
  } else {
    lines.push_back("Downloading S3 cache...");
    const auto brought = co_await Bring(asker, build, spec, temporary, lines);
    if (!brought) {
      lines.push_back("Unable to download cache: " + brought.error().name + ": " +
                      brought.error().message);
      co_return false;
    }
  }
  const Archive::Limits limits;
  const auto unpacked = co_await asker.ports.archive.Unpack(archive, folder, limits);
  if (!IsLocal(build)) fs::remove(temporary, failed);
  if (!unpacked) {
    // A half of it is worse than none.
    fs::remove_all(folder, failed);
    lines.push_back("Unable to extract cache, going on without it: " +
                    ReplaceAll(unpacked.error().message, archive, "the archive"));
    co_return false;
  }
  const std::string links = folder + "/" + kLinksMember;
  MakeLinks(folder, ReadHostFile(links));
  fs::remove(links, failed);
  co_return true;
}

Task<> StoreCache(Asker asker, Json build, Json spec, std::string source_folder,
                  std::string effect_id, std::vector<std::string>& lines) {
  const Json& cache = spec["cache"];
  std::string outside;
  const JobId job{JobIdOf(build)};
  const auto copied = asker.ports.backend.HostPath(job, std::string(kCacheOut) + "/abs");
  if (copied) outside = *copied;
  for (const Json& path : ItemsOf(cache["paths"]))
    lines.push_back("Expanding cache path " + path.AsString());
  const S3Place place = PlaceOf(build, spec);
  const std::string key = cache.StringOr("key", "");
  if (!IsLocal(build) && !key.empty()) {
    const Json input = Json::Object{{"Bucket", place.bucket}, {"Prefix", place.base + key}};
    const auto there = co_await AskService(asker, "s3", "ListObjectsV2", input);
    bool is_there = false;
    if (there)
      for (const Json& object : ItemsOf((*there)["Contents"]))
        is_there = is_there || object["Key"] == Json(place.base + key);
    if (is_there) {
      lines.push_back("The cache of key " + key + " is there already: not stored again");
      co_return Result<>();
    }
  }
  Packed packed;
  for (const bool is_absolute : {false, true}) {
    const auto added = is_absolute ? AddFiles(outside, "abs", cache, true, packed)
                                   : AddFiles(source_folder, "rel", cache, false, packed);
    if (!added) {
      lines.push_back("Unable to upload cache: " + added.error().message);
      co_return Result<>();
    }
  }
  std::error_code failed;
  if (packed.entries.empty()) {
    lines.push_back("No files match the cache paths: no cache is stored");
    co_return Result<>();
  }
  const std::string links = asker.ports.data_dir + "/tmp/" + JobIdOf(build) + ".links";
  if (!WriteHostFile(links, packed.links)) co_return Result<>();
  packed.entries.push_back({kLinksMember, links});
  const size_t count = packed.entries.size() - 1;
  const std::string temporary = asker.ports.data_dir + "/tmp/" + JobIdOf(build) + ".cache";
  auto stored = co_await asker.ports.archive.Pack(Archive::Format::kTarGz,
                                                  std::move(packed.entries), temporary);
  if (!outside.empty()) fs::remove_all(outside, failed);
  fs::remove(links, failed);
  lines.push_back("Found " + std::to_string(count) + " file(s)");
  if (stored && IsLocal(build)) {
    fs::create_directories(LocalFolder(asker), failed);
    fs::rename(temporary, LocalPath(asker, build), failed);
    if (failed) stored = Error{Code::kInvalid, "FileTrouble", failed.message()};
  } else if (stored) {
    lines.push_back("Uploading S3 cache...");
    const auto put = co_await StoreObject(asker, temporary, place.bucket, place.base + key,
                                          "application/gzip", effect_id);
    if (!put) stored = put.error();
  }
  fs::remove(temporary, failed);
  if (!stored)
    lines.push_back("Unable to upload cache: " + stored.error().name + ": " +
                    stored.error().message);
  co_return Result<>();
}

}  // namespace stepmill::codebuild
