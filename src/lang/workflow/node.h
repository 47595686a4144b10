#pragma once

#include <string>
#include <vector>

#include "lang/workflow/expression.h"

namespace stepmill::workflow {

/// One node of a parsed expression.
struct Node {
  enum class Kind {
    kLiteral,   ///< value
    kContext,   ///< name
    kProperty,  ///< children[0] . name
    kIndex,     ///< children[0] [ children[1] ]
    kFilter,    ///< children[0] . *
    kCall,      ///< name ( children )
    kNot,
    kAnd,
    kOr,
    kEqual,
    kNotEqual,
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
  };
  Kind kind = Kind::kLiteral;
  Json value;
  std::string name;
  std::vector<Expression> children;
};

}  // namespace stepmill::workflow
