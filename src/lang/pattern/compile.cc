#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "lang/pattern/limits.h"
#include "lang/pattern/node.h"
#include "lang/pattern/pattern.h"

namespace stepmill::pattern {

namespace {

using Kind = Matcher::Kind;

/// Compiles with the place of each value at hand, where there is a text.
class Compiler {
 public:
  Compiler(std::string_view text, const Positions* positions)
      : text_(text), positions_(positions) {}

  Result<std::shared_ptr<const Node>> Run(const Json& pattern) {
    if (!pattern.is_object()) return Refuse("", pattern, "Filter is not an object");
    auto root = std::make_shared<Node>();
    MILL_CHECK(Object(pattern, "", *root));
    if (CountCombinations(*root) > kOrCombinationsMax)
      return Refuse("", pattern, "Rule contains too many $or combinations: at most 1000");
    return std::shared_ptr<const Node>(std::move(root));
  }

  /// Event Ruler reports where its reader stands: behind the value, for a string behind the quote
  /// that opens it.
  Error Refuse(const std::string& pointer, const Json& value, const std::string& why) const {
    std::string message = "Event pattern is not valid. Reason: " + why;
    if (positions_) {
      const auto found = positions_->find(pointer);
      TextPosition at = found == positions_->end() ? TextPosition{1, 1} : found->second;
      if (value.is_string())
        at.column += 1;
      else if (value.is_object() || value.is_array())
        at.column += value.size() == 0 ? 2 : 1;
      else
        at.column += static_cast<int>(value.Print().size());
      message += Place(at);
    }
    return {Code::kInvalid, "InvalidEventPatternException", std::move(message)};
  }
  std::string Place(TextPosition at) const {
    constexpr size_t kShownMax = 500;
    const std::string_view shown = TruncateUtf8(text_, kShownMax);
    std::string place = "\n at [Source: (String)\"" + std::string(shown) + "\"";
    if (shown.size() < text_.size())
      place += "[truncated " + std::to_string(text_.size() - shown.size()) + " chars]";
    return place + "; line: " + std::to_string(at.line) + ", column: " + std::to_string(at.column) +
           "]";
  }
  /// A CIDR's reason comes without the place.
  static Error RefuseCidr(const std::string& why) {
    return {Code::kInvalid, "InvalidEventPatternException",
            "Event pattern is not valid. Reason: " + why};
  }

 private:
  Result<> Object(const Json& object, const std::string& pointer, Node& node) {
    if (object.size() == 0) return Refuse(pointer, object, "Empty objects are not allowed");
    for (const Json::Member& member : object.members()) {
      const std::string at = PointerAppend(pointer, member.name);
      if (member.name == "$or" && IsChoice(member.value)) {
        std::vector<Node> alternatives(member.value.size());
        for (size_t i = 0; i < alternatives.size(); ++i)
          MILL_CHECK(
              Object(member.value.At(i), PointerAppend(at, std::to_string(i)), alternatives[i]));
        node.choices.push_back(std::move(alternatives));
        continue;
      }
      Node::Field field;
      field.name = member.name;
      if (member.value.is_object()) {
        auto child = std::make_shared<Node>();
        MILL_CHECK(Object(member.value, at, *child));
        field.child = std::move(child);
      } else if (member.value.is_array()) {
        MILL_TRY(field.matchers, Leaf(member.value, at));
      } else {
        return Refuse(at, member.value, "\"" + member.name + "\" must be an object or an array");
      }
      node.fields.push_back(std::move(field));
    }
    return {};
  }

  /// Two or more objects that are no match expressions; else "$or" is a field's name.
  static bool IsChoice(const Json& value) {
    return value.is_array() && value.size() >= 2 &&
           std::all_of(value.items().begin(), value.items().end(),
                       [](const Json& item) { return item.is_object(); });
  }

  static size_t CountCombinations(const Node& node) {
    size_t count = 1;
    for (const Node::Field& field : node.fields)
      if (field.child) count = Multiply(count, CountCombinations(*field.child));
    for (const auto& alternatives : node.choices) {
      size_t sum = 0;
      for (const Node& alternative : alternatives) sum += CountCombinations(alternative);
      count = Multiply(count, sum);
    }
    return count;
  }
  static size_t Multiply(size_t a, size_t b) {
    return std::min(a * std::min(b, 2 * kOrCombinationsMax), 2 * kOrCombinationsMax);
  }

  Result<std::vector<Matcher>> Leaf(const Json& list, const std::string& pointer) {
    if (list.size() == 0) return Refuse(pointer, list, "Empty arrays are not allowed");
    std::vector<Matcher> matchers;
    for (size_t i = 0; i < list.size(); ++i) {
      const Json& item = list.At(i);
      const std::string at = PointerAppend(pointer, std::to_string(i));
      if (item.is_array())
        return Refuse(at, item, "Match value must be String, number, true, false, or null");
      if (item.is_object()) {
        MILL_TRY(Matcher matcher, Expression(item, at));
        matchers.push_back(std::move(matcher));
      } else {
        Matcher matcher;
        matcher.value = item;
        matchers.push_back(std::move(matcher));
      }
    }
    return matchers;
  }

