#include "service/s3/documents.h"

#include <algorithm>
#include <cstdio>

#include "base/digest.h"
#include "base/strings.h"
#include "service/s3/errors.h"
#include "service/s3/limits.h"
#include "store/events.h"
#include "task/ports.h"

namespace stepmill::s3 {
namespace {

constexpr std::string_view kGlobal = "aws-global";

Key Prefix(const Call& call, std::string_view kind, std::string_view id) {
  return MakeKey({call.account, kGlobal, "s3", kind, id}) + "/";
}

/// 32 characters, as S3's version ids look.
std::string NewVersionId(Call& call) {
  std::string bytes;
  for (int i = 0; i < 3; ++i) {
    const uint64_t word = call.ports.random.Next();
    bytes.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  std::string id = Base64(bytes);
  for (char& c : id)
    if (c == '+' || c == '/' || c == '=') c = c == '+' ? '.' : '_';
  return id;
}

bool IsMarker(const Json& version) { return version.BoolOr("Marker", false); }
int64_t SequenceOf(const Json& version) { return version.IntOr("Sequence", 0); }

/// The member that says how the current version is stored, not what it is.
Json Bare(const Json& version) { return version.Without("HasOlder"); }

bool AreEventsOn(const Bucket& bucket) {
  return bucket.document.body["Notification"].Has("EventBridgeConfiguration");
}

/// docs: "EventBridge event message structure" of S3.
void Announce(Call& call, const Bucket& bucket, const std::string& detail_type, Json::Object object,
              Json::Object more) {
  if (!AreEventsOn(bucket)) return;
  char sequencer[17];
  std::snprintf(sequencer, sizeof sequencer, "%016llX",
                static_cast<unsigned long long>(MillisSinceEpoch(call.now)));
  object.Set("sequencer", sequencer);
  Json::Object detail{{"version", "0"},
                      {"bucket", Json::Object{{"name", bucket.name}}},
                      {"object", std::move(object)},
                      {"request-id", call.request_id},
                      {"requester", call.account}};
  for (Json::Member& member : more.members) detail.Set(member.name, std::move(member.value));
  Json::Array resources{Json("arn:aws:s3:::" + bucket.name)};
  call.batch.events.push_back(MakeEvent("aws.s3", detail_type, call.account,
                                        bucket.document.body.StringOr("Region", ""),
                                        std::move(resources), Json(std::move(detail))));
}

/// All versions of one key in memory, newest first, with what became of them.
struct History {
  struct Entry {
    Json body;
    Key stored_at;  ///< empty: not in the store yet
  };
  std::optional<Document> current;
  std::vector<Entry> entries;
  std::vector<Key> removed;
  std::vector<std::string> unnamed;

  void Remove(size_t index) {
    Entry& entry = entries[index];
    for (std::string& blob : BlobsOf(entry.body)) unnamed.push_back(std::move(blob));
    if (!entry.stored_at.empty()) removed.push_back(entry.stored_at);
    entries.erase(entries.begin() + static_cast<long>(index));
  }
  void RemoveNull() {
    for (size_t i = 0; i < entries.size(); ++i)
      if (VersionIdOf(entries[i].body) == "null") return Remove(i);
  }
  void Add(Json body) {
    const int64_t newest = entries.empty() ? 0 : SequenceOf(entries.front().body);
    body = body.With("Sequence", newest + 1);
    entries.insert(entries.begin(), Entry{std::move(body), ""});
  }
};

/// `with_older`: earlier versions too, else only the current one (its HasOlder stands for them).
Task<History> Load(Call& call, const Bucket& bucket, std::string key, bool with_older) {
  History history;
  const Key at = ObjectKey(call, bucket, key);
  MILL_CO_TRY(history.current, co_await call.ports.store.Get(at));
  if (!history.current) co_return history;
  history.entries.push_back({Bare(history.current->body), at});
  if (!with_older || !history.current->body.BoolOr("HasOlder", false)) co_return history;
  const Key prefix = VersionPrefix(call, bucket, key);
  MILL_CO_TRY(std::vector<Document> older,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kVersionsMax));
  for (Document& document : older)
    history.entries.push_back({std::move(document.body), std::move(document.key)});
  co_return history;
}

/// Writes what changed: the newest entry becomes the current document, others stand by sequence.
/// `has_more`: there are earlier versions that were not loaded.
void Save(Call& call, const Bucket& bucket, const std::string& key, History history,
          bool has_more) {
  const Key at = ObjectKey(call, bucket, key);
  call.batch.expects.push_back({bucket.document.key, bucket.document.version});
  call.batch.expects.push_back({at, history.current ? history.current->version : 0});
  for (Key& removed : history.removed)
    if (removed != at) call.batch.Delete(std::move(removed));
  for (size_t i = 1; i < history.entries.size(); ++i) {
    const History::Entry& entry = history.entries[i];
    const Key wanted = VersionKey(call, bucket, key, SequenceOf(entry.body));
    if (entry.stored_at != wanted) call.batch.PutDocument(wanted, entry.body);
  }
  if (history.entries.empty()) {
    if (history.current) call.batch.Delete(at);
  } else {
    const History::Entry& newest = history.entries.front();
    if (newest.stored_at != at && !newest.stored_at.empty()) call.batch.Delete(newest.stored_at);
    Json body = newest.body;
    if (has_more || history.entries.size() > 1) body = body.With("HasOlder", true);
    call.batch.PutDocument(at, std::move(body));
  }
  Unname(call, history.unnamed);
}

Result<> CheckWriteConditions(const Json& input, const std::optional<Document>& current,
                              const std::string& key) {
  const bool is_there = current && !IsMarker(current->body);
  const std::string none_match = input.StringOr("IfNoneMatch", "");
  if (!none_match.empty() && none_match != "*")
    return NotImplemented("If-None-Match of a write takes only *");
  if (none_match == "*" && is_there) return PreconditionFailed("If-None-Match");
  const std::string match = input.StringOr("IfMatch", "");
  if (match.empty()) return {};
  if (!is_there) return NoSuchKey(key);
  const std::string etag = current->body.StringOr("ETag", "");
  if (match != "*" && ReplaceAll(match, "\"", "") != etag) return PreconditionFailed("If-Match");
  return {};
}

}  // namespace

Key BucketPrefix(const Call& call) {
  return MakeKey({call.account, kGlobal, "s3", "bucket"}) + "/";
}
Key BucketKey(const Call& call, const std::string& name) {
  return MakeKey({call.account, kGlobal, "s3", "bucket", name});
}
Key NameKey(const std::string& name) { return MakeKey({"aws", kGlobal, "s3", "name", name}); }
Key ObjectPrefix(const Call& call, const Bucket& bucket) {
  return Prefix(call, "object", bucket.id);
}
Key ObjectKey(const Call& call, const Bucket& bucket, const std::string& key) {
  return ObjectPrefix(call, bucket) + key;
}
Key VersionPrefix(const Call& call, const Bucket& bucket, const std::string& key) {
  return Prefix(call, "version", bucket.id) + MakeKey({key}) + "/";
}
Key VersionKey(const Call& call, const Bucket& bucket, const std::string& key, int64_t sequence) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx",
                static_cast<unsigned long long>(INT64_MAX - sequence));
  return VersionPrefix(call, bucket, key) + text;
}
Key UploadPrefix(const Call& call, const Bucket& bucket) {
  return Prefix(call, "upload", bucket.id);
}
Key UploadKey(const Call& call, const Bucket& bucket, const std::string& upload) {
  return UploadPrefix(call, bucket) + MakeKey({upload});
}
Key PartPrefix(const Call& call, const std::string& upload) { return Prefix(call, "part", upload); }
Key PartKey(const Call& call, const std::string& upload, int64_t number) {
  char text[8];
  std::snprintf(text, sizeof text, "%05d", static_cast<int>(number));
  return PartPrefix(call, upload) + text;
}

