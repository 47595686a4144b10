#include "service/dynamodb/tables.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/dynamodb/value.h"
#include "service/dynamodb/errors.h"
#include "service/ports.h"
#include "service/sweep.h"
#include "task/ports.h"

namespace stepmill::dynamodb {

namespace {

KeySchema ReadKeySchema(const Json& keys, const Json& attributes) {
  KeySchema schema;
  schema.hash = keys.StringOr("hash", "");
  schema.hash_type = attributes.StringOr(schema.hash, "");
  schema.sort = keys.StringOr("sort", "");
  if (!schema.sort.empty()) schema.sort_type = attributes.StringOr(schema.sort, "");
  return schema;
}

Table MakeTable(const Call& call, Document document) {
  Table table;
  const Json& body = document.body;
  table.name = body.StringOr("name", "");
  table.id = body.StringOr("id", "");
  table.arn = call.Arn("dynamodb", "table/" + table.name);
  table.keys = ReadKeySchema(body["keys"], body["attributes"]);
  for (const Json& each : ItemsOf(body["indexes"])) {
    Index index;
    index.name = each.StringOr("name", "");
    index.is_local = each.BoolOr("isLocal", false);
    index.keys = ReadKeySchema(each["keys"], body["attributes"]);
    index.projection = each.StringOr("projection", "");
    for (const Json& name : ItemsOf(each["attributes"]))
      index.attributes.push_back(name.AsString());
    table.indexes.push_back(std::move(index));
  }
  table.document = std::move(document);
  return table;
}

Json PrintKeys(const Json& keys) {
  Json::Array schema;
  schema.push_back(Json::Object{{"AttributeName", keys["hash"]}, {"KeyType", "HASH"}});
  if (keys.Has("sort"))
    schema.push_back(Json::Object{{"AttributeName", keys["sort"]}, {"KeyType", "RANGE"}});
  return schema;
}

Json PrintThroughput(const Json& throughput) {
  return Json::Object{{"NumberOfDecreasesToday", 0},
                      {"ReadCapacityUnits", throughput.IntOr("ReadCapacityUnits", 0)},
                      {"WriteCapacityUnits", throughput.IntOr("WriteCapacityUnits", 0)}};
}

/// How much there is of a table or an index.
struct Amount {
  int64_t count = 0, bytes = 0;
};
Task<Amount> Measure(Call& call, Key prefix) {
  Amount amount;
  const Key end = PrefixEnd(prefix);
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(const auto page,
                co_await call.ports.store.Range(from, end, Direction::kForward, kMeasuredPage));
    for (const Document& item : page) {
      ++amount.count;
      amount.bytes += static_cast<int64_t>(SizeOfItem(item.body));
    }
    if (page.size() < static_cast<size_t>(kMeasuredPage)) co_return amount;
    from = page.back().key + '\0';
  }
}

Json PrintTable(const Table& table, std::string_view status, const Amount& amount) {
  const Json& body = table.document.body;
  Json::Array definitions;
  for (const Json::Member& each : MembersOf(body["attributes"]))
    definitions.push_back(
        Json::Object{{"AttributeName", each.name}, {"AttributeType", each.value}});
  Json::Object out{{"AttributeDefinitions", std::move(definitions)},
                   {"TableName", table.name},
                   {"KeySchema", PrintKeys(body["keys"])},
                   {"TableStatus", status},
                   {"CreationDateTime", static_cast<double>(body.IntOr("created", 0)) / 1000.0},
                   {"ProvisionedThroughput", PrintThroughput(body["throughput"])},
                   {"TableSizeBytes", amount.bytes},
                   {"ItemCount", amount.count},
                   {"TableArn", table.arn},
                   {"TableId", table.id}};
  if (body.StringOr("billing", "") == "PAY_PER_REQUEST")
    out.Add("BillingModeSummary",
            Json::Object{{"BillingMode", "PAY_PER_REQUEST"},
                         {"LastUpdateToPayPerRequestDateTime", out.members[4].value}});
  if (body.StringOr("class", "STANDARD") != "STANDARD")
    out.Add("TableClassSummary", Json::Object{{"TableClass", body["class"]}});
  out.Add("DeletionProtectionEnabled", body.BoolOr("isProtected", false));
  return out;
}

Task<Json> PrintIndexes(Call& call, const Table& table, Json printed) {
  Json::Array local, global;
  for (const Json& each : ItemsOf(table.document.body["indexes"])) {
    const std::string name = each.StringOr("name", "");
    MILL_CO_TRY(const Amount amount, co_await Measure(call, IndexPrefix(call, table.id, name)));
    Json::Object projection{{"ProjectionType", each["projection"]}};
    projection.SetIf("NonKeyAttributes", each.Find("attributes"));
    Json::Object index{{"IndexName", name},
                       {"KeySchema", PrintKeys(each["keys"])},
                       {"Projection", std::move(projection)}};
    const bool is_local = each.BoolOr("isLocal", false);
    if (!is_local) {
      index.Add("IndexStatus", "ACTIVE");
      index.Add("ProvisionedThroughput", PrintThroughput(each["throughput"]));
    }
    index.Add("IndexSizeBytes", amount.bytes);
    index.Add("ItemCount", amount.count);
    index.Add("IndexArn", table.arn + "/index/" + name);
    (is_local ? local : global).push_back(std::move(index));
  }
  if (!local.empty()) printed = printed.With("LocalSecondaryIndexes", std::move(local));
  if (!global.empty()) printed = printed.With("GlobalSecondaryIndexes", std::move(global));
  co_return printed;
}

Task<Json> Describe(Call& call, Table table, std::string status, bool is_measured) {
  Amount amount;
  if (is_measured) {
    MILL_CO_TRY(amount, co_await Measure(call, ItemPrefix(call, table.id)));
  }
  const Json printed = PrintTable(table, status, amount);
  co_return co_await PrintIndexes(call, table, printed);
}

Result<Json> WithTags(const Json& before, const Json& given) {
  Json tags = before.is_object() ? before : Json(Json::Object{});
  for (const Json& tag : ItemsOf(given)) tags = tags.With(tag.StringOr("Key", ""), tag["Value"]);
  if (tags.size() > kTagsMax)
    return InvalidParameter("Too many tags: the limit for tags of a table is 50");
  return tags;
}

/// The table of an ARN that tags are for.
Task<Table> FindTagged(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  auto table = co_await FindTable(call, arn);
  if (!table && table.error().code == Code::kNotFound) co_return NoSuchArn(arn);
  co_return table;
}

}  // namespace

