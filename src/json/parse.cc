// A recursive-descent reader: numbers keep their text, lone surrogates survive, positions are
// known, duplicates are seen. See docs/decisions/0002-json-reader.md for why simdjson is not used.
#include <unordered_map>

#include "base/strings.h"
#include "json/json.h"

namespace stepmill {
namespace {

constexpr size_t kNumberCharactersMax = 4096;

TextPosition PositionOf(std::string_view text, size_t offset) {
  TextPosition at{1, 1};
  for (size_t i = 0; i < offset && i < text.size(); ++i) {
    if (text[i] == '\n') {
      ++at.line;
      at.column = 1;
    } else if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) {
      ++at.column;
    }
  }
  return at;
}

void AppendUtf8(unsigned code, std::string& out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 63));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xE0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  } else {
    out += static_cast<char>(0xF0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 63));
    out += static_cast<char>(0x80 | (code >> 6 & 63));
    out += static_cast<char>(0x80 | (code & 63));
  }
}

/// Four hex digits at `i`; -1 when they are not there.
int HexUnit(std::string_view raw, size_t i) {
  if (i + 4 > raw.size()) return -1;
  int unit = 0;
  for (size_t j = i; j < i + 4; ++j) {
    const char c = raw[j];
    const int digit = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                             : -1;
    if (digit < 0) return -1;
    unit = unit * 16 + digit;
  }
  return unit;
}

class Reader {
 public:
  Reader(std::string_view text, const ParseOptions& options) : text_(text), options_(options) {}

  Result<Json> Read() {
    if (!IsValidUtf8(text_)) return Bad("not UTF-8");
    MILL_TRY(Json value, ReadValue("", 0));
    SkipSpace();
    if (at_ != text_.size()) return Bad("unexpected text after the value");
    return value;
  }

 private:
  Error Bad(const std::string& what) const {
    const TextPosition at = PositionOf(text_, at_);
    return Error{
        Code::kInvalid, "InvalidJson",
        what + " at line " + std::to_string(at.line) + ", column " + std::to_string(at.column)};
  }

  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void SkipSpace() {
    while (at_ < text_.size() &&
           (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\t' || text_[at_] == '\r'))
      ++at_;
  }
  bool Take(char c) {
    SkipSpace();
    if (Peek() != c) return false;
    ++at_;
    return true;
  }
  bool TakeWord(std::string_view word) {
    if (text_.substr(at_, word.size()) != word) return false;
    at_ += word.size();
    return true;
  }
  bool TakeDigits() {
    const size_t first = at_;
    while (Peek() >= '0' && Peek() <= '9') ++at_;
    return at_ > first;
  }

  /// The line and column of `at_`, counted on from the last call (positions are asked in order).
  TextPosition Here() {
    for (; counted_ < at_; ++counted_) {
      if (text_[counted_] == '\n') {
        ++here_.line;
        here_.column = 1;
      } else if ((static_cast<unsigned char>(text_[counted_]) & 0xC0) != 0x80) {
        ++here_.column;
      }
    }
    return here_;
  }

  Result<Json> ReadValue(const std::string& pointer, int depth) {
    if (depth > options_.depth_max) return Bad("nested too deeply");
    SkipSpace();
    if (options_.positions) (*options_.positions)[pointer] = Here();
    switch (Peek()) {
      case '{': return ReadObject(pointer, depth);
      case '[': return ReadArray(pointer, depth);
      case '"': {
        MILL_TRY(std::string text, ReadString());
        return Json(text);
      }
      default: break;  // a word or a number
    }
    if (TakeWord("null")) return Json();
    if (TakeWord("true")) return Json(true);
    if (TakeWord("false")) return Json(false);
    return ReadNumber();
  }

  Result<Json> ReadNumber() {
    const size_t first = at_;
    const auto fail = [&]() -> Error {
      if (at_ == first)
        return Bad(at_ == text_.size() ? "unexpected end of the text" : "not a JSON value");
      return Bad("bad number");
    };
    if (Peek() == '-') ++at_;
    if (Peek() == '0')
      ++at_;
    else if (!TakeDigits())
      return fail();
    if (Peek() == '.' && (++at_, !TakeDigits())) return fail();
    if (Peek() == 'e' || Peek() == 'E') {
      ++at_;
      if (Peek() == '+' || Peek() == '-') ++at_;
      if (!TakeDigits()) return fail();
    }
    if (at_ - first > kNumberCharactersMax) return Bad("a number of more than 4096 characters");
    return Json::NumberFromText(text_.substr(first, at_ - first));
  }

  Result<std::string> ReadString() {
    ++at_;  // the quote
    std::string out;
    for (;;) {
      const size_t first = at_;
      while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' &&
             static_cast<unsigned char>(text_[at_]) >= 0x20)
        ++at_;
      out.append(text_, first, at_ - first);
      if (at_ >= text_.size()) return Bad("a string without an end");
      if (text_[at_] == '"') return ++at_, out;
      if (text_[at_] != '\\') return Bad("a control character in a string");
      ++at_;
      MILL_CHECK(ReadEscape(out));
    }
  }

  Result<> ReadEscape(std::string& out) {
    constexpr std::string_view kLetters = "ntrbf\"\\/", kMeanings = "\n\t\r\b\f\"\\/";
    if (const size_t known = kLetters.find(Peek());
        at_ < text_.size() && known != std::string_view::npos) {
      out += kMeanings[known];
      ++at_;
      return {};
    }
    if (Peek() != 'u') return Bad("bad escape in a string");
    int unit = HexUnit(text_, at_ + 1);
    if (unit < 0) return Bad("bad \\u escape in a string");
    at_ += 5;
    if (unit >= 0xD800 && unit < 0xDC00 && text_.substr(at_, 2) == "\\u") {
      const int low = HexUnit(text_, at_ + 2);
      if (low >= 0xDC00 && low < 0xE000) {
        unit = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00);
        at_ += 6;
      }
    }
    AppendUtf8(static_cast<unsigned>(unit), out);
    return {};
  }

