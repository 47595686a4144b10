#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace stepmill::jsonata {

/// A failure of the language, with what its message tells. Texts are JSON texts
/// where the message shows them so.
struct Fault {
  std::string code;
  int64_t position = -1;  ///< UTF-16 units, behind the token; -1: unknown
  std::string token;      ///< JSON text; empty: none
  std::string value;
  std::string value2;
  std::string exponent;
  std::string type;
  std::string function_name;
  int index = 0;
  std::string message;  ///< instead of the code's own
};

/// The error with the reference implementation's text for the code.
Error MakeError(const Fault& fault);
std::string MessageOf(const Fault& fault);

}  // namespace stepmill::jsonata
