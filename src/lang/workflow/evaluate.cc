#include <cmath>
#include <cstdlib>

#include "base/strings.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/node.h"

namespace stepmill::workflow {
namespace {

using Kind = Node::Kind;

/// `is_filtered`: came from `.*`, so that a following property is taken from each item.
struct Value {
  Json json;
  bool is_filtered = false;
};

Error Fault(const std::string& what) { return Error{Code::kInvalid, "InvalidExpression", what}; }

double NumberOf(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull: return 0;
    case Json::Kind::kBool: return value.AsBool() ? 1 : 0;
    case Json::Kind::kNumber: return value.AsDouble();
    case Json::Kind::kString: {
      const std::string text(Trim(value.AsString()));
      if (text.empty()) return 0;
      char* end = nullptr;
      const double number = text.starts_with("0o")
                                ? static_cast<double>(std::strtoll(text.c_str() + 2, &end, 8))
                                : std::strtod(text.c_str(), &end);
      return end == text.c_str() + text.size() ? number : NAN;
    }
    default: return NAN;
  }
}

bool LooselyEqual(const Json& a, const Json& b) {
  if (a.is_string() && b.is_string()) return EqualsIgnoreCase(a.AsString(), b.AsString());
  if (a.kind() == b.kind()) {
    if (a.is_null()) return true;
    // Objects and lists are equal only to themselves; a copy here is the same value.
    if (a.is_object() || a.is_array()) return a == b;
  }
  return NumberOf(a) == NumberOf(b);
}

/// -1, 0, 1; 2 when not comparable.
int Compare(const Json& a, const Json& b) {
  if (a.is_string() && b.is_string()) {
    const int order = ToUpper(a.AsString()).compare(ToUpper(b.AsString()));
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  const double x = NumberOf(a), y = NumberOf(b);
  if (std::isnan(x) || std::isnan(y)) return 2;
  return x < y ? -1 : x > y ? 1 : 0;
}

Json Property(const Json& object, const std::string& name) {
  if (!object.is_object()) return Json();
  if (const Json* value = object.Find(name)) return *value;
  for (const auto& member : object.members())
    if (EqualsIgnoreCase(member.name, name)) return member.value;
  return Json();
}

Json IndexOf(const Json& container, const Json& index) {
  if (container.is_array()) {
    const double number = NumberOf(index);
    if (!(number >= 0) || number >= static_cast<double>(container.size())) return Json();
    return container.At(static_cast<size_t>(number));
  }
  return Property(container, ToText(index));
}

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  Result<Value> Run(const Node& node) {
    switch (node.kind) {
      case Kind::kLiteral: return Value{node.value};
      case Kind::kContext: return Value{scope_.contexts[node.name]};
      case Kind::kProperty:
      case Kind::kIndex: return Member(node);
      case Kind::kFilter: return Filter(node);
      case Kind::kCall: return Call(node);
      case Kind::kNot: {
        MILL_TRY(const Value inner, Run(*node.children[0]));
        return Value{!IsTruthy(inner.json)};
      }
      case Kind::kAnd:
      case Kind::kOr: {
        MILL_TRY(Value left, Run(*node.children[0]));
        if (IsTruthy(left.json) == (node.kind == Kind::kOr)) return left;
        return Run(*node.children[1]);
      }
      default: return Relation(node);
    }
  }

 private:
  Result<Value> Relation(const Node& node) {
    MILL_TRY(const Value left, Run(*node.children[0]));
    MILL_TRY(const Value right, Run(*node.children[1]));
    const Json &a = left.json, &b = right.json;
    if (node.kind == Kind::kEqual) return Value{LooselyEqual(a, b)};
    if (node.kind == Kind::kNotEqual) return Value{!LooselyEqual(a, b)};
    const int order = Compare(a, b);
    if (order == 2) return Value{false};
    if (node.kind == Kind::kLess) return Value{order < 0};
    if (node.kind == Kind::kLessEqual) return Value{order <= 0};
    if (node.kind == Kind::kGreater) return Value{order > 0};
    return Value{order >= 0};
  }

  Result<Value> Member(const Node& node) {
    MILL_TRY(const Value from, Run(*node.children[0]));
    Json index = node.name;
    if (node.kind == Kind::kIndex) {
      MILL_TRY(const Value computed, Run(*node.children[1]));
      index = computed.json;
    }
    if (!from.is_filtered) return Value{IndexOf(from.json, index)};
    Json::Array out;
    for (const Json& item : from.json.items()) {
      const Json value = IndexOf(item, index);
      if (!value.is_null()) out.push_back(value);
    }
    return Value{std::move(out), true};
  }

  Result<Value> Filter(const Node& node) {
    MILL_TRY(const Value from, Run(*node.children[0]));
    Json::Array out;
    const auto add = [&out](const Json& value) {
      if (value.is_array())
        for (const Json& item : value.items()) out.push_back(item);
      if (value.is_object())
        for (const auto& member : value.members()) out.push_back(member.value);
    };
    if (from.is_filtered)
      for (const Json& item : from.json.items()) add(item);
    else
      add(from.json);
    return Value{std::move(out), true};
  }

  Result<Value> Call(const Node& node) {
    const std::string& name = node.name;
    if (name == "case") return Case(node);
    std::vector<Json> arguments;
    for (const Expression& child : node.children) {
      MILL_TRY(Value value, Run(*child));
      arguments.push_back(std::move(value.json));
    }
    if (name == "success") return Value{scope_.status == Status::kSuccess};
    if (name == "failure") return Value{scope_.status == Status::kFailure};
    if (name == "cancelled") return Value{scope_.status == Status::kCancelled};
    if (name == "always") return Value{true};
    if (name == "contains") return Value{Contains(arguments[0], arguments[1])};
    if (name == "startswith")
      return Value{ToLower(ToText(arguments[0])).starts_with(ToLower(ToText(arguments[1])))};
    if (name == "endswith")
      return Value{ToLower(ToText(arguments[0])).ends_with(ToLower(ToText(arguments[1])))};
    if (name == "format") return Format(arguments);
    if (name == "join") return JoinItems(arguments);
    if (name == "tojson") return Value{arguments[0].PrintPretty()};
    if (name == "fromjson") return FromJson(arguments[0]);
    return HashFiles(arguments);
  }

  Result<Value> Case(const Node& node) {
    if (node.children.size() % 2 == 0) return Fault("case() needs pairs and a default value");
    for (size_t i = 0; i + 1 < node.children.size(); i += 2) {
      MILL_TRY(const Value condition, Run(*node.children[i]));
      if (!condition.json.is_bool()) return Fault("case(): a condition is not a boolean");
      if (condition.json.AsBool()) return Run(*node.children[i + 1]);
    }
    return Run(*node.children.back());
  }

  static bool Contains(const Json& where, const Json& what) {
    if (!where.is_array())
      return !where.is_object() && !what.is_object() && !what.is_array() &&
             ToLower(ToText(where)).find(ToLower(ToText(what))) != std::string::npos;
    for (const Json& item : where.items())
      if (LooselyEqual(item, what)) return true;
    return false;
  }

  static Result<Value> Format(const std::vector<Json>& arguments) {
    const std::string form = ToText(arguments[0]);
    std::string out;
    for (size_t i = 0; i < form.size(); ++i) {
      const bool is_doubled = i + 1 < form.size() && form[i + 1] == form[i];
      if (form[i] == '{' && !is_doubled) {
        const size_t close = form.find('}', i);
        const auto index = close == std::string::npos
                               ? std::nullopt
                               : ParseInt(std::string_view(form).substr(i + 1, close - i - 1));
        if (!index || *index < 0)
          return Fault("The following format string is invalid: '" + form + "'");
        if (static_cast<size_t>(*index) + 1 >= arguments.size())
          return Fault(
              "The following format string references more arguments than were supplied: '" + form +
              "'");
        out += ToText(arguments[static_cast<size_t>(*index) + 1]);
        i = close;
      } else if (form[i] == '}' && !is_doubled) {
        return Fault("The following format string is invalid: '" + form + "'");
      } else {
        if (form[i] == '{' || form[i] == '}') ++i;
        out.push_back(form[i]);
      }
      if (out.size() > kResultBytesMax) return Fault("format(): the result is too long");
    }
    return Value{out};
  }

  static Result<Value> JoinItems(const std::vector<Json>& arguments) {
    if (!arguments[0].is_array()) return Value{ToText(arguments[0])};
    std::vector<std::string> parts;
    for (const Json& item : arguments[0].items()) parts.push_back(ToText(item));
    return Value{Join(parts, arguments.size() > 1 ? ToText(arguments[1]) : ",")};
  }

  static Result<Value> FromJson(const Json& text) {
    const auto value = ParseJson(ToText(text));
    if (!value) return Fault("fromJSON(): " + value.error().message);
    return Value{*value};
  }

  Result<Value> HashFiles(const std::vector<Json>& arguments) {
    if (!scope_.hash_files) return Fault("hashFiles() cannot be used here: there are no files yet");
    std::vector<std::string> patterns;
    for (const Json& pattern : arguments)
      for (const std::string text = ToText(pattern); const auto line : Split(text, '\n'))
        if (!Trim(line).empty()) patterns.emplace_back(Trim(line));
    MILL_TRY(const std::string digest, scope_.hash_files(patterns));
    return Value{digest};
  }

  const Scope& scope_;
};

/// The whole text is one `${{ ... }}`.
bool IsOneExpression(std::string_view text, const std::vector<Piece>& pieces) {
  return pieces.size() == 1 && pieces[0].offset == 3 && text.starts_with("${{") &&
         pieces[0].offset + pieces[0].text.size() + 2 == text.size();
}

}  // namespace

