#include <algorithm>
#include <set>

#include "base/strings.h"
#include "json/each.h"
#include "service/dynamodb/errors.h"
#include "service/dynamodb/tables.h"

namespace stepmill::dynamodb {

namespace {

constexpr int64_t kUnitsMax = 1'000'000'000'000;

std::string NamesOf(const Json& list) {
  std::string out;
  for (const Json& each : ItemsOf(list))
    out += (out.empty() ? "" : ", ") + each.StringOr("AttributeName", "");
  return "[" + out + "]";
}

/// {"hash": name, "sort": name}
Result<Json> ReadKeys(const Json& schema, const Json& definitions, const Json& attributes) {
  if (schema.size() > 2)
    return Invalid(
        "1 validation error detected: Value at 'keySchema' failed to satisfy constraint: Member "
        "must have length less than or equal to 2");
  for (const Json& element : ItemsOf(schema))
    if (!attributes.Has(element.StringOr("AttributeName", "")))
      return InvalidParameter(
          "Some index key attributes are not defined in AttributeDefinitions. "
          "Keys: " +
          NamesOf(schema) + ", AttributeDefinitions: " + NamesOf(definitions));
  Json::Object keys{{"hash", schema.At(0)["AttributeName"]}};
  if (schema.size() == 2) {
    if (schema.At(0)["AttributeName"] == schema.At(1)["AttributeName"])
      return Invalid(
          "Both the Hash Key and the Range Key element in the KeySchema have the same name");
    keys.Add("sort", schema.At(1)["AttributeName"]);
  }
  if (schema.At(0).StringOr("KeyType", "") != "HASH")
    return Invalid("Invalid KeySchema: The first KeySchemaElement is not a HASH key type");
  if (schema.size() == 2 && schema.At(1).StringOr("KeyType", "") != "RANGE")
    return Invalid("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type");
  return Json(std::move(keys));
}

Result<> CheckLocal(const std::string& name, const Json& keys, const Json& table_keys) {
  if (!table_keys.Has("sort"))
    return InvalidParameter(
        "Table KeySchema does not have a range key, which is required when specifying a "
        "LocalSecondaryIndex");
  if (!keys.Has("sort"))
    return InvalidParameter("Index KeySchema does not have a range key for index: " + name);
  if (keys["hash"] != table_keys["hash"])
    return InvalidParameter(
        "Index KeySchema does not have the same leading hash key as table KeySchema for index: " +
        name + ". index hash key: " + keys["hash"].AsString() +
        ", table hash key: " + table_keys["hash"].AsString());
  return {};
}

Result<Json> ReadIndex(const Json& given, bool is_local, const Json& keys) {
  const std::string name = given.StringOr("IndexName", "");
  const Json& projection = given["Projection"];
  const std::string type = projection.StringOr("ProjectionType", "");
  if (type.empty()) return InvalidParameter("Unknown ProjectionType: null");
  if (projection.Has("NonKeyAttributes") && type != "INCLUDE")
    return InvalidParameter("ProjectionType is " + type + ", but NonKeyAttributes is specified");
  if (!projection.Has("NonKeyAttributes") && type == "INCLUDE")
    return InvalidParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified");
  Json::Object index{{"name", name}, {"isLocal", is_local}, {"keys", keys}, {"projection", type}};
  index.SetIf("attributes", projection.Find("NonKeyAttributes"));
  index.SetIf("throughput", given.Find("ProvisionedThroughput"));
  return Json(std::move(index));
}

Result<Json> ReadIndexes(const Json& input, const Json& attributes, const Json& table_keys,
                         std::string_view billing) {
  Json::Array indexes;
  std::set<std::string> names;
  for (const bool is_local : {true, false}) {
    const char* member = is_local ? "LocalSecondaryIndexes" : "GlobalSecondaryIndexes";
    const Json& list = input[member];
    if (!input.Has(member)) continue;
    if (list.size() == 0) return InvalidParameter("List of " + std::string(member) + " is empty");
    if (list.size() > (is_local ? kLocalIndexesMax : kIndexesMax))
      return InvalidParameter(is_local
                                  ? "Number of LocalSecondaryIndexes exceeds per-table limit of 5"
                                  : "GlobalSecondaryIndex count exceeds the per-table limit of 20");
    for (const Json& given : list.items()) {
      const std::string name = given.StringOr("IndexName", "");
      MILL_TRY(const Json keys,
               ReadKeys(given["KeySchema"], input["AttributeDefinitions"], attributes));
      if (is_local) MILL_CHECK(CheckLocal(name, keys, table_keys));
      MILL_TRY(Json index, ReadIndex(given, is_local, keys));
      if (!is_local && billing == "PAY_PER_REQUEST" && given.Has("ProvisionedThroughput"))
        return InvalidParameter("ProvisionedThroughput should not be specified for index: " + name +
                                " when BillingMode is PAY_PER_REQUEST");
      if (!is_local && billing != "PAY_PER_REQUEST" && !given.Has("ProvisionedThroughput"))
        return InvalidParameter("ProvisionedThroughput must be specified for index: " + name);
      if (!names.insert(name).second) return InvalidParameter("Duplicate index name: " + name);
      indexes.push_back(std::move(index));
    }
  }
  return Json(std::move(indexes));
}

/// Every attribute that is defined has to be in a key.
Result<> CheckAllUsed(const Json& attributes, const Json& keys, const Json& indexes) {
  std::set<std::string> used;
  const auto add = [&](const Json& schema) {
    for (const Json::Member& member : MembersOf(schema)) used.insert(member.value.AsString());
  };
  add(keys);
  for (const Json& index : ItemsOf(indexes)) add(index["keys"]);
  if (used.size() == attributes.size()) return {};
  if (indexes.size() == 0)
    return InvalidParameter(
        "Number of attributes in KeySchema does not exactly match number of attributes defined in "
        "AttributeDefinitions");
  std::string all, keyed;
  for (const Json::Member& member : MembersOf(attributes))
    all += (all.empty() ? "" : ", ") + member.name;
  for (const std::string& name : used) keyed += (keyed.empty() ? "" : ", ") + name;
  return InvalidParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [" + all +
                          "], keys used: [" + keyed + "]");
}

}  // namespace

Result<Json> CheckThroughput(const Json& input, std::string_view billing) {
  const Json& given = input["ProvisionedThroughput"];
  if (billing == "PAY_PER_REQUEST") {
    if (input.Has("ProvisionedThroughput"))
      return InvalidParameter(
          "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
          "PAY_PER_REQUEST");
    return Json(Json::Object{{"ReadCapacityUnits", 0}, {"WriteCapacityUnits", 0}});
  }
  if (!input.Has("ProvisionedThroughput"))
    return InvalidParameter(
        "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is "
        "PROVISIONED");
  for (const char* member : {"ReadCapacityUnits", "WriteCapacityUnits"})
    if (given.IntOr(member, 0) > kUnitsMax)
      return Invalid("Given value " + std::to_string(given.IntOr(member, 0)) + " for " + member +
                     " is out of bounds");
  return given;
}

Result<Json> ReadDefinition(const Json& input) {
  const Json& definitions = input["AttributeDefinitions"];
  Json::Object attributes;
  for (const Json& each : ItemsOf(definitions)) {
    const std::string name = each.StringOr("AttributeName", "");
    for (const Json::Member& other : attributes.members)
      if (other.name == name)
        return InvalidParameter("Cannot have two attributes with the same name");
    attributes.Add(name, each["AttributeType"]);
  }
  const Json types(std::move(attributes));
  const std::string billing = input.StringOr("BillingMode", "PROVISIONED");
  MILL_TRY(Json throughput, CheckThroughput(input, billing));
  if (input["KeySchema"].size() > types.size())
    return Invalid("Invalid KeySchema: Some index key attribute have no definition");
  MILL_TRY(Json keys, ReadKeys(input["KeySchema"], definitions, types));
  MILL_TRY(Json indexes, ReadIndexes(input, types, keys, billing));
  MILL_CHECK(CheckAllUsed(types, keys, indexes));
  return Json(Json::Object{{"attributes", types},
                           {"keys", std::move(keys)},
                           {"indexes", std::move(indexes)},
                           {"billing", billing},
                           {"throughput", std::move(throughput)},
                           {"class", input.StringOr("TableClass", "STANDARD")},
                           {"isProtected", input.BoolOr("DeletionProtectionEnabled", false)}});
}

}  // namespace stepmill::dynamodb
