#include "service/dynamodb/dynamodb.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"

namespace stepmill::dynamodb {
namespace {

class DynamoDbTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }
  Json Ask(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("dynamodb", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? *answer : Json();
  }
  void MakeTable() {
    Ask("CreateTable", *ParseJson(R"({"TableName": "all", "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "h", "AttributeType": "S"},
                                     {"AttributeName": "s", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "h", "KeyType": "HASH"},
                          {"AttributeName": "s", "KeyType": "RANGE"}]})"));
  }
  static Json Text(const std::string& text) { return Json::Object{{"S", text}}; }
  Json Put(const std::string& hash, const std::string& sort, const std::string& data) {
    const Json item = Json::Object{{"h", Text(hash)}, {"s", Text(sort)}, {"d", Text(data)}};
    return Ask("PutItem", Json::Object{{"TableName", "all"}, {"Item", item}});
  }
  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, MatchNothing};
};

TEST_F(DynamoDbTest, TablesAreAsTheCasesSay) {
  RunServiceCases(world, "dynamodb", "service/dynamodb/cases/tables.case");
}

TEST_F(DynamoDbTest, ItemsAreAsTheCasesSay) {
  RunServiceCases(world, "dynamodb", "service/dynamodb/cases/items.case");
}

TEST_F(DynamoDbTest, SortKeysKeepTheOrderOfTheirBytes) {
  MakeTable();
  const std::string sorted[] = {" ", "!",  "%",  "&",  "&2F", "-", "/", "0", "A",
                                "a", "a!", "a/", "a0", "aa",  "b", "~", "é", "日"};
  for (auto each = std::rbegin(sorted); each != std::rend(sorted); ++each) Put("x", *each, "");
  Put("x!", "a", "");  // of another hash
  const Json found =
      Ask("Query", *ParseJson(R"({"TableName": "all", "KeyConditionExpression": "h = :h",
                                  "ExpressionAttributeValues": {":h": {"S": "x"}}})"));
  ASSERT_EQ(found["Items"].size(), std::size(sorted));
  for (size_t i = 0; i < std::size(sorted); ++i)
    EXPECT_EQ(found["Items"].At(i)["s"].StringOr("S", ""), sorted[i]);
  const Json begun =
      Ask("Query", *ParseJson(R"json({"TableName": "all", "ExpressionAttributeValues":
              {":h": {"S": "x"}, ":s": {"S": "a"}}, "Select": "COUNT",
              "KeyConditionExpression": "h = :h AND begins_with(s, :s)"})json"));
  EXPECT_EQ(begun.IntOr("Count", 0), 5);
}

TEST_F(DynamoDbTest, PagesEndAtAMegabyte) {
  MakeTable();
  for (int i = 0; i < 5; ++i) Put("x", std::to_string(i), std::string(300'000, 'd'));
  Json input = Json::Object{{"TableName", "all"}};
  int pages = 0, items = 0;
  for (; pages < 10; ++pages) {
    const Json page = Ask("Scan", input);
    items += static_cast<int>(page.IntOr("Count", 0));
    if (!page.Has("LastEvaluatedKey")) break;
    input = input.With("ExclusiveStartKey", page["LastEvaluatedKey"]);
  }
  EXPECT_EQ(items, 5);
  EXPECT_EQ(pages, 1);
  const Json item =
      Json::Object{{"h", Text("x")}, {"s", Text("y")}, {"d", Text(std::string(409'600, 'd'))}};
  const auto refused =
      world.Ask("dynamodb", "PutItem", Json::Object{{"TableName", "all"}, {"Item", item}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "Item size has exceeded the maximum allowed size");
}

TEST_F(DynamoDbTest, SegmentsOfAScanAreTheWholeTableOnce) {
  MakeTable();
  for (int i = 0; i < 40; ++i) Put("h" + std::to_string(i), "s", "");
  int64_t all = 0;
  for (int segment = 0; segment < 3; ++segment)
    all +=
        Ask("Scan", Json::Object{{"TableName", "all"}, {"Segment", segment}, {"TotalSegments", 3}})
            .IntOr("Count", 0);
  EXPECT_EQ(all, 40);
}

TEST_F(DynamoDbTest, TellsOfTheItemThatWasInTheWay) {
  MakeTable();
  Put("x", "1", "before");
  const Json item = Json::Object{{"h", Text("x")}, {"s", Text("1")}};
  const auto refused = world.Ask("dynamodb", "PutItem",
                                 Json::Object{{"TableName", "all"},
                                              {"Item", item},
                                              {"ConditionExpression", "attribute_not_exists(h)"},
                                              {"ReturnValuesOnConditionCheckFailure", "ALL_OLD"}});
  ASSERT_FALSE(refused);
  ASSERT_EQ(refused.error().fields.size(), 1u);
  EXPECT_EQ(refused.error().fields[0].first, "Item");
  EXPECT_EQ(ParseJson(refused.error().fields[0].second).value_or(Json())["d"], Text("before"));
}

TEST_F(DynamoDbTest, ADeletedTableLeavesNothing) {
  ASSERT_TRUE(world.Run(world.engine().Recover()));
  MakeTable();
  for (int i = 0; i < 20; ++i) Put("x", std::to_string(i), "");
  Ask("DeleteTable", Json::Object{{"TableName", "all"}});
  const auto count = [&] {
    const auto left = world.Run(world.ports().store.Range("000000000000/us-east-1/dynamodb/",
                                                          "000000000000/us-east-1/dynamodb0",
                                                          Direction::kForward, 100));
    return left ? left->size() : 1;
  };
  EXPECT_TRUE(world.RunUntil([&] { return count() == 0; }));
}

}  // namespace
}  // namespace stepmill::dynamodb
