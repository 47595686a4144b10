#include "lang/yaml/scalar.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace stepmill::yaml {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Characters of `text` from `at` that `fits` accepts; how many.
template <class Fits>
size_t Run(std::string_view text, size_t at, Fits fits) {
  size_t i = at;
  while (i < text.size() && fits(text[i])) ++i;
  return i - at;
}

bool IsJsonNumber(std::string_view text) {
  size_t i = !text.empty() && text[0] == '-' ? 1 : 0;
  const size_t whole = Run(text, i, IsDigit);
  if (whole == 0 || (whole > 1 && text[i] == '0')) return false;
  i += whole;
  if (i < text.size() && text[i] == '.') {
    const size_t fraction = Run(text, i + 1, IsDigit);
    if (fraction == 0) return false;
    i += 1 + fraction;
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    const size_t digits = Run(text, i, IsDigit);
    if (digits == 0) return false;
    i += digits;
  }
  return i == text.size();
}

std::string Unscored(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != '_') out += c;
  }
  return out;
}

/// "-0012" as a JSON integer's text.
Json DecimalInteger(bool negative, std::string_view digits) {
  while (digits.size() > 1 && digits[0] == '0') digits.remove_prefix(1);
  const std::string text = (negative && digits != "0" ? "-" : "") + std::string(digits);
  return Json::NumberFromText(text);
}

std::optional<Json> BaseInteger(bool negative, std::string_view digits, int base) {
  uint64_t value = 0;
  const std::string text = Unscored(digits);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return DecimalInteger(negative, std::to_string(value));
}

/// The text that shows a float as a float: shortest digits, ".0" when it would look whole.
Json Float(double value) {
  if (!std::isfinite(value)) return Json(nullptr);
  std::string text = Json(value).Print();
  if (text.find_first_of(".eE") == std::string::npos) text += ".0";
  return Json::NumberFromText(text);
}

std::optional<Json> FloatFromText(std::string_view text, const YamlOptions& options) {
  if (options.keep_number_text && IsJsonNumber(text)) return Json::NumberFromText(text);
  const double value = std::strtod(std::string(text).c_str(), nullptr);
  if (!std::isfinite(value)) return std::nullopt;
  return Float(value);
}

/// [digits][.digits][exponent] without sign; `score` allows '_', `bare_exponent` an exponent
/// without a sign and without a point before it (YAML 1.2, not 1.1).
bool LooksLikeFloat(std::string_view text, bool score, bool bare_exponent) {
  const auto digit = [score](char c) { return IsDigit(c) || (score && c == '_'); };
  size_t i = 0;
  const size_t whole = Run(text, 0, digit);
  i += whole;
  bool point = false;
  size_t fraction = 0;
  if (i < text.size() && text[i] == '.') {
    point = true;
    fraction = Run(text, i + 1, digit);
    i += 1 + fraction;
  }
  if (whole + fraction == 0 || (whole > 0 && !IsDigit(text[0]))) return false;
  if (i == text.size()) return point;
  if (text[i] != 'e' && text[i] != 'E') return false;
  if (!point && !bare_exponent) return false;
  ++i;
  const bool sign = i < text.size() && (text[i] == '+' || text[i] == '-');
  if (!sign && !bare_exponent) return false;
  if (sign) ++i;
  const size_t digits = Run(text, i, IsDigit);
  return digits > 0 && i + digits == text.size();
}

/// 190:20:30 is 685230. YAML 1.1, "Integer" in base 60.
std::optional<Json> Sixties(bool negative, std::string_view body) {
  if (body.empty() || body[0] < '1' || body[0] > '9') return std::nullopt;
  if (body.find(':') == std::string_view::npos) return std::nullopt;
  uint64_t total = 0;
  size_t at = 0;
  for (int part = 0; at <= body.size(); ++part) {
    const size_t end = std::min(body.find(':', at), body.size());
    const std::string digits = Unscored(body.substr(at, end - at));
    uint64_t value = 0;
    const auto [stop, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc() || stop != digits.data() + digits.size()) {
      return std::nullopt;
    }
    if (part > 0 && (value > 59 || digits.size() > 2)) return std::nullopt;
    if (total > (uint64_t{1} << 50)) return std::nullopt;
    total = total * 60 + value;
    at = end + 1;
  }
  return DecimalInteger(negative, std::to_string(total));
}

