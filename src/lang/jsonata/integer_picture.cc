#include "lang/jsonata/integer_picture.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/strings.h"
#include "json/json.h"
#include "lang/jsonata/limits.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {
namespace {

constexpr const char* kFew[] = {"Zero",    "One",     "Two",       "Three",    "Four",
                                "Five",    "Six",     "Seven",     "Eight",    "Nine",
                                "Ten",     "Eleven",  "Twelve",    "Thirteen", "Fourteen",
                                "Fifteen", "Sixteen", "Seventeen", "Eighteen", "Nineteen"};
constexpr const char* kFewOrdinal[] = {
    "Zeroth",     "First",     "Second",    "Third",       "Fourth",     "Fifth",     "Sixth",
    "Seventh",    "Eighth",    "Ninth",     "Tenth",       "Eleventh",   "Twelfth",   "Thirteenth",
    "Fourteenth", "Fifteenth", "Sixteenth", "Seventeenth", "Eighteenth", "Nineteenth"};
constexpr const char* kTens[] = {"Twenty",  "Thirty", "Forty",  "Fifty",  "Sixty",
                                 "Seventy", "Eighty", "Ninety", "Hundred"};
constexpr const char* kMagnitudes[] = {"Thousand", "Million", "Billion", "Trillion"};

/// The first code points of the Basic Multilingual Plane's families of ten
/// digits.
constexpr uint32_t kDigitFamilies[] = {
    0x30,   0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6,
    0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0,
    0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
    0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10};

std::string ToWords(double n, bool has_before, bool is_ordinal) {
  if (n <= 19) {
    const auto at = static_cast<size_t>(n);
    return std::string(has_before ? " and " : "") + (is_ordinal ? kFewOrdinal[at] : kFew[at]);
  }
  std::string out;
  double rest = 0;
  if (n < 100) {
    rest = std::fmod(n, 10);
    out = std::string(has_before ? " and " : "") + kTens[static_cast<size_t>(n / 10) - 2];
    if (rest > 0) return out + "-" + ToWords(rest, false, is_ordinal);
    if (is_ordinal) out.replace(out.size() - 1, 1, "ieth");
    return out;
  }
  out = has_before ? ", " : "";
  if (n < 1000) {
    rest = std::fmod(n, 100);
    out += std::string(kFew[static_cast<size_t>(n / 100)]) + " Hundred";
  } else {
    const int magnitude = std::min(static_cast<int>(std::floor(std::log10(n) / 3)), 4);
    const double factor = std::pow(10, magnitude * 3);
    const double count = std::floor(n / factor);
    rest = n - count * factor;
    out += ToWords(count, false, false) + " " + kMagnitudes[magnitude - 1];
  }
  if (rest > 0) return out + ToWords(rest, true, is_ordinal);
  return is_ordinal ? out + "th" : out;
}

struct Word {
  std::string text;
  double value;
};

/// All words of numbers, lower case.
std::vector<Word> Words() {
  std::vector<Word> out;
  double value = 0;
  for (const char* word : kFew) out.push_back({ToLower(word), value++});
  value = 0;
  for (const char* word : kFewOrdinal) out.push_back({ToLower(word), value++});
  value = 20;
  for (const char* word : kTens) {
    const std::string lower = ToLower(word);
    out.push_back({lower, value});
    out.push_back({lower.substr(0, lower.size() - 1) + "ieth", value});
    value += 10;
  }
  out.push_back({"hundredth", 100});
  value = 1000;
  for (const char* word : kMagnitudes) {
    out.push_back({ToLower(word), value});
    out.push_back({ToLower(word) + "th", value});
    value *= 1000;
  }
  return out;
}

double FromWords(const std::string& text) {
  const std::vector<Word> words = Words();
  std::vector<double> sums{0};
  const auto take = [&](std::string_view word) {
    const auto found = std::find_if(words.begin(), words.end(),
                                    [&](const Word& known) { return known.text == word; });
    const double value = found == words.end() ? NAN : found->value;
    if (value < 100) {
      double top = sums.back();
      if (top >= 1000) {
        sums.push_back(value);
      } else {
        sums.back() = top + value;
      }
    } else {
      sums.back() *= value;
    }
  };
  const auto is_space = [](char c) { return c == ' ' || (c >= 9 && c <= 13); };
  size_t begin = 0;
  for (size_t at = 0; at <= text.size();) {
    size_t length = 0;
    if (at < text.size()) {
      const std::string_view rest = std::string_view(text).substr(at);
      if (rest.size() > 1 && rest[0] == ',' && is_space(rest[1])) {
        length = 2;
      } else if (rest.size() > 4 && is_space(rest[0]) && rest.substr(1, 3) == "and" &&
                 is_space(rest[4])) {
        length = 5;
      } else if (is_space(rest[0]) || rest[0] == '\\' || rest[0] == '-') {
        length = 1;
      }
    }
    if (at < text.size() && !length) {
      ++at;
      continue;
    }
    take(std::string_view(text).substr(begin, at - begin));
    if (at == text.size()) break;
    begin = at += length;
  }
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

struct Numeral {
  int value;
  const char* text;
};
constexpr Numeral kNumerals[] = {{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"},
                                 {90, "xc"},  {50, "l"},   {40, "xl"}, {10, "x"},   {9, "ix"},
                                 {5, "v"},    {4, "iv"},   {1, "i"}};

bool ToRoman(double value, std::string& out) {
  for (const Numeral& numeral : kNumerals) {
    for (; value >= numeral.value; value -= numeral.value) {
      out += numeral.text;
      if (out.size() > kPictureBytesMax) return false;
    }
  }
  return true;
}

double FromRoman(std::string_view text) {
  double sum = 0, most = 1;
  for (size_t i = text.size(); i > 0; --i) {
    constexpr std::string_view kLetters = "MDCLXVI";
    constexpr int kValues[] = {1000, 500, 100, 50, 10, 5, 1};
    const size_t at = kLetters.find(text[i - 1]);
    if (at == std::string_view::npos) return NAN;
    const double value = kValues[at];
    if (value < most) {
      sum -= value;
    } else {
      most = value;
      sum += value;
    }
  }
  return sum;
}

std::string ToLetters(double value, char first) {
  std::string out;
  while (value > 0 && out.size() < 400) {
    out.insert(out.begin(), static_cast<char>(std::fmod(value - 1, 26) + first));
    value = std::floor((value - 1) / 26);
  }
  return out;
}

/// String.prototype.substr: from the end where `from` is negative.
std::u32string_view Tail(std::u32string_view text, int from) {
  const int size = static_cast<int>(text.size());
  if (from < 0) from = std::max(0, size + from);
  return text.substr(static_cast<size_t>(std::min(from, size)));
}

void Insert(std::u32string& text, int at, const std::u32string& what) {
  const std::u32string head = at > 0 ? text.substr(0, static_cast<size_t>(at)) : std::u32string();
  text = head + what + std::u32string(Tail(text, at));
}

std::u32string Wide(std::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) out += static_cast<char32_t>(NextCharacter(text, at));
  return out;
}
std::string Narrow(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) AppendCharacter(out, c);
  return out;
}

std::string ToDecimal(double value, const IntegerFormat& format) {
  std::u32string out = Wide(NumberToText(value));
  if (const int missing = format.mandatory_digits - static_cast<int>(out.size()); missing > 0) {
    out.insert(0, static_cast<size_t>(missing), U'0');
  }
  if (format.zero != '0') {
    for (char32_t& c : out) c += format.zero - '0';
  }
  if (format.is_regular) {
    const auto& separator = format.separators[0];
    const int size = static_cast<int>(out.size());
    for (int i = (size - 1) / separator.position; i > 0; --i)
      Insert(out, static_cast<int>(out.size()) - i * separator.position, Wide(separator.text));
  } else {
    for (auto at = format.separators.rbegin(); at != format.separators.rend(); ++at)
      Insert(out, static_cast<int>(out.size()) - at->position, Wide(at->text));
  }
  std::string text = Narrow(out);
  if (format.is_ordinal) {
    const char last = text.back();
    const bool is_teen = out.size() > 1 && out[out.size() - 2] == U'1';
    const char* suffix = last == '1' ? "st" : last == '2' ? "nd" : last == '3' ? "rd" : "th";
    text += is_teen ? "th" : suffix;
  }
  return text;
}

/// The distance at which all separators stand, when there is one of a kind;
/// else 0.
int RegularDistance(const std::vector<IntegerFormat::Separator>& separators) {
  if (separators.empty()) return 0;
  int factor = separators[0].position;
  for (const auto& separator : separators) {
    if (separator.text != separators[0].text) return 0;
    factor = std::gcd(factor, separator.position);
  }
  for (size_t i = 1; i <= separators.size(); ++i) {
    const bool is_there = std::any_of(
        separators.begin(), separators.end(),
        [&](const auto& separator) { return separator.position == static_cast<int>(i) * factor; });
    if (!is_there) return 0;
  }
  return factor;
}

bool ReadDigits(std::string_view picture, IntegerFormat& out, Fault& fault) {
  const std::u32string characters = Wide(picture);
  uint32_t zero = 0;
  int position = 0;
  for (size_t i = characters.size(); i > 0; --i) {
    const uint32_t c = characters[i - 1];
    const uint32_t* family =
        std::find_if(std::begin(kDigitFamilies), std::end(kDigitFamilies),
                     [&](uint32_t first) { return c >= first && c <= first + 9; });
    if (family != std::end(kDigitFamilies)) {
      ++out.mandatory_digits;
      ++position;
      if (zero && zero != *family) {
        fault.code = "D3131";
        return false;
      }
      zero = *family;
    } else if (c == '#') {
      ++out.optional_digits;
      ++position;
    } else {
      std::string text;
      AppendCharacter(text, c);
      out.separators.push_back({position, text});
    }
  }
  if (!out.mandatory_digits) {
    out = IntegerFormat();
    out.primary = IntegerFormat::Primary::kSequence;
    out.token = picture;
    return true;
  }
  out.zero = zero;
  if (const int distance = RegularDistance(out.separators)) {
    out.is_regular = true;
    out.separators = {{distance, out.separators[0].text}};
  }
  return true;
}

}  // namespace