Task<Bucket> FindBucket(Call& call, std::string name) {
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(BucketKey(call, name)));
  if (!found) {
    MILL_CO_TRY(const auto owner, co_await call.ports.store.Get(NameKey(name)));
    if (owner) co_return AccessDenied();
    co_return NoSuchBucket(name);
  }
  Bucket bucket;
  bucket.document = *std::move(found);
  bucket.id = bucket.document.body.StringOr("Id", "");
  bucket.name = std::move(name);
  co_return bucket;
}

Task<Bucket> InputBucket(Call& call) {
  if (call.input.StringOr("ExpectedBucketOwner", call.account) != call.account)
    co_return AccessDenied();
  co_return co_await FindBucket(call, call.input.StringOr("Bucket", ""));
}

Result<std::string> InputKey(const Call& call) {
  std::string key = call.input.StringOr("Key", "");
  if (key.size() > kKeyBytesMax) return KeyTooLong(key.size());
  if (key.empty() || !IsValidUtf8(key))
    return InvalidArgument("The key is not UTF-8 text of 1 to 1024 bytes.", "key", key);
  return key;
}

Task<Json> FindVersion(Call& call, const Bucket& bucket, std::string key, std::string version_id) {
  const bool is_current = version_id.empty();
  MILL_CO_TRY(const History history, co_await Load(call, bucket, key, !is_current));
  if (is_current) {
    if (history.entries.empty()) co_return NoSuchKey(key);
    co_return history.entries.front().body;
  }
  for (const History::Entry& entry : history.entries)
    if (VersionIdOf(entry.body) == version_id) co_return entry.body;
  co_return NoSuchVersion(key, version_id);
}

