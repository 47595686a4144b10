#include "lang/jsonata/number_picture.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "lang/jsonata/functions.h"
#include "lang/jsonata/limits.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

using Text = std::u32string;
constexpr size_t kNone = Text::npos;

Text Wide(std::string_view text) {
  Text out;
  for (size_t at = 0; at < text.size();) out += static_cast<char32_t>(NextCharacter(text, at));
  return out;
}
std::string Narrow(const Text& text) {
  std::string out;
  for (const char32_t c : text) AppendCharacter(out, c);
  return out;
}

/// String.prototype.substring from `from`, clamped.
Text From(const Text& text, size_t from) { return text.substr(std::min(from, text.size())); }

/// One half of a picture, cut into its parts.
struct SubPicture {
  Text whole, prefix, suffix, active, mantissa, integer, fraction;
  std::optional<Text> exponent;
};

/// What a half of a picture says.
struct Layout {
  std::vector<int> integer_groups, fraction_groups;
  int regular_group = 0;
  int integer_min = 0, scaling = 0, fraction_min = 0, fraction_max = 0, exponent_min = 0;
  Text prefix, suffix, picture;
};

class NumberFormatter {
 public:
  explicit NumberFormatter(const NumberSymbols& symbols)
      : symbols_(symbols), zero_(symbols.zero_digit.empty() ? U'0' : symbols.zero_digit[0]) {}

  bool IsDigit(char32_t c) const { return c >= zero_ && c < zero_ + 10; }
  bool Is(char32_t c, const Text& symbol) const { return symbol.size() == 1 && symbol[0] == c; }
  bool IsOptional(char32_t c) const { return Is(c, symbols_.digit); }
  bool IsActive(char32_t c) const {
    return IsDigit(c) || Is(c, symbols_.decimal_separator) || Is(c, symbols_.exponent_separator) ||
           Is(c, symbols_.grouping_separator) || IsOptional(c) || Is(c, symbols_.pattern_separator);
  }
  int CountDigits(const Text& text, bool with_optional) const {
    return static_cast<int>(std::count_if(text.begin(), text.end(), [&](char32_t c) {
      return IsDigit(c) || (with_optional && IsOptional(c));
    }));
  }

  SubPicture Cut(const Text& picture) const {
    SubPicture out;
    out.whole = picture;
    const auto is_body = [&](char32_t c) {
      return IsActive(c) && !Is(c, symbols_.exponent_separator);
    };
    size_t begin = 0, end = picture.size();
    while (begin < picture.size() && !is_body(picture[begin])) ++begin;
    if (begin == picture.size()) begin = 0;
    while (end > 0 && !is_body(picture[end - 1])) --end;
    if (end == 0) end = picture.size();
    out.prefix = picture.substr(0, begin);
    out.suffix = picture.substr(end);
    if (begin > end) begin = end;
    out.active = picture.substr(begin, end - begin);
    const size_t exponent = symbols_.exponent_separator.empty()
                                ? kNone
                                : picture.find(symbols_.exponent_separator, out.prefix.size());
    if (exponent == kNone || exponent > end) {
      out.mantissa = out.active;
    } else {
      out.mantissa = out.active.substr(0, exponent);
      out.exponent = From(out.active, exponent + 1);
    }
    const size_t point = out.mantissa.find(symbols_.decimal_separator);
    if (point == kNone) {
      out.integer = out.mantissa;
      out.fraction = out.suffix;
    } else {
      out.integer = out.mantissa.substr(0, point);
      out.fraction = From(out.mantissa, point + 1);
    }
    return out;
  }