  Result<Matcher> Expression(const Json& object, const std::string& pointer) {
    if (object.size() == 0) return Refuse(pointer, object, "Match expression is empty");
    if (object.size() > 1)
      return Refuse(pointer, object, "Only one key allowed in match expression");
    const auto& [name, value] = object.members().front();
    const std::string at = PointerAppend(pointer, name);
    if (name == "prefix") return Text(name, value, at, Kind::kPrefix, Kind::kPrefixIgnoreCase);
    if (name == "suffix") return Text(name, value, at, Kind::kSuffix, Kind::kSuffixIgnoreCase);
    if (name == "equals-ignore-case")
      return Text(name, value, at, Kind::kIgnoreCase, Kind::kIgnoreCase);
    if (name == "wildcard") return Text(name, value, at, Kind::kWildcard, Kind::kWildcard);
    if (name == "anything-but") return AnythingBut(value, at);
    if (name == "numeric") return Numeric(value, at);
    if (name == "cidr") return Cidr(value, at);
    if (name == "exists") {
      if (!value.is_bool())
        return Refuse(at, value, "exists match pattern must be either true or false.");
      Matcher matcher;
      matcher.kind = value.AsBool() ? Kind::kExists : Kind::kMissing;
      return matcher;
    }
    return Refuse(at, value, "Unrecognized match type " + name);
  }

  Result<Matcher> Text(const std::string& name, const Json& value, const std::string& at, Kind kind,
                       Kind ignoring_case) {
    Matcher matcher;
    matcher.kind = kind;
    const Json* text = &value;
    if (value.is_object() && (kind == Kind::kPrefix || kind == Kind::kSuffix)) {
      text = value.Find("equals-ignore-case");
      if (!text || value.size() != 1)
        return Refuse(at, value,
                      "Unsupported " + name + " match pattern: only " +
                          "equals-ignore-case may stand inside");
      matcher.kind = ignoring_case;
    }
    if (!text->is_string()) return Refuse(at, *text, name + " match pattern must be a string");
    matcher.text = text->AsString();
    if (matcher.kind == Kind::kWildcard) MILL_CHECK(CheckWildcard(*text, at));
    if (matcher.kind == Kind::kIgnoreCase || matcher.kind == Kind::kPrefixIgnoreCase ||
        matcher.kind == Kind::kSuffixIgnoreCase)
      matcher.text = ToLower(matcher.text);
    return matcher;
  }