Task<Json> Publish(Call& call, const Bucket& bucket, std::string key, Json object,
                   std::string reason) {
  const std::string versioning = bucket.versioning();
  const bool with_older = versioning == "Suspended";
  MILL_CO_TRY(History history, co_await Load(call, bucket, key, with_older));
  MILL_CO_CHECK(CheckWriteConditions(call.input, history.current, key));
  const bool has_older = history.current && history.current->body.BoolOr("HasOlder", false);
  const std::vector<std::string> kept = BlobsOf(object);
  if (versioning == "Enabled") {
    object = object.With("VersionId", NewVersionId(call));
  } else {
    history.RemoveNull();
    std::erase_if(history.unnamed, [&kept](const std::string& blob) {
      return std::find(kept.begin(), kept.end(), blob) != kept.end();
    });
  }
  object = object.With("LastModified", MillisSinceEpoch(call.now));
  history.Add(std::move(object));
  const Json written = history.entries.front().body;
  Save(call, bucket, key, std::move(history), has_older && !with_older);
  Json::Object named{{"key", key}, {"size", written["Size"]}, {"etag", written["ETag"]}};
  if (bucket.is_versioned()) named.Set("version-id", VersionIdOf(written));
  Announce(call, bucket, "Object Created", std::move(named), Json::Object{{"reason", reason}});
  co_return written;
}

Task<> RewriteVersion(Call& call, const Bucket& bucket, std::string key, std::string version_id,
                      std::string member, Json value) {
  const bool is_current = version_id.empty();
  MILL_CO_TRY(History history, co_await Load(call, bucket, key, !is_current));
  if (!history.current) co_return NoSuchKey(key);
  for (size_t i = 0; i < history.entries.size(); ++i) {
    History::Entry& entry = history.entries[i];
    if (!is_current && VersionIdOf(entry.body) != version_id) continue;
    if (IsMarker(entry.body)) co_return MethodNotAllowed();
    Json body = i == 0 ? history.current->body : entry.body;
    body = value.is_null() ? body.Without(member) : body.With(member, std::move(value));
    if (i == 0) {
      call.batch.Replace(*history.current, std::move(body));
    } else {
      call.batch.expects.push_back({history.current->key, history.current->version});
      call.batch.PutDocument(entry.stored_at, std::move(body));
    }
    co_return Result<>();
  }
  co_return NoSuchVersion(key, version_id);
}

