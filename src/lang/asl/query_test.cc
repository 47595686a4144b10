#include "lang/asl/query.h"

#include <gtest/gtest.h>

#include <string>

namespace stepmill::asl {
namespace {

class NoContext final : public ContextSource {
 public:
  const Json& Context() const override { return context_; }

 private:
  Json context_ = Json(Json::Object{{"State", Json::Object{{"Name", "S"}}}});
};

/// The value as JSON, or the end of the sentence that AWS would say.
std::string Said(const std::string& expression) {
  const Result<Query> query = Query::Compile("{% " + expression + " %}");
  if (!query) return "does not parse: " + query.error().message;
  const Json input = Json::Object{{"a", Json::Array{1, 2}}};
  Variables variables;
  variables.own = Json::Object{{"x", 5}};
  const NoContext context;
  Chance chance(1);
  const Scope scope{input, variables, context, chance};
  const Result<Json> value = query->Evaluate(scope);
  if (value) return value->Print();
  const Error error = QueryError(value.error(), "Output/v");
  EXPECT_EQ(error.name, "States.QueryEvaluationError");
  const std::string head =
      "The JSONata expression '" + expression + "' specified for the field 'Output/v' ";
  EXPECT_TRUE(error.message.starts_with(head)) << error.message;
  return error.message.substr(head.size());
}

std::string Sum(int terms) {
  std::string text = "1";
  for (int i = 1; i < terms; ++i) text += "+1";
  return text;
}

// Measured against TestState: what one expression may cost, to the element.
TEST(Query, BoundsAreThoseOfAws) {
  const std::string deep =
      "threw an error during evaluation: Stack overflow error: Check for non-terminating "
      "recursive function.  Consider rewriting as tail-recursive. Depth=101 max=100";
  const std::string large =
      "threw an error during evaluation: Expression evaluation memory limit exceeded: Check for "
      "excessive memory usage";
  EXPECT_EQ(Said(Sum(100)), "100");
  EXPECT_EQ(Said(Sum(101)), deep);
  const std::string recursion = "($f:=function($n){$n=0?0:1+$f($n-1)}; $f(";
  EXPECT_EQ(Said(recursion + "31))"), "31");
  EXPECT_EQ(Said(recursion + "32))"), deep);
  EXPECT_EQ(Said("$count([1..873782])"), "873782");
  EXPECT_EQ(Said("$count([1..873783])"), large);
  EXPECT_EQ(Said("$count($range(1, 360145, 1))"), "360145");
  EXPECT_EQ(Said("$count($range(1, 360146, 1))"), large);
  const std::string doubled = "$length($reduce([1..N], function($s,$i){$s & $s}, 'a'))";
  const auto times = [&](const char* n) {
    std::string text = doubled;
    return text.replace(text.find('N'), 1, n);
  };
  EXPECT_EQ(Said(times("22")), "4194304");
  EXPECT_EQ(Said(times("23")), large);
}

TEST(Query, ReadsStatesAndVariables) {
  EXPECT_EQ(Said("$states.input.a[1] + $x"), "7");
  EXPECT_EQ(Said("$states.context.State.Name"), "\"S\"");
  EXPECT_EQ(Said("$keys($states)"), "[\"input\",\"context\"]");
  EXPECT_EQ(Said("$y"), "returned nothing (undefined).");
  EXPECT_EQ(Said("$sum"), "returned an unsupported result type.");
  EXPECT_EQ(Said("'a' + 1"),
            "threw an error during evaluation. T2001: The left side of the \"+\" operator must "
            "evaluate to a number");
  EXPECT_EQ(Said("1 +"), "does not parse: Unexpected end of expression");
}

TEST(Query, OnlyWholeTextsAreExpressions) {
  EXPECT_TRUE(IsQueryText("{%%}"));
  for (const char* text : {" {% 1 %}", "{% 1 %} ", "{% 1", "1 %}", "{%}", ""})
    EXPECT_FALSE(IsQueryText(text)) << text;
}

}  // namespace
}  // namespace stepmill::asl
