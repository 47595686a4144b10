#include "lang/toml/toml.h"

#include <gtest/gtest.h>

namespace stepmill {
namespace {

std::string Printed(std::string_view text) {
  const auto value = ParseToml(text);
  return value ? value->Print() : value.error().message;
}

TEST(Toml, ReadsSamConfig) {
  EXPECT_EQ(Printed(R"(version = 0.1
# 開発環境
[default]
[default.deploy]
[default.deploy.parameters]
stack_name = "開発"
s3_bucket = "b"
confirm_changeset = true
capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"]
parameter_overrides = "A=\"1\" B=2"
)"),
            R"({"version":0.1,"default":{"deploy":{"parameters":{"stack_name":"開発",)"
            R"("s3_bucket":"b","confirm_changeset":true,"capabilities":["CAPABILITY_IAM",)"
            R"("CAPABILITY_NAMED_IAM"],"parameter_overrides":"A=\"1\" B=2"}}}})");
}

TEST(Toml, ReadsEveryType) {
  EXPECT_EQ(Printed("i = 1_000\nx = 0xFF\nf = 1.5\nt = {a = [1, 2], b = 'c'}\n[[l]]\nk=1\n[[l]]\n"),
            R"({"i":1000,"x":255,"f":1.5,"t":{"a":[1,2],"b":"c"},"l":[{"k":1},{}]})");
  EXPECT_EQ(Printed("d = 2022-07-01\n"), R"({"d":"2022-07-01"})");
  EXPECT_EQ(Printed(""), "{}");
}

TEST(Toml, KnowsPositions) {
  Positions positions;
  ASSERT_TRUE(ParseToml("a = 1\n[t]\nb = ['あ', 2]\n", &positions));
  EXPECT_EQ(positions["/t/b/1"].line, 3);
  EXPECT_EQ(positions["/t/b/1"].column, 11);
}

TEST(Toml, ErrorsSayWhere) {
  EXPECT_EQ(Printed("a = 1\nb = nope\n"), "the next token is not a float at line 2, column 5");
  EXPECT_EQ(Printed("a = 1\na = 2\n"), "value (\"a\") already exists at line 2, column 5");
  EXPECT_EQ(Printed("a b = 1\n"), "invalid format for key at line 1, column 2");
  EXPECT_EQ(Printed("a = \"x\n"), "the next token is not a valid string at line 1, column 5");
  EXPECT_EQ(Printed("[a\n"), "an invalid key appeared at line 1, column 1");
  EXPECT_EQ(Printed("a = " + std::string(100'000, '[')), "nested too deep at line 1, column 1");
}

}  // namespace
}  // namespace stepmill
