#include "service/sagemaker/s3_data.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "json/each.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/mix_seed.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

namespace fs = std::filesystem;

constexpr uint64_t kManifestMax = 64ull << 20;

Task<std::vector<DataObject>> ReadManifest(Asker asker, S3Location where) {
  MILL_CO_TRY(const BlobInfo blob, co_await FetchBlob(asker, where.bucket, where.key));
  const Result<std::string> text = co_await ReadBlob(asker.ports.blobs, blob.id, kManifestMax);
  MILL_CO_CHECK(co_await asker.ports.blobs.Remove(blob.id));
  if (!text) co_return text.error();
  MILL_CO_TRY(const Json manifest, ParseJson(*text));
  if (!manifest.is_array() || manifest.size() == 0 || !manifest.At(0)["prefix"].is_string())
    co_return Invalid("the manifest must be a list that begins with {\"prefix\": \"s3://...\"}");
  MILL_CO_TRY(const S3Location prefix, ParseS3Uri(manifest.At(0).StringOr("prefix", "")));
  std::vector<DataObject> objects;
  for (size_t i = 1; i < manifest.size(); ++i) {
    if (!manifest.At(i).is_string()) co_return Invalid("the manifest must name keys");
    const std::string& rest = manifest.At(i).AsString();
    objects.push_back({prefix.bucket, prefix.key + rest, rest});
  }
  co_return objects;
}

}  // namespace

Result<S3Location> ParseS3Uri(const std::string& uri) {
  constexpr std::string_view kScheme = "s3://";
  const size_t slash = uri.find('/', kScheme.size());
  S3Location location;
  if (uri.starts_with(kScheme)) {
    location.bucket = uri.substr(kScheme.size(), slash - kScheme.size());
    if (slash != std::string::npos) location.key = uri.substr(slash + 1);
  }
  if (location.bucket.empty()) return Invalid("S3Uri must be s3://BUCKET/KEY, not '" + uri + "'");
  return location;
}

std::string RelativeKey(const std::string& prefix, const std::string& key) {
  // The object itself: its name. A prefix: what stands behind its last whole folder.
  const size_t slash = prefix.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : prefix.substr(0, slash + 1);
  if (prefix == key || !key.starts_with(prefix)) return key.substr(key.rfind('/') + 1);
  // "data" also names the folder "data/": then the rest of the key is below it.
  if (!prefix.empty() && prefix.back() != '/' && key[prefix.size()] == '/')
    return key.substr(prefix.size() + 1);
  return key.substr(folder.size());
}

DataSource DataSourceOf(const Json& s3, int host, int hosts) {
  DataSource source;
  source.uri = s3.StringOr("S3Uri", "");
  source.type = s3.StringOr("S3DataType", "S3Prefix");
  source.is_sharded = s3.StringOr("S3DataDistributionType", "FullyReplicated") == "ShardedByS3Key";
  source.host = host;
  source.hosts = hosts;
  return source;
}

Task<std::vector<std::string>> ListKeys(Asker asker, S3Location where) {
  std::vector<std::string> keys;
  std::string token;
  do {
    Json::Object input{{"Bucket", where.bucket}, {"Prefix", where.key}};
    if (!token.empty()) input.Set("ContinuationToken", token);
    const Json asked = std::move(input);
    MILL_CO_TRY(const Json page, co_await AskService(asker, "s3", "ListObjectsV2", asked));
    for (const Json& object : ItemsOf(page["Contents"])) {
      keys.push_back(object.StringOr("Key", ""));
    }
    token = page.BoolOr("IsTruncated", false) ? page.StringOr("NextContinuationToken", "") : "";
  } while (!token.empty());
  co_return keys;
}

std::vector<size_t> ShareOfItems(size_t count, const DataSource& source) {
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (source.shuffle_seed) {
    const uint64_t seed = MixSeed(*source.shuffle_seed, static_cast<uint64_t>(source.epoch) + 1);
    for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[MixSeed(seed, i) % i]);
  }
  if (!source.is_sharded) return order;
  std::vector<size_t> mine;
  for (auto i = static_cast<size_t>(source.host); i < count; i += static_cast<size_t>(source.hosts))
    mine.push_back(order[i]);
  return mine;
}

