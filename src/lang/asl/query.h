#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lang/asl/expression.h"
#include "lang/jsonata/jsonata.h"

namespace stepmill::asl {

/// True for a text that is a JSONata expression: "{%" and "%}" stand at its very ends.
bool IsQueryText(std::string_view text);

/// One compiled "{% ... %}". Immutable; copies share.
///
/// Step Functions: "Transforming data with JSONata". It has no context item; it reads $states
/// (input, context and, where the field offers them, result and errorOutput) and the variables.
class Query {
 public:
  /// `text`: with its "{%" and "%}". The language's own error where it does not parse.
  static Result<Query> Compile(std::string_view text);

  /// An error is named kQueryFailed; its message is the end of AWS's sentence ("returned nothing
  /// (undefined)."), fields have "expression" and "location" (empty: the caller knows the field).
  Result<Json> Evaluate(const Scope& scope) const;

  /// Without the marks and the blanks around it, as messages show it.
  const std::string& text() const { return text_; }
  const jsonata::Expression& expression() const { return expression_; }
  /// Adds the names of the variables that this reads; $states is none.
  void CollectVariables(std::vector<std::string>& names) const;

 private:
  Json States(const Scope& scope) const;

  std::string text_;
  jsonata::Expression expression_;
  bool reads_input_ = false, reads_context_ = false, reads_result_ = false, reads_error_ = false;
};

inline constexpr std::string_view kQueryFailed = "QueryFailed";

/// "array", "boolean", "null", "number", "object", "string".
std::string_view JsonKindName(const Json& value);

/// "The JSONata expression 'x' specified for the field 'Output/v' returned nothing (undefined)."
/// from an error of Query or Template, as "States.QueryEvaluationError" with the field "location".
/// Other errors as they are.
Error QueryError(const Error& error, std::string_view field);
/// The same for a value of a type that the field does not take.
Error UnexpectedType(std::string_view expression, std::string_view field, std::string_view expected,
                     const Json& value);
/// "States.QueryEvaluationError" at `field` with this message.
Error QueryValueError(std::string_view field, std::string message);

}  // namespace stepmill::asl