  /// The code of what is wrong with a half (F&O 4.7.3), empty: nothing. The
  /// last finding counts.
  std::string_view Check(const SubPicture& part) const {
    std::string_view error;
    const Text& whole = part.whole;
    const auto is_twice = [&](const Text& symbol) {
      return whole.find(symbol) != whole.rfind(symbol);
    };
    const bool has_percent = whole.find(symbols_.percent) != kNone;
    const bool has_mille = whole.find(symbols_.per_mille) != kNone;
    if (is_twice(symbols_.decimal_separator)) error = "D3081";
    if (is_twice(symbols_.percent)) error = "D3082";
    if (is_twice(symbols_.per_mille)) error = "D3083";
    if (has_percent && has_mille) error = "D3084";
    if (CountDigits(part.mantissa, true) == 0) error = "D3085";
    if (!std::all_of(part.active.begin(), part.active.end(),
                     [&](char32_t c) { return IsActive(c); })) {
      error = "D3086";
    }
    const size_t point = whole.find(symbols_.decimal_separator);
    const auto is_group = [&](size_t at) {
      return at < whole.size() && Is(whole[at], symbols_.grouping_separator);
    };
    if (point != kNone) {
      if ((point > 0 && is_group(point - 1)) || is_group(point + 1)) error = "D3087";
    } else if (!part.integer.empty() && Is(part.integer.back(), symbols_.grouping_separator)) {
      error = "D3088";
    }
    if (whole.find(symbols_.grouping_separator + symbols_.grouping_separator) != kNone)
      error = "D3089";
    const size_t first = part.integer.find(symbols_.digit);
    if (first != kNone && CountDigits(part.integer.substr(0, first), false) > 0) error = "D3090";
    const size_t last = part.fraction.rfind(symbols_.digit);
    if (last != kNone && CountDigits(part.fraction.substr(last), false) > 0) error = "D3091";
    if (part.exponent && !part.exponent->empty() && (has_percent || has_mille)) error = "D3092";
    if (part.exponent && (part.exponent->empty() || CountDigits(*part.exponent, false) !=
                                                        static_cast<int>(part.exponent->size()))) {
      error = "D3093";
    }
    return error;
  }

  /// How many digits stand right (or left) of each separator.
  std::vector<int> Groups(const Text& part, const Text& integer, bool is_left) const {
    std::vector<int> out;
    if (symbols_.grouping_separator.empty()) return out;
    size_t at = part.find(symbols_.grouping_separator);
    while (at != kNone) {
      out.push_back(CountDigits(is_left ? part.substr(0, at) : From(part, at), true));
      // The reference looks for the next one in the integer part, whichever
      // part this is.
      at = integer.find(symbols_.grouping_separator, at + 1);
    }
    return out;
  }

  static int Regular(const std::vector<int>& groups) {
    if (groups.empty()) return 0;
    int factor = 0;
    for (const int group : groups) factor = std::gcd(factor, group);
    for (size_t i = 1; i <= groups.size(); ++i) {
      if (std::find(groups.begin(), groups.end(), static_cast<int>(i) * factor) == groups.end())
        return 0;
    }
    return factor;
  }

  Layout Analyse(const SubPicture& part) const {
    Layout out;
    out.prefix = part.prefix;
    out.suffix = part.suffix;
    out.picture = part.whole;
    out.integer_groups = Groups(part.integer, part.integer, false);
    out.regular_group = Regular(out.integer_groups);
    out.fraction_groups = Groups(part.fraction, part.integer, true);
    out.integer_min = out.scaling = CountDigits(part.integer, false);
    out.fraction_min = CountDigits(part.fraction, false);
    out.fraction_max = CountDigits(part.fraction, true);
    const bool has_exponent = part.exponent.has_value();
    if (out.integer_min == 0 && out.fraction_max == 0) {
      if (has_exponent) {
        out.fraction_min = out.fraction_max = 1;
      } else {
        out.integer_min = 1;
      }
    }
    const bool has_optional = part.integer.find(symbols_.digit) != kNone;
    if (has_exponent && out.integer_min == 0 && has_optional) out.integer_min = 1;
    if (out.integer_min == 0 && out.fraction_min == 0) out.fraction_min = 1;
    if (has_exponent) out.exponent_min = CountDigits(*part.exponent, false);
    return out;
  }

  /// The digits of a number, in the digit family of the picture.
  Text Digits(double value, int decimals) const {
    Text out = Wide(ToFixed(std::abs(value), decimals));
    for (char32_t& c : out)
      if (c >= U'0' && c <= U'9') c = zero_ + (c - U'0');
    return out;
  }

