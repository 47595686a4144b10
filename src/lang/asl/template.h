#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lang/asl/expression.h"

namespace stepmill::asl {

/// A compiled payload template: constants are shared as they stand, a member "name.$" becomes
/// "name" with its expression's value. Immutable.
class Template {
 public:
  /// kInvalid: the message is the name of the member that holds no valid path or call.
  static Result<Template> Compile(const Json& source);

  /// `field`: the name that an error gives to the template itself ("Parameters"). Errors are final:
  /// "States.Runtime" or "States.IntrinsicFailure" with the cause as message.
  Result<Json> Evaluate(const Scope& scope) const;
  bool is_constant() const { return kind_ == Kind::kConstant; }
  void CollectVariables(std::vector<std::string>& names) const;
  /// The members of an object template by their final names (Assign is evaluated one by one).
  const std::vector<std::pair<std::string, Template>>& members() const { return members_; }
  const Json& constant() const { return constant_; }
  bool is_object() const { return kind_ == Kind::kObject || constant_.is_object(); }

 private:
  enum class Kind { kConstant, kObject, kArray, kExpression };
  static Result<Template> CompileAt(const Json& source, int depth);

  Kind kind_ = Kind::kConstant;
  Json constant_;
  std::vector<std::pair<std::string, Template>> members_;
  std::vector<Template> items_;
  std::vector<Expression> expression_;  // kExpression: one
  std::string field_;                   // kExpression: "name.$"
};

}  // namespace stepmill::asl