bool IsTruthy(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull: return false;
    case Json::Kind::kBool: return value.AsBool();
    case Json::Kind::kNumber: return value.AsDouble() != 0;
    case Json::Kind::kString: return !value.AsString().empty();
    default: return true;
  }
}

std::string ToText(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull: return "";
    case Json::Kind::kBool: return value.AsBool() ? "true" : "false";
    case Json::Kind::kNumber: {
      if (value.is_integer()) return std::to_string(value.AsInteger());
      char text[40];
      std::snprintf(text, sizeof text, "%.15G", value.AsDouble());
      return text;
    }
    case Json::Kind::kString: return value.AsString();
    case Json::Kind::kArray: return "Array";
    case Json::Kind::kObject: return "Object";
  }
  return "";
}

Result<Json> Evaluate(const Expression& expression, const Scope& scope) {
  MILL_TRY(Value value, Evaluator(scope).Run(*expression));
  return value.json;
}

Result<std::string> Interpolate(std::string_view text, const Scope& scope) {
  MILL_TRY(const std::vector<Piece> pieces, ExpressionsIn(text));
  std::string out;
  size_t done = 0;
  for (const Piece& piece : pieces) {
    out.append(text.substr(done, piece.offset - 3 - done));
    MILL_TRY(const Expression expression, ParseExpression(piece.text));
    MILL_TRY(const Json value, Evaluate(expression, scope));
    out += ToText(value);
    done = piece.offset + piece.text.size() + 2;
    if (out.size() > kResultBytesMax) return Fault("the text grows too long");
  }
  return out.append(text.substr(done));
}

