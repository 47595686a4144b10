#include "lang/dynamodb/number.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

#include "base/strings.h"
#include "lang/dynamodb/limits.h"

namespace stepmill::dynamodb {

namespace {

Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}

Error NotNumeric(std::string_view text) {
  std::string message = "The parameter cannot be converted to a numeric value";
  if (!text.empty()) message += ": " + std::string(text);
  return Invalid(std::move(message));
}

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// The digits of a number at positions from `high` (the first) down to `low`.
std::string Spread(const std::string& digits, int exponent, int high, int low) {
  std::string out(static_cast<size_t>(high - exponent), '0');
  out += digits;
  out.resize(static_cast<size_t>(high - low + 1), '0');
  return out;
}

/// a + b, one digit more than the longer.
std::string Sum(const std::string& a, const std::string& b) {
  std::string out(a.size() + 1, '0');
  int carry = 0;
  for (size_t i = a.size(); i-- > 0;) {
    const int digit = (a[i] - '0') + (b[i] - '0') + carry;
    out[i + 1] = static_cast<char>('0' + digit % 10);
    carry = digit / 10;
  }
  out[0] = static_cast<char>('0' + carry);
  return out;
}

/// a - b for a >= b of the same length; one digit more in front, to be as Sum.
std::string Difference(const std::string& a, const std::string& b) {
  std::string out(a.size() + 1, '0');
  int borrow = 0;
  for (size_t i = a.size(); i-- > 0;) {
    int digit = (a[i] - '0') - (b[i] - '0') - borrow;
    borrow = digit < 0 ? 1 : 0;
    if (digit < 0) digit += 10;
    out[i + 1] = static_cast<char>('0' + digit);
  }
  return out;
}

}  // namespace

Result<Number> Number::Make(bool is_negative, std::string digits, int64_t exponent) {
  const size_t first = digits.find_first_not_of('0');
  if (first == std::string::npos) return Number();
  digits.erase(0, first);
  exponent -= static_cast<int64_t>(first);
  digits.erase(digits.find_last_not_of('0') + 1);
  if (exponent > kExponentMax)
    return Invalid(
        "Number overflow. Attempting to store a number with magnitude larger than supported range");
  if (exponent < kExponentMin)
    return Invalid(
        "Number underflow. Attempting to store a number with magnitude smaller than supported "
        "range");
  if (digits.size() > kDigitsMax)
    return Invalid("Attempting to store more than 38 significant digits in a Number");
  Number number;
  number.is_negative_ = is_negative;
  number.digits_ = std::move(digits);
  number.exponent_ = static_cast<int>(exponent);
  return number;
}

Result<Number> Number::Parse(std::string_view text) {
  if (text.empty() || text.size() > kNumberTextMax) return NotNumeric(TruncateUtf8(text, 40));
  size_t at = 0;
  const bool is_negative = text[0] == '-';
  if (text[0] == '-' || text[0] == '+') ++at;
  std::string digits;
  while (at < text.size() && IsDigit(text[at])) digits += text[at++];
  int64_t exponent = static_cast<int64_t>(digits.size()) - 1;
  if (at < text.size() && text[at] == '.') {
    ++at;
    while (at < text.size() && IsDigit(text[at])) digits += text[at++];
  }
  if (digits.empty()) return NotNumeric(text);
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    std::string_view power = text.substr(at + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const auto value = ParseInt(power);
    if (!value || *value > 100'000 || *value < -100'000) return NotNumeric(text);
    exponent += *value;
    at = text.size();
  }
  if (at != text.size()) return NotNumeric(text);
  return Make(is_negative, std::move(digits), exponent);
}

std::string Number::Print() const {
  if (digits_.empty()) return "0";
  std::string out = is_negative_ ? "-" : "";
  if (exponent_ < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent_ - 1), '0');
    return out + digits_;
  }
  const size_t whole = static_cast<size_t>(exponent_) + 1;
  if (digits_.size() <= whole) return out + digits_ + std::string(whole - digits_.size(), '0');
  return out + digits_.substr(0, whole) + "." + digits_.substr(whole);
}

std::string Number::SortKey() const {
  if (digits_.empty()) return "1";
  char exponent[16];
  const int shifted = 500 + (is_negative_ ? -exponent_ : exponent_);
  std::snprintf(exponent, sizeof exponent, "%03d", shifted);
  std::string out = std::string(is_negative_ ? "0" : "2") + exponent;
  if (!is_negative_) return out + digits_;
  for (const char digit : digits_) out += static_cast<char>('0' + ('9' - digit));
  return out + "~";  // of two negative numbers the one with more digits is the smaller
}

size_t Number::SizeInItem() const { return (digits_.size() + 1) / 2 + 1 + (is_negative_ ? 1 : 0); }

Number Number::Negated() const {
  Number other = *this;
  if (!digits_.empty()) other.is_negative_ = !is_negative_;
  return other;
}

int Compare(const Number& a, const Number& b) { return a.SortKey().compare(b.SortKey()); }

Result<Number> Add(const Number& a, const Number& b) {
  if (a.digits_.empty()) return b;
  if (b.digits_.empty()) return a;
  const int high = std::max(a.exponent_, b.exponent_);
  const int low = std::min(a.exponent_ - static_cast<int>(a.digits_.size()),
                           b.exponent_ - static_cast<int>(b.digits_.size())) +
                  1;
  const std::string left = Spread(a.digits_, a.exponent_, high, low);
  const std::string right = Spread(b.digits_, b.exponent_, high, low);
  if (a.is_negative_ == b.is_negative_)
    return Number::Make(a.is_negative_, Sum(left, right), high + 1);
  if (left >= right) return Number::Make(a.is_negative_, Difference(left, right), high + 1);
  return Number::Make(b.is_negative_, Difference(right, left), high + 1);
}

}  // namespace stepmill::dynamodb
