#include <cstdio>
#include <set>

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "lang/dynamodb/value.h"
#include "service/dynamodb/errors.h"
#include "service/dynamodb/items.h"
#include "service/dynamodb/keys.h"
#include "service/ports.h"

namespace stepmill::dynamodb {

namespace {

constexpr size_t kGetsMax = 100;
constexpr size_t kWritesMax = 25;
constexpr Seconds kTokenKept{600};
constexpr int kTokensSwept = 4;  // old ones that each transaction takes away

struct Kind {
  const char* member;
  WriteKind kind;
};
constexpr Kind kTransacted[] = {{"ConditionCheck", WriteKind::kCheck},
                                {"Put", WriteKind::kPut},
                                {"Delete", WriteKind::kDelete},
                                {"Update", WriteKind::kUpdate}};

Json Reason(const char* code, const char* message, Json item) {
  Json::Object reason;
  if (item.is_object()) reason.Add("Item", std::move(item));
  reason.Add("Code", code);
  if (message) reason.Add("Message", message);
  return reason;
}

Error Cancelled(const Json::Array& reasons) {
  std::string codes;
  for (const Json& reason : reasons)
    codes += (codes.empty() ? "" : ", ") + reason.StringOr("Code", "");
  Error error{Code::kConflict, "TransactionCanceledException",
              "Transaction cancelled, please refer cancellation reasons for specific reasons [" +
                  codes + "]"};
  error.fields.emplace_back("CancellationReasons", Json(reasons).Print());
  return error;
}

/// Capacity of many writes or reads: one entry a table, in the order of their first use.
class Capacities {
 public:
  void Add(const Table& table, double units) {
    for (auto& [each, sum] : all_)
      if (each.name == table.name) {
        sum += units;
        return;
      }
    all_.emplace_back(table, units);
  }
  void PrintTo(Json::Object& out, const Json& input) const {
    const std::string wanted = input.StringOr("ReturnConsumedCapacity", "");
    Json::Array list;
    for (const auto& [table, units] : all_) {
      Json capacity = PrintCapacity(wanted, table, units);
      if (!capacity.is_null()) list.push_back(std::move(capacity));
    }
    if (!list.empty()) out.Add("ConsumedCapacity", std::move(list));
  }

 private:
  std::vector<std::pair<Table, double>> all_;
};

Key TokenKey(const Call& call, std::string_view token) {
  return call.KeyFor({"dynamodb", "token", token});
}
Key TokenTimeKey(const Call& call, Time at, std::string_view token) {
  char when[24];
  std::snprintf(when, sizeof when, "%013lld", static_cast<long long>(MillisSinceEpoch(at)));
  return call.KeyFor({"dynamodb", "tokens", when, token});
}

/// True: this very transaction was made before. Adds its token, and takes old ones away.
Task<bool> WasMade(Call& call) {
  const std::string token = call.input.StringOr("ClientRequestToken", "");
  if (token.empty()) co_return false;
  const std::string hash = Hex(Sha256(call.input.Print()));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(TokenKey(call, token)));
  if (found && found->body.IntOr("at", 0) > MillisSinceEpoch(call.now - kTokenKept)) {
    if (found->body.StringOr("hash", "") != hash) co_return TokenMismatch();
    co_return true;
  }
  const Key from = call.KeyFor({"dynamodb", "tokens", ""});
  const Key to = TokenTimeKey(call, call.now - kTokenKept, "");
  MILL_CO_TRY(const auto old,
              co_await call.ports.store.Range(from, to, Direction::kForward, kTokensSwept));
  for (const Document& each : old) {
    call.batch.Delete(each.key);
    call.batch.Delete(TokenKey(call, each.body.StringOr("token", "")));
  }
  call.batch.expects.push_back({TokenKey(call, token), found ? found->version : 0});
  call.batch.PutDocument(TokenKey(call, token),
                         Json::Object{{"hash", hash}, {"at", MillisSinceEpoch(call.now)}});
  call.batch.PutDocument(TokenTimeKey(call, call.now, token), Json::Object{{"token", token}});
  co_return false;
}

}  // namespace

Task<Json> BatchGetItem(Call& call) {
  const Json& input = call.input;
  size_t wanted = 0;
  for (const Json::Member& each : MembersOf(input["RequestItems"]))
    wanted += each.value["Keys"].size();
  if (wanted > kGetsMax) co_return Invalid("Too many items requested for the BatchGetItem call");
  Json::Object responses, left;
  Capacities capacities;
  size_t bytes = 0;
  const std::vector<Json::Member> tables = input["RequestItems"].members();
  for (const Json::Member& each : tables) {
    const Json& request = each.value;
    MILL_CO_TRY(const auto projection, ReadProjection(request));
    MILL_CO_TRY(const Table table, co_await FindTable(call, each.name));
    std::set<Key> seen;
    Json::Array found, unread;
    for (const Json& given : request["Keys"].items()) {
      MILL_CO_TRY(const Json key, CheckKey(table, given));
      const Key place = ItemKey(call, table, key);
      if (!seen.insert(place).second)
        co_return Invalid("Provided list of item keys contains duplicates");
      if (bytes >= kBatchBytesMax) {
        unread.push_back(given);
        continue;
      }
      MILL_CO_TRY(const auto item, co_await call.ports.store.Get(place));
      const size_t size = item ? SizeOfItem(item->body) : 0;
      bytes += size;
      capacities.Add(table, ReadUnits(size, request.BoolOr("ConsistentRead", false)));
      if (item) found.push_back(projection ? Project(item->body, *projection) : item->body);
    }
    responses.Add(each.name, std::move(found));
    if (!unread.empty()) left.Add(each.name, request.With("Keys", std::move(unread)));
  }
  Json::Object out{{"Responses", std::move(responses)}, {"UnprocessedKeys", std::move(left)}};
  capacities.PrintTo(out, input);
  co_return out;
}

