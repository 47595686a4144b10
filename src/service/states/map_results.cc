#include "service/states/map_results.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/strings.h"
#include "blob/blob_store.h"
#include "gate/principal.h"
#include "json/each.h"
#include "service/objects.h"
#include "service/states/limits.h"
#include "service/states/map_items.h"
#include "service/states/map_run_documents.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr int kPage = 100;  // children a read

Error WriterFailed(std::string cause) {
  return {Code::kInvalid, "States.ResultWriterFailed", std::move(cause)};
}

/// The files of one status: made beside each other as temporary files, sent when they are complete.
class ResultFiles {
 public:
  ResultFiles(std::string status, std::string folder, bool is_lines)
      : status_(std::move(status)), folder_(std::move(folder)), is_lines_(is_lines) {}
  ~ResultFiles() {
    if (file_ >= 0) ::close(file_);
  }
  ResultFiles(const ResultFiles&) = delete;
  ResultFiles& operator=(const ResultFiles&) = delete;

  Result<> Add(const Json& value) {
    std::string text = value.Print();
    if (file_ >= 0 && size_ + text.size() + 2 > kResultFileBytesMax) MILL_CHECK(Close());
    if (file_ < 0) {
      MILL_CHECK(Open());
      if (!is_lines_) text.insert(0, "[");
    } else if (!is_lines_) {
      text.insert(0, ",");
    }
    if (is_lines_) text += '\n';
    return Write(text);
  }
  Result<> Close() {
    if (file_ < 0) return {};
    if (!is_lines_) MILL_CHECK(Write("]"));
    MILL_CHECK(Flush());
    ::close(file_);
    file_ = -1;
    return {};
  }
  /// Complete files: name ("SUCCEEDED_0.json") and path.
  std::vector<std::pair<std::string, std::string>> files;

 private:
  static Error Trouble(const std::string& path) {
    return {Code::kUnavailable, "FileTrouble",
            "cannot write " + path + ": " + std::strerror(errno)};
  }
  Result<> Open() {
    const std::string name = status_ + "_" + std::to_string(files.size()) + ".json";
    files.emplace_back(name, folder_ + "/" + name);
    size_ = 0;
    file_ = ::open(files.back().second.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    return file_ < 0 ? Result<>(Trouble(files.back().second)) : Result<>();
  }
  Result<> Write(std::string_view text) {
    buffer_ += text;
    size_ += text.size();
    return buffer_.size() >= kChunkBytes ? Flush() : Result<>();
  }
  Result<> Flush() {
    std::string_view left = buffer_;
    while (!left.empty()) {
      const ssize_t count = ::write(file_, left.data(), left.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return Trouble(files.back().second);
      left.remove_prefix(static_cast<size_t>(count));
    }
    buffer_.clear();
    return {};
  }

  const std::string status_, folder_;
  const bool is_lines_;
  int file_ = -1;
  uint64_t size_ = 0;
  std::string buffer_;
};

/// All the files of a run.
struct Export {
  Export(const std::string& folder, bool is_lines)
      : succeeded("SUCCEEDED", folder, is_lines),
        failed("FAILED", folder, is_lines),
        pending("PENDING", folder, is_lines) {}
  ResultFiles succeeded, failed, pending;
  int64_t written = 0, written_items = 0;
};

Task<> AddChildren(Ports& ports, const MapRunPlace& place, const std::string& transformation,
                   Export& out) {
  const Key prefix = ChildIndexPrefix(place);
  const Key end = PrefixEnd(prefix);
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(const auto page, co_await ports.store.Range(from, end, Direction::kForward, kPage));
    for (const Document& entry : page) {
      const Key key = ChildExecutionKey(place, entry.body.StringOr("name", ""));
      MILL_CO_TRY(const auto child, co_await ports.store.Get(key));
      if (!child) continue;
      const bool has_succeeded = child->body.StringOr("status", "") == "SUCCEEDED";
      ResultFiles& files = has_succeeded ? out.succeeded : out.failed;
      for (const Json& value : TransformResult(child->body, transformation))
        MILL_CO_CHECK(files.Add(value));
      ++out.written;
      out.written_items += entry.body.IntOr("items", 1);
    }
    if (page.size() < kPage) co_return Result<>();
    from = page.back().key + '\0';
  }
}

Task<> AddPending(Ports& ports, const Json& what, ResultFiles& files) {
  for (const Json& item : ItemsOf(what["pending"]))
    MILL_CO_CHECK(files.Add(Json::Object{{"Input", item.Print()}}));
  if (!what.Has("blob")) co_return Result<>();
  const BlobId blob{what.StringOr("blob", "")};
  const auto offset = static_cast<uint64_t>(what.IntOr("offset", 0));
  MILL_CO_TRY(const auto source, co_await ports.blobs.Open(blob, offset, UINT64_MAX));
  std::string text;
  for (;;) {
    MILL_CO_TRY(const std::string more, co_await source->Read());
    if (more.empty()) co_return Result<>();
    text += more;
    size_t begin = 0;
    for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      MILL_CO_TRY(const Json item, ParseJson(std::string_view(text).substr(begin, end - begin)));
      MILL_CO_CHECK(files.Add(Json::Object{{"Input", item["v"].Print()}}));
    }
    text.erase(0, begin);
  }
}

Task<Json> Send(const ObjectCaller& as, const std::string& bucket, const std::string& folder,
                ResultFiles& files) {
  MILL_CO_CHECK(files.Close());
  Json::Array sent;
  for (const auto& [name, path] : files.files) {
    const ObjectName to{bucket, folder + name};
    const Json attributes = Json::Object{{"ContentType", "application/json"}};
    MILL_CO_TRY(const ObjectInfo info, co_await UploadObject(as, to, path, attributes));
    sent.push_back(Json::Object{{"Key", to.key}, {"Size", static_cast<int64_t>(info.size_bytes)}});
  }
  co_return Json(std::move(sent));
}

