#include "service/objects.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "gate/door.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kPartBytes = uint64_t{1} << 30;  ///< larger files go up in parts of this size

Error FileTrouble(const std::string& path, const char* what) {
  return {Code::kUnavailable, "FileTrouble",
          std::string(what) + " " + path + ": " + std::strerror(errno)};
}

struct File {
  int number = -1;
  explicit File(int opened) : number(opened) {}
  ~File() {
    if (number >= 0) ::close(number);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
};

/// Bytes [offset, offset + length) of an open file, which outlives it.
class FileSource final : public ByteSource {
 public:
  FileSource(const File& file, std::string path, uint64_t offset, uint64_t length)
      : file_(file), path_(std::move(path)), at_(offset), end_(offset + length) {}
  Task<std::string> Read() override {
    std::string bytes(std::min<uint64_t>(kChunkBytes, end_ - at_), '\0');
    if (bytes.empty()) co_return bytes;
    ssize_t count = 0;
    do {
      count = ::pread(file_.number, bytes.data(), bytes.size(), static_cast<off_t>(at_));
    } while (count < 0 && errno == EINTR);
    if (count < 0) co_return FileTrouble(path_, "cannot read");
    if (count == 0) {
      errno = EIO;
      co_return FileTrouble(path_, "shorter than it was:");
    }
    bytes.resize(static_cast<size_t>(count));
    at_ += bytes.size();
    co_return bytes;
  }

 private:
  const File& file_;
  std::string path_;
  uint64_t at_, end_;
};

Request RequestFor(const ObjectCaller& as, std::string operation, Json input) {
  Request request;
  request.service = "s3";
  request.operation = std::move(operation);
  request.principal = as.principal;
  request.account = as.account;
  request.region = as.region;
  request.input = std::move(input);
  request.source_ip = "stepmill";
  return request;
}

Task<Answer> Ask(const ObjectCaller& as, std::string operation, Json input,
                 ByteSource* body = nullptr) {
  Request request = RequestFor(as, std::move(operation), std::move(input));
  request.body = body;
  co_return co_await as.ports.door.Ask(std::move(request));
}

Json InputFor(const ObjectName& name, const Json& attributes) {
  Json::Object input{{"Bucket", name.bucket}, {"Key", name.key}};
  if (attributes.is_object())
    for (const Json::Member& member : attributes.members()) input.Set(member.name, member.value);
  return Json(std::move(input));
}

ObjectInfo InfoOf(const ObjectName& name, uint64_t size, const Json& output) {
  return ObjectInfo{.key = name.key,
                    .size_bytes = size,
                    .etag = ReplaceAll(output.StringOr("ETag", ""), "\"", ""),
                    .version_id = output.StringOr("VersionId", "")};
}

Result<> WriteOut(const File& file, const std::string& path, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file.number, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return FileTrouble(path, "cannot write");
    bytes.remove_prefix(static_cast<size_t>(count));
  }
  return {};
}

Task<ObjectInfo> UploadInParts(const ObjectCaller& as, ObjectName name, const File& file,
                               std::string path, uint64_t size, Json attributes) {
  const Json input = InputFor(name, Json());
  MILL_CO_TRY(const Answer begun,
              co_await Ask(as, "CreateMultipartUpload", InputFor(name, attributes)));
  const Json upload = input.With("UploadId", begun.output["UploadId"]);
  Json::Array parts;
  for (uint64_t at = 0; at < size; at += kPartBytes) {
    FileSource source(file, path, at, std::min(kPartBytes, size - at));
    const int64_t number = static_cast<int64_t>(parts.size()) + 1;
    const auto part = co_await Ask(as, "UploadPart", upload.With("PartNumber", number), &source);
    if (!part) {
      // Whatever the abort says, the upload's error is what counts.
      (void)co_await Ask(as, "AbortMultipartUpload", upload);
      co_return part.error();
    }
    parts.push_back(Json::Object{{"PartNumber", number}, {"ETag", part->output["ETag"]}});
  }
  const Json listed = Json::Object{{"Parts", Json(std::move(parts))}};
  MILL_CO_TRY(const Answer done,
              co_await Ask(as, "CompleteMultipartUpload", upload.With("MultipartUpload", listed)));
  co_return InfoOf(name, size, done.output);
}

}  // namespace

Result<ObjectName> ParseS3Uri(std::string_view uri) {
  std::string_view rest = uri;
  if (rest.starts_with("s3://")) {
    rest.remove_prefix(5);
  } else if (rest.starts_with("https://s3") && rest.find('/', 8) != std::string_view::npos) {
    rest.remove_prefix(rest.find('/', 8) + 1);
  } else {
    return Error{Code::kInvalid, "ValidationException",
                 "expected an S3 URI (s3://BUCKET/KEY), not '" + std::string(uri) + "'"};
  }
  const size_t slash = rest.find('/');
  ObjectName name{std::string(rest.substr(0, slash)), ""};
  if (slash != std::string_view::npos) name.key = rest.substr(slash + 1);
  if (name.bucket.empty())
    return Error{Code::kInvalid, "ValidationException",
                 "the S3 URI '" + std::string(uri) + "' names no bucket"};
  return name;
}

Result<ObjectName> ParseS3Arn(std::string_view arn) {
  constexpr std::string_view kPrefix = "arn:aws:s3:::";
  if (!arn.starts_with(kPrefix))
    return Error{Code::kInvalid, "ValidationException",
                 "expected arn:aws:s3:::BUCKET/KEY, not '" + std::string(arn) + "'"};
  return ParseS3Uri("s3://" + std::string(arn.substr(kPrefix.size())));
}

