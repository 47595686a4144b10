#include "service/sagemaker/checkpoints.h"

#include <filesystem>

#include "blob/blob_store.h"
#include "json/each.h"
#include "service/sagemaker/s3_data.h"
#include "store/store.h"

namespace stepmill::sagemaker {

namespace {

namespace fs = std::filesystem;

Key PlaceKey(const Asker& asker, const JobId& id) {
  return MakeKey({asker.account, asker.region, "sagemaker", "checkpoints", id.value});
}

Result<S3Location> FolderOf(const CheckpointPlace& place) {
  MILL_TRY(S3Location where, ParseS3Uri(place.s3_uri));
  if (!where.key.empty() && !where.key.ends_with('/')) where.key += '/';
  return where;
}

/// Changes whenever the file is written.
std::string StampOf(const std::string& file) {
  std::error_code error;  // a file that went away meanwhile: the next round sees it
  const auto size = fs::file_size(file, error);
  const auto time = fs::last_write_time(file, error);
  return std::to_string(size) + "-" + std::to_string(time.time_since_epoch().count());
}

}  // namespace

Task<> StageCheckpoints(Asker asker, CheckpointPlace place, JobSpec& spec,
                        std::vector<BlobId>& blobs) {
  MILL_CO_TRY(const S3Location where, FolderOf(place));
  MILL_CO_TRY(const auto keys, co_await ListKeys(asker, where));
  std::vector<DataObject> objects;
  Json::Object files;
  for (const std::string& key : keys) {
    if (key.ends_with('/')) continue;  // what stands for a folder
    const std::string path = key.substr(where.key.size());
    objects.push_back({where.bucket, key, path});
    files.Set(path, "");
  }
  MILL_CO_CHECK(co_await AddObjects(asker, objects, place.local_path, spec, blobs));
  Batch batch;
  batch.PutDocument(PlaceKey(asker, place.id), Json::Object{{"files", std::move(files)}});
  co_return co_await asker.ports.store.Commit(std::move(batch));
}

Task<> SyncCheckpoints(Asker asker, CheckpointPlace place, bool is_live, std::string effect_id) {
  MILL_CO_TRY(const S3Location where, FolderOf(place));
  MILL_CO_TRY(const std::string folder, asker.ports.backend.HostPath(place.id, place.local_path));
  MILL_CO_TRY(const auto known, co_await asker.ports.store.Get(PlaceKey(asker, place.id)));
  const Json before = known ? known->body["files"] : Json(Json::Object{});
  Json::Object now;
  for (const std::string& file : FilesBelow(folder)) {
    const std::string path = file.substr(folder.size() + 1);
    const std::string stamp = StampOf(file);
    now.Set(path, stamp);
    if (before.StringOr(path, "-") == stamp) continue;
    const S3Location to{where.bucket, where.key + path};
    MILL_CO_CHECK(co_await UploadFile(asker, file, to, is_live, effect_id));
  }
  const Json files = std::move(now);
  for (const auto& member : MembersOf(before)) {
    if (files.Has(member.name)) continue;
    const Json gone = Json::Object{{"Bucket", where.bucket}, {"Key", where.key + member.name}};
    MILL_CO_TRY(const Json ignored, co_await AskService(asker, "s3", "DeleteObject", gone));
  }
  if (files == before) co_return Result<>();
  Batch batch;
  batch.PutDocument(PlaceKey(asker, place.id), Json::Object{{"files", files}});
  co_return co_await asker.ports.store.Commit(std::move(batch));
}

void ForgetCheckpoints(const Asker& asker, const JobId& id, Batch& batch) {
  batch.Delete(PlaceKey(asker, id));
}

}  // namespace stepmill::sagemaker