Task<Json> WriteResults(Ports& ports, const Json& what, std::string temporary) {
  const std::string arn = what.StringOr("mapRunArn", "");
  MILL_CO_TRY(const MapRunPlace place, ParseMapRunArn(arn));
  const Json& writer = what["writer"];
  const Json& bucket = writer["parameters"]["Bucket"];
  const Json& prefix = writer["parameters"]["Prefix"];
  if (!bucket.is_string() || bucket.AsString().empty())
    co_return WriterFailed(
        "The parameter 'Bucket' of the ResultWriter must be a string that is not "
        "empty, but was: " +
        bucket.Print());
  std::string folder = prefix.is_string() ? prefix.AsString() : "";
  if (!folder.empty() && !folder.ends_with('/')) folder += '/';
  folder += place.uuid + "/";
  std::string session = what.StringOr("session", "");
  if (session.size() > 64) session.resize(64);
  MILL_CO_TRY(Principal principal, RolePrincipal(what.StringOr("role", ""), session));
  const ObjectCaller as{ports, std::move(principal), place.account, place.region};

  Export files(temporary, writer.StringOr("outputType", "JSON") == "JSONL");
  MILL_CO_CHECK(
      co_await AddChildren(ports, place, writer.StringOr("transformation", "NONE"), files));
  MILL_CO_CHECK(co_await AddPending(ports, what, files.pending));
  Json::Object sent;
  MILL_CO_TRY(Json failed, co_await Send(as, bucket.AsString(), folder, files.failed));
  MILL_CO_TRY(Json pending, co_await Send(as, bucket.AsString(), folder, files.pending));
  MILL_CO_TRY(Json succeeded, co_await Send(as, bucket.AsString(), folder, files.succeeded));
  sent.Add("FAILED", std::move(failed));
  sent.Add("PENDING", std::move(pending));
  sent.Add("SUCCEEDED", std::move(succeeded));
  const Json manifest = Json::Object{
      {"DestinationBucket", bucket}, {"MapRunArn", arn}, {"ResultFiles", Json(std::move(sent))}};
  const ObjectName manifest_name{bucket.AsString(), folder + "manifest.json"};
  const Json attributes = Json::Object{{"ContentType", "application/json"}};
  MILL_CO_CHECK(co_await WriteObject(as, manifest_name, manifest.Print(), attributes));
  const Json details = Json::Object{{"Bucket", bucket}, {"Key", manifest_name.key}};
  co_return Json::Object{
      {"details", details}, {"written", files.written}, {"writtenItems", files.written_items}};
}

Task<Json> PerformResults(Ports& ports, Engine::Performance performance) {
  const std::string temporary = ports.data_dir + "/tmp/map-" + ports.random.NewUuid();
  std::error_code trouble;
  std::filesystem::create_directories(temporary, trouble);
  if (trouble)
    co_return Error{Code::kUnavailable, "FileTrouble",
                    "cannot make " + temporary + ": " + trouble.message()};
  const Json what = performance.what;
  auto written = co_await WriteResults(ports, what, temporary);
  std::filesystem::remove_all(temporary, trouble);  // best effort: the folder is emptied at start
  if (written || written.error().code == Code::kUnavailable) co_return written;
  if (written.error().name != "States.ResultWriterFailed")  // S3's own
    co_return Json::Object{
        {"error", Json::Object{{"name", "States.ResultWriterFailed"},
                               {"message", S3Cause(written.error(), ports.random.NewUuid())}}}};
  co_return Json::Object{{"error", Json::Object{{"name", written.error().name},
                                                {"message", written.error().message}}}};
}

}  // namespace

Json ChildRecord(const Json& document) {
  const std::string status = document.StringOr("status", "");
  const Json included = Json::Object{{"Included", true}};
  Json::Object out;
  if (document.Has("cause")) out.Add("Cause", document["cause"]);
  if (document.Has("error")) out.Add("Error", document["error"]);
  out.Add("ExecutionArn", document["executionArn"]);
  out.Add("Input", document["input"]);
  out.Add("InputDetails", included);
  out.Add("Name", document["name"]);
  if (document.Has("output")) out.Add("Output", document["output"]);
  out.Add("OutputDetails", included);
  out.Add("RedriveCount", document.IntOr("redriveCount", 0));
  const bool is_express =
      document.StringOr("executionArn", "").find(":express:") != std::string::npos;
  if (status == "SUCCEEDED") {
    out.Add("RedriveStatus", "NOT_REDRIVABLE");
    out.Add("RedriveStatusReason", "Execution is SUCCEEDED and cannot be redriven");
  } else {
    out.Add("RedriveStatus", is_express ? "REDRIVABLE_BY_MAP_RUN" : "REDRIVABLE");
  }
  out.Add("StartDate", FormatIso(TimeFromMillis(document.IntOr("startDate", 0))));
  out.Add("StateMachineArn", document["stateMachineArn"]);
  out.Add("Status", status);
  out.Add("StopDate", FormatIso(TimeFromMillis(document.IntOr("stopDate", 0))));
  return Json(std::move(out));
}

Json::Array TransformResult(const Json& document, const std::string& transformation) {
  const bool has_succeeded = document.StringOr("status", "") == "SUCCEEDED";
  if (!has_succeeded || transformation == "NONE") return {ChildRecord(document)};
  Json output = ParseJson(document.StringOr("output", "null")).value_or(Json());
  if (transformation == "FLATTEN" && output.is_array()) return output.items();
  return {std::move(output)};
}

Engine::Performer MakeMapResultsPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return PerformResults(ports, std::move(performance));
  };
}

}  // namespace stepmill::states