Task<Json> BatchWriteItem(Call& call) {
  const Json& input = call.input;
  size_t count = 0;
  for (const Json::Member& each : MembersOf(input["RequestItems"])) count += each.value.size();
  if (count > kWritesMax) co_return Invalid("Too many items requested for the BatchWriteItem call");
  Capacities capacities;
  const std::vector<Json::Member> tables = input["RequestItems"].members();
  for (const Json::Member& each : tables) {
    MILL_CO_TRY(const Table table, co_await FindTable(call, each.name));
    std::set<Key> seen;
    for (const Json& request : each.value.items()) {
      const bool is_put = request.Has("PutRequest");
      if (is_put == request.Has("DeleteRequest"))
        co_return Invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of "
            "the supported datatypes");
      const Json& given = request[is_put ? "PutRequest" : "DeleteRequest"];
      MILL_CO_TRY(const Json sound,
                  is_put ? CheckItemForTable(table, given["Item"]) : CheckKey(table, given["Key"]));
      if (!seen.insert(ItemKey(call, table, sound)).second)
        co_return Invalid("Provided list of item keys contains duplicates");
      const WriteKind kind = is_put ? WriteKind::kPut : WriteKind::kDelete;
      MILL_CO_TRY(const Change change, co_await Write(call, table, kind, given));
      capacities.Add(table, WriteUnits(change));
    }
  }
  Json::Object out{{"UnprocessedItems", Json::Object{}}};
  capacities.PrintTo(out, input);
  co_return out;
}

Task<Json> TransactWriteItems(Call& call) {
  const Json& input = call.input;
  MILL_CO_TRY(const bool was_made, co_await WasMade(call));
  Capacities capacities;
  Json::Array reasons;
  std::set<Key> seen;
  size_t bytes = 0;
  bool is_refused = false;
  const Json::Array items = input["TransactItems"].items();
  for (const Json& item : items) {
    if (item.size() != 1)
      co_return Invalid("TransactItems can only contain one of Check, Put, Update or Delete");
    const Json::Member request = item.members().front();
    const Kind* kind = std::begin(kTransacted);
    while (kind != std::end(kTransacted) && request.name != kind->member) ++kind;
    if (kind == std::end(kTransacted)) co_return Invalid(request.name + " is no write");
    const Json& given = request.value;
    MILL_CO_TRY(const Table table, co_await FindTable(call, given.StringOr("TableName", "")));
    const bool is_put = kind->kind == WriteKind::kPut;
    MILL_CO_TRY(const Json sound,
                is_put ? CheckItemForTable(table, given["Item"]) : CheckKey(table, given["Key"]));
    if (!seen.insert(ItemKey(call, table, sound)).second)
      co_return Invalid("Transaction request cannot include multiple operations on one item");
    if (was_made) continue;
    MILL_CO_TRY(const Change change, co_await Write(call, table, kind->kind, given));
    bytes += SizeOfItem(change.after);
    capacities.Add(table, 2 * WriteUnits(change));
    is_refused |= change.is_refused;
    const bool wants_item = given.StringOr("ReturnValuesOnConditionCheckFailure", "") == "ALL_OLD";
    reasons.push_back(change.is_refused
                          ? Reason("ConditionalCheckFailed", "The conditional request failed",
                                   wants_item ? change.before : Json())
                          : Reason("None", nullptr, Json()));
  }
  if (is_refused) co_return Cancelled(reasons);
  if (bytes > kTransactionBytesMax)
    co_return Invalid("Collection size of items in a transaction cannot exceed 4MB");
  Json::Object out;
  capacities.PrintTo(out, input);
  co_return out;
}

Task<Json> TransactGetItems(Call& call) {
  const Json& input = call.input;
  Capacities capacities;
  Json::Array responses;
  const Json::Array items = input["TransactItems"].items();
  for (const Json& item : items) {
    const Json& given = item["Get"];
    MILL_CO_TRY(const auto projection, ReadProjection(given));
    MILL_CO_TRY(const Table table, co_await FindTable(call, given.StringOr("TableName", "")));
    MILL_CO_TRY(const Json key, CheckKey(table, given["Key"]));
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ItemKey(call, table, key)));
    capacities.Add(table, 2 * ReadUnits(found ? SizeOfItem(found->body) : 0, true));
    Json::Object response;
    if (found) response.Add("Item", projection ? Project(found->body, *projection) : found->body);
    responses.push_back(std::move(response));
  }
  Json::Object out{{"Responses", std::move(responses)}};
  capacities.PrintTo(out, input);
  co_return out;
}

}  // namespace stepmill::dynamodb