const Index* Table::FindIndex(std::string_view index) const {
  const auto found = std::find_if(indexes.begin(), indexes.end(),
                                  [&](const Index& each) { return each.name == index; });
  return found == indexes.end() ? nullptr : &*found;
}

Key TableKey(const Call& call, std::string_view name) {
  return call.KeyFor({"dynamodb", "table", name});
}

std::string TableName(std::string_view name_or_arn) {
  const size_t at = name_or_arn.find(":table/");
  if (!name_or_arn.starts_with("arn:") || at == std::string_view::npos)
    return std::string(name_or_arn);
  return std::string(name_or_arn.substr(at + 7, name_or_arn.find('/', at + 7) - at - 7));
}

Key ItemPrefix(const Call& call, std::string_view table_id) {
  return call.KeyFor({"dynamodb", "item", table_id, ""});
}

Key IndexPrefix(const Call& call, std::string_view table_id, std::string_view index) {
  return index.empty() ? call.KeyFor({"dynamodb", "index", table_id, ""})
                       : call.KeyFor({"dynamodb", "index", table_id, index, ""});
}

Task<Table> FindTable(Call& call, std::string name_or_arn) {
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(TableKey(call, TableName(name_or_arn))));
  if (!found) co_return ResourceNotFound();
  co_return MakeTable(call, *std::move(found));
}

Task<Table> FindTableByName(Call& call, std::string name_or_arn) {
  auto table = co_await FindTable(call, name_or_arn);
  if (!table && table.error().code == Code::kNotFound)
    co_return NoSuchTable(TableName(name_or_arn));
  co_return table;
}

Task<Json> CreateTable(Call& call) {
  const Json& input = call.input;
  const std::string name = TableName(input.StringOr("TableName", ""));
  if (name.size() < 3 || name.size() > 255)
    co_return Invalid(
        "TableName must be at least 3 characters long and at most 255 characters long");
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '.' && c != '-')
      co_return Invalid("1 validation error detected: Value '" + name +
                        "' at 'tableName' failed to satisfy constraint: Member must satisfy "
                        "regular expression pattern: [a-zA-Z0-9_.-]+");
  MILL_CO_TRY(Json body, ReadDefinition(input));
  MILL_CO_TRY(Json tags, WithTags(Json(), input["Tags"]));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(TableKey(call, name)));
  if (found) co_return TableExists(name);
  body = body.With("name", name)
             .With("id", call.ports.random.NewUuid())
             .With("created", MillisSinceEpoch(call.now))
             .With("tags", std::move(tags));
  Document document;
  document.key = TableKey(call, name);
  document.body = body;
  call.batch.Create(document.key, std::move(body));
  MILL_CO_TRY(Json printed,
              co_await Describe(call, MakeTable(call, std::move(document)), "CREATING", false));
  co_return Json::Object{{"TableDescription", std::move(printed)}};
}

