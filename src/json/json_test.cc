#include "json/json.h"

#include <gtest/gtest.h>

namespace stepmill {
namespace {

std::string Again(std::string_view text) {
  const auto value = ParseJson(text);
  return value ? value->Print() : value.error().message;
}

TEST(Json, PrintsWhatItRead) {
  for (const char* text : {"null", "true", "[]", "{}", "[1,2.50,1e400,-0,12345678901234567890123]",
                           R"({"b":1,"a":{"c":[null,"x"]}})", R"("\ud800 \"quoted\" \n")",
                           "\"日本語\"", "3.10", "  7"})
    EXPECT_EQ(Again(text), text[0] == ' ' ? "7" : text);
}

TEST(Json, RefusesWithLineAndColumn) {
  for (const char* text : {"", "{", "[1,]", "{\"a\" 1}", "[01]", "nul", "1 2", "[1] x", "\"\x01\"",
                           "{\"a\":\n  tru}", "[1 2]", "NaN"}) {
    const auto value = ParseJson(text);
    ASSERT_FALSE(value) << text << " -> " << value->Print();
    EXPECT_NE(value.error().message.find("line "), std::string::npos);
  }
  EXPECT_FALSE(ParseJson(std::string(100000, '[')));
  EXPECT_NE(ParseJson("{\"a\":\n  tru}").error().message.find("line 2, column 3"),
            std::string::npos)
      << ParseJson("{\"a\":\n  tru}").error().message;
}

TEST(Json, LastDuplicateWinsAtTheFirstPlace) {
  EXPECT_EQ(Again(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
  ParseOptions strict;
  strict.refuse_duplicates = true;
  EXPECT_FALSE(ParseJson(R"({"a":1,"a":3})", strict));
}

TEST(Json, SharesAndReplaces) {
  const Json base = Json::Object{{"a", 1}, {"b", "x"}};
  const Json more = base.With("b", Json::Array{1, 2}).With("c", true);
  EXPECT_EQ(base.Print(), R"({"a":1,"b":"x"})");
  EXPECT_EQ(more.Print(), R"({"a":1,"b":[1,2],"c":true})");
  EXPECT_EQ(more.Without("a").Print(), R"({"b":[1,2],"c":true})");
}

TEST(Json, KnowsPositions) {
  Positions positions;
  ParseOptions options;
  options.positions = &positions;
  ASSERT_TRUE(ParseJson("{\n \"a\": {\"b/c\":\n [1, true]}}", options));
  EXPECT_EQ(positions["/a/b~1c/1"].line, 3);
  EXPECT_EQ(positions["/a/b~1c/1"].column, 6);
  EXPECT_EQ(positions["/a"].line, 2);
}

TEST(Json, FindsAmongMany) {
  Json::Object object;
  for (int i = 0; i < 100; ++i) object.Set("k" + std::to_string(i * 7 % 100), i);
  const Json value = object;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(value["k" + std::to_string(i * 7 % 100)].AsInteger(), i);
  EXPECT_FALSE(value.Has("k100"));
}

}  // namespace
}  // namespace stepmill
