#include "app/data_check.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <set>

#include "base/digest.h"
#include "base/secret.h"
#include "base/strings.h"
#include "gate/sealed_store.h"
#include "gate/vault.h"
#include "json/each.h"
#include "store/journal/journal_store.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

constexpr size_t kProblemsMax = 1000;
constexpr size_t kHexMd5 = 32, kHexSha256 = 64;

class DataChecker {
 public:
  explicit DataChecker(std::string dir) : dir_(std::move(dir)), store_(dir_ + "/store") {}

  Result<DataReport> Run() {
    std::error_code failure;
    if (!fs::is_regular_file(store_ + "/index.sqlite", failure))
      return Error{Code::kNotFound, "NoStore", dir_ + " holds no store"};
    ReadKey();
    const StoreScan scan{
        .problem = [this](std::string text) { Problem(store_ + ": " + text); },
        .document = [this](const Document& document) { TakeDocument(document); },
        .record = [this](const std::string& stream,
                         const Record& record) { (void)Unseal(stream, record.body); },
        .due = [this](const Due& due) { TakeDue(due); }};
    MILL_CHECK(ScanStorePages(store_, scan));
    // Rows of broken pages would only repeat it.
    if (!report_.problems.empty()) return std::move(report_);
    {
      asio::io_context context;
      const auto opened = JournalStore::OpenFolder(context.get_executor(), store_, {});
      if (!opened) {
        Problem(opened.error().message);
        return std::move(report_);
      }
    }
    MILL_TRY(report_.counts, ScanStore(store_, scan));
    NoteLeftovers();
    return std::move(report_);
  }

 private:
  void Problem(std::string text) {
    if (report_.problems.size() < kProblemsMax) report_.problems.push_back(std::move(text));
  }

  void ReadKey() {
    std::ifstream file(dir_ + "/key", std::ios::binary);
    std::string key(std::istreambuf_iterator<char>(file), {});
    if (key.size() == 32)
      vault_ = std::make_unique<Vault>(Secret(std::move(key)));
    else
      Problem(dir_ + "/key does not hold 32 bytes: what is sealed cannot be read");
  }

  Json Unseal(const std::string& place, const Json& body) {
    if (!vault_) return body;
    auto opened = OpenJson(*vault_, body, place);
    if (opened) return *std::move(opened);
    Problem(store_ + ": sealed " + place + " does not open with " + dir_ + "/key");
    return Json();
  }

  void TakeDocument(const Document& document) {
    const std::vector<std::string> parts = KeyParts(document.key);
    if (parts.size() == 3 && parts[0] == "engine" && parts[1] == "instance")
      instances_.insert(parts[2]);
    if (document.version == 0) Problem(store_ + ": document " + document.key + " has no version");
    const Json body = Unseal(document.key, document.body);
    TakeBlobs(document.key, body);
  }

  /// {"Blob" or "blob": id, "Size" or "size", "ETag" or "sha256"}, anywhere in a document.
  void TakeBlobs(const std::string& key, const Json& body) {
    for (const Json& item : ItemsOf(body)) TakeBlobs(key, item);
    if (!body.is_object()) return;
    for (const char* name : {"Blob", "blob"})
      if (body[name].is_string()) CheckBlob(key, body[name].AsString(), body);
    for (const Json::Member& member : body.members()) TakeBlobs(key, member.value);
  }

  void CheckBlob(const std::string& key, const std::string& id, const Json& named) {
    ++report_.blobs;
    const std::string path = dir_ + "/blobs/" + id.substr(0, 2) + "/" + id;
    std::ifstream file(path, std::ios::binary);
    if (!file) return Problem(path + " is not there; " + key + " names it");
    Digest md5(Digest::Kind::kMd5), sha256(Digest::Kind::kSha256);
    uint64_t size = 0;
    std::string chunk(1 << 20, '\0');
    while (file.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) ||
           file.gcount() > 0) {
      const std::string_view bytes(chunk.data(), static_cast<size_t>(file.gcount()));
      md5.Update(bytes);
      sha256.Update(bytes);
      size += bytes.size();
    }
    for (const char* name : {"Size", "size"})
      if (named[name].is_integer() && static_cast<uint64_t>(named[name].AsInteger()) != size)
        Problem(path + " has " + std::to_string(size) + " bytes, not " + named[name].NumberText());
    const std::string etag = named.StringOr("ETag", "");
    if (etag.size() == kHexMd5 && etag != Hex(md5.Finish()))
      Problem(path + " does not have the MD5 " + etag + " of " + key);
    std::string digest = named.StringOr("sha256", "");
    const size_t at = key.rfind("sha256:");
    if (digest.empty() && at != std::string::npos) digest = key.substr(at + 7);
    if (digest.size() == kHexSha256 && digest != Hex(sha256.Finish()))
      Problem(path + " does not have the SHA-256 " + digest + " of " + key);
  }

  void TakeDue(const Due& due) {
    const Json body = Unseal(due.id, due.body);
    if (due.kind != "timer" && due.kind != "effect") return;
    const std::string instance = body.StringOr("instance", "");
    if (!instances_.contains(instance))
      Problem(store_ + ": " + due.kind + " " + due.id + " belongs to no instance");
  }

  void NoteLeftovers() {
    for (const char* folder : {"/tmp", "/blobs/tmp"}) NoteFiles(dir_ + folder, "");
    for (const char* folder : {"", "/ca", "/engine"}) NoteFiles(dir_ + folder, ".new");
  }
  void NoteFiles(const std::string& folder, std::string_view ending) {
    std::error_code failure;  // a folder that is not there has nothing left over
    for (auto file = fs::directory_iterator(folder, failure);
         !failure && file != fs::directory_iterator(); file.increment(failure))
      if (file->path().string().ends_with(ending))
        report_.notes.push_back(file->path().string() + " is left over");
  }

  const std::string dir_, store_;
  std::unique_ptr<Vault> vault_;
  std::set<std::string> instances_;
  DataReport report_;
};

}  // namespace

Result<DataReport> CheckData(const std::string& data_dir) { return DataChecker(data_dir).Run(); }

DataLock::~DataLock() {
  if (file_ >= 0) ::close(file_);
}

Result<> DataLock::Take(const std::string& data_dir) {
  const std::string path = data_dir + "/lock";
  file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file_ < 0) return Error{Code::kUnavailable, "DataFolder", path + ": " + std::strerror(errno)};
  if (::flock(file_, LOCK_EX | LOCK_NB) != 0)
    return Error{Code::kConflict, "DataFolder", "a server runs on " + data_dir};
  return {};
}

}  // namespace stepmill
