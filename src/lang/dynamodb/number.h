#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace stepmill::dynamodb {

/// A number of DynamoDB: up to 38 significant decimal digits, exactly; magnitude from 1e-130 to
/// 9.99e125. Nothing is ever rounded: what does not fit is a ValidationException.
class Number {
 public:
  /// "-12.50", "1e3". ValidationException in AWS's words.
  static Result<Number> Parse(std::string_view text);

  /// Plain decimal without needless zeros, as DynamoDB gives a number back: "1E3" is "1000".
  std::string Print() const;
  /// Texts that compare (as bytes) as the numbers do; letters, digits and '~' only.
  std::string SortKey() const;
  /// Bytes that count towards an item's size.
  size_t SizeInItem() const;

  Number Negated() const;
  friend int Compare(const Number& a, const Number& b);
  friend Result<Number> Add(const Number& a, const Number& b);

 private:
  static Result<Number> Make(bool is_negative, std::string digits, int64_t exponent);

  bool is_negative_ = false;
  std::string digits_;  ///< without zeros at either end; empty: zero
  int exponent_ = 0;    ///< of the first digit: 1 for "12"
};

}  // namespace stepmill::dynamodb