Task<Json> DescribeTable(Call& call) {
  MILL_CO_TRY(Table table, co_await FindTableByName(call, call.input.StringOr("TableName", "")));
  MILL_CO_TRY(Json printed, co_await Describe(call, std::move(table), "ACTIVE", true));
  co_return Json::Object{{"Table", std::move(printed)}};
}

Task<Json> DeleteTable(Call& call) {
  MILL_CO_TRY(Table table, co_await FindTableByName(call, call.input.StringOr("TableName", "")));
  if (table.document.body.BoolOr("isProtected", false))
    co_return Invalid(
        "Resource cannot be deleted as it is currently protected against deletion. "
        "Disable deletion protection first.");
  call.batch.expects.push_back({table.document.key, table.document.version});
  call.batch.Delete(table.document.key);
  std::vector<Key> prefixes;
  prefixes.push_back(ItemPrefix(call, table.id));
  prefixes.push_back(IndexPrefix(call, table.id, ""));
  StartSweep(call, "dynamodb", "SweepTable", kSweepMachine, table.id, prefixes);
  MILL_CO_TRY(Json printed, co_await Describe(call, std::move(table), "DELETING", false));
  co_return Json::Object{{"TableDescription", std::move(printed)}};
}

Task<Json> ListTables(Call& call) {
  const Key prefix = TableKey(call, "");
  const std::string after = call.input.StringOr("ExclusiveStartTableName", "");
  const auto limit = static_cast<int>(call.input.IntOr("Limit", 100));
  const Key from = after.empty() ? prefix : TableKey(call, after) + '\0';
  const Key end = PrefixEnd(prefix);
  MILL_CO_TRY(auto found,
              co_await call.ports.store.Range(from, end, Direction::kForward, limit + 1));
  Json::Array names;
  for (const Document& table : found)
    if (names.size() < static_cast<size_t>(limit)) names.push_back(table.body["name"]);
  Json::Object out;
  const bool has_more = found.size() > names.size();
  if (has_more) out.Add("LastEvaluatedTableName", names.back());
  out.Add("TableNames", std::move(names));
  co_return out;
}

Task<Json> UpdateTable(Call& call) {
  const Json& input = call.input;
  MILL_CO_TRY(Table table, co_await FindTableByName(call, input.StringOr("TableName", "")));
  Json body = table.document.body;
  const std::string billing = input.StringOr("BillingMode", body.StringOr("billing", ""));
  if (input.Has("ProvisionedThroughput") || input.Has("BillingMode")) {
    MILL_CO_TRY(Json throughput, CheckThroughput(input, billing));
    body = body.With("billing", billing).With("throughput", std::move(throughput));
  }
  if (input.Has("TableClass")) body = body.With("class", input["TableClass"]);
  if (input.Has("DeletionProtectionEnabled"))
    body = body.With("isProtected", input["DeletionProtectionEnabled"]);
  if (body == table.document.body)
    co_return Invalid(
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates or SSESpecification or ReplicaUpdates is required");
  call.batch.Replace(table.document, body);
  table.document.body = std::move(body);
  MILL_CO_TRY(Json printed, co_await Describe(call, std::move(table), "UPDATING", true));
  co_return Json::Object{{"TableDescription", std::move(printed)}};
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Table table, co_await FindTagged(call));
  const Json& body = table.document.body;
  MILL_CO_TRY(Json tags, WithTags(body["tags"], call.input["Tags"]));
  call.batch.Replace(table.document, body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Table table, co_await FindTagged(call));
  Json tags = table.document.body["tags"];
  for (const Json& key : ItemsOf(call.input["TagKeys"])) tags = tags.Without(key.AsString());
  call.batch.Replace(table.document, table.document.body.With("tags", std::move(tags)));
  co_return Json(Json::Object{});
}

Task<Json> ListTagsOfResource(Call& call) {
  MILL_CO_TRY(const Table table, co_await FindTagged(call));
  Json::Array tags;
  for (const Json::Member& tag : MembersOf(table.document.body["tags"]))
    tags.push_back(Json::Object{{"Key", tag.name}, {"Value", tag.value}});
  co_return Json::Object{{"Tags", std::move(tags)}};
}

}  // namespace stepmill::dynamodb
