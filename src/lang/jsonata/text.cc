#include "lang/jsonata/text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace stepmill::jsonata {
namespace {

bool IsTail(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

bool IsSurrogate(std::string_view text, size_t at, unsigned char from, unsigned char to) {
  if (at + 3 > text.size() || static_cast<unsigned char>(text[at]) != 0xED) return false;
  const auto second = static_cast<unsigned char>(text[at + 1]);
  return second >= from && second <= to;
}

}  // namespace

uint32_t NextCharacter(std::string_view text, size_t& at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) {
    ++at;
    return first;
  }
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
  if (length == 1 || at + length > text.size()) {
    ++at;
    return first;
  }
  uint32_t out = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    if (!IsTail(text[at + i])) {
      ++at;
      return first;
    }
    out = out << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3F);
  }
  at += length;
  return out;
}

uint32_t PreviousCharacter(std::string_view text, size_t& at) {
  size_t begin = at - 1;
  while (begin > 0 && at - begin < 4 && IsTail(text[begin])) --begin;
  size_t end = begin;
  const uint32_t out = NextCharacter(text, end);
  if (end == at) {
    at = begin;
    return out;
  }
  return static_cast<unsigned char>(text[--at]);
}

void AppendCharacter(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  } else {
    out += static_cast<char>(0xF0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 0x3F));
    out += static_cast<char>(0x80 | (c >> 6 & 0x3F));
    out += static_cast<char>(0x80 | (c & 0x3F));
  }
}

std::string WellFormed(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t begin = at;
    const uint32_t c = NextCharacter(text, at);
    const bool is_malformed = at == begin + 1 && c >= 0x80;
    AppendCharacter(out, is_malformed ? 0xFFFD : c);
  }
  return out;
}

size_t CountCharacters(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += !IsTail(c);
  return count;
}

size_t CountUnits(std::string_view text) {
  size_t count = 0;
  for (const char c : text) count += !IsTail(c) + (static_cast<unsigned char>(c) >= 0xF0);
  return count;
}

size_t OffsetOfUnit(std::string_view text, size_t unit) {
  size_t at = 0, units = 0;
  while (at < text.size() && units < unit) units += NextCharacter(text, at) >= 0x10000 ? 2 : 1;
  return at;
}

size_t OffsetOfCharacter(std::string_view text, size_t count) {
  size_t at = 0;
  while (at < text.size() && count > 0) {
    NextCharacter(text, at);
    --count;
  }
  return at;
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool JoinsSurrogates(std::string_view first, std::string_view second) {
  return first.size() >= 3 && IsSurrogate(second, 0, 0xB0, 0xBF) &&
         IsSurrogate(first, first.size() - 3, 0xA0, 0xAF);
}

std::string JoinSurrogates(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (IsSurrogate(text, i, 0xA0, 0xAF) && IsSurrogate(text, i + 3, 0xB0, 0xBF)) {
      const uint32_t high = NextCharacter(text, i), low = NextCharacter(text, i);
      AppendCharacter(out, 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00));
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string NumberToText(double number) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Infinity" : "Infinity";
  if (number == 0) return "0";
  char buffer[40];
  if (number == std::floor(number) && std::abs(number) < 1e15) {
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(number));
    return std::string(buffer, end.ptr);
  }
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::abs(number),
                                 std::chars_format::scientific);
  // d[.ddd]e[+-]dd, shortest. ECMAScript "Number::toString" lays the digits
  // out.
  const std::string_view text(buffer, end.ptr - buffer);
  const size_t e = text.find('e');
  std::string digits(1, text[0]);
  if (e > 2) digits.append(text.substr(2, e - 2));
  const int count = static_cast<int>(digits.size());
  const int point = std::atoi(std::string(text.substr(e + 1)).c_str()) + 1;
  std::string out = number < 0 ? "-" : "";
  if (count <= point && point <= 21) return out + digits + std::string(point - count, '0');
  if (0 < point && point <= 21) return out + digits.substr(0, point) + "." + digits.substr(point);
  if (-6 < point && point <= 0) return out + "0." + std::string(-point, '0') + digits;
  const std::string exponent = (point > 0 ? "e+" : "e-") + std::to_string(std::abs(point - 1));
  if (count == 1) return out + digits + exponent;
  return out + digits.substr(0, 1) + "." + digits.substr(1) + exponent;
}

double RoundToDigits(double number, int digits) {
  char buffer[48];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number,
                                 std::chars_format::scientific, digits - 1);
  double out = 0;
  std::from_chars(buffer, end.ptr, out);
  return out;
}

void AppendNumber(std::string& out, double number) {
  if (number == std::floor(number)) {
    out += NumberToText(number);
  } else {
    out += NumberToText(RoundToDigits(number, 15));
  }
}

std::string ToFixed(double number, int decimals) {
  if (std::abs(number) >= 1e21) return NumberToText(number);
  char buffer[512];
  const int size = std::snprintf(buffer, sizeof buffer, "%.*f", std::min(decimals, 400), number);
  std::string out(buffer, static_cast<size_t>(std::min<int>(size, sizeof buffer - 1)));
  return out;
}

}  // namespace stepmill::jsonata
