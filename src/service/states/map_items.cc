#include "service/states/map_items.h"

#include <cmath>
#include <cstdio>
#include <unordered_set>

#include "base/gunzip.h"
#include "base/log.h"
#include "base/strings.h"
#include "blob/owned_blobs.h"
#include "gate/door.h"
#include "gate/principal.h"
#include "json/each.h"
#include "lang/items/items.h"
#include "service/ask.h"
#include "service/objects.h"
#include "service/states/limits.h"
#include "service/states/map_run_documents.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr char kBlobOwner[] = "map";
constexpr Seconds kLeftoverAge{60};

/// Blobs of items that this process wrote. Of the loop thread.
std::unordered_set<std::string>& WrittenHere() {
  static std::unordered_set<std::string> written;
  return written;
}

Json Failed(const Error& error) {
  return Json::Object{{"error", Json::Object{{"name", error.name}, {"message", error.message}}}};
}

Result<Asker> AskerOf(Ports& ports, const Json& what) {
  std::string session = what.StringOr("session", "");
  if (session.size() > 64) session.resize(64);
  MILL_TRY(Principal principal, RolePrincipal(what.StringOr("role", ""), session));
  return Asker{ports, std::move(principal), what.StringOr("account", ""),
               what.StringOr("region", "")};
}

Error S3Failed(const Error& error, const std::string& request_id) {
  if (error.code == Code::kUnavailable) return error;
  return items::ReaderFailed(S3Cause(error, request_id));
}

/// Items on their way into one answer and, when that is full, into a blob.
class ItemSink {
 public:
  ItemSink(Ports& ports, int64_t limit) : ports_(ports), limit_(limit) {}

  bool is_full() const { return count_ >= limit_; }
  Task<> Take(std::vector<items::Item> found, std::string source) {
    std::string lines;
    for (items::Item& item : found) {
      if (is_full()) break;
      ++count_;
      Json::Object record{{"v", std::move(item.value)}};
      if (item.key) record.Add("k", *std::move(item.key));
      if (!source.empty()) record.Add("s", source);
      Json made(std::move(record));
      if (!writer_ && first_.size() < kMapItemsInRecord && bytes_ < kMapBytesInRecord) {
        bytes_ += made.PrintedSize();
        first_.push_back(std::move(made));
        continue;
      }
      if (!writer_) {
        MILL_CO_TRY(writer_, co_await CreateBlobFor(ports_.blobs, kBlobOwner));
      }
      made.PrintTo(lines);
      lines += '\n';
      if (lines.size() >= kChunkBytes) {
        MILL_CO_CHECK(co_await writer_->Write(std::exchange(lines, std::string())));
      }
    }
    if (!lines.empty()) {
      MILL_CO_CHECK(co_await writer_->Write(std::move(lines)));
    }
    co_return Result<>();
  }
  /// The answer of "read".
  Task<Json> Finish(std::string source) {
    Json::Object out{{"count", count_}, {"source", source}, {"items", Json(std::move(first_))}};
    if (writer_) {
      MILL_CO_TRY(const BlobInfo blob, co_await writer_->Finish());
      WrittenHere().insert(blob.id.value);
      out.Set("blob", blob.id.value);
    }
    co_return Json(std::move(out));
  }

 private:
  Ports& ports_;
  const int64_t limit_;
  int64_t count_ = 0;
  size_t bytes_ = 0;
  Json::Array first_;
  std::unique_ptr<BlobWriter> writer_;
};

Task<std::unique_ptr<ByteSource>> OpenObject(const Asker& asker, Json parameters) {
  Request request;
  request.service = "s3";
  request.operation = "GetObject";
  request.principal = asker.principal;
  request.account = asker.account;
  request.region = asker.region;
  request.input = std::move(parameters);
  request.is_internal = true;
  request.request_id = asker.ports.random.NewUuid();
  const std::string id = request.request_id;
  Result<Answer> answer = co_await asker.ports.door.Ask(std::move(request));
  if (!answer) co_return S3Failed(answer.error(), id);
  if (!answer->body) co_return BytesSource("");
  co_return std::move(answer->body);
}

