#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "base/strings.h"
#include "base/test_paths.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/number.h"
#include "lang/dynamodb/value.h"

namespace stepmill::dynamodb {
namespace {

/// The lines of a case file, cut at " => ".
std::vector<std::vector<std::string>> ReadCases(const std::string& name, size_t columns) {
  std::ifstream file(SourceDir() + "/src/lang/dynamodb/cases/" + name);
  EXPECT_TRUE(file.is_open()) << name;
  std::vector<std::vector<std::string>> cases;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line.starts_with("# ")) continue;
    std::vector<std::string> parts;
    for (size_t at = 0; at != std::string::npos;) {
      const size_t end = line.find(" => ", at);
      parts.push_back(line.substr(at, end == std::string::npos ? end : end - at));
      at = end == std::string::npos ? end : end + 4;
    }
    EXPECT_EQ(parts.size(), columns) << line;
    if (parts.size() == columns) cases.push_back(std::move(parts));
  }
  EXPECT_GT(cases.size(), 5u) << name;
  return cases;
}

Json Parse(const std::string& text) {
  const auto json = ParseJson(text);
  EXPECT_TRUE(json) << text;
  return json ? *json : Json();
}

/// "! message" of an error whose name is ValidationException.
std::string Refusal(const Error& error) {
  EXPECT_EQ(error.name, "ValidationException");
  return "! " + error.message;
}

TEST(DynamoDbNumber, PrintsAsTheCasesSay) {
  for (const auto& parts : ReadCases("numbers.case", 2)) {
    const auto number = Number::Parse(parts[0]);
    EXPECT_EQ(number ? number->Print() : Refusal(number.error()), parts[1]) << parts[0];
    if (number) {
      EXPECT_EQ(Number::Parse(number->Print())->Print(), number->Print());
    }
  }
}

TEST(DynamoDbNumber, AddsAsTheCasesSay) {
  for (const auto& parts : ReadCases("sums.case", 3)) {
    const auto a = Number::Parse(parts[0]), b = Number::Parse(parts[1]);
    ASSERT_TRUE(a && b) << parts[0];
    for (const auto& sum : {Add(*a, *b), Add(*b, *a)})
      EXPECT_EQ(sum ? sum->Print() : Refusal(sum.error()), parts[2]) << parts[0];
  }
}

TEST(DynamoDbNumber, SortKeysAreInOrder) {
  const char* const ordered[] = {"-9e125", "-100", "-99.91", "-99.9", "-10",     "-9", "-1.23",
                                 "-1.2",   "-1",   "-0.5",   "-1e-9", "-1e-130", "0",  "1e-130",
                                 "0.001",  "0.5",  "1",      "1.2",   "1.23",    "9",  "10",
                                 "99.9",   "100",  "1e38",   "9e125"};
  for (size_t i = 1; i < std::size(ordered); ++i) {
    const auto a = Number::Parse(ordered[i - 1]), b = Number::Parse(ordered[i]);
    ASSERT_TRUE(a && b);
    EXPECT_LT(a->SortKey(), b->SortKey()) << ordered[i - 1] << " " << ordered[i];
    EXPECT_LT(Compare(*a, *b), 0);
  }
}

TEST(DynamoDbExpression, ConditionsAreAsTheCasesSay) {
  for (const auto& parts : ReadCases("conditions.case", 5)) {
    auto placeholders = Placeholders::Read(Parse(parts[1]), Parse(parts[2]));
    ASSERT_TRUE(placeholders) << parts[0] << placeholders.error().message;
    const auto condition = ParseCondition(parts[0], "ConditionExpression", *placeholders);
    std::string got;
    if (condition)
      got = Matches(*condition, Parse(parts[3])) ? "yes" : "no";
    else
      got = ReplaceAll(Refusal(condition.error()), "Invalid ConditionExpression: ", "");
    EXPECT_EQ(got, parts[4]) << parts[0];
  }
}

TEST(DynamoDbExpression, UpdatesAreAsTheCasesSay) {
  for (const auto& parts : ReadCases("updates.case", 5)) {
    const Result<Json> after = [&]() -> Result<Json> {
      MILL_TRY(Placeholders placeholders, Placeholders::Read(Parse(parts[1]), Parse(parts[2])));
      MILL_TRY(const Update update, ParseUpdate(parts[0], placeholders));
      MILL_CHECK(placeholders.CheckUsed());
      return Apply(update, Parse(parts[3]));
    }();
    if (after && !parts[4].starts_with('!')) {
      EXPECT_EQ(*after, Parse(parts[4])) << parts[0] << "\n" << after->Print();
    } else {
      EXPECT_EQ(after ? after->Print() : Refusal(after.error()), parts[4]) << parts[0];
    }
  }
}

TEST(DynamoDbExpression, ProjectionsAreAsTheCasesSay) {
  for (const auto& parts : ReadCases("projections.case", 4)) {
    auto placeholders = Placeholders::Read(Parse(parts[1]), Json());
    ASSERT_TRUE(placeholders);
    const auto paths = ParseProjection(parts[0], *placeholders);
    EXPECT_EQ(paths ? Project(Parse(parts[2]), *paths).Print() : Refusal(paths.error()), parts[3])
        << parts[0];
  }
}

TEST(DynamoDbExpression, KeyConditionsAreAsTheCasesSay) {
  const KeyNames names{"h", "S", "s", "N"};
  for (const auto& parts : ReadCases("keys.case", 3)) {
    auto placeholders = Placeholders::Read(Json(), Parse(parts[1]));
    ASSERT_TRUE(placeholders);
    const auto key = ParseKeyCondition(parts[0], names, *placeholders);
    std::string got;
    if (!key) {
      got = Refusal(key.error());
    } else {
      got = key->hash.StringOr("S", "");
      if (!key->sort_op.empty()) got += " " + key->sort_op + " " + key->sort.StringOr("N", "");
      if (!key->sort_end.is_null()) got += " " + key->sort_end.StringOr("N", "");
    }
    EXPECT_EQ(got, parts[2]) << parts[0];
  }
}

TEST(DynamoDbExpression, HasBounds) {
  auto placeholders = Placeholders::Read(Json(), Json());
  ASSERT_TRUE(placeholders);
  const auto refused = [&](const std::string& text) {
    return !ParseCondition(text, "ConditionExpression", *placeholders);
  };
  EXPECT_TRUE(refused(std::string(5000, 'a')));
  EXPECT_TRUE(refused(std::string(2000, '(') + "a" + std::string(2000, ')')));
  std::string nots;
  for (int i = 0; i < 900; ++i) nots += "NOT ";
  EXPECT_TRUE(refused(nots + "a = b"));
  EXPECT_TRUE(refused("a[99999999999999999999] = b"));
  Json deep = Json::Object{{"N", "1"}};
  for (int i = 0; i < 40; ++i) deep = Json::Object{{"L", Json::Array{deep}}};
  EXPECT_FALSE(CheckValue(deep));
}

TEST(DynamoDbValue, ItemsAreMeasured) {
  EXPECT_EQ(SizeOfItem(Parse(R"({"id": {"S": "abc"}})")), 5u);
  EXPECT_EQ(SizeOfItem(Parse(R"({"a": {"N": "123"}, "b": {"BOOL": true}})")), 1u + 3 + 1 + 1);
  EXPECT_EQ(SizeOfItem(Parse(R"({"a": {"B": "AQID"}})")), 4u);
  EXPECT_EQ(SizeOfItem(Parse(R"({"l": {"L": [{"S": "x"}]}})")), 1u + 3 + 1 + 1);
}

}  // namespace
}  // namespace stepmill::dynamodb
