#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"

/// Tables, items and indexes as documents.
///
///   dynamodb/table/NAME      name, id, created (ms), attributes {name: type}, keys {"hash",
///   "sort"?},
///                            indexes [{name, isLocal, keys, projection, attributes, throughput}],
///                            billing, throughput {ReadCapacityUnits, WriteCapacityUnits}, class,
///                            isProtected, tags {key: text}
///   dynamodb/item/ID/KEY     an item; ID is the table's, KEY the texts of its key attributes
///   (keys.h) dynamodb/index/ID/NAME/KEY...   for each item that has the index' attributes: what
///   the index
///                            projects of it (a local index: all), under the index' key and the
///                            item's
///   dynamodb/token/TOKEN     hash, at (ms): of TransactWriteItems; dynamodb/tokens/AT/TOKEN by
///   time
///
/// A table that is deleted is gone at once; an instance of the loop takes its items away.
namespace stepmill::dynamodb {

inline constexpr std::string_view kSweepMachine = "dynamodb-sweep";
inline constexpr size_t kIndexesMax = 20;  ///< global, of a table
inline constexpr size_t kLocalIndexesMax = 5;
inline constexpr int kPageRead = 100;      ///< items read at a time
inline constexpr int kMeasuredPage = 500;  ///< documents read at a time while counting
inline constexpr size_t kPageBytesMax = 1024 * 1024;
inline constexpr size_t kBatchBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kTransactionBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kHashBytesMax = 2048;
inline constexpr size_t kSortBytesMax = 1024;
inline constexpr size_t kTagsMax = 50;

/// The names of the attributes of a key and their types ("S", "N", "B").
struct KeySchema {
  std::string hash, hash_type;
  std::string sort, sort_type;  ///< empty: none
};

struct Index {
  std::string name;
  bool is_local = false;
  KeySchema keys;
  std::string projection;               ///< ALL, KEYS_ONLY, INCLUDE
  std::vector<std::string> attributes;  ///< INCLUDE
};

struct Table {
  Document document;
  std::string name, id, arn;
  KeySchema keys;
  std::vector<Index> indexes;
  const Index* FindIndex(std::string_view index) const;
};

Key TableKey(const Call& call, std::string_view name);
/// "table" or its ARN -> the name.
std::string TableName(std::string_view name_or_arn);
/// ResourceNotFoundException, in the words for items or (by name) for tables.
Task<Table> FindTable(Call& call, std::string name_or_arn);
Task<Table> FindTableByName(Call& call, std::string name_or_arn);

/// All that belongs to a table but its document: [from, to) of items and of indexes.
Key ItemPrefix(const Call& call, std::string_view table_id);
Key IndexPrefix(const Call& call, std::string_view table_id, std::string_view index);

/// What CreateTable asks for, as the table's document has it (without name, id, created, tags).
/// ValidationException in AWS's words.
Result<Json> ReadDefinition(const Json& input);
Result<Json> CheckThroughput(const Json& input, std::string_view billing);

Task<Json> CreateTable(Call& call);
Task<Json> DescribeTable(Call& call);
Task<Json> DeleteTable(Call& call);
Task<Json> ListTables(Call& call);
Task<Json> UpdateTable(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsOfResource(Call& call);

}  // namespace stepmill::dynamodb