Task<std::string> ReadWhole(const Asker& asker, Json parameters) {
  MILL_CO_TRY(const auto source, co_await OpenObject(asker, std::move(parameters)));
  const auto text = co_await ReadAll(*source, kManifestBytesMax);
  if (!text && text.error().code == Code::kLimit)
    co_return items::ReaderFailed("The manifest is larger than " +
                                  std::to_string(kManifestBytesMax) + " bytes.");
  co_return text;
}

/// The reader that a ReaderConfig asks for. `headers`: of a manifest's files.
Result<std::unique_ptr<items::Reader>> MakeReader(const Json& config,
                                                  const std::vector<std::string>* headers) {
  const std::string type = headers ? "CSV" : config.StringOr("inputType", "");
  if (type == "JSON") return items::MakeJsonReader(config.StringOr("pointer", ""));
  if (type == "JSONL") return items::MakeJsonLinesReader();
  if (type == "CSV") {
    items::CsvOptions options;
    options.delimiter = config.StringOr("delimiter", ",")[0];
    if (headers) {
      options.headers = *headers;
    } else if (config.Has("headers")) {
      options.headers.emplace();
      for (const Json& name : ItemsOf(config["headers"]))
        options.headers->push_back(name.AsString());
    }
    return items::MakeCsvReader(std::move(options));
  }
  return items::ReaderFailed("Objects of the InputType '" + type +
                             "' cannot be read: no reader for them is built into stepmill.");
}

Task<> ReadOne(const Asker& asker, Json parameters, std::unique_ptr<items::Reader> reader,
               ItemSink& sink, std::string source_name) {
  MILL_CO_TRY(const auto source, co_await OpenObject(asker, std::move(parameters)));
  MaybeGunzip gunzip;
  std::vector<items::Item> found;
  const MaybeGunzip::Sink push = [&](std::string_view bytes) { return reader->Push(bytes, found); };
  while (!sink.is_full()) {
    MILL_CO_TRY(const std::string bytes, co_await source->Read());
    const bool is_last = bytes.empty();
    Result<> pushed = is_last ? gunzip.Finish(push) : gunzip.Push(bytes, push);
    if (pushed && is_last) pushed = reader->Finish(found);
    if (!pushed && pushed.error().name == "InvalidGzip")
      co_return items::ReaderFailed(pushed.error().message + ".");
    // Items before a fault do not matter: the whole run fails.
    if (!pushed) co_return pushed.error();
    std::vector<items::Item> taken;
    taken.swap(found);
    MILL_CO_CHECK(co_await sink.Take(std::move(taken), source_name));
    if (is_last) break;
  }
  co_return Result<>();
}

/// Seconds as Java prints a double: Step Functions shows "1.789180622E9".
std::string JavaSeconds(int64_t seconds) {
  std::string digits = std::to_string(seconds);
  if (digits.size() <= 7) return digits + ".0";
  const size_t exponent = digits.size() - 1;
  std::string fraction = digits.substr(1);
  while (fraction.size() > 1 && fraction.back() == '0') fraction.pop_back();
  return digits.substr(0, 1) + "." + fraction + "E" + std::to_string(exponent);
}

Json ListedItem(const Json& entry, bool is_jsonata) {
  const auto seconds =
      static_cast<int64_t>(std::floor(entry.Has("LastModified") && entry["LastModified"].is_number()
                                          ? entry["LastModified"].AsDouble()
                                          : 0));
  Json::Object item{
      {"Etag", entry["ETag"]},
      {"Key", entry["Key"]},
      {"LastModified", is_jsonata ? Json(seconds) : Json::NumberFromText(JavaSeconds(seconds))},
      {"Size", entry["Size"]},
      {"StorageClass", entry.StringOr("StorageClass", "STANDARD")}};
  return Json(std::move(item));
}

