#include "lang/yaml/yaml.h"

#include <gtest/gtest.h>

namespace stepmill {
namespace {

std::string Printed(std::string_view text, const YamlOptions& options = {}) {
  const auto value = ParseYaml(text, options);
  return value ? value->Print() : value.error().message;
}

TEST(Yaml, ReadsMapsListsAndScalars) {
  EXPECT_EQ(Printed("a: 1\nb:\n  - x\n  - 'y z'\n  - {c: null, d: ~, e: }\n"),
            R"({"a":1,"b":["x","y z",{"c":null,"d":null,"e":null}]})");
  EXPECT_EQ(Printed(""), "null");
  EXPECT_EQ(Printed("---\na: 1\n"), R"({"a":1})");
  EXPECT_EQ(Printed(R"({"a": [1, 2.50, "x"], "b": {}})"), R"({"a":[1,2.50,"x"],"b":{}})");
}

TEST(Yaml, KeysAreTheirText) {
  EXPECT_EQ(Printed("on: push\n1: x\ntrue: y\nnull: z\n'<<': w\n"),
            R"({"on":"push","1":"x","true":"y","null":"z","<<":"w"})");
}

TEST(Yaml, BooleansFollowTheOptions) {
  const char* text = "[yes, on, Off, true, 'yes', No]";
  EXPECT_EQ(Printed(text), R"([true,true,false,true,"yes",false])");
  EXPECT_EQ(Printed(text, YamlOptions::Workflow()), R"(["yes","on","Off",true,"yes","No"])");
  YamlOptions options;
  options.booleans = YamlOptions::Booleans::kText;
  EXPECT_EQ(Printed(text, options), R"(["yes","on","Off","true","yes","No"])");
}

TEST(Yaml, NumbersFollowTheOptions) {
  const char* text = "[3.10, 0777, 0x1F, 1_000, 190:20:30, .5, 1e3, -12, 012345678901, 1.0]";
  EXPECT_EQ(Printed(text), R"([3.10,511,31,1000,685230,0.5,"1e3",-12,"012345678901",1.0])");
  EXPECT_EQ(Printed(text, YamlOptions::Buildspec()),
            R"([3.1,511,31,1000,685230,0.5,"1e3",-12,"012345678901",1.0])");
  EXPECT_EQ(Printed(text, YamlOptions::Workflow()),
            R"([3.10,777,31,"1_000","190:20:30",0.5,1e3,-12,12345678901,1.0])");
  EXPECT_EQ(Printed(text, YamlOptions::Template()),
            R"([3.10,"0777","0x1F","1_000","190:20:30",".5",1e3,-12,"012345678901",1.0])");
  EXPECT_EQ(Printed("[123456789012345678901234567890, 2012-10-17, +5, '5']"),
            R"([123456789012345678901234567890,"2012-10-17",5,"5"])");
}

TEST(Yaml, BlockScalarsAreExact) {
  EXPECT_EQ(Printed("a: |\n  one\n   two\n\n  three\nb: >-\n  x\n  y\n\n  z\nc: |+\n  k\n\n"),
            R"({"a":"one\n two\n\nthree\n","b":"x y\nz","c":"k\n\n"})");
  EXPECT_EQ(Printed("a: |\r\n  one\r\n  two\r\nb: 1\r\n"), R"({"a":"one\ntwo\n","b":1})");
  EXPECT_EQ(Printed("run: |\n  echo \"${{ a }}\" # not a comment\n  exit 1\n"),
            R"({"run":"echo \"${{ a }}\" # not a comment\nexit 1\n"})");
}

TEST(Yaml, AnchorsAliasesAndMerges) {
  EXPECT_EQ(Printed("a: &x {k: 1, l: 2}\nb: *x\nc:\n  <<: *x\n  l: 3\n"),
            R"({"a":{"k":1,"l":2},"b":{"k":1,"l":2},"c":{"l":3,"k":1}})");
  EXPECT_EQ(Printed("- &a {x: 1}\n- &b {x: 2, y: 2}\n- <<: [*a, *b]\n"),
            R"([{"x":1},{"x":2,"y":2},{"x":1,"y":2}])");
  EXPECT_EQ(Printed("a: &x {k: 1}\nb:\n  <<: *x\n", YamlOptions::Workflow()),
            R"({"a":{"k":1},"b":{"<<":{"k":1}}})");
  EXPECT_EQ(Printed("a: &x [*x]\n"), "the alias stands inside its own anchor at line 1, column 8");
}

TEST(Yaml, AliasesCannotGrowWithoutEnd) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string n = std::to_string(i);
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + n + ": &a" + n + " [";
    for (int j = 0; j < 9; ++j) text += before + ", ";
    text += before + "]\n";
  }
  EXPECT_EQ(Printed(text), "too many values once its aliases are written out at line 6, column 5");
  EXPECT_FALSE(ParseYaml(std::string(100'000, '[')));
  EXPECT_FALSE(ParseYaml(std::string(100'000, '{')));
}

TEST(Yaml, ShortTags) {
  const YamlOptions options = YamlOptions::Template();
  EXPECT_EQ(Printed("a: !Ref X\nb: !GetAtt A.B.C\nc: !Sub '${X}-y'\nd: !Condition C\n", options),
            R"({"a":{"Ref":"X"},"b":{"Fn::GetAtt":["A","B.C"]},"c":{"Fn::Sub":"${X}-y"},)"
            R"("d":{"Condition":"C"}})");
  EXPECT_EQ(Printed("a: !Join\n  - ':'\n  - - !Ref X\n    - !Select [0, !GetAZs '']\n", options),
            R"({"a":{"Fn::Join":[":",[{"Ref":"X"},{"Fn::Select":[0,{"Fn::GetAZs":""}]}]]}})");
  EXPECT_EQ(Printed("a: !If [C, !Ref X, !Ref 'AWS::NoValue']\n", options),
            R"({"a":{"Fn::If":["C",{"Ref":"X"},{"Ref":"AWS::NoValue"}]}})");
  EXPECT_EQ(Printed("a: !Ref X\n"), "the tag !Ref is not known here at line 1, column 4");
  EXPECT_EQ(Printed("a: !!str 12\nb: !!int '7'\n"), R"({"a":"12","b":7})");
}

TEST(Yaml, PositionsCountCharacters) {
  Positions positions;
  YamlOptions options = YamlOptions::Template();
  options.positions = &positions;
  ASSERT_TRUE(ParseYaml("説明: 'あ'\nb: {日本: !Sub x, c: [1, 2]}\n", options));
  EXPECT_EQ(positions["/説明"].column, 5);
  EXPECT_EQ(positions["/b/日本"].line, 2);
  EXPECT_EQ(positions["/b/日本"].column, 9);
  EXPECT_EQ(positions["/b/日本/Fn::Sub"].column, 9);
  EXPECT_EQ(positions["/b/c/1"].column, 24);
  EXPECT_EQ(NearestPosition(positions, "/b/c/1/x/y").column, 24);
  EXPECT_EQ(NearestPosition(positions, "/nothing").line, 1);
}

TEST(Yaml, ErrorsSayWhere) {
  EXPECT_EQ(Printed("a: 1\nb: 2\na: 3\n"), "the key \"a\" stands twice at line 3, column 1");
  EXPECT_EQ(Printed("a: [1, 2\nb: 3\n"), "end of sequence flow not found at line 2, column 2");
  EXPECT_EQ(Printed("a: 1\n---\nb: 2\n"),
            "expected one document, found another at line 2, column 1");
  EXPECT_EQ(Printed("? [a]\n: 1\n"), "expected a scalar as the key at line 1, column 3");
  EXPECT_EQ(Printed("a: \"x\n"), "the quote is not closed that starts at line 1, column 4");
  EXPECT_EQ(Printed("a: 'it''s"), "illegal EOF in scalar at line 1, column 10");
  EXPECT_EQ(Printed("'a''b': \"x\\\"y\""), R"({"a'b":"x\"y"})");
  EXPECT_EQ(Printed("a: *nope\n"), "the referenced anchor is not defined at line 1, column 4");
  EXPECT_EQ(Printed("a: \xff\n"), "not UTF-8 at line 1, column 1");
}

}  // namespace
}  // namespace stepmill
