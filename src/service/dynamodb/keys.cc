#include "service/dynamodb/keys.h"

#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "lang/dynamodb/limits.h"
#include "lang/dynamodb/number.h"
#include "lang/dynamodb/value.h"
#include "service/dynamodb/errors.h"

namespace stepmill::dynamodb {

namespace {

constexpr char kEnd = '!';

std::string Escape(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > '/') {
      out += c;
      continue;
    }
    out += '&';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

/// Bytes of a value of a key. Numbers are short.
size_t KeyBytes(const Json& value) {
  const std::string_view type = TypeOf(value);
  if (type == "S") return value["S"].AsString().size();
  return type == "B" ? Unbase64(value["B"].AsString()).value_or("").size() : 1;
}

bool IsEmptyKey(const Json& value) {
  const std::string_view type = TypeOf(value);
  return (type == "S" || type == "B") && value[type].AsString().empty();
}

const char* Noun(const Json& value) { return TypeOf(value) == "S" ? "string" : "binary"; }

Result<> CheckSizes(const KeySchema& keys, const Json& item) {
  for (const std::string& name : {keys.hash, keys.sort})
    if (!name.empty() && IsEmptyKey(item[name]))
      return Invalid(
          "One or more parameter values are not valid. The AttributeValue for a key "
          "attribute cannot contain an empty " +
          std::string(Noun(item[name])) + " value. Key: " + name);
  if (KeyBytes(item[keys.hash]) > kHashBytesMax)
    return InvalidParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes");
  if (!keys.sort.empty() && KeyBytes(item[keys.sort]) > kSortBytesMax)
    return InvalidParameter(
        "Aggregated size of all range keys has exceeded the size limit of 1024 bytes");
  return {};
}

Result<> CheckIndexKey(const Index& index, const std::string& name, const std::string& type,
                       const Json& item) {
  const Json* value = name.empty() ? nullptr : item.Find(name);
  if (!value) return {};
  if (TypeOf(*value) != type)
    return InvalidParameter("Type mismatch for Index Key " + name + " Expected: " + type +
                            " Actual: " + std::string(TypeOf(*value)) +
                            " IndexName: " + index.name);
  if (IsEmptyKey(*value))
    return Invalid(
        "One or more parameter values are not valid. A value specified for a secondary "
        "index key is not supported. The AttributeValue for a key attribute cannot "
        "contain an empty " +
        std::string(Noun(*value)) + " value. IndexName: " + index.name + ", IndexKey: " + name);
  return {};
}

}  // namespace

std::string KeyText(const Json& value) {
  const std::string_view type = TypeOf(value);
  const std::string& text = value[type].AsString();
  if (type == "S") return Escape(text);
  if (type == "B") return Hex(Unbase64(text).value_or(""));
  const auto number = Number::Parse(text);
  return number ? number->SortKey() : text;
}

std::string KeyTextOf(const KeySchema& keys, const Json& item) {
  std::string out = KeyText(item[keys.hash]) + kEnd;
  if (!keys.sort.empty()) out += KeyText(item[keys.sort]) + kEnd;
  return out;
}

Key ItemKey(const Call& call, const Table& table, const Json& item) {
  return ItemPrefix(call, table.id) + KeyTextOf(table.keys, item);
}

Key IndexKey(const Call& call, const Table& table, const Index& index, const Json& item) {
  return IndexPrefix(call, table.id, index.name) + KeyTextOf(index.keys, item) +
         KeyTextOf(table.keys, item);
}

bool IsInIndex(const Index& index, const Json& item) {
  return item.Has(index.keys.hash) && (index.keys.sort.empty() || item.Has(index.keys.sort));
}

Json KeyOf(const Table& table, const Index* index, const Json& item) {
  Json::Object key;
  const auto add = [&](const KeySchema& keys) {
    for (const std::string& name : {keys.hash, keys.sort})
      if (!name.empty()) key.SetIf(name, item.Find(name));
  };
  add(table.keys);
  if (index) add(index->keys);
  return key;
}

Json ProjectedBy(const Table& table, const Index& index, const Json& item) {
  if (index.projection == "ALL") return item;
  const Json key = KeyOf(table, &index, item);
  Json::Object shown;
  for (const Json::Member& member : MembersOf(item))
    if (key.Has(member.name) || std::find(index.attributes.begin(), index.attributes.end(),
                                          member.name) != index.attributes.end())
      shown.Add(member.name, member.value);
  return shown;
}

Result<Json> CheckKey(const Table& table, const Json& key) {
  MILL_TRY(Json checked, CheckItem(key));
  const KeySchema& keys = table.keys;
  if (checked.size() != (keys.sort.empty() ? 1u : 2u) ||
      TypeOf(checked[keys.hash]) != keys.hash_type ||
      (!keys.sort.empty() && TypeOf(checked[keys.sort]) != keys.sort_type))
    return KeyMismatch();
  MILL_CHECK(CheckSizes(keys, checked));
  return checked;
}

Result<Json> CheckItemForTable(const Table& table, const Json& item) {
  MILL_TRY(Json checked, CheckItem(item));
  const KeySchema& keys = table.keys;
  for (const auto& [name, type] :
       {std::pair(keys.hash, keys.hash_type), std::pair(keys.sort, keys.sort_type)}) {
    if (name.empty()) continue;
    if (!checked.Has(name)) return InvalidParameter("Missing the key " + name + " in the item");
    if (TypeOf(checked[name]) != type)
      return InvalidParameter("Type mismatch for key " + name + " expected: " + type +
                              " actual: " + std::string(TypeOf(checked[name])));
  }
  MILL_CHECK(CheckSizes(keys, checked));
  MILL_CHECK(CheckWritten(table, checked, false));
  return checked;
}

Result<> CheckWritten(const Table& table, const Json& item, bool is_update) {
  for (const Index& index : table.indexes) {
    MILL_CHECK(CheckIndexKey(index, index.keys.hash, index.keys.hash_type, item));
    MILL_CHECK(CheckIndexKey(index, index.keys.sort, index.keys.sort_type, item));
  }
  if (SizeOfItem(item) <= kItemBytesMax) return {};
  return Invalid(is_update ? "Item size to update has exceeded the maximum allowed size"
                           : "Item size has exceeded the maximum allowed size");
}

KeyRange RangeOf(Key prefix, const KeyCondition& condition) {
  prefix += KeyText(condition.hash) + kEnd;
  const Key end = PrefixEnd(prefix);
  if (condition.sort_op.empty()) return {prefix, end};
  const Key start = prefix + KeyText(condition.sort);
  const Key at = start + kEnd;
  if (condition.sort_op == "=") return {at, PrefixEnd(at)};
  if (condition.sort_op == "<") return {prefix, at};
  if (condition.sort_op == "<=") return {prefix, PrefixEnd(at)};
  if (condition.sort_op == ">") return {PrefixEnd(at), end};
  if (condition.sort_op == ">=") return {at, end};
  if (condition.sort_op == "begins_with") return {start, PrefixEnd(start)};
  return {at, PrefixEnd(prefix + KeyText(condition.sort_end) + kEnd)};
}

}  // namespace stepmill::dynamodb
