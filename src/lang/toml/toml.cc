#include "lang/toml/toml.h"

#include <algorithm>
#include <sstream>
#include <toml.hpp>

#include "base/strings.h"

namespace stepmill {
namespace {

constexpr size_t kTextBytesMax = 4 << 20;
constexpr int kDepthMax = 100;

Error Invalid(const std::string& what, size_t line, size_t column) {
  return Error{Code::kInvalid, "InvalidToml",
               what + " at line " + std::to_string(line) + ", column " + std::to_string(column)};
}

template <class T>
std::string Text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

/// toml11's table is a hash map; the order of the text comes back through the positions.
class Converter {
 public:
  Converter(std::string_view text, Positions* positions) : positions_(positions) {
    for (const std::string_view line : Split(text, '\n')) lines_.push_back(line);
  }

  Result<Json> Convert(const toml::value& value, const std::string& pointer, int depth) {
    if (depth > kDepthMax) return Invalid("nested too deep", Line(value), 1);
    if (positions_) {
      (*positions_)[pointer] = {static_cast<int>(Line(value)), static_cast<int>(Column(value))};
    }
    switch (value.type()) {
      case toml::value_t::boolean: return Json(value.as_boolean());
      case toml::value_t::integer: return Json(value.as_integer());
      case toml::value_t::floating: return Json(value.as_floating());
      case toml::value_t::string: return Json(value.as_string().str);
      case toml::value_t::offset_datetime: return Json(Text(value.as_offset_datetime()));
      case toml::value_t::local_datetime: return Json(Text(value.as_local_datetime()));
      case toml::value_t::local_date: return Json(Text(value.as_local_date()));
      case toml::value_t::local_time: return Json(Text(value.as_local_time()));
      case toml::value_t::array: return List(value.as_array(), pointer, depth);
      case toml::value_t::table: return Table(value.as_table(), pointer, depth);
      case toml::value_t::empty: return Json();
    }
    return Json();  // every type is above; g++ wants a return
  }

 private:
  static size_t Line(const toml::value& value) { return value.location().line(); }

  /// toml11 counts bytes from 1; people count characters.
  size_t Column(const toml::value& value) const {
    const size_t line = Line(value);
    size_t column = 1;
    if (line == 0 || line > lines_.size()) return column;
    const std::string_view text = lines_[line - 1];
    for (size_t i = 0; i + 1 < value.location().column() && i < text.size(); ++i) {
      if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) ++column;
    }
    return column;
  }

  Result<Json> List(const toml::array& list, const std::string& pointer, int depth) {
    Json::Array items;
    for (const toml::value& item : list) {
      const std::string below = PointerAppend(pointer, std::to_string(items.size()));
      MILL_TRY(Json value, Convert(item, below, depth + 1));
      items.push_back(std::move(value));
    }
    return Json(std::move(items));
  }

  Result<Json> Table(const toml::table& table, const std::string& pointer, int depth) {
    std::vector<const toml::table::value_type*> members;
    for (const auto& member : table) members.push_back(&member);
    std::sort(members.begin(), members.end(), [](const auto* a, const auto* b) {
      const auto place = [](const toml::value& v) {
        return std::pair(v.location().line(), v.location().column());
      };
      const auto at_a = place(a->second);
      const auto at_b = place(b->second);
      return at_a != at_b ? at_a < at_b : a->first < b->first;
    });
    Json::Object out;
    for (const auto* member : members) {
      const std::string below = PointerAppend(pointer, member->first);
      MILL_TRY(Json value, Convert(member->second, below, depth + 1));
      out.Add(member->first, std::move(value));
    }
    return Json(std::move(out));
  }

  std::vector<std::string_view> lines_;
  Positions* positions_;
};

/// toml11 draws its messages over several lines:
///     [error] toml::parse_key_value_pair: invalid format for key
///      --> toml
///        |
///      2 | a b = 1
///        |  ^--- invalid character in key
Error FromDrawing(const std::string& drawing, size_t line) {
  std::string what = drawing.substr(0, drawing.find('\n'));
  const size_t colon = what.find(": ");
  if (what.starts_with("[error] toml::") && colon != std::string::npos) what.erase(0, colon + 2);
  size_t column = 1;
  const size_t caret = drawing.rfind("^---");
  const size_t bar = drawing.rfind("| ", caret);
  if (caret != std::string::npos && bar != std::string::npos) {
    column = caret - bar - 1;
    if (what.empty()) what = drawing.substr(caret + 5, drawing.find('\n', caret) - caret - 5);
  }
  while (what.ends_with('.')) what.pop_back();
  return Invalid(what, line, column);
}

}  // namespace

Result<Json> ParseToml(std::string_view text, Positions* positions) {
  if (text.size() > kTextBytesMax) return Invalid("the text is too long", 1, 1);
  if (!IsValidUtf8(text)) return Invalid("not UTF-8", 1, 1);
  // toml11 descends into brackets without a bound of its own.
  int depth = 0;
  for (const char c : text) {
    if (c == '\n') depth = std::min(depth, kDepthMax);
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    if (depth > kDepthMax) return Invalid("nested too deep", 1, 1);
  }
  std::istringstream stream{std::string(text)};
  try {
    const toml::value value = toml::parse(stream, "toml");
    return Converter(text, positions).Convert(value, "", 0);
  } catch (const toml::exception& error) {
    return FromDrawing(error.what(), error.location().line());
  } catch (const std::exception& error) {  // what the library throws without a place
    return FromDrawing(error.what(), 1);
  }
}

}  // namespace stepmill
