#include "base/strings.h"
#include "lang/items/items.h"
#include "lang/items/limits.h"

namespace stepmill::items {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Finds the end of one JSON value: nesting and texts only, the parser checks the rest.
class ValueEnd {
 public:
  void Begin(char first) {
    depth_ = 0;
    is_text_ = is_escape_ = false;
    is_scalar_ = first != '{' && first != '[' && first != '"';
  }
  /// What `c` is to the value.
  enum class Place { kInside, kLast, kBehind };
  Place Take(char c) {
    if (is_text_) {
      if (is_escape_)
        is_escape_ = false;
      else if (c == '\\')
        is_escape_ = true;
      else if (c == '"') {
        is_text_ = false;
        if (depth_ == 0) return Place::kLast;
      }
      return Place::kInside;
    }
    if (is_scalar_)
      return IsSpace(c) || c == ',' || c == ']' || c == '}' ? Place::kBehind : Place::kInside;
    if (c == '"') {
      is_text_ = true;
    } else if (c == '{' || c == '[') {
      ++depth_;
    } else if (c == '}' || c == ']') {
      if (--depth_ <= 0) return Place::kLast;
    }
    return Place::kInside;
  }

 private:
  int64_t depth_ = 0;
  bool is_text_ = false, is_escape_ = false, is_scalar_ = false;
};

Error NotIterable() { return ReaderFailed("Attempting to map over non-iterable node."); }
Error NoSuchPlace() {
  return ReaderFailed(
      "The provided ReaderConfig.ItemsPointer does not match any valid path in the JSON "
      "structure.");
}

/// Goes down to the place of the pointer, member by member, then cuts out one element after the
/// other. What lies beside the way is passed over.
class JsonReader final : public Reader {
 public:
  explicit JsonReader(std::vector<std::string> way) : way_(std::move(way)) {}

  Result<> Push(std::string_view bytes, std::vector<Item>& out) override {
    for (const char c : bytes) {
      if (c == '\n') {
        ++line_;
        column_ = 0;
      } else {
        ++column_;
      }
      MILL_CHECK(Take(c, out));
    }
    return {};
  }

  Result<> Finish(std::vector<Item>&) override {
    if (step_ == Step::kDone) return {};
    if (step_ == Step::kRoot) return NotIterable();
    if (step_ == Step::kScalarRoot) return way_.empty() ? NotIterable() : NoSuchPlace();
    return Malformed("ends in the middle");
  }

 private:
  enum class Step {
    kRoot,        // before the document
    kScalarRoot,  // the document is no array and no object
    kFirst,       // behind the opening bracket
    kNext,        // behind a comma
    kKey,         // inside a member's name
    kColon,
    kValue,   // before a value
    kInside,  // in one that is cut out or passed over
    kBehind,  // before a comma or the closing bracket
    kDone
  };

  Error Malformed(const std::string& what) const {
    return ReaderFailed("The JSON file " + what + " (line " + std::to_string(line_) + ", column " +
                        std::to_string(column_) + ").");
  }
  bool is_target() const { return depth_ > way_.size(); }

  Result<> Take(char c, std::vector<Item>& out) {
    switch (step_) {
      case Step::kRoot:
        if (IsSpace(c) || (line_ == 1 && column_ <= 3 && static_cast<unsigned char>(c) >= 0xBB))
          return {};
        return Open(c);
      case Step::kScalarRoot: return {};
      case Step::kFirst:
        if (IsSpace(c)) return {};
        if (c == (is_object_ ? '}' : ']')) return Close();
        return BeginElement(c);
      case Step::kNext:
        if (IsSpace(c)) return {};
        return BeginElement(c);
      case Step::kKey: return TakeKey(c);
      case Step::kColon:
        if (IsSpace(c)) return {};
        if (c != ':') return Malformed("has no ':' behind a member's name");
        step_ = Step::kValue;
        return {};
      case Step::kValue:
        if (IsSpace(c)) return {};
        return BeginValue(c);
      case Step::kInside: return TakeInside(c, out);
      case Step::kBehind:
        if (IsSpace(c)) return {};
        if (c == ',') {
          ++index_;
          step_ = Step::kNext;
          return {};
        }
        if (c == (is_object_ ? '}' : ']')) return Close();
        return Malformed("has no ',' between two values");
      case Step::kDone:
        if (way_.empty() && !IsSpace(c)) return Malformed("goes on behind its value");
        return {};
    }
    return {};
  }

  // An array or an object on the way, or the one at its end.
  Result<> Open(char c) {
    if (c != '{' && c != '[') {
      step_ = Step::kScalarRoot;
      if (depth_ == 0) return {};
      return depth_ == way_.size() ? NotIterable() : NoSuchPlace();
    }
    is_object_ = c == '{';
    index_ = 0;
    ++depth_;
    step_ = Step::kFirst;
    return {};
  }