Task<ObjectInfo> DownloadObject(const ObjectCaller& as, ObjectName name, std::string path,
                                std::string version_id) {
  Json input = InputFor(name, Json());
  if (!version_id.empty()) input = input.With("VersionId", version_id);
  MILL_CO_TRY(Answer answer, co_await Ask(as, "GetObject", std::move(input)));
  std::error_code ignored;  // the open tells
  fs::create_directories(fs::path(path).parent_path(), ignored);
  const std::string temporary = path + ".part";
  uint64_t size = 0;
  {
    const File file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.number < 0) co_return FileTrouble(temporary, "cannot create");
    while (answer.body) {
      MILL_CO_TRY(const std::string bytes, co_await answer.body->Read());
      if (bytes.empty()) break;
      MILL_CO_CHECK(WriteOut(file, temporary, bytes));
      size += bytes.size();
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) co_return FileTrouble(path, "cannot rename");
  co_return InfoOf(name, size, answer.output);
}

Task<ObjectInfo> UploadObject(const ObjectCaller& as, ObjectName name, std::string path,
                              Json attributes) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.number < 0) co_return FileTrouble(path, "cannot open");
  std::error_code trouble;
  const uint64_t size = fs::file_size(path, trouble);
  if (trouble) co_return FileTrouble(path, "cannot read");
  if (size > kPartBytes) co_return co_await UploadInParts(as, name, file, path, size, attributes);
  FileSource source(file, path, 0, size);
  MILL_CO_TRY(const Answer answer,
              co_await Ask(as, "PutObject", InputFor(name, attributes), &source));
  co_return InfoOf(name, size, answer.output);
}

Task<std::string> ReadObject(const ObjectCaller& as, ObjectName name, uint64_t bytes_max) {
  MILL_CO_TRY(Answer answer, co_await Ask(as, "GetObject", InputFor(name, Json())));
  if (!answer.body) co_return std::string();
  co_return co_await ReadAll(*answer.body, bytes_max);
}

Task<ObjectInfo> WriteObject(const ObjectCaller& as, ObjectName name, std::string bytes,
                             Json attributes) {
  const uint64_t size = bytes.size();
  const auto source = BytesSource(std::move(bytes));
  MILL_CO_TRY(const Answer answer,
              co_await Ask(as, "PutObject", InputFor(name, attributes), source.get()));
  co_return InfoOf(name, size, answer.output);
}

Task<ObjectInfo> DescribeObject(const ObjectCaller& as, ObjectName name) {
  MILL_CO_TRY(const Answer answer, co_await Ask(as, "HeadObject", InputFor(name, Json())));
  const int64_t size = answer.output.IntOr("ContentLength", 0);
  co_return InfoOf(name, static_cast<uint64_t>(size), answer.output);
}

Task<std::vector<ObjectInfo>> ListObjectsUnder(const ObjectCaller& as, ObjectName name,
                                               size_t count_max) {
  std::vector<ObjectInfo> all;
  Json input = Json::Object{{"Bucket", name.bucket}, {"Prefix", name.key}};
  while (true) {
    MILL_CO_TRY(const Answer answer, co_await Ask(as, "ListObjectsV2", input));
    const Json& contents = answer.output["Contents"];
    if (contents.is_array()) {
      for (const Json& entry : contents.items()) {
        const ObjectName found{name.bucket, entry.StringOr("Key", "")};
        all.push_back(InfoOf(found, static_cast<uint64_t>(entry.IntOr("Size", 0)), entry));
      }
    }
    if (all.size() > count_max)
      co_return Error{Code::kLimit, "TooManyObjects",
                      "more than " + std::to_string(count_max) + " objects start with s3://" +
                          name.bucket + "/" + name.key};
    if (!answer.output.BoolOr("IsTruncated", false)) co_return all;
    input = input.With("ContinuationToken", answer.output["NextContinuationToken"]);
  }
}

Task<size_t> UploadFolder(const ObjectCaller& as, ObjectName name, std::string folder) {
  std::vector<std::string> files;
  std::error_code trouble;
  fs::recursive_directory_iterator walk(folder, trouble);
  for (const auto end = fs::end(walk); !trouble && walk != end; walk.increment(trouble))
    if (walk->symlink_status().type() == fs::file_type::regular)
      files.push_back(walk->path().lexically_relative(folder).string());
  if (trouble)
    co_return Error{Code::kUnavailable, "FileTrouble",
                    "cannot read " + folder + ": " + trouble.message()};
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    const ObjectName to{name.bucket, name.key + file};
    MILL_CO_CHECK(co_await UploadObject(as, to, folder + "/" + file));
  }
  co_return files.size();
}

Task<size_t> DownloadPrefix(const ObjectCaller& as, ObjectName name, std::string folder) {
  MILL_CO_TRY(const auto all, co_await ListObjectsUnder(as, name));
  std::error_code trouble;
  fs::create_directories(folder, trouble);
  size_t count = 0;
  for (const ObjectInfo& object : all) {
    std::string rest = object.key.substr(name.key.size());
    if (rest.empty()) rest = fs::path(object.key).filename().string();  // it names one object
    while (rest.starts_with("/")) rest.erase(0, 1);
    if (rest.empty() || rest.ends_with("/")) continue;
    const fs::path relative = fs::path(rest).lexically_normal();
    if (relative.is_absolute() || *relative.begin() == "..")
      co_return Error{Code::kInvalid, "FileTrouble",
                      "the key " + object.key + " leads out of " + folder};
    const ObjectName from{name.bucket, object.key};
    MILL_CO_CHECK(co_await DownloadObject(as, from, (fs::path(folder) / relative).string()));
    ++count;
  }
  co_return count;
}

}  // namespace stepmill
