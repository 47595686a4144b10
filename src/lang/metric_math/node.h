#pragma once

#include <string>
#include <vector>

#include "lang/metric_math/metric_math.h"

namespace stepmill::metric_math {

/// One part of an expression.
struct Node {
  enum class Kind { kNumber, kText, kName, kList, kCall, kNegate, kOperator } kind = Kind::kNumber;
  double number = 0;
  std::string text;  ///< of a text or name, the function's name, the operator
  std::vector<Expression> parts;
};

Error Invalid(std::string message);
/// Whether a name is a function of CloudWatch that is built here.
bool IsFunction(std::string_view name);

}  // namespace stepmill::metric_math
