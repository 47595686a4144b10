#pragma once

#include <string_view>

#include "lang/jsonata/jsonata.h"
#include "lang/jsonata/signature.h"

namespace stepmill::jsonata {

class Evaluator;

/// A call of one of the language's functions: its arguments, already fitted to
/// the signature.
struct Arguments {
  Evaluator& evaluator;
  Value* values;
  uint32_t count;
  Value context;  ///< "$" where the call stands
  Frame* frame;   ///< variables where the call stands
  /// kUndefined where there is none.
  Value operator[](uint32_t i) const { return i < count ? values[i] : Value(); }
};

/// A function of the language.
struct Native {
  std::string_view name;
  /// How many arguments a function that calls back passes at most (the
  /// reference's own parameters).
  uint8_t arity = 0;
  Value (*run)(Arguments&) = nullptr;
  Parameter parameters[4] = {};
  uint32_t parameter_count = 0;
  bool is_states_only = false;  ///< Step Functions has it, the language does not
  bool is_public_only = false;  ///< the language has it, Step Functions does not
  Signature signature() const { return {parameters, parameter_count}; }
};

constexpr Native MakeNative(std::string_view name, std::string_view signature, uint8_t arity,
                            Value (*run)(Arguments&)) {
  Native out;
  out.name = name;
  out.arity = arity;
  out.run = run;
  ReadParameters(signature, out.parameters, 4, out.parameter_count);
  return out;
}

/// Null: the language has no such function.
const Native* FindNative(std::string_view name, Dialect dialect);

}  // namespace stepmill::jsonata