  Result<> CheckWildcard(const Json& value, const std::string& at) const {
    const std::string& text = value.AsString();
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] == '\\') {
        if (i + 1 == text.size() || (text[i + 1] != '*' && text[i + 1] != '\\'))
          return Refuse(at, value, "Invalid escape character at pos " + std::to_string(i + 1));
        ++i;
      } else if (text[i] == '*' && i + 1 < text.size() && text[i + 1] == '*') {
        return Refuse(at, value, "Consecutive wildcard characters at pos " + std::to_string(i + 1));
      }
    }
    return {};
  }

  Result<Matcher> AnythingBut(const Json& value, const std::string& at) {
    Matcher matcher;
    matcher.kind = Kind::kAnythingBut;
    if (value.is_object()) return AnythingButExpression(value, at);
    if (value.is_string() || value.is_number()) {
      matcher.others.emplace_back().value = value;
      return matcher;
    }
    if (!value.is_array())
      return Refuse(at, value,
                    "Value of anything-but must be an array or single string/number value.");
    if (value.size() == 0) return Refuse(at, value, "Empty arrays are not allowed");
    for (size_t i = 0; i < value.size(); ++i) {
      const Json& item = value.At(i);
      const std::string item_at = PointerAppend(at, std::to_string(i));
      if (!item.is_string() && !item.is_number())
        return Refuse(item_at, item,
                      "Inside anything but list, start|null|boolean is not supported.");
      if (item.kind() != value.At(0).kind())
        return Refuse(item_at, item,
                      "Inside anything but list, either all values are number or string, mixed "
                      "type is not supported");
      matcher.others.emplace_back().value = item;
    }
    return matcher;
  }

  /// {"prefix": "x"}, {"suffix": ["x", "y"]}, ... below anything-but.
  Result<Matcher> AnythingButExpression(const Json& object, const std::string& pointer) {
    if (object.size() != 1)
      return Refuse(pointer, object, "Only one key allowed in match expression");
    const auto& [name, value] = object.members().front();
    const std::string at = PointerAppend(pointer, name);
    Kind kind = Kind::kExact;
    if (name == "prefix") kind = Kind::kPrefix;
    if (name == "suffix") kind = Kind::kSuffix;
    if (name == "equals-ignore-case") kind = Kind::kIgnoreCase;
    if (name == "wildcard") kind = Kind::kWildcard;
    if (kind == Kind::kExact) return Refuse(at, value, "Unsupported anything-but pattern: " + name);
    const Json::Array values = value.is_array() ? value.items() : Json::Array{value};
    if (values.empty()) return Refuse(at, value, "Empty arrays are not allowed");
    Matcher matcher;
    matcher.kind = Kind::kAnythingBut;
    for (const Json& text : values) {
      if (!text.is_string() || text.AsString().empty())
        return Refuse(at, value, name + " match pattern must be a string");
      MILL_TRY(Matcher other, Text(name, text, at, kind, kind));
      matcher.others.push_back(std::move(other));
    }
    return matcher;
  }

  Result<Matcher> Numeric(const Json& list, const std::string& at) {
    if (!list.is_array()) return Refuse(at, list, "Value of numeric must be an array.");
    Matcher matcher;
    matcher.kind = Kind::kNumeric;
    matcher.low = -kNumberMax;
    matcher.high = kNumberMax;
    if (list.size() == 0 || !list.At(0).is_string())
      return Refuse(
          at, list,
          "Invalid member in numeric match: " + (list.size() == 0 ? "]" : list.At(0).Print()));
    const std::string first = list.At(0).AsString();
    MILL_TRY(const double bound, Bound(list, 1, at));
    if (first == "=") {
      matcher.low = matcher.high = bound;
    } else if (first == "<" || first == "<=") {
      matcher.high = bound;
      matcher.is_high_open = first == "<";
    } else if (first == ">" || first == ">=") {
      matcher.low = bound;
      matcher.is_low_open = first == ">";
    } else {
      return Refuse(at, list, "Unrecognized numeric range operator: " + first);
    }
    if (list.size() == 2) return matcher;
    if (first != ">" && first != ">=")
      return Refuse(at, list, "Too many elements in numeric expression");
    const std::string second = list.At(2).is_string() ? list.At(2).AsString() : "";
    if (second != "<" && second != "<=")
      return Refuse(
          at, list,
          "Bad numeric range operator: " + (second.empty() ? list.At(2).Print() : second));
    MILL_TRY(matcher.high, Bound(list, 3, at));
    matcher.is_high_open = second == "<";
    if (list.size() > 4) return Refuse(at, list, "Too many terms in numeric range expression");
    if (matcher.low >= matcher.high) return Refuse(at, list, "Bottom must be less than top");
    return matcher;
  }

  Result<double> Bound(const Json& list, size_t index, const std::string& at) const {
    const std::string name = list.At(index - 1).AsString();
    if (index >= list.size() || !list.At(index).is_number())
      return Refuse(
          at, list,
          "Value of " + (name == "=" ? std::string("equals") : name) + " must be numeric");
    const double value = list.At(index).AsDouble();
    if (!(std::fabs(value) <= kNumberMax))
      return Refuse(at, list, "Value must be between -5.0E9 and 5.0E9, inclusive");
    return value;
  }

  Result<Matcher> Cidr(const Json& value, const std::string& at) {
    if (!value.is_string()) return Refuse(at, value, "prefix match pattern must be a string");
    const std::vector<std::string_view> parts = Split(value.AsString(), '/');
    if (parts.size() != 2) return RefuseCidr("Malformed CIDR, one '/' required");
    Matcher matcher;
    matcher.kind = Kind::kCidr;
    matcher.address = ParseAddress(parts[0]);
    if (matcher.address.empty())
      return RefuseCidr("Nonstandard IP address: " + std::string(parts[0]));
    const auto bits = ParseInt(parts[1]);
    if (!bits) return RefuseCidr("Malformed CIDR, mask bits must be an integer");
    if (*bits < 0) return RefuseCidr("Malformed CIDR, mask bits must not be negative");
    const auto bits_max = static_cast<int64_t>(matcher.address.size()) * 8;
    if (*bits > bits_max)
      return RefuseCidr(bits_max == 32 ? "IPv4 mask bits must be < 32"
                                       : "IPv6 mask bits must be < 128");
    matcher.prefix_bits = static_cast<int>(*bits);
    return matcher;
  }

  std::string_view text_;
  const Positions* positions_;
};

}  // namespace

Result<Pattern> Compile(std::string_view text) {
  Positions positions;
  Compiler compiler(text, &positions);
  if (Utf16Length(text) > kPatternCharsMax)
    return Error{Code::kInvalid, "InvalidEventPatternException",
                 "Event pattern is not valid. Reason: it has more than 4096 characters"};
  auto parsed = ParseJson(text, {.depth_max = kDepthMax, .positions = &positions});
  if (!parsed)
    return Error{Code::kInvalid, "InvalidEventPatternException",
                 "Event pattern is not valid. Reason: " + parsed.error().message};
  MILL_TRY(auto root, compiler.Run(*parsed));
  return Pattern(std::move(root));
}

Result<Pattern> CompileJson(const Json& pattern) {
  Compiler compiler("", nullptr);
  MILL_TRY(auto root, compiler.Run(pattern));
  return Pattern(std::move(root));
}

}  // namespace stepmill::pattern
