#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lang/asl/expression.h"

namespace stepmill::asl {

class Query;

/// What is wrong with one place of a template.
struct TemplateProblem {
  std::string code;  ///< empty: SCHEMA_VALIDATION_FAILED
  std::string message;
  std::string location;  ///< within the template, as AWS writes it: "/v[0]"
  std::string pointer;   ///< the same as a JSON pointer
};

/// What the JSONata expressions of a field may read besides $states.input and $states.context.
struct QueryOffers {
  bool result = false;
  bool error_output = false;
};

/// A compiled payload template: constants are shared as they stand. JSONPath: a member "name.$"
/// becomes "name" with its expression's value. JSONata: a text "{% ... %}" at any depth becomes its
/// value; this is also how every field that takes an expression is kept. Immutable.
class Template {
 public:
  /// JSONPath. kInvalid: the message is the name of the member that holds no valid path or call.
  static Result<Template> Compile(const Json& source);
  /// JSONata. What is wrong goes to `problems`; the template is then not to be used.
  static Template CompileQueries(const Json& source, const QueryOffers& offers,
                                 std::vector<TemplateProblem>& problems);

  /// Errors are final ("States.Runtime" or "States.IntrinsicFailure" with the cause as message) or
  /// kQueryFailed with the place inside the template (see QueryError).
  Result<Json> Evaluate(const Scope& scope) const;
  bool is_constant() const { return kind_ == Kind::kConstant; }
  void CollectVariables(std::vector<std::string>& names) const;
  /// The members of an object template by their final names.
  const std::vector<std::pair<std::string, Template>>& members() const { return members_; }
  /// What it was made of.
  const Json& source() const { return constant_; }
  const Json& constant() const { return constant_; }
  bool is_object() const { return kind_ == Kind::kObject || constant_.is_object(); }
  /// The text of the only expression, without marks; otherwise the source as JSON.
  std::string ShownExpression() const;

 private:
  enum class Kind { kConstant, kObject, kArray, kExpression, kQuery };
  static Result<Template> CompileAt(const Json& source, int depth);
  static Template QueriesAt(const Json& source, const QueryOffers& offers, int depth,
                            const std::string& location, const std::string& pointer,
                            std::vector<TemplateProblem>& problems);

  Kind kind_ = Kind::kConstant;
  Json constant_;
  std::vector<std::pair<std::string, Template>> members_;
  std::vector<Template> items_;
  std::vector<Expression> expression_;  // kExpression: one
  std::string field_;                   // kExpression: "name.$"
  std::shared_ptr<const Query> query_;  // kQuery; shared by copies of the template
};

}  // namespace stepmill::asl