Task<> ReadListing(const Asker& asker, const Json& reader, ItemSink& sink) {
  const Json& parameters = reader["parameters"];
  const std::string bucket = parameters.StringOr("Bucket", "");
  const bool is_flattened = reader.BoolOr("isFlattened", false);
  Json input = parameters;
  while (!sink.is_full()) {
    const auto answer = co_await AskService(asker, "s3", "ListObjectsV2", input);
    if (!answer) co_return S3Failed(answer.error(), asker.ports.random.NewUuid());
    const Json page = *answer;
    std::vector<items::Item> found;
    for (const Json& entry : ItemsOf(page["Contents"])) {
      if (!is_flattened) {
        found.push_back({ListedItem(entry, reader.BoolOr("isJsonata", false)), std::nullopt});
        continue;
      }
      const std::string key = entry.StringOr("Key", "");
      if (sink.is_full() || key.ends_with('/')) continue;  // a folder's mark has no items
      MILL_CO_TRY(auto made, MakeReader(reader, nullptr));
      const Json object = Json::Object{{"Bucket", bucket}, {"Key", key}};
      MILL_CO_CHECK(
          co_await ReadOne(asker, object, std::move(made), sink, "S3://" + bucket + "/" + key));
    }
    MILL_CO_CHECK(co_await sink.Take(std::move(found), ""));
    if (!page.BoolOr("IsTruncated", false)) break;
    input = input.With("ContinuationToken", page["NextContinuationToken"]);
  }
  co_return Result<>();
}

Task<> ReadManifest(const Asker& asker, const Json& reader, ItemSink& sink) {
  const Json& parameters = reader["parameters"];
  MILL_CO_TRY(const std::string text, co_await ReadWhole(asker, parameters));
  const bool is_athena = reader.StringOr("manifestType", "") == "ATHENA_DATA";
  MILL_CO_TRY(const items::Manifest manifest,
              is_athena ? items::ReadAthenaManifest(text) : items::ReadInventoryManifest(text));
  for (const items::ManifestFile& file : manifest.files) {
    if (sink.is_full()) break;
    const std::string bucket =
        file.bucket.empty() ? parameters.StringOr("Bucket", "") : file.bucket;
    MILL_CO_TRY(auto made, MakeReader(reader, is_athena ? nullptr : &manifest.headers));
    const Json object = Json::Object{{"Bucket", bucket}, {"Key", file.key}};
    MILL_CO_CHECK(
        co_await ReadOne(asker, object, std::move(made), sink, "S3://" + bucket + "/" + file.key));
  }
  co_return Result<>();
}

Result<> CheckParameters(const Json& reader) {
  for (const char* name : {"Bucket", "Key"}) {
    const Json& value = reader["parameters"][name];
    if (reader.StringOr("resource", "") != "getObject" && name[0] == 'K') continue;
    if (!value.is_string() || value.AsString().empty())
      return items::ReaderFailed(
          "The parameter '" + std::string(name) +
          "' of the ItemReader must be a string that is not empty, but was: " + value.Print());
  }
  if (reader.Has("maxItems") && reader["maxItems"].AsDouble() < 0)
    return items::ReaderFailed("field MaxItems must be positive");
  return {};
}

Task<Json> ReadItems(const Asker& asker, const Json& reader) {
  MILL_CO_CHECK(CheckParameters(reader));
  const int64_t wanted = reader.IntOr("maxItems", 0);
  ItemSink sink(asker.ports, wanted > 0 ? std::min(wanted, kMapItemsMax) : kMapItemsMax);
  const std::string bucket = reader["parameters"].StringOr("Bucket", "");
  std::string source = "S3://" + bucket;
  const bool is_manifest = reader.StringOr("inputType", "") == "MANIFEST" ||
                           !reader.StringOr("manifestType", "").empty();
  if (reader.StringOr("resource", "") == "listObjectsV2") {
    MILL_CO_CHECK(co_await ReadListing(asker, reader, sink));
  } else if (is_manifest) {
    MILL_CO_CHECK(co_await ReadManifest(asker, reader, sink));
  } else {
    source += "/" + reader["parameters"].StringOr("Key", "");
    MILL_CO_TRY(auto made, MakeReader(reader, nullptr));
    MILL_CO_CHECK(co_await ReadOne(asker, reader["parameters"], std::move(made), sink, ""));
  }
  co_return co_await sink.Finish(source);
}

