#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

/// The expressions of workflow files: `${{ github.base_ref == 'dev' }}`.
namespace stepmill::workflow {

struct Node;
/// A parsed expression; shared, immutable.
using Expression = std::shared_ptr<const Node>;

/// Parses the text between `${{` and `}}` (or a whole `if`). kInvalid, name InvalidExpression; the
/// message gives the character position (1-based).
Result<Expression> ParseExpression(std::string_view text);

/// The names of contexts (`github`, `env`) and of functions (lower case) that an expression uses.
struct Uses {
  std::set<std::string> contexts, functions;
};
Uses UsesOf(const Expression& expression);
/// success(), failure(), cancelled() or always() stands in it: no implicit success().
bool HasStatusFunction(const Expression& expression);

/// How the job (or, for a job's `if`, the jobs it needs) stands.
enum class Status {
  kSuccess,
  kFailure,
  kCancelled,
  kSkipped,  ///< something needed was skipped: neither success() nor failure()
};

/// What an expression sees.
struct Scope {
  Json contexts;  ///< {"github": {...}, "env": {...}, ...}; an absent one reads as null
  Status status = Status::kSuccess;
  /// hashFiles(): SHA-256 (hex) over the files that the patterns name, "" for none. Absent: the
  /// function is refused where it is used.
  std::function<Result<std::string>(const std::vector<std::string>& patterns)> hash_files = {};
};

Result<Json> Evaluate(const Expression& expression, const Scope& scope);
/// False, 0, "", null (and NaN) are false; all else is true.
bool IsTruthy(const Json& value);
/// As interpolation prints it: null "", true "true", numbers as JavaScript, objects "Object".
std::string ToText(const Json& value);

/// Replaces each `${{ ... }}` in `text` by the text of its value.
Result<std::string> Interpolate(std::string_view text, const Scope& scope);
/// The same through a whole value: strings that are one expression keep its type.
Result<Json> InterpolateValue(const Json& value, const Scope& scope);
/// An `if` (with or without `${{ }}`), with success() implied. Empty: success().
Result<bool> EvaluateCondition(std::string_view text, const Scope& scope);

/// The expressions in a text, with the offset (bytes) of each one's first character behind `${{`.
struct Piece {
  size_t offset = 0;
  std::string_view text;
};
/// kInvalid when a `${{` has no end.
Result<std::vector<Piece>> ExpressionsIn(std::string_view text);

}  // namespace stepmill::workflow
