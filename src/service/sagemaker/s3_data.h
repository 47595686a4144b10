#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compute/backend.h"
#include "json/json.h"
#include "service/ask.h"

/// What jobs read from and write to S3, by the door, as the job's role.
namespace stepmill::sagemaker {

struct S3Location {
  std::string bucket, key;  ///< key may be empty or end in '/'
};
/// "s3://BUCKET/KEY". ValidationException otherwise.
Result<S3Location> ParseS3Uri(const std::string& uri);

/// Where an object of an input goes below the input's folder. `prefix` is the URI's key.
std::string RelativeKey(const std::string& prefix, const std::string& key);

/// One object of an input.
struct DataObject {
  std::string bucket, key;
  std::string path;  ///< relative, below the input's folder
};

/// What an input names. `type`: S3Prefix, or ManifestFile: a list {"prefix": "s3://..."}, "a", "b".
struct DataSource {
  std::string uri;
  std::string type = "S3Prefix";
  bool is_sharded = false;  ///< by key: host i of n gets the objects i, i + n, ...
  int host = 0, hosts = 1;
  std::optional<uint64_t> shuffle_seed;  ///< ShuffleConfig: another order in each epoch
  int64_t epoch = 0;
};
/// From an S3Input or S3DataSource, for host `host` of `hosts`.
DataSource DataSourceOf(const Json& s3, int host, int hosts);
/// Which of `count` things are this host's, in the order of the epoch: shuffled, then shared out.
std::vector<size_t> ShareOfItems(size_t count, const DataSource& source);
/// Without what stands for folders. kInvalid when the source names nothing (a share may be empty).
Task<std::vector<DataObject>> FindObjects(Asker asker, DataSource source);
/// The keys that begin with a prefix, in order; those that end in '/' stand for folders.
Task<std::vector<std::string>> ListKeys(Asker asker, S3Location where);

/// Downloads `objects` and names them in `spec` below `folder`; their blobs are added to `blobs`.
Task<> AddObjects(Asker asker, std::vector<DataObject> objects, std::string folder, JobSpec& spec,
                  std::vector<BlobId>& blobs);

/// The regular files below `folder`, absolute, in order, and the symbolic links when asked for;
/// links are not followed.
std::vector<std::string> FilesBelow(const std::string& folder, bool with_links = false);
/// Puts each of those files at `where` + its path below `folder`. `is_live`: somebody may still
/// write to them, so that what is stored is a copy.
Task<> UploadFolder(Asker asker, std::string folder, S3Location where, bool is_live,
                    std::string effect_id);
Task<> UploadFile(Asker asker, std::string file, S3Location where, bool is_live,
                  std::string effect_id);

/// True for a failure that a later attempt may not meet: the engine performs again.
bool IsPassing(const Error& error);
/// Why a container did not start or ended badly, as AWS words it; empty when it went well.
/// `detail` is what the algorithm said of it; "" : nothing.
std::string FailureOf(const JobResult& result, const std::string& detail);
/// The first `bytes_max` bytes of a file that the job wrote; "" when there is none, or no text.
std::string ReadJobText(Ports& ports, const JobId& id, const std::string& path, size_t bytes_max);

}  // namespace stepmill::sagemaker