Task<std::vector<DataObject>> FindObjects(Asker asker, DataSource source) {
  MILL_CO_TRY(const S3Location where, ParseS3Uri(source.uri));
  std::vector<DataObject> objects;
  bool is_there = false;
  if (source.type == "ManifestFile") {
    MILL_CO_TRY(objects, co_await ReadManifest(asker, where));
  } else {
    MILL_CO_TRY(const auto keys, co_await ListKeys(asker, where));
    for (const std::string& key : keys) {
      is_there = true;
      // What stands for a folder is no file.
      if (!key.ends_with('/')) objects.push_back({where.bucket, key, RelativeKey(where.key, key)});
    }
  }
  if (objects.empty() && !is_there)
    co_return Invalid("No S3 objects found under S3 URL \"" + source.uri + "\"");
  std::vector<DataObject> mine;
  for (const size_t i : ShareOfItems(objects.size(), source)) mine.push_back(objects[i]);
  co_return mine;
}

Task<> AddObjects(Asker asker, std::vector<DataObject> objects, std::string folder, JobSpec& spec,
                  std::vector<BlobId>& blobs) {
  while (folder.ends_with('/')) folder.pop_back();
  for (const DataObject& object : objects) {
    MILL_CO_TRY(const BlobInfo blob, co_await FetchBlob(asker, object.bucket, object.key));
    blobs.push_back(blob.id);
    JobInput file;
    file.kind = JobInput::Kind::kBlobFile;
    file.blob = blob.id;
    file.path = folder + "/" + object.path;
    spec.inputs.push_back(file);
  }
  co_return Result<>();
}

std::vector<std::string> FilesBelow(const std::string& folder, bool with_links) {
  std::vector<std::string> files;
  std::error_code error;  // a folder that the job removed has no files
  for (auto entry = fs::recursive_directory_iterator(folder, error);
       entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error) break;
    const bool is_link = entry->is_symlink(error);
    if (is_link ? with_links : entry->is_regular_file(error)) files.push_back(entry->path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

Task<> UploadFile(Asker asker, std::string file, S3Location where, bool is_live,
                  std::string effect_id) {
  // The store takes a file away: it gets a name of its own, so that a repeat finds it again.
  const std::string copy = asker.ports.data_dir + "/tmp/" + asker.ports.random.NewUuid();
  std::error_code error;
  if (!is_live) fs::create_hard_link(file, copy, error);
  if (is_live || error) {
    error.clear();
    fs::copy_file(file, copy, error);
  }
  if (error) co_return Error{Code::kInternal, "FileError", file + ": " + error.message()};
  const std::string id = effect_id + ":" + where.bucket + "/" + where.key;
  MILL_CO_TRY(const Json stored, co_await StoreObject(asker, copy, where.bucket, where.key,
                                                      "application/octet-stream", id));
  co_return Result<>();
}

Task<> UploadFolder(Asker asker, std::string folder, S3Location where, bool is_live,
                    std::string effect_id) {
  if (!where.key.empty() && !where.key.ends_with('/')) where.key += '/';
  for (const std::string& file : FilesBelow(folder)) {
    S3Location to = where;
    to.key += file.substr(folder.size() + 1);
    MILL_CO_CHECK(co_await UploadFile(asker, file, to, is_live, effect_id));
  }
  co_return Result<>();
}

bool IsPassing(const Error& error) {
  return error.code == Code::kUnavailable || error.code == Code::kTimeout;
}

std::string FailureOf(const JobResult& result, const std::string& detail) {
  if (!result.start_error.empty()) {
    if (result.start_error.starts_with("image '")) {
      return "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
             "permissions are incorrect: " +
             result.start_error;
    }
    return "ClientError: Cannot start the container: " + result.start_error;
  }
  if (result.exit_code == 0) return "";
  const std::string why = result.is_out_of_memory ? " (out of memory)" : "";
  return "AlgorithmError: " + (detail.empty() ? "See job logs for more information" : detail) +
         why + ", exit code: " + std::to_string(result.exit_code);
}

std::string ReadJobText(Ports& ports, const JobId& id, const std::string& path, size_t bytes_max) {
  const auto host = ports.backend.HostPath(id, path);
  std::error_code error;  // what cannot be looked at is no message
  if (!host || !fs::is_regular_file(fs::symlink_status(*host, error))) return "";
  std::ifstream file(*host, std::ios::binary);
  std::string text(bytes_max, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  text = TruncateUtf8(text, bytes_max);
  return IsValidUtf8(text) ? text : "";
}

}  // namespace stepmill::sagemaker