std::optional<Json> Yaml11Number(std::string_view text, const YamlOptions& options) {
  const bool negative = text[0] == '-';
  std::string_view body = text;
  if (text[0] == '-' || text[0] == '+') body.remove_prefix(1);
  if (body.empty()) return std::nullopt;
  if (body.starts_with("0x")) return BaseInteger(negative, body.substr(2), 16);
  if (body.starts_with("0b")) return BaseInteger(negative, body.substr(2), 2);
  const auto scored = [](char c) { return IsDigit(c) || c == '_'; };
  if (IsDigit(body[0]) && Run(body, 0, scored) == body.size()) {
    if (body.size() > 1 && body[0] == '0') return BaseInteger(negative, body.substr(1), 8);
    return DecimalInteger(negative, Unscored(body));
  }
  if (auto sixties = Sixties(negative, body)) return sixties;
  if (LooksLikeFloat(body, true, false)) {
    return FloatFromText(Unscored(negative ? text : body), options);
  }
  return std::nullopt;
}

std::optional<Json> CoreNumber(std::string_view text, const YamlOptions& options) {
  if (text.starts_with("0x")) return BaseInteger(false, text.substr(2), 16);
  if (text.starts_with("0o")) return BaseInteger(false, text.substr(2), 8);
  const bool negative = text[0] == '-';
  std::string_view body = text;
  if (text[0] == '-' || text[0] == '+') body.remove_prefix(1);
  if (!body.empty() && Run(body, 0, IsDigit) == body.size()) return DecimalInteger(negative, body);
  if (LooksLikeFloat(body, false, true)) return FloatFromText(negative ? text : body, options);
  return std::nullopt;
}

std::optional<Json> Number(std::string_view text, YamlOptions::Numbers numbers,
                           const YamlOptions& options) {
  if (text.empty() || text.size() > 400) return std::nullopt;  // no number that anyone writes
  switch (numbers) {
    case YamlOptions::Numbers::kYaml11: return Yaml11Number(text, options);
    case YamlOptions::Numbers::kCore: return CoreNumber(text, options);
    case YamlOptions::Numbers::kJson:
      if (!IsJsonNumber(text)) return std::nullopt;
      if (text.find_first_of(".eE") == std::string_view::npos) return Json::NumberFromText(text);
      return FloatFromText(text, options);
    case YamlOptions::Numbers::kText: return std::nullopt;
  }
  return std::nullopt;  // every kind is above; g++ wants a return
}

std::optional<bool> Boolean(std::string_view text, YamlOptions::Booleans booleans) {
  if (booleans == YamlOptions::Booleans::kText) return std::nullopt;
  if (text == "true" || text == "True" || text == "TRUE") return true;
  if (text == "false" || text == "False" || text == "FALSE") return false;
  if (booleans == YamlOptions::Booleans::kCore) return std::nullopt;
  if (text == "yes" || text == "Yes" || text == "YES" || text == "on" || text == "On" ||
      text == "ON") {
    return true;
  }
  if (text == "no" || text == "No" || text == "NO" || text == "off" || text == "Off" ||
      text == "OFF") {
    return false;
  }
  return std::nullopt;
}

}  // namespace

Json PlainScalar(const std::string& text, const YamlOptions& options) {
  if (const auto boolean = Boolean(text, options.booleans)) return Json(*boolean);
  if (auto number = Number(text, options.numbers, options)) return *std::move(number);
  return Json(text);
}

std::optional<Json> TaggedScalar(const std::string& text, std::string_view tag,
                                 const YamlOptions& options) {
  if (tag == "str" || tag == "binary" || tag == "timestamp") return Json(text);
  if (tag == "null") return Json(nullptr);
  if (tag == "bool") {
    const auto boolean = Boolean(text, YamlOptions::Booleans::kYaml11);
    if (!boolean) return std::nullopt;
    return Json(*boolean);
  }
  if (tag == "int" || tag == "float") {
    return Number(text, YamlOptions::Numbers::kYaml11, options);
  }
  return std::nullopt;
}

}  // namespace stepmill::yaml