bool ReadIntegerPicture(std::string_view picture, IntegerFormat& out, Fault& fault) {
  if (picture.size() > kPictureBytesMax) picture = picture.substr(0, kPictureBytesMax);
  out = IntegerFormat();
  const size_t semicolon = picture.rfind(';');
  const std::string_view primary = picture.substr(0, semicolon);
  const bool is_ordinal =
      semicolon != std::string_view::npos && picture.substr(semicolon + 1).starts_with('o');
  using Primary = IntegerFormat::Primary;
  using Case = IntegerFormat::Case;
  if (primary == "A" || primary == "a") {
    out.primary = Primary::kLetters;
  } else if (primary == "I" || primary == "i") {
    out.primary = Primary::kRoman;
  } else if (primary == "W" || primary == "w" || primary == "Ww") {
    out.primary = Primary::kWords;
  } else if (!ReadDigits(primary, out, fault)) {
    return false;
  }
  if (primary == "A" || primary == "I" || primary == "W") out.letter_case = Case::kUpper;
  if (primary == "Ww") out.letter_case = Case::kTitle;
  out.is_ordinal = is_ordinal;
  return true;
}

bool FormatInteger(double value, const IntegerFormat& format, std::string& out, Fault& fault) {
  const bool is_upper = format.letter_case == IntegerFormat::Case::kUpper;
  const bool is_negative = value < 0;
  value = std::abs(value);
  switch (format.primary) {
    case IntegerFormat::Primary::kDecimal: out = ToDecimal(value, format); break;
    case IntegerFormat::Primary::kLetters: out = ToLetters(value, is_upper ? 'A' : 'a'); break;
    case IntegerFormat::Primary::kRoman:
      out.clear();
      if (!ToRoman(value, out)) {
        fault.code = "U1001";
        return false;
      }
      if (is_upper) out = ToUpper(out);
      break;
    case IntegerFormat::Primary::kWords:
      out = std::isfinite(value) ? ToWords(value, false, format.is_ordinal) : "";
      if (is_upper) out = ToUpper(out);
      if (format.letter_case == IntegerFormat::Case::kLower) out = ToLower(out);
      break;
    case IntegerFormat::Primary::kSequence:
      fault.code = "D3130";
      fault.value = Json(format.token).Print();
      return false;
  }
  if (is_negative) out.insert(0, "-");
  return true;
}