  Result<Json> ReadArray(const std::string& pointer, int depth) {
    ++at_;
    Json::Array items;
    if (Take(']')) return Json(std::move(items));
    do {
      MILL_TRY(Json item, ReadValue(ChildPointer(pointer, items.size()), depth + 1));
      items.push_back(std::move(item));
    } while (Take(','));
    if (!Take(']')) return Bad("expected ',' or ']'");
    return Json(std::move(items));
  }

  Result<Json> ReadObject(const std::string& pointer, int depth) {
    ++at_;
    Json::Object out;
    if (Take('}')) return Json(std::move(out));
    std::unordered_map<std::string, size_t> seen;
    do {
      SkipSpace();
      const size_t name_at = at_;
      if (Peek() != '"') return Bad("expected a member name in quotes");
      MILL_TRY(std::string name, ReadString());
      if (!Take(':')) return Bad("expected ':'");
      const auto [known, is_new] = seen.try_emplace(name, out.members.size());
      if (!is_new && options_.refuse_duplicates) {
        at_ = name_at;
        return Bad("duplicate member \"" + name + "\"");
      }
      MILL_TRY(
          Json value,
          ReadValue(options_.positions ? PointerAppend(pointer, name) : std::string(), depth + 1));
      if (is_new)
        out.Add(std::move(name), std::move(value));
      else
        out.members[known->second].value = std::move(value);
    } while (Take(','));
    if (!Take('}')) return Bad("expected ',' or '}'");
    return Json(std::move(out));
  }

  std::string ChildPointer(const std::string& pointer, size_t index) const {
    return options_.positions ? PointerAppend(pointer, std::to_string(index)) : std::string();
  }

  std::string_view text_;
  const ParseOptions& options_;
  size_t at_ = 0;
  size_t counted_ = 0;
  TextPosition here_{1, 1};
};

}  // namespace

Result<Json> ParseJson(std::string_view text, const ParseOptions& options) {
  return Reader(text, options).Read();
}

}  // namespace stepmill
