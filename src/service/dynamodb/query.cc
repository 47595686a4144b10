#include <algorithm>

#include "base/checksum.h"
#include "json/each.h"
#include "lang/dynamodb/value.h"
#include "service/dynamodb/errors.h"
#include "service/dynamodb/items.h"
#include "service/dynamodb/keys.h"
#include "service/ports.h"

namespace stepmill::dynamodb {

namespace {

/// What Query and Scan have in common once their expressions are read.
struct Search {
  KeyRange range;
  Direction direction = Direction::kForward;
  std::optional<Condition> filter;
  std::optional<std::vector<Path>> projection;
  std::optional<KeyCondition> key;
  const Index* index = nullptr;
  std::string select;
  uint32_t segment = 0, segments = 1;
};

Result<const Index*> FindIndexOf(const Table& table, const Json& input) {
  const std::string name = input.StringOr("IndexName", "");
  if (name.empty()) return nullptr;
  const Index* index = table.FindIndex(name);
  if (!index) return Invalid("The table does not have the specified index: " + name);
  if (!index->is_local && input.BoolOr("ConsistentRead", false))
    return Invalid("Consistent reads are not supported on global secondary indexes");
  return index;
}

Result<> CheckSelect(const Search& search, const Json& input) {
  const std::string& select = search.select;
  if (search.projection && !select.empty() && select != "SPECIFIC_ATTRIBUTES")
    return Invalid("Cannot specify the ProjectionExpression when choosing to get " + select);
  if (select == "SPECIFIC_ATTRIBUTES" && !search.projection)
    return Invalid(
        "Must specify the AttributesToGet or ProjectionExpression when choosing to get "
        "SPECIFIC_ATTRIBUTES");
  if (select == "ALL_PROJECTED_ATTRIBUTES" && !search.index)
    return Invalid("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName");
  if (select == "ALL_ATTRIBUTES" && search.index && !search.index->is_local &&
      search.index->projection != "ALL")
    return InvalidParameter(
        "Select type ALL_ATTRIBUTES is not supported for global secondary "
        "index " +
        input.StringOr("IndexName", "") + " because its projection type is not ALL");
  return {};
}

/// The expressions and the place of a search.
Result<Search> ReadSearch(Call& call, const Table& table, bool is_query) {
  const Json& input = call.input;
  Search search;
  search.select = input.StringOr("Select", "");
  MILL_TRY(search.index, FindIndexOf(table, input));
  const bool has_expression = input.Has("FilterExpression") || input.Has("KeyConditionExpression");
  if (!has_expression && !input.Has("ProjectionExpression") &&
      input.Has("ExpressionAttributeNames"))
    return Invalid("ExpressionAttributeNames can only be specified when using expressions");
  if (!has_expression && input.Has("ExpressionAttributeValues"))
    return Invalid(
        std::string("ExpressionAttributeValues can only be specified when using expressions: ") +
        (is_query ? "FilterExpression and KeyConditionExpression are null"
                  : "FilterExpression is null"));
  MILL_TRY(Placeholders placeholders, Placeholders::Read(input["ExpressionAttributeNames"],
                                                         input["ExpressionAttributeValues"]));
  if (const Json* text = input.Find("FilterExpression")) {
    MILL_TRY(search.filter, ParseCondition(text->AsString(), "FilterExpression", placeholders));
  }
  if (const Json* text = input.Find("ProjectionExpression")) {
    MILL_TRY(search.projection, ParseProjection(text->AsString(), placeholders));
  }
  const KeySchema& keys = search.index ? search.index->keys : table.keys;
  const Key prefix =
      search.index ? IndexPrefix(call, table.id, search.index->name) : ItemPrefix(call, table.id);
  search.range = {prefix, PrefixEnd(prefix)};
  if (is_query) {
    const Json* text = input.Find("KeyConditionExpression");
    if (!text)
      return Invalid(
          "Either the KeyConditions or KeyConditionExpression parameter must be specified in the "
          "request.");
    const KeyNames names{keys.hash, keys.hash_type, keys.sort, keys.sort_type};
    MILL_TRY(search.key, ParseKeyCondition(text->AsString(), names, placeholders));
    search.range = RangeOf(prefix, *search.key);
  }
  MILL_CHECK(placeholders.CheckUsed());
  MILL_CHECK(CheckSelect(search, input));
  if (is_query && search.filter)
    for (const std::string& name : AttributesOf(*search.filter))
      if (name == keys.hash || name == keys.sort)
        return Invalid(
            "Filter Expression can only contain non-primary key attributes: Primary key "
            "attribute: " +
            name);
  if (!input.BoolOr("ScanIndexForward", true)) search.direction = Direction::kBackward;
  return search;
}

/// Goes on behind the key that an earlier page ended with.
Result<> StartBehind(Call& call, const Table& table, Search& search) {
  const Json* given = call.input.Find("ExclusiveStartKey");
  if (!given) return {};
  auto start = CheckItem(*given);
  if (!start) return Invalid("The provided starting key is invalid: " + start.error().message);
  Json::Object own;
  for (const std::string& name : {table.keys.hash, table.keys.sort})
    if (!name.empty()) own.SetIf(name, start->Find(name));
  const auto is_typed = [&](const std::string& name, const std::string& type) {
    return name.empty() || TypeOf((*start)[name]) == type;
  };
  const KeySchema& keys = search.index ? search.index->keys : table.keys;
  const bool is_sound = CheckKey(table, Json(std::move(own))).has_value() &&
                        is_typed(keys.hash, keys.hash_type) &&
                        is_typed(keys.sort, keys.sort_type) &&
                        KeyOf(table, search.index, *start).size() == start->size();
  if (!is_sound) return Invalid("The provided starting key is invalid");
  const Key key =
      search.index ? IndexKey(call, table, *search.index, *start) : ItemKey(call, table, *start);
  if (search.key && !AreEqual((*start)[keys.hash], search.key->hash))
    return Invalid(
        "The provided starting key is outside query boundaries based on provided conditions");
  if (search.direction == Direction::kForward)
    search.range.from = std::max(search.range.from, key + '\0');
  else
    search.range.to = std::min(search.range.to, key);
  return {};
}

/// Whether an item belongs to the part of a table that a parallel scan reads.
bool IsInSegment(const Search& search, const KeySchema& keys, const Json& item) {
  if (search.segments == 1) return true;
  Checksum checksum(Checksum::Kind::kCrc32);
  checksum.Update(KeyText(item[keys.hash]));
  const std::string bytes = checksum.Finish();
  uint32_t number = 0;
  for (const char c : bytes) number = number << 8 | static_cast<unsigned char>(c);
  return number % search.segments == search.segment;
}

Json Shown(const Search& search, const Table& table, const Json& item) {
  if (search.projection) return Project(item, *search.projection);
  if (!search.index || search.select == "ALL_ATTRIBUTES") return item;
  return ProjectedBy(table, *search.index, item);
}

/// One page: until Limit items were looked at, or 1 MB of them.
Task<Json> Run(Call& call, const Table& table, Search search) {
  const Json& input = call.input;
  const int64_t limit = input.IntOr("Limit", INT64_MAX);
  Json::Array items;
  int64_t count = 0, scanned = 0;
  size_t bytes = 0;
  Json last;
  const KeySchema& keys = search.index ? search.index->keys : table.keys;
  for (bool is_more = true; is_more && last.is_null() && search.range.from < search.range.to;) {
    const int wanted = static_cast<int>(std::min<int64_t>(kPageRead, limit - scanned));
    MILL_CO_TRY(const auto page, co_await call.ports.store.Range(
                                     search.range.from, search.range.to, search.direction,
                                     search.segments == 1 ? wanted : kPageRead));
    is_more = page.size() >= static_cast<size_t>(wanted);
    for (const Document& document : page) {
      if (!IsInSegment(search, keys, document.body)) continue;
      ++scanned;
      bytes += SizeOfItem(document.body);
      if (!search.filter || Matches(*search.filter, document.body)) {
        ++count;
        if (search.select != "COUNT") items.push_back(Shown(search, table, document.body));
      }
      if (scanned < limit && bytes < kPageBytesMax) continue;
      last = KeyOf(table, search.index, document.body);
      break;
    }
    if (page.empty()) break;
    if (search.direction == Direction::kForward)
      search.range.from = page.back().key + '\0';
    else
      search.range.to = page.back().key;
  }
  Json::Object out;
  if (search.select != "COUNT") out.Add("Items", std::move(items));
  out.Add("Count", count);
  out.Add("ScannedCount", scanned);
  if (!last.is_null()) out.Add("LastEvaluatedKey", last);
  const double units = ReadUnits(bytes, input.BoolOr("ConsistentRead", false));
  const Json capacity = PrintCapacity(input.StringOr("ReturnConsumedCapacity", ""), table, units);
  if (!capacity.is_null()) out.Add("ConsumedCapacity", capacity);
  co_return out;
}

Result<> ReadSegments(const Json& input, Search& search) {
  if (input.Has("Segment") && !input.Has("TotalSegments"))
    return Invalid(
        "The TotalSegments parameter is required but was not present in the request when Segment "
        "parameter is present");
  if (input.Has("TotalSegments") && !input.Has("Segment"))
    return Invalid(
        "The Segment parameter is required but was not present in the request when parameter "
        "TotalSegments is present");
  const int64_t segment = input.IntOr("Segment", 0), segments = input.IntOr("TotalSegments", 1);
  if (segment >= segments)
    return Invalid(
        "The Segment parameter is zero-based and must be less than parameter "
        "TotalSegments: Segment: " +
        std::to_string(segment) + " is not less than TotalSegments: " + std::to_string(segments));
  search.segment = static_cast<uint32_t>(segment);
  search.segments = static_cast<uint32_t>(segments);
  return {};
}

}  // namespace

Task<Json> Query(Call& call) {
  MILL_CO_TRY(const Table table, co_await FindTable(call, call.input.StringOr("TableName", "")));
  MILL_CO_TRY(Search search, ReadSearch(call, table, true));
  MILL_CO_CHECK(StartBehind(call, table, search));
  co_return co_await Run(call, table, std::move(search));
}

Task<Json> Scan(Call& call) {
  MILL_CO_TRY(const Table table, co_await FindTable(call, call.input.StringOr("TableName", "")));
  MILL_CO_TRY(Search search, ReadSearch(call, table, false));
  MILL_CO_CHECK(ReadSegments(call.input, search));
  MILL_CO_CHECK(StartBehind(call, table, search));
  co_return co_await Run(call, table, std::move(search));
}

}  // namespace stepmill::dynamodb