Task<Json> FetchItems(Ports& ports, const Json& what) {
  const auto offset = static_cast<uint64_t>(what.IntOr("offset", 0));
  const BlobId blob{what.StringOr("blob", "")};
  MILL_CO_TRY(const auto source, co_await ports.blobs.Open(blob, offset, UINT64_MAX));
  Json::Array list;
  std::string text;
  size_t begin = 0;  // of the line in `text`
  uint64_t taken = 0;
  while (list.size() < kMapItemsInRecord && taken < kMapBytesInRecord) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) {
      text.erase(0, begin);
      begin = 0;
      MILL_CO_TRY(const std::string more, co_await source->Read());
      if (more.empty()) break;
      text += more;
      continue;
    }
    MILL_CO_TRY(Json item, ParseJson(std::string_view(text).substr(begin, end - begin)));
    list.push_back(std::move(item));
    taken += end + 1 - begin;
    begin = end + 1;
  }
  co_return Json::Object{{"items", Json(std::move(list))},
                         {"offset", static_cast<int64_t>(offset + taken)}};
}

Task<Json> PerformItems(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  const std::string wanted = what.StringOr("do", "");
  if (wanted == "fetch") co_return co_await FetchItems(ports, what);
  if (wanted == "clear") {
    const BlobId blob{what.StringOr("blob", "")};
    MILL_CO_CHECK(co_await ports.blobs.Remove(blob));
    WrittenHere().erase(blob.value);
    co_return Json::Object{};
  }
  MILL_CO_TRY(const Asker asker, AskerOf(ports, what));
  auto items = co_await ReadItems(asker, what["reader"]);
  if (!items && items.error().code != Code::kUnavailable) co_return Failed(items.error());
  co_return items;
}

/// Blobs that no run names: whoever wrote them was stopped before its run came to know. What this
/// process writes meanwhile is told a while later, when it is known as its own or named.
Task<> Search(Ports& ports) {
  MILL_CO_TRY(const std::vector<BlobId> all, co_await ports.blobs.List());
  const Time later = ports.clock.Now() + kLeftoverAge;
  MILL_CO_CHECK(co_await ports.clock.SleepUntil(later));
  for (const BlobId& id : all) {
    if (OwnerOf(id) != kBlobOwner || WrittenHere().contains(id.value)) continue;
    MILL_CO_TRY(const auto named, co_await ports.store.Get(MapItemsKey(id.value)));
    if (named) continue;
    MILL_CO_CHECK(co_await ports.blobs.Remove(id));
    MILL_LOG(kInfo, "states: removed items that an earlier run of the server left: " + id.value);
  }
  co_return Result<>();
}

}  // namespace

std::string S3Cause(const Error& error, const std::string& request_id) {
  const char* status = error.code == Code::kNotFound   ? "404"
                       : error.code == Code::kDenied   ? "403"
                       : error.code == Code::kConflict ? "409"
                                                       : "400";
  return error.message + " (Service: Amazon S3; Status Code: " + status +
         "; Error Code: " + error.name + "; Request ID: " + request_id +
         "; S3 Extended Request ID: " + request_id + "; Proxy: null)";
}

Engine::Performer MakeMapItemsPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return PerformItems(ports, std::move(performance));
  };
}

void SearchMapItemLeftovers(Ports& ports) {
  WrittenHere().clear();  // what is there now is of an earlier life
  ports.spawner.Spawn("states: search for leftovers", Search(ports));
}

}  // namespace stepmill::states