Task<std::vector<Json>> Delete(Call& call, const Bucket& bucket, std::string key,
                               std::vector<std::string> version_ids) {
  MILL_CO_TRY(History history, co_await Load(call, bucket, key, bucket.is_versioned()));
  const bool has_older = history.current && history.current->body.BoolOr("HasOlder", false);
  std::vector<Json> answers;
  bool is_changed = false;
  for (const std::string& version_id : version_ids) {
    Json::Object answer;
    Json::Object named{{"key", key}};
    if (version_id.empty() && bucket.is_versioned()) {
      Json marker = Json::Object{{"Marker", true}, {"LastModified", MillisSinceEpoch(call.now)}};
      if (bucket.versioning() == "Enabled")
        marker = marker.With("VersionId", NewVersionId(call));
      else
        history.RemoveNull();
      history.Add(marker);
      answer.Set("DeleteMarker", true);
      answer.Set("DeleteMarkerVersionId", VersionIdOf(marker));
      named.Set("version-id", VersionIdOf(marker));
      Announce(
          call, bucket, "Object Deleted", std::move(named),
          Json::Object{{"reason", "DeleteObject"}, {"deletion-type", "Delete Marker Created"}});
      is_changed = true;
      answers.push_back(Json(std::move(answer)));
      continue;
    }
    const std::string wanted = version_id.empty() ? "null" : version_id;
    for (size_t i = 0; i < history.entries.size(); ++i) {
      if (VersionIdOf(history.entries[i].body) != wanted) continue;
      if (IsMarker(history.entries[i].body)) {
        answer.Set("DeleteMarker", true);
        answer.Set("DeleteMarkerVersionId", wanted);
      }
      history.Remove(i);
      if (bucket.is_versioned()) named.Set("version-id", wanted);
      Announce(call, bucket, "Object Deleted", std::move(named),
               Json::Object{{"reason", "DeleteObject"}, {"deletion-type", "Permanently Deleted"}});
      is_changed = true;
      break;
    }
    if (!version_id.empty()) answer.Set("VersionId", version_id);
    answers.push_back(Json(std::move(answer)));
  }
  const bool has_more = has_older && !bucket.is_versioned();
  if (is_changed) Save(call, bucket, key, std::move(history), has_more);
  co_return answers;
}

std::vector<std::string> BlobsOf(const Json& version) {
  std::vector<std::string> blobs;
  if (version["Blobs"].is_array())
    for (const Json& blob : version["Blobs"].items()) blobs.push_back(blob.StringOr("Blob", ""));
  return blobs;
}

void Unname(Call& call, const std::vector<std::string>& blobs) {
  for (size_t at = 0; at < blobs.size(); at += kBlobsOfEventMax) {
    Json::Array names;
    for (size_t i = at; i < std::min(blobs.size(), at + kBlobsOfEventMax); ++i)
      names.push_back(Json(blobs[i]));
    call.batch.events.push_back(MakeEvent("stepmill.s3", "Blobs Unnamed", call.account, call.region,
                                          {}, Json::Object{{"blobs", std::move(names)}}));
  }
}

std::string Quoted(const std::string& etag) { return "\"" + etag + "\""; }
std::string VersionIdOf(const Json& version) { return version.StringOr("VersionId", "null"); }
Json Owner(const Call& call) {
  return Json::Object{{"DisplayName", "account-" + call.account},
                      {"ID", Hex(Sha256(call.account))}};
}
double SecondsOf(const Json& millis) {
  return millis.is_integer() ? static_cast<double>(millis.AsInteger()) / 1000.0 : 0;
}

}  // namespace stepmill::s3
