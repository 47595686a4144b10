#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "json/json.h"

namespace stepmill::jsonata {

/// kJsonata: the public language (docs.jsonata.org). kStates: as Step Functions
/// has it: no $eval, and $partition, $range, $hash, $random (with a seed),
/// $uuid, $parse besides
/// (docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html).
enum class Dialect { kJsonata, kStates };

/// Name of the error of an expression in the dialect kStates whose result is a function.
inline constexpr std::string_view kUnsupportedResult = "UnsupportedResult";

/// Bounds of one evaluation. What is reached ends it with an error (U1001 depth and time, D1011,
/// D2014 sizes), so that no expression can hang or exhaust the server.
struct Limits {
  int depth_max = 500;                      ///< calls and nested expressions
  int64_t steps_max = 100'000'000;          ///< expressions evaluated: the same on every machine
  size_t bytes_max = size_t{256} << 20;     ///< values alive, about
  std::function<bool()> is_over = nullptr;  ///< asked now and then; true ends it (U1001)
};

/// What an expression reads. All chance and time come from here: the same
/// environment gives the same result.
struct Environment {
  std::optional<Json> input;  ///< "$"; nullopt: undefined
  /// A variable's value by its name without "$"; null pointer: not bound. What
  /// it points to outlives the evaluation.
  std::function<const Json*(std::string_view name)> variable = nullptr;
  Time now;              ///< $now, $millis
  uint64_t entropy = 0;  ///< $random, $shuffle, $uuid
  Limits limits;
};

/// A compiled expression. Immutable, any thread; copies share.
///
/// Errors are the language's: name is the code ("T2001", "S0202"), message its
/// text as the reference implementation has it with its parts filled in, fields
/// "position" (characters from the start), "token" and "value" where the code
/// has them.
class Expression {
 public:
  static Result<Expression> Compile(std::string_view text, Dialect dialect = Dialect::kJsonata);

  /// nullopt: undefined (in the dialect kJsonata also where the result is a function). Sequences
  /// are arrays or their only value, as the language says.
  Result<std::optional<Json>> Evaluate(const Environment& environment) const;

  const std::string& text() const;
  /// Names of variables that are read and not bound inside ("states", "x"),
  /// each once, in order of their first place; functions of the language are
  /// not among them.
  const std::vector<std::string>& free_variables() const;
  /// Members read directly of a free variable: "result" for `$states.result.x`.
  /// Each once; "" where the variable is used as a whole.
  std::vector<std::string> members_of(std::string_view variable) const;
  /// The first name, "$" or "$$" that is read from the input itself, not from a
  /// variable or inside a path, predicate or function; empty: none. Step
  /// Functions has no input there.
  const std::string& context_reference() const;

  struct Program;

 private:
  std::shared_ptr<const Program> program_;
};

}  // namespace stepmill::jsonata
