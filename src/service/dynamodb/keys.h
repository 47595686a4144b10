#pragma once

#include <string>
#include <string_view>

#include "lang/dynamodb/expression.h"
#include "service/dynamodb/tables.h"

/// Keys on disk. Each attribute of a key becomes a text whose bytes sort as DynamoDB sorts the
/// values, ended by '!': numbers by Number::SortKey, binary in hexadecimal, strings as their UTF-8
/// with every byte up to '/' written as '&' and two hexadecimal digits ('!' < '&' < '0').
namespace stepmill::dynamodb {

std::string KeyText(const Json& value);

/// The whole key of an item (or of what an index has of it) below its prefix. The item has the
/// attributes.
std::string KeyTextOf(const KeySchema& keys, const Json& item);
Key ItemKey(const Call& call, const Table& table, const Json& item);
Key IndexKey(const Call& call, const Table& table, const Index& index, const Json& item);
bool IsInIndex(const Index& index, const Json& item);

/// The key attributes of an item, of the table and of the index if there is one.
Json KeyOf(const Table& table, const Index* index, const Json& item);
/// What an index shows of an item.
Json ProjectedBy(const Table& table, const Index& index, const Json& item);

/// A key that a caller gives: exactly the table's attributes, with their types.
Result<Json> CheckKey(const Table& table, const Json& key);
/// An item that is to be written: its key, the keys of indexes, its size.
Result<Json> CheckItemForTable(const Table& table, const Json& item);
Result<> CheckWritten(const Table& table, const Json& item, bool is_update);

struct KeyRange {
  Key from, to;
};
/// Where what a query asks for lies.
KeyRange RangeOf(Key prefix, const KeyCondition& condition);

}  // namespace stepmill::dynamodb
