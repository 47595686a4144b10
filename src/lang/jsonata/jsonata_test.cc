#include "lang/jsonata/jsonata.h"

#include <gtest/gtest.h>

#include "base/strings.h"
#include "base/test_cases.h"

namespace stepmill::jsonata {
namespace {

/// What an expression gives, as text: the result's JSON, "undefined", or code,
/// position, message.
std::string ShowOf(std::string_view text, const Json& input, Dialect dialect) {
  const auto failure = [](const Error& error) {
    std::string position = "?";
    for (const auto& [name, value] : error.fields)
      if (name == "position") position = value;
    return error.name + " @" + position + " " + error.message;
  };
  const Result<Expression> expression = Expression::Compile(text, dialect);
  if (!expression) return failure(expression.error());
  Environment environment;
  if (!input.is_null()) environment.input = input;
  environment.now = TimeFromMillis(1'600'000'000'000);
  environment.limits.depth_max = 400;
  environment.limits.steps_max = 2'000'000;
  environment.limits.bytes_max = size_t{64} << 20;
  const auto result = expression->Evaluate(environment);
  if (!result) return failure(result.error());
  return *result ? (*result)->Print() : "undefined";
}

// One case a line: `expression -> result`. A part "input" is JSON, a part
// "dialect" is "states".
TEST(JsonataTest, Cases) {
  for (const TestCase& test : ReadTestCases("src/lang/jsonata/cases")) {
    const Dialect dialect = test.Has("dialect") ? Dialect::kStates : Dialect::kJsonata;
    const Result<Json> input =
        test.Has("input") ? ParseJson(test.Part("input")) : Result<Json>(Json());
    ASSERT_TRUE(input) << test.path;
    std::string actual;
    const std::string expected = test.Part("expect");
    for (const std::string_view line : Split(expected, '\n')) {
      if (line.empty()) continue;
      const std::string text(line.substr(0, line.find(" -> ")));
      actual += text + " -> " + ShowOf(text, *input, dialect) + "\n";
    }
    if (UpdateTestCase(test, "expect", actual)) continue;
    EXPECT_EQ(actual, expected) << test.path << ": " << test.why;
  }
}

TEST(JsonataTest, NamesFromOutside) {
  const auto expression =
      Expression::Compile("$x + $states.result.a & $states.input[0] & ($y := 1; $y) & $sum($z)");
  ASSERT_TRUE(expression);
  EXPECT_EQ(expression->free_variables(), (std::vector<std::string>{"x", "states", "z"}));
  EXPECT_EQ(expression->members_of("states"), (std::vector<std::string>{"result", "input"}));
  EXPECT_EQ(expression->members_of("x"), (std::vector<std::string>{""}));
  EXPECT_EQ(expression->context_reference(), "");
  EXPECT_EQ(Expression::Compile("[1, phone.x]")->context_reference(), "phone");
  EXPECT_EQ(Expression::Compile("$x[$ > 1].a")->context_reference(), "");
}

TEST(JsonataTest, VariablesAreAskedForOnce) {
  const auto expression = Expression::Compile("$a + $a & $sum");
  ASSERT_TRUE(expression);
  const Json two(2), text("x");
  int count = 0;
  Environment environment;
  environment.variable = [&](std::string_view name) -> const Json* {
    ++count;
    return name == "a" ? &two : name == "sum" ? &text : nullptr;
  };
  const auto result = expression->Evaluate(environment);
  ASSERT_TRUE(result && *result);
  EXPECT_EQ((*result)->Print(), "\"4x\"");
  EXPECT_EQ(count, 2);
}

TEST(JsonataTest, TimeEndsIt) {
  const auto expression = Expression::Compile("($f := function($n) { $f($n + 1) }; $f(0))");
  ASSERT_TRUE(expression);
  Environment environment;
  int asked = 0;
  environment.limits.is_over = [&] { return ++asked > 3; };
  const auto result = expression->Evaluate(environment);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().name, "U1001");
  EXPECT_EQ(result.error().code, Code::kLimit);
}

}  // namespace
}  // namespace stepmill::jsonata
