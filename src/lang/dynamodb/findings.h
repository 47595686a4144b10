#pragma once

#include <map>
#include <string>
#include <vector>

#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/tokens.h"

namespace stepmill::dynamodb {

/// What is wrong with an expression that is well formed. DynamoDB reports one finding: the first
/// one of the kind that comes first here.
enum class Fault {
  kParentheses,
  kUnknownFunction,
  kMisusedFunction,
  kReserved,
  kSection,
  kName,
  kValue,
  kOverlap,
  kConflict,
  kOperandCount,
  kDistinct,
  kType,
};

class Findings {
 public:
  void Add(Fault fault, std::string text) { texts_.emplace(fault, std::move(text)); }
  bool is_empty() const { return texts_.empty(); }
  /// The finding that is told, under `parameter`.
  Result<> Tell(std::string_view parameter) const {
    if (texts_.empty()) return {};
    return InvalidExpression(parameter, texts_.begin()->second);
  }

 private:
  std::map<Fault, std::string> texts_;
};

/// Parsers of the parts that conditions, updates and projections share.
/// A path; names stay as they are written ("#a") until Resolve.
Result<Path> ReadPath(TokenReader& reader);
/// A path, a placeholder of a value or a function with its operands; in parentheses or not.
Result<Operand> ReadOperand(TokenReader& reader, int depth, bool& has_needless_parentheses);

/// Puts names and values in the place of their placeholders.
void ResolvePath(Path& path, Placeholders& placeholders, Findings& findings);
void ResolveOperand(Operand& operand, Placeholders& placeholders, Findings& findings);
/// The paths of an expression may not lead into each other.
void CheckPaths(const std::vector<Path>& paths, Findings& findings);

/// "S" of a value that stands in the expression; what a function answers; "" when it is not known.
std::string_view TypeOfOperand(const Operand& operand);

}  // namespace stepmill::dynamodb