Result<Json> InterpolateValue(const Json& value, const Scope& scope) {
  if (value.is_string()) {
    MILL_TRY(const std::vector<Piece> pieces, ExpressionsIn(value.AsString()));
    if (pieces.empty()) return value;
    if (IsOneExpression(value.AsString(), pieces)) {
      MILL_TRY(const Expression expression, ParseExpression(pieces[0].text));
      return Evaluate(expression, scope);
    }
    MILL_TRY(const std::string text, Interpolate(value.AsString(), scope));
    return Json(text);
  }
  if (value.is_array()) {
    Json::Array out;
    for (const Json& item : value.items()) {
      MILL_TRY(Json one, InterpolateValue(item, scope));
      out.push_back(std::move(one));
    }
    return Json(std::move(out));
  }
  if (value.is_object()) {
    Json::Object out;
    for (const auto& member : value.members()) {
      MILL_TRY(const std::string name, Interpolate(member.name, scope));
      MILL_TRY(Json one, InterpolateValue(member.value, scope));
      out.Set(name, std::move(one));
    }
    return Json(std::move(out));
  }
  return value;
}

Result<bool> EvaluateCondition(std::string_view text, const Scope& scope) {
  text = Trim(text);
  if (text.empty()) return scope.status == Status::kSuccess;
  MILL_TRY(const std::vector<Piece> pieces, ExpressionsIn(text));
  if (pieces.empty() || IsOneExpression(text, pieces)) {
    MILL_TRY(const Expression expression, ParseExpression(pieces.empty() ? text : pieces[0].text));
    if (!HasStatusFunction(expression) && scope.status != Status::kSuccess) return false;
    MILL_TRY(const Json value, Evaluate(expression, scope));
    return IsTruthy(value);
  }
  // Text around `${{ }}`: the whole is a text, which is true unless empty.
  if (scope.status != Status::kSuccess) return false;
  MILL_TRY(const std::string value, Interpolate(text, scope));
  return !value.empty();
}

}  // namespace stepmill::workflow
