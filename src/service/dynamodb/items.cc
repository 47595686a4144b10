#include "service/dynamodb/items.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "json/each.h"
#include "lang/dynamodb/limits.h"
#include "lang/dynamodb/value.h"
#include "service/dynamodb/errors.h"
#include "service/dynamodb/keys.h"
#include "service/ports.h"

namespace stepmill::dynamodb {

namespace {

/// Adds what changes of the indexes of an item.
void WriteIndexes(Call& call, const Table& table, const Json& before, const Json& after) {
  for (const Index& index : table.indexes) {
    const bool was_in = before.is_object() && IsInIndex(index, before);
    const bool is_in = after.is_object() && IsInIndex(index, after);
    const Key old_key = was_in ? IndexKey(call, table, index, before) : Key();
    const Key new_key = is_in ? IndexKey(call, table, index, after) : Key();
    if (was_in && old_key != new_key) call.batch.Delete(old_key);
    if (is_in)
      call.batch.PutDocument(new_key, index.is_local ? after : ProjectedBy(table, index, after));
  }
}

Result<> CheckKeyUntouched(const Table& table, const Update& update) {
  for (const UpdateAction& action : update)
    for (const std::string& name : {table.keys.hash, table.keys.sort})
      if (action.path[0].name == name)
        return InvalidParameter("Cannot update attribute " + name +
                                ". This attribute is part of the key");
  return {};
}

/// The parts of an item that an update names.
Json Touched(const Json& item, const Update& update) {
  std::vector<Path> paths;
  for (const UpdateAction& action : update) paths.push_back(action.path);
  return item.is_object() ? Project(item, paths) : Json(Json::Object{});
}

Result<> CheckReturnValues(const Json& input) {
  const std::string wanted = input.StringOr("ReturnValues", "NONE");
  if (wanted == "NONE" || wanted == "ALL_OLD") return {};
  return Invalid("ReturnValues can only be ALL_OLD or NONE");
}

Json Answer(const Json& input, const Table& table, const Change& change, Json attributes) {
  Json::Object out;
  if (attributes.is_object() && attributes.size() > 0) out.Add("Attributes", std::move(attributes));
  const Json capacity =
      PrintCapacity(input.StringOr("ReturnConsumedCapacity", ""), table, WriteUnits(change));
  if (!capacity.is_null()) out.Add("ConsumedCapacity", capacity);
  return out;
}

Error Refused(const Json& input, const Change& change) {
  const bool wants_item = input.StringOr("ReturnValuesOnConditionCheckFailure", "") == "ALL_OLD";
  return ConditionalCheckFailed(wants_item ? change.before : Json());
}

}  // namespace

Result<WriteExpressions> ReadWriteExpressions(const Json& input, bool has_update) {
  // By hand: {"Exists": false} looks as if it asked for nothing, and is a condition.
  if (input["Expected"].size() > 0)
    return Invalid("Expected is not supported by stepmill (expected)");
  const bool has_expression = input.Has("ConditionExpression") || input.Has("UpdateExpression");
  if (!has_expression && input.Has("ExpressionAttributeNames"))
    return Invalid("ExpressionAttributeNames can only be specified when using expressions");
  if (!has_expression && input.Has("ExpressionAttributeValues"))
    return Invalid(
        std::string("ExpressionAttributeValues can only be specified when using expressions: ") +
        (has_update ? "UpdateExpression and ConditionExpression are null"
                    : "ConditionExpression is null"));
  MILL_TRY(Placeholders placeholders, Placeholders::Read(input["ExpressionAttributeNames"],
                                                         input["ExpressionAttributeValues"]));
  WriteExpressions expressions;
  if (const Json* text = input.Find("UpdateExpression")) {
    MILL_TRY(expressions.update, ParseUpdate(text->AsString(), placeholders));
  }
  if (const Json* text = input.Find("ConditionExpression")) {
    MILL_TRY(expressions.condition,
             ParseCondition(text->AsString(), "ConditionExpression", placeholders));
  }
  MILL_CHECK(placeholders.CheckUsed());
  return expressions;
}

Result<std::optional<std::vector<Path>>> ReadProjection(const Json& input) {
  std::optional<std::vector<Path>> paths;
  const Json* text = input.Find("ProjectionExpression");
  if (!text && input.Has("ExpressionAttributeNames"))
    return Invalid("ExpressionAttributeNames can only be specified when using expressions");
  MILL_TRY(Placeholders placeholders,
           Placeholders::Read(input["ExpressionAttributeNames"], Json()));
  if (!text) return paths;
  MILL_TRY(paths, ParseProjection(text->AsString(), placeholders));
  MILL_CHECK(placeholders.CheckUsed());
  return paths;
}

Task<Change> Write(Call& call, const Table& table, WriteKind kind, Json input) {
  MILL_CO_TRY(const WriteExpressions expressions,
              ReadWriteExpressions(input, kind == WriteKind::kUpdate));
  if (expressions.update) MILL_CO_CHECK(CheckKeyUntouched(table, *expressions.update));
  const bool is_put = kind == WriteKind::kPut;
  MILL_CO_TRY(const Json given,
              is_put ? CheckItemForTable(table, input["Item"]) : CheckKey(table, input["Key"]));
  const Key key = ItemKey(call, table, given);
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
  Change change;
  if (found) change.before = found->body;
  if (expressions.condition &&
      !Matches(*expressions.condition, found ? found->body : Json(Json::Object{}))) {
    change.is_refused = true;
    co_return change;
  }
  if (is_put) change.after = given;
  if (kind == WriteKind::kCheck) change.after = change.before;
  if (kind == WriteKind::kUpdate) {
    change.after = found ? found->body : given;
    if (expressions.update) {
      MILL_CO_TRY(change.after, Apply(*expressions.update, change.after));
    }
    // What a sum or a list has become is as sound as what is given.
    MILL_CO_TRY(change.after, CheckItem(change.after));
    MILL_CO_CHECK(CheckWritten(table, change.after, true));
  }
  // The table has to be there still, and the item as it was read.
  call.batch.expects.push_back({table.document.key, table.document.version});
  call.batch.expects.push_back({key, found ? found->version : 0});
  if (kind == WriteKind::kCheck) co_return change;
  if (change.after.is_object())
    call.batch.PutDocument(key, change.after);
  else if (found)
    call.batch.Delete(key);
  WriteIndexes(call, table, change.before, change.after);
  co_return change;
}

Json PrintCapacity(const std::string& wanted, const Table& table, double units) {
  if (wanted != "TOTAL" && wanted != "INDEXES") return Json();
  Json::Object out{{"TableName", table.name}, {"CapacityUnits", units}};
  if (wanted == "INDEXES") out.Add("Table", Json::Object{{"CapacityUnits", units}});
  return out;
}

double WriteUnits(const Change& change) {
  const size_t bytes = std::max(SizeOfItem(change.before), SizeOfItem(change.after));
  return std::max(1.0, std::ceil(static_cast<double>(bytes) / 1024.0));
}

double ReadUnits(size_t bytes, bool is_consistent) {
  const double units = std::max(1.0, std::ceil(static_cast<double>(bytes) / 4096.0));
  return is_consistent ? units : units / 2;
}

Task<Json> PutItem(Call& call) {
  const Json& input = call.input;
  MILL_CO_CHECK(CheckReturnValues(input));
  MILL_CO_CHECK(ReadWriteExpressions(input, false));
  MILL_CO_CHECK(CheckItem(input["Item"]));
  MILL_CO_TRY(const Table table, co_await FindTable(call, input.StringOr("TableName", "")));
  MILL_CO_TRY(const Change change, co_await Write(call, table, WriteKind::kPut, input));
  if (change.is_refused) co_return Refused(input, change);
  const bool wants_old = input.StringOr("ReturnValues", "") == "ALL_OLD";
  co_return Answer(input, table, change, wants_old ? change.before : Json());
}

Task<Json> DeleteItem(Call& call) {
  const Json& input = call.input;
  MILL_CO_CHECK(CheckReturnValues(input));
  MILL_CO_CHECK(ReadWriteExpressions(input, false));
  MILL_CO_CHECK(CheckItem(input["Key"]));
  MILL_CO_TRY(const Table table, co_await FindTable(call, input.StringOr("TableName", "")));
  MILL_CO_TRY(const Change change, co_await Write(call, table, WriteKind::kDelete, input));
  if (change.is_refused) co_return Refused(input, change);
  const bool wants_old = input.StringOr("ReturnValues", "") == "ALL_OLD";
  co_return Answer(input, table, change, wants_old ? change.before : Json());
}

Task<Json> UpdateItem(Call& call) {
  const Json& input = call.input;
  MILL_CO_TRY(const WriteExpressions expressions, ReadWriteExpressions(input, true));
  MILL_CO_CHECK(CheckItem(input["Key"]));
  MILL_CO_TRY(const Table table, co_await FindTable(call, input.StringOr("TableName", "")));
  MILL_CO_TRY(const Change change, co_await Write(call, table, WriteKind::kUpdate, input));
  if (change.is_refused) co_return Refused(input, change);
  const std::string wanted = input.StringOr("ReturnValues", "NONE");
  Json attributes;
  if (wanted == "ALL_OLD") attributes = change.before;
  if (wanted == "ALL_NEW") attributes = change.after;
  if (wanted == "UPDATED_OLD" && expressions.update)
    attributes = Touched(change.before, *expressions.update);
  if (wanted == "UPDATED_NEW" && expressions.update)
    attributes = Touched(change.after, *expressions.update);
  co_return Answer(input, table, change, std::move(attributes));
}

Task<Json> GetItem(Call& call) {
  const Json& input = call.input;
  MILL_CO_TRY(const auto projection, ReadProjection(input));
  MILL_CO_CHECK(CheckItem(input["Key"]));
  MILL_CO_TRY(const Table table, co_await FindTable(call, input.StringOr("TableName", "")));
  MILL_CO_TRY(const Json key, CheckKey(table, input["Key"]));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ItemKey(call, table, key)));
  Json::Object out;
  if (found) out.Add("Item", projection ? Project(found->body, *projection) : found->body);
  const double units =
      ReadUnits(found ? SizeOfItem(found->body) : 0, input.BoolOr("ConsistentRead", false));
  const Json capacity = PrintCapacity(input.StringOr("ReturnConsumedCapacity", ""), table, units);
  if (!capacity.is_null()) out.Add("ConsumedCapacity", capacity);
  co_return out;
}

}  // namespace stepmill::dynamodb
