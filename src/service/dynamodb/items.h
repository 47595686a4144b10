#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lang/dynamodb/expression.h"
#include "service/dynamodb/tables.h"

/// Reading and writing one item, for operations of one and of many.
namespace stepmill::dynamodb {

/// The expressions of a write, parsed.
struct WriteExpressions {
  std::optional<Condition> condition;
  std::optional<Update> update;
};
/// `parameters`: those that the operation has, as error texts list them ("ConditionExpression").
Result<WriteExpressions> ReadWriteExpressions(const Json& input, bool has_update);

/// What a read shows of an item.
Result<std::optional<std::vector<Path>>> ReadProjection(const Json& input);

/// One write of an item: what it was, and what it is now.
struct Change {
  Json before;              ///< null: there was none
  Json after;               ///< null: there is none any more
  bool is_refused = false;  ///< its condition did not hold
};

enum class WriteKind { kPut, kUpdate, kDelete, kCheck };
/// Reads the item, looks at the condition and adds the write to the batch, with the indexes.
/// `input` has Item (kPut) or Key, and the expressions. ValidationException, ResourceNotFound.
Task<Change> Write(Call& call, const Table& table, WriteKind kind, Json input);

/// {"TableName", "CapacityUnits", ...} as ReturnConsumedCapacity asks for it; null: not at all.
Json PrintCapacity(const std::string& wanted, const Table& table, double units);
double WriteUnits(const Change& change);
double ReadUnits(size_t bytes, bool is_consistent);

Task<Json> PutItem(Call& call);
Task<Json> GetItem(Call& call);
Task<Json> UpdateItem(Call& call);
Task<Json> DeleteItem(Call& call);
Task<Json> Query(Call& call);
Task<Json> Scan(Call& call);
Task<Json> BatchGetItem(Call& call);
Task<Json> BatchWriteItem(Call& call);
Task<Json> TransactWriteItems(Call& call);
Task<Json> TransactGetItems(Call& call);

}  // namespace stepmill::dynamodb