bool IntegerPattern(const IntegerFormat& format, std::string& out, Fault& fault) {
  const bool is_upper = format.letter_case == IntegerFormat::Case::kUpper;
  switch (format.primary) {
    case IntegerFormat::Primary::kLetters: out = is_upper ? "[A-Z]+" : "[a-z]+"; break;
    case IntegerFormat::Primary::kRoman: out = is_upper ? "[MDCLXVI]+" : "[mdclxvi]+"; break;
    case IntegerFormat::Primary::kWords:
      out = "(?:";
      for (const Word& word : Words()) out += word.text + "|";
      out += "and|[\\-, ])+";
      break;
    case IntegerFormat::Primary::kDecimal:
      out = "[0-9]";
      out += format.parse_width ? "{" + std::to_string(format.parse_width) + "}" : "+";
      if (format.is_ordinal) out += "(?:th|st|nd|rd)";
      break;
    case IntegerFormat::Primary::kSequence:
      fault.code = "D3130";
      fault.value = Json(format.token).Print();
      return false;
  }
  return true;
}

double ParseInteger(std::string_view text, const IntegerFormat& format) {
  const bool is_upper = format.letter_case == IntegerFormat::Case::kUpper;
  switch (format.primary) {
    case IntegerFormat::Primary::kLetters: {
      double out = 0;
      for (const char c : text) out = out * 26 + (c - (is_upper ? 'A' : 'a') + 1);
      return out;
    }
    case IntegerFormat::Primary::kRoman: return FromRoman(is_upper ? text : ToUpper(text));
    case IntegerFormat::Primary::kWords: return FromWords(ToLowerText(text));
    case IntegerFormat::Primary::kSequence: return NAN;
    case IntegerFormat::Primary::kDecimal: break;
  }
  std::string digits(text);
  if (format.is_ordinal) digits.resize(digits.size() - std::min<size_t>(digits.size(), 2));
  if (format.is_regular) {
    digits = ReplaceAll(digits, ",", "");
  } else {
    for (const auto& separator : format.separators) digits = ReplaceAll(digits, separator.text, "");
  }
  double out = 0;
  bool is_negative = false, has_digits = false, is_begin = true;
  for (size_t at = 0; at < digits.size();) {
    const uint32_t c = NextCharacter(digits, at) - format.zero + '0';
    if (is_begin && (c == ' ' || c == '\t' || c == '\n')) continue;
    if (is_begin && (c == '-' || c == '+')) {
      is_negative = c == '-';
      is_begin = false;
      continue;
    }
    is_begin = false;
    if (c < '0' || c > '9') break;
    has_digits = true;
    out = out * 10 + (c - '0');
  }
  return has_digits ? (is_negative ? -out : out) : NAN;
}

}  // namespace stepmill::jsonata
