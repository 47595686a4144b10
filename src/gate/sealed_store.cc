#include "gate/sealed_store.h"

namespace stepmill {

namespace {

constexpr char kMember[] = "sealed";

bool IsSealed(const Json& body) {
  return body.is_object() && body.size() == 1 && body[kMember].is_string();
}

}  // namespace

Json SealJson(const Vault& vault, const Json& body, std::string_view context) {
  return Json::Object{{kMember, vault.Seal(Secret(body.Print()), context)}};
}

Result<Json> OpenJson(const Vault& vault, const Json& body, std::string_view context) {
  if (!IsSealed(body)) return body;
  const auto text = vault.Open(body[kMember].AsString(), context);
  if (!text)
    return Error{Code::kInternal, "InternalFailure",
                 std::string(context) + ": " + text.error().message};
  return ParseJson(text->Reveal());
}

void SealedStore::Close(std::string_view place, Json& body) const {
  if (rule_(place, body)) body = SealJson(vault_, body, place);
}

Result<> SealedStore::Open(std::string_view place, Json& body) const {
  if (!IsSealed(body)) return {};
  MILL_TRY(body, OpenJson(vault_, body, place));
  return {};
}

Task<> SealedStore::Commit(Batch batch) {
  for (Batch::Put& put : batch.puts) Close(put.key, put.body);
  for (Batch::Append& append : batch.appends) Close(append.stream, append.body);
  for (Due& due : batch.dues) Close(due.id, due.body);
  return inner_.Commit(std::move(batch));
}

Task<std::optional<Document>> SealedStore::Get(Key key) {
  MILL_CO_TRY(auto document, co_await inner_.Get(key));
  if (document) MILL_CO_CHECK(Open(key, document->body));
  co_return document;
}

Task<std::vector<Document>> SealedStore::Range(Key from, Key to, Direction direction, int limit) {
  MILL_CO_TRY(auto documents,
              co_await inner_.Range(std::move(from), std::move(to), direction, limit));
  for (Document& document : documents) MILL_CO_CHECK(Open(document.key, document.body));
  co_return documents;
}

Task<std::vector<Record>> SealedStore::Read(std::string stream, uint64_t from, Direction direction,
                                            int limit) {
  MILL_CO_TRY(auto records, co_await inner_.Read(stream, from, direction, limit));
  for (Record& record : records) MILL_CO_CHECK(Open(stream, record.body));
  co_return records;
}

Task<std::vector<Due>> SealedStore::FindDue(Time after_at, std::string after_id, int limit) {
  MILL_CO_TRY(auto dues, co_await inner_.FindDue(after_at, std::move(after_id), limit));
  for (Due& due : dues) MILL_CO_CHECK(Open(due.id, due.body));
  co_return dues;
}

}  // namespace stepmill