  Result<> Close() {
    if (!is_target()) return NoSuchPlace();
    step_ = Step::kDone;
    return {};
  }

  Result<> BeginElement(char c) {
    if (!is_object_) return BeginValue(c);
    if (c != '"') return Malformed("has a member without a name");
    key_text_ = "\"";
    end_.Begin('"');
    (void)end_.Take('"');  // the opening quote ends nothing
    step_ = Step::kKey;
    return {};
  }

  Result<> TakeKey(char c) {
    if (key_text_.size() >= kItemBytesMax) return Malformed("has a name that is too long");
    key_text_ += c;
    if (end_.Take(c) != ValueEnd::Place::kLast) return {};
    const Result<Json> key = ParseJson(key_text_);
    if (!key) return Malformed("has a name that is no JSON");
    key_ = key->AsString();
    step_ = Step::kColon;
    return {};
  }

  Result<> BeginValue(char c) {
    if (c == ',' || c == ']' || c == '}' || c == ':') return Malformed("has a value missing");
    is_kept_ = is_target();
    if (!is_target()) {
      const std::string& wanted = way_[depth_ - 1];
      if (is_object_ ? key_ == wanted : std::to_string(index_) == wanted) return Open(c);
    }
    text_.clear();
    end_.Begin(c);
    step_ = Step::kInside;
    if (is_kept_) text_ += c;
    (void)end_.Take(c);  // the first character of a value is never its end
    return {};
  }

  Result<> TakeInside(char c, std::vector<Item>& out) {
    const ValueEnd::Place place = end_.Take(c);
    if (is_kept_ && place != ValueEnd::Place::kBehind) {
      if (text_.size() >= kItemBytesMax)
        return Malformed("has an item larger than " + std::to_string(kItemBytesMax) + " bytes");
      text_ += c;
    }
    if (place == ValueEnd::Place::kInside) return {};
    if (is_kept_) MILL_CHECK(Keep(out));
    step_ = Step::kBehind;
    return place == ValueEnd::Place::kBehind ? Take(c, out) : Result<>();
  }

  Result<> Keep(std::vector<Item>& out) {
    Result<Json> value = ParseJson(text_);
    if (!value) return Malformed("has an item that is no JSON: " + value.error().message);
    Item item{*std::move(value), std::nullopt};
    if (is_object_) item.key = key_;
    out.push_back(std::move(item));
    return {};
  }

  const std::vector<std::string> way_;
  Step step_ = Step::kRoot;
  size_t depth_ = 0;  // brackets open on the way
  bool is_object_ = false, is_kept_ = false;
  int64_t index_ = 0;
  std::string key_, key_text_, text_;
  ValueEnd end_;
  int64_t line_ = 1, column_ = 0;
};

class JsonLinesReader final : public Reader {
 public:
  Result<> Push(std::string_view bytes, std::vector<Item>& out) override {
    while (!bytes.empty()) {
      const size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (text_.size() + part.size() > kItemBytesMax)
        return ReaderFailed("Line " + std::to_string(line_) + " is larger than " +
                            std::to_string(kItemBytesMax) + " bytes.");
      text_.append(part);
      if (end == std::string_view::npos) return {};
      MILL_CHECK(EndLine(out));
      bytes.remove_prefix(end + 1);
    }
    return {};
  }
  Result<> Finish(std::vector<Item>& out) override { return EndLine(out); }

 private:
  Result<> EndLine(std::vector<Item>& out) {
    std::string_view line = text_;
    if (line_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    line = Trim(line);
    if (!line.empty()) {
      Result<Json> value = ParseJson(line);
      if (!value)
        return ReaderFailed("Line " + std::to_string(line_) +
                            " of the JSON Lines file is no JSON: " + value.error().message);
      out.push_back(Item{*std::move(value), std::nullopt});
    }
    text_.clear();
    ++line_;
    return {};
  }

  std::string text_;
  int64_t line_ = 1;
};

}  // namespace

Result<std::unique_ptr<Reader>> MakeJsonReader(std::string_view items_pointer) {
  std::vector<std::string> way;
  if (!items_pointer.empty()) {
    if (items_pointer[0] != '/') return NoSuchPlace();
    for (const std::string_view part : Split(items_pointer.substr(1), '/'))
      way.push_back(ReplaceAll(ReplaceAll(std::string(part), "~1", "/"), "~0", "~"));
  }
  if (way.size() > kPointerDepthMax) return NoSuchPlace();
  return std::unique_ptr<Reader>(std::make_unique<JsonReader>(std::move(way)));
}

std::unique_ptr<Reader> MakeJsonLinesReader() { return std::make_unique<JsonLinesReader>(); }

}  // namespace stepmill::items
