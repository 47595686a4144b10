#include <algorithm>
#include <cmath>

#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

Value StringFunction(Arguments& call) {
  const Value value = call[0];
  if (value.is_undefined() || value.is_string()) return value;
  std::string out;
  const bool is_pretty = call[1].is_bool() && call[1].boolean;
  if (!call.evaluator.AppendText(value, out, is_pretty)) return Value::Failed();
  return call.evaluator.Text(out);
}

/// Where `place` characters from the start (below 0: from the end) are, as
/// Array.slice counts.
static size_t SliceAt(double place, size_t count) {
  place = std::isnan(place) ? 0 : std::trunc(place);
  if (place < 0) place = std::max(0.0, place + static_cast<double>(count));
  return static_cast<size_t>(std::min(place, static_cast<double>(count)));
}

Value SubstringFunction(Arguments& call) {
  if (!call[0].is_string() || !call[1].is_number()) return call[0].is_string() ? call[0] : Value();
  const std::string_view text = call[0].str();
  const bool is_ascii = IsAscii(text);
  const size_t count = is_ascii ? text.size() : CountCharacters(text);
  double start = call[1].number;
  if (static_cast<double>(count) + start < 0) start = 0;
  size_t end = count;
  if (call[2].is_number()) {
    const double length = call[2].number;
    if (length <= 0) return Value(std::string_view("", 0));
    const double stop = start >= 0 ? start + length : static_cast<double>(count) + start + length;
    end = SliceAt(stop, count);
  }
  const size_t begin = SliceAt(start, count);
  if (begin >= end) return Value(std::string_view("", 0));
  if (is_ascii) return Value(text.substr(begin, end - begin));
  const size_t from = OffsetOfCharacter(text, begin);
  return Value(text.substr(from, OffsetOfCharacter(text.substr(from), end - begin)));
}

Value SubstringBeforeFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const std::string_view separator = call[1].is_string() ? call[1].str() : "undefined";
  const size_t at = call[0].str().find(separator);
  return at == std::string_view::npos ? call[0] : Value(call[0].str().substr(0, at));
}

Value SubstringAfterFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const std::string_view separator = call[1].is_string() ? call[1].str() : "undefined";
  const size_t at = call[0].str().find(separator);
  if (at == std::string_view::npos) return call[0];
  return Value(call[0].str().substr(at + separator.size()));
}

/// Without other letters than ASCII's it is done in place.
static Value MapCase(Arguments& call, std::string (*map)(std::string_view),
                     uint32_t (*map_character)(uint32_t)) {
  if (!call[0].is_string()) return {};
  const std::string_view text = call[0].str();
  if (!IsAscii(text)) return call.evaluator.Text(map(text));
  char* out = static_cast<char*>(call.evaluator.heap().TryTake(text.size()));
  if (!out) return call.evaluator.Charge(0) ? Value() : Value::Failed();
  for (size_t i = 0; i < text.size(); ++i)
    out[i] = static_cast<char>(map_character(static_cast<unsigned char>(text[i])));
  return Value(std::string_view(out, text.size()));
}

Value LowercaseFunction(Arguments& call) { return MapCase(call, ToLowerText, ToLowerSimple); }

Value UppercaseFunction(Arguments& call) { return MapCase(call, ToUpperText, ToUpperSimple); }

Value LengthFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  return Value(static_cast<double>(CountCharacters(call[0].str())));
}

Value TrimFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  std::string out;
  for (const char c : call[0].str()) {
    const bool is_space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!is_space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  if (!out.empty() && out.back() == ' ') out.pop_back();
  return call.evaluator.Text(out);
}

Value PadFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const std::string_view text = call[0].str();
  const double width = call[1].is_number() ? std::trunc(call[1].number) : 0;
  const double missing = std::abs(width) - static_cast<double>(CountCharacters(text));
  if (!(missing > 0)) return call[0];
  std::string_view filler = call[2].is_string() && call[2].size ? call[2].str() : " ";
  const size_t bytes_max = call.evaluator.environment().limits.bytes_max;
  if (missing * static_cast<double>(filler.size()) > static_cast<double>(bytes_max)) {
    call.evaluator.heap().SetFull();
    return call.evaluator.Charge(1) ? Value() : Value::Failed();
  }
  std::string padding;
  const auto count = static_cast<size_t>(missing);
  const size_t filler_count = std::max<size_t>(CountCharacters(filler), 1);
  padding.reserve((count / filler_count + 1) * filler.size());
  for (size_t i = 0; i < count; i += filler_count) padding += filler;
  padding.resize(OffsetOfCharacter(padding, count));
  return call.evaluator.Text(width > 0 ? std::string(text) + padding : padding + std::string(text));
}

Value JoinFunction(Arguments& call) {
  if (!call[0].is_array()) return {};
  const Items items(call[0]);
  const std::string_view separator = call[1].is_string() ? call[1].str() : "";
  const size_t bytes_max = call.evaluator.environment().limits.bytes_max;
  std::string out;
  for (uint32_t i = 0; i < items.size; ++i) {
    if (i) out += separator;
    if (items[i].is_string()) out += items[i].str();
    if (out.size() > bytes_max) call.evaluator.heap().SetFull();
    if (!call.evaluator.Charge(1)) return Value::Failed();
  }
  return call.evaluator.Text(out.find('\xED') == std::string::npos ? out : JoinSurrogates(out));
}

}  // namespace stepmill::jsonata
