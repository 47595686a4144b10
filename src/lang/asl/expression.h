#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "json/json.h"
#include "lang/path/path.h"

namespace stepmill::asl {

/// Numbers drawn from one event's entropy by a fixed function, so that replay draws the same.
class Chance {
 public:
  explicit Chance(uint64_t entropy = 0) : state_(entropy) {}
  uint64_t Next();
  /// Uniform in [0, 1).
  double NextUnit();

 private:
  uint64_t state_;
};

/// The variables that a state sees: its own scope's, then the enclosing ones'.
struct Variables {
  Json own;  ///< object, or null while nothing is assigned
  const Variables* outer = nullptr;
  const Json* Find(std::string_view name) const;
};

/// Makes the context object ("$$") when an expression asks for it.
class ContextSource {
 public:
  virtual ~ContextSource() = default;
  virtual const Json& Context() const = 0;
};

/// What an expression may read. References live as long as one evaluation.
struct Scope {
  const Json& input;  ///< what "$" means in this field
  const Variables& variables;
  const ContextSource& context;
  Chance& chance;
  // JSONata only: what $states has besides input and context, and the clock of $now.
  const Json* result = nullptr;
  const Json* error_output = nullptr;
  Time now{};
};

enum class Intrinsic {
  kFormat,
  kStringToJson,
  kJsonToString,
  kArray,
  kArrayPartition,
  kArrayContains,
  kArrayRange,
  kArrayGetItem,
  kArrayLength,
  kArrayUnique,
  kBase64Encode,
  kBase64Decode,
  kHash,
  kJsonMerge,
  kMathRandom,
  kMathAdd,
  kStringSplit,
  kUuid,
};

/// One compiled expression of the JSONPath dialect: "$.a" (input), "$$.a" (context), "$a.b"
/// (variable) or a call of an intrinsic function. Immutable; copies share.
///
/// Errors of Evaluate: name "PathNotFound" with the path library's words where a path finds
/// nothing; "States.Runtime" and "States.IntrinsicFailure" are final, their message is the cause
/// without the prefix that names the state.
class Expression {
 public:
  enum class Kind { kInput, kContext, kVariable, kLiteral, kCall };

  /// A path only: for fields that take no call. kInvalid, name "InvalidPath".
  static Result<Expression> CompilePath(std::string_view text);
  /// A path or a call.
  static Result<Expression> Compile(std::string_view text);

  Result<Json> Evaluate(const Scope& scope) const;
  /// The place in the scope that this names, without making a list or a copy; null when there is
  /// none. Definite paths only.
  const Json* Find(const Scope& scope) const;

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }
  const path::Path& path() const { return path_; }
  /// "$": the input as it is.
  bool is_whole_input() const { return kind_ == Kind::kInput && path_.is_root(); }
  /// A path of names and indexes over the input.
  bool is_reference() const { return kind_ == Kind::kInput && path_.is_reference(); }
  /// Adds the names of the variables that this reads.
  void CollectVariables(std::vector<std::string>& names) const;

 private:
  friend class ExpressionParser;
  const Json* Root(const Scope& scope) const;

  Kind kind_ = Kind::kInput;
  std::string text_;
  path::Path path_;
  std::string variable_;
  Json literal_;
  std::string raw_;  ///< a quoted text with its escapes: States.Format tells \{ from {
  Intrinsic function_ = Intrinsic::kArray;
  std::vector<Expression> arguments_;

  Result<Json> Call(const Scope& scope) const;
};

/// Runs an intrinsic function. `raw_format`: the first argument of States.Format with its escapes.
/// The error's message says what was wrong, in a few words.
Result<Json> CallIntrinsic(Intrinsic function, const Json::Array& arguments,
                           std::string_view raw_format, Chance& chance);

}  // namespace stepmill::asl