  Text Lay(double value, const Layout& layout) const {
    double mantissa = value;
    int exponent = 0;
    if (layout.picture.find(symbols_.percent) != kNone) {
      mantissa = value * 100;
    } else if (layout.picture.find(symbols_.per_mille) != kNone) {
      mantissa = value * 1000;
    }
    if (layout.exponent_min > 0 && mantissa != 0 && std::isfinite(mantissa)) {
      const double most = std::pow(10, layout.scaling), least = std::pow(10, layout.scaling - 1);
      for (; std::abs(mantissa) < least; --exponent) mantissa *= 10;
      for (; std::abs(mantissa) > most; ++exponent) mantissa /= 10;
    }
    if (std::isfinite(mantissa)) mantissa = RoundHalfEven(mantissa, layout.fraction_max);
    Text out = Digits(mantissa, layout.fraction_max);
    const Text& point = symbols_.decimal_separator;
    const size_t dot = out.find(U'.');
    if (dot == kNone) {
      out += point;
    } else {
      out.replace(dot, 1, point);
    }
    size_t zeros = 0;
    while (zeros < out.size() && out[zeros] == zero_) ++zeros;
    out.erase(0, zeros);
    while (!out.empty() && out.back() == zero_) out.pop_back();
    int at = static_cast<int>(out.find(point));
    const int right = layout.fraction_min - (static_cast<int>(out.size()) - at - 1);
    if (layout.integer_min > at) out.insert(0, static_cast<size_t>(layout.integer_min - at), zero_);
    if (right > 0) out.append(static_cast<size_t>(right), zero_);
    out = Grouped(out, layout);
    at = static_cast<int>(out.find(point));
    if (layout.picture.find(point) == kNone || at == static_cast<int>(out.size()) - 1)
      out.pop_back();
    if (layout.exponent_min > 0) {
      Text digits = Digits(exponent, 0);
      const int missing = layout.exponent_min - static_cast<int>(digits.size());
      if (missing > 0) digits.insert(0, static_cast<size_t>(missing), zero_);
      out += symbols_.exponent_separator + (exponent < 0 ? symbols_.minus_sign : Text()) + digits;
    }
    return layout.prefix + out + layout.suffix;
  }

 private:
  /// Array.prototype.slice's index: from the end where it is negative.
  static size_t SliceAt(const Text& text, int at) {
    if (at < 0) at = std::max(0, at + static_cast<int>(text.size()));
    return std::min(static_cast<size_t>(at), text.size());
  }

  Text Grouped(Text out, const Layout& layout) const {
    const Text& separator = symbols_.grouping_separator;
    int point = static_cast<int>(out.find(symbols_.decimal_separator));
    if (layout.regular_group > 0) {
      const int count = (point - 1) / layout.regular_group;
      for (int group = 1; group <= count; ++group)
        out.insert(SliceAt(out, point - group * layout.regular_group), separator);
    } else {
      for (const int group : layout.integer_groups) {
        out.insert(SliceAt(out, point - group), separator);
        ++point;
      }
    }
    point = static_cast<int>(out.find(symbols_.decimal_separator));
    for (const int group : layout.fraction_groups)
      out.insert(SliceAt(out, group + point + 1), separator);
    return out;
  }

  const NumberSymbols& symbols_;
  char32_t zero_;
};

}  // namespace

void NumberSymbols::Set(std::string_view name, std::string_view text) {
  const std::pair<std::string_view, Text*> all[] = {{"decimal-separator", &decimal_separator},
                                                    {"grouping-separator", &grouping_separator},
                                                    {"exponent-separator", &exponent_separator},
                                                    {"minus-sign", &minus_sign},
                                                    {"percent", &percent},
                                                    {"per-mille", &per_mille},
                                                    {"zero-digit", &zero_digit},
                                                    {"digit", &digit},
                                                    {"pattern-separator", &pattern_separator}};
  for (const auto& [known, symbol] : all)
    if (known == name) *symbol = Wide(text);
}

bool FormatNumber(double value, std::string_view picture, const NumberSymbols& symbols,
                  std::string& out, Fault& fault) {
  if (picture.size() > kPictureBytesMax) {
    fault.code = "D3080";
    return false;
  }
  const Text whole = Wide(picture);
  std::vector<Text> halves;
  size_t begin = 0;
  const Text& separator = symbols.pattern_separator;
  while (!separator.empty()) {
    const size_t end = whole.find(separator, begin);
    if (end == kNone) break;
    halves.push_back(whole.substr(begin, end - begin));
    begin = end + separator.size();
  }
  halves.push_back(whole.substr(begin));
  if (halves.size() > 2) {
    fault.code = "D3080";
    return false;
  }
  const NumberFormatter formatter(symbols);
  std::vector<Layout> layouts;
  for (const Text& half : halves) {
    const SubPicture part = formatter.Cut(half);
    if (const std::string_view code = formatter.Check(part); !code.empty()) {
      fault.code = code;
      return false;
    }
    layouts.push_back(formatter.Analyse(part));
  }
  if (layouts.size() == 1) {
    layouts.push_back(layouts[0]);
    layouts[1].prefix = symbols.minus_sign + layouts[1].prefix;
  }
  out = Narrow(formatter.Lay(value, layouts[value >= 0 ? 0 : 1]));
  return true;
}

}  // namespace stepmill::jsonata
