#include <cmath>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

/// Calls `f(double)` for each number of an array.
template <class F>
static void EachNumber(const Value& array, F f) {
  const Items items(array);
  for (uint32_t i = 0; i < items.size; ++i) f(items[i].is_number() ? items[i].number : NAN);
}

Value SumFunction(Arguments& call) {
  if (!call[0].is_array()) return {};
  double sum = 0;
  EachNumber(call[0], [&](double n) { sum += n; });
  return Value(sum);
}

Value MaxFunction(Arguments& call) {
  if (!call[0].is_array() || !Items(call[0]).size) return {};
  double out = -INFINITY;
  EachNumber(call[0], [&](double n) { out = n > out || std::isnan(n) ? n : out; });
  return Value(out);
}

Value MinFunction(Arguments& call) {
  if (!call[0].is_array() || !Items(call[0]).size) return {};
  double out = INFINITY;
  EachNumber(call[0], [&](double n) { out = n < out || std::isnan(n) ? n : out; });
  return Value(out);
}

Value AverageFunction(Arguments& call) {
  if (!call[0].is_array() || !Items(call[0]).size) return {};
  double sum = 0;
  EachNumber(call[0], [&](double n) { sum += n; });
  return Value(sum / Items(call[0]).size);
}

/// "-?digits[.digits][e[+-]digits]", nothing else.
static bool IsDecimal(std::string_view text) {
  size_t at = 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    return at > begin;
  };
  if (at < text.size() && text[at] == '-') ++at;
  if (!digits()) return false;
  if (at < text.size() && text[at] == '.' && (++at, !digits())) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == text.size();
}

/// 0x1F, 0o17, 0b11; NaN when it is none.
static double PrefixedNumber(std::string_view text) {
  if (text.size() < 3 || text[0] != '0') return NAN;
  const char letter = static_cast<char>(text[1] | 0x20);
  const int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (!base) return NAN;
  double out = 0;
  for (const char c : text.substr(2)) {
    const char low = static_cast<char>(c | 0x20);
    const int digit = c >= '0' && c <= '9'       ? c - '0'
                      : low >= 'a' && low <= 'f' ? low - 'a' + 10
                                                 : 99;
    if (digit >= base) return NAN;
    out = out * base + digit;
  }
  return out;
}

Value NumberFunction(Arguments& call) {
  const Value value = call[0];
  if (value.is_undefined() || value.is_number()) return value;
  if (value.is_bool()) return Value(value.boolean ? 1.0 : 0.0);
  if (value.is_string()) {
    const std::string_view text = value.str();
    double number = NAN;
    if (IsDecimal(text)) {
      number = std::strtod(std::string(text).c_str(), nullptr);
    } else {
      number = PrefixedNumber(text);
    }
    if (std::isfinite(number)) return Value(number);
  }
  return call.evaluator.Fail("D3030", value);
}

Value FloorFunction(Arguments& call) {
  return call[0].is_number() ? Value(std::floor(call[0].number)) : Value();
}
Value CeilFunction(Arguments& call) {
  return call[0].is_number() ? Value(std::ceil(call[0].number)) : Value();
}
Value AbsFunction(Arguments& call) {
  return call[0].is_number() ? Value(std::abs(call[0].number)) : Value();
}

/// The number with its decimal point moved: exact, as its shortest digits say.
static double Shift(double number, int places) {
  std::string text = NumberToText(number);
  int exponent = places;
  const size_t e = text.find('e');
  if (e != std::string::npos) {
    exponent += std::atoi(text.c_str() + e + 1);
    text.resize(e);
  }
  return std::strtod((text + "e" + std::to_string(exponent)).c_str(), nullptr);
}

double RoundHalfEven(double number, int precision) {
  if (precision) number = Shift(number, precision);
  double out = std::floor(number + 0.5);
  if (std::abs(number) >= 4503599627370496.0) out = number;  // an integer already
  if (std::abs(out - number) == 0.5 && std::abs(std::fmod(out, 2)) == 1) out -= 1;
  if (precision) out = Shift(out, -precision);
  return out == 0 ? 0 : out;
}

Value RoundFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  const double precision = call[1].is_number() ? call[1].number : 0;
  if (!std::isfinite(call[0].number)) return call[0];
  const int places = static_cast<int>(std::clamp(precision, -400.0, 400.0));
  return Value(RoundHalfEven(call[0].number, places));
}

Value SqrtFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  if (call[0].number < 0) return call.evaluator.Fail("D3060", call[0]);
  return Value(std::sqrt(call[0].number));
}

Value PowerFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  const double exponent = call[1].is_number() ? call[1].number : NAN;
  // JavaScript: 1 to the power of something that is no number is none.
  const double power = std::isnan(exponent) ? NAN : std::pow(call[0].number, exponent);
  if (std::isfinite(power)) return Value(power);
  call.evaluator.Fail("D3061", call[0]);
  call.evaluator.fault().exponent = call[1].is_number() ? NumberToText(exponent) : "undefined";
  return Value::Failed();
}

static double Fraction(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

Value RandomFunction(Arguments& call) { return Value(Fraction(call.evaluator.Random())); }

Value FormatBaseFunction(Arguments& call) {
  if (!call[0].is_number()) return {};
  const double value = RoundHalfEven(call[0].number, 0);
  const double radix = call[1].is_number() ? RoundHalfEven(call[1].number, 0) : 10;
  if (!(radix >= 2 && radix <= 36)) return call.evaluator.Fail("D3100", Value(radix));
  if (radix == 10 || !std::isfinite(value)) return call.evaluator.Text(NumberToText(value));
  std::string digits;
  double rest = std::abs(value);
  do {
    const double digit = std::fmod(rest, radix);
    digits += "0123456789abcdefghijklmnopqrstuvwxyz"[static_cast<int>(digit)];
    rest = (rest - digit) / radix;
  } while (rest >= 1);
  if (value < 0) digits += '-';
  return call.evaluator.Text(std::string(digits.rbegin(), digits.rend()));
}

}  // namespace stepmill::jsonata
