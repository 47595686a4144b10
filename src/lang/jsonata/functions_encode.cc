#include "base/strings.h"
#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/functions.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

/// As Buffer.from(text, "binary"): the low byte of each UTF-16 unit.
Value Base64EncodeFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  const std::string_view text = call[0].str();
  if (call.evaluator.dialect() == Dialect::kStates || IsAscii(text)) {
    return call.evaluator.Text(Base64(text));
  }
  std::string bytes;
  for (size_t at = 0; at < text.size();) {
    const uint32_t c = NextCharacter(text, at);
    if (c >= 0x10000) bytes += static_cast<char>((0xD800 + ((c - 0x10000) >> 10)) & 0xFF);
    bytes += static_cast<char>(c >= 0x10000 ? (c - 0x10000) & 0xFF : c & 0xFF);
  }
  return call.evaluator.Text(Base64(bytes));
}

Value Base64DecodeFunction(Arguments& call) {
  if (!call[0].is_string()) return {};
  // What is not of the alphabet is skipped, "-" and "_" are taken, padding may
  // be missing.
  std::string clean;
  for (const char c : call[0].str()) {
    if (c == '=') break;
    const char standard = c == '-' ? '+' : c == '_' ? '/' : c;
    const bool is_digit = (standard >= '0' && standard <= '9') || standard == '+' ||
                          standard == '/' || (standard >= 'a' && standard <= 'z') ||
                          (standard >= 'A' && standard <= 'Z');
    if (is_digit) clean += standard;
  }
  if (clean.size() % 4 == 1) clean.pop_back();
  while (clean.size() % 4) clean += '=';
  const std::string bytes = Unbase64(clean).value_or("");
  if (call.evaluator.dialect() == Dialect::kStates && IsValidUtf8(bytes)) {
    return call.evaluator.Text(bytes);
  }
  std::string out;
  for (const unsigned char byte : bytes) AppendCharacter(out, byte);
  return call.evaluator.Text(out);
}

static Value FailUrl(Arguments& call, std::string_view function) {
  call.evaluator.Fail("D3140", call[0]);
  call.evaluator.fault().function_name = function;
  return Value::Failed();
}

static bool IsUnreserved(char c) {
  constexpr std::string_view kMarks = "-_.!~*'()";
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         kMarks.find(c) != std::string_view::npos;
}
constexpr std::string_view kReserved = ";/?:@&=+$,#";

/// encodeURI (with `keeps_reserved`) and encodeURIComponent.
static Value Encode(Arguments& call, bool keeps_reserved, std::string_view function) {
  if (!call[0].is_string()) return {};
  const std::string_view text = call[0].str();
  if (!IsValidUtf8(text)) return FailUrl(call, function);  // a lone surrogate
  std::string out;
  for (const char c : text) {
    if (IsUnreserved(c) || (keeps_reserved && kReserved.find(c) != std::string_view::npos)) {
      out += c;
    } else {
      constexpr char kDigits[] = "0123456789ABCDEF";
      out += '%';
      out += kDigits[static_cast<unsigned char>(c) >> 4];
      out += kDigits[static_cast<unsigned char>(c) & 15];
    }
  }
  return call.evaluator.Text(out);
}

/// decodeURI (with `keeps_reserved`) and decodeURIComponent.
static Value Decode(Arguments& call, bool keeps_reserved, std::string_view function) {
  if (!call[0].is_string()) return {};
  const std::string_view text = call[0].str();
  std::string out;
  for (size_t at = 0; at < text.size();) {
    if (text[at] != '%') {
      out += text[at++];
      continue;
    }
    std::string bytes;
    const size_t begin = at;
    size_t wanted = 1;
    while (bytes.size() < wanted) {
      const auto byte =
          at + 3 <= text.size() && text[at] == '%' ? Unhex(text.substr(at + 1, 2)) : std::nullopt;
      if (!byte) return FailUrl(call, function);
      bytes += *byte;
      at += 3;
      const auto first = static_cast<unsigned char>(bytes[0]);
      wanted = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    }
    if (!IsValidUtf8(bytes)) return FailUrl(call, function);
    const bool is_kept =
        keeps_reserved && bytes.size() == 1 && kReserved.find(bytes[0]) != std::string_view::npos;
    out += is_kept ? text.substr(begin, at - begin) : std::string_view(bytes);
  }
  return call.evaluator.Text(out);
}

Value EncodeUrlComponentFunction(Arguments& call) {
  return Encode(call, false, "encodeUrlComponent");
}
Value EncodeUrlFunction(Arguments& call) { return Encode(call, true, "encodeUrl"); }
Value DecodeUrlComponentFunction(Arguments& call) {
  return Decode(call, false, "decodeUrlComponent");
}
Value DecodeUrlFunction(Arguments& call) { return Decode(call, true, "decodeUrl"); }

}  // namespace stepmill::jsonata
