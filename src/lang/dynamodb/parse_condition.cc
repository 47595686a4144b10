#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/strings.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/findings.h"
#include "lang/dynamodb/limits.h"
#include "lang/dynamodb/tokens.h"
#include "lang/dynamodb/value.h"

namespace stepmill::dynamodb {

namespace {

constexpr std::string_view kComparators[] = {"=", "<>", "<", "<=", ">", ">="};
constexpr struct {
  std::string_view name;
  size_t operands;
} kFunctions[] = {{"attribute_exists", 1}, {"attribute_not_exists", 1},
                  {"attribute_type", 2},   {"begins_with", 2},
                  {"contains", 2},         {"size", 1}};

/// Words to a tree; nothing is looked up.
class ConditionParser {
 public:
  explicit ConditionParser(TokenReader& reader) : reader_(reader) {}

  Result<Condition> Or(int depth) {
    return Chain(depth, Condition::Kind::kOr, "OR", &ConditionParser::And);
  }
  bool has_needless_parentheses = false;
  size_t operators = 0;

 private:
  using Part = Result<Condition> (ConditionParser::*)(int);

  Result<Condition> Chain(int depth, Condition::Kind kind, std::string_view word, Part part) {
    MILL_TRY(Condition first, (this->*part)(depth));
    if (!reader_.IsWord(word)) return first;
    Condition chain;
    chain.kind = kind;
    chain.name = std::string(word);
    chain.parts.push_back(std::move(first));
    while (reader_.TakeWord(word)) {
      MILL_TRY(Condition next, (this->*part)(depth));
      chain.parts.push_back(std::move(next));
      ++operators;
    }
    return chain;
  }
  Result<Condition> And(int depth) {
    return Chain(depth, Condition::Kind::kAnd, "AND", &ConditionParser::Not);
  }
  Result<Condition> Not(int depth) {
    if (depth > kParenthesesDepthMax) return reader_.SyntaxError();
    // NOT is no attribute: a name never stands before a name or a parenthesis.
    if (!reader_.IsWord("NOT")) return Primary(depth);
    reader_.Next();
    Condition condition;
    condition.kind = Condition::Kind::kNot;
    condition.name = "NOT";
    MILL_TRY(Condition inner, Not(depth + 1));
    condition.parts.push_back(std::move(inner));
    ++operators;
    return condition;
  }

  Result<Condition> Primary(int depth) {
    if (!reader_.IsSymbol("(")) return Comparison(depth);
    // "(a) = :b" or "(a = :b)": tried in this order.
    const size_t place = reader_.place();
    const bool before = has_needless_parentheses;
    auto comparison = Comparison(depth);
    if (comparison && comparison->kind != Condition::Kind::kFunction) return comparison;
    reader_.GoTo(place);
    has_needless_parentheses = before;
    reader_.Next();
    const bool is_double = reader_.IsSymbol("(");
    MILL_TRY(Condition inner, Or(depth + 1));
    if (!reader_.IsSymbol(")")) return reader_.SyntaxError();
    if (is_double && closed_at_ + 1 == reader_.place() && opened_at_ == place + 1)
      has_needless_parentheses = true;
    closed_at_ = reader_.place();
    opened_at_ = place;
    reader_.Next();
    return inner;
  }

  Result<Condition> Comparison(int depth) {
    ++operators;
    MILL_TRY(Operand left, ReadOperand(reader_, depth, has_needless_parentheses));
    Condition condition;
    const Token& token = reader_.Peek();
    const bool is_comparator = token.kind == Token::Kind::kSymbol &&
                               std::find(std::begin(kComparators), std::end(kComparators),
                                         token.text) != std::end(kComparators);
    if (is_comparator) {
      condition.kind = Condition::Kind::kCompare;
      condition.name = std::string(reader_.Next().text);
      condition.operands.push_back(std::move(left));
      MILL_CHECK(AddOperand(condition, depth));
      return condition;
    }
    if (reader_.TakeWord("BETWEEN")) {
      condition.kind = Condition::Kind::kBetween;
      condition.name = "BETWEEN";
      condition.operands.push_back(std::move(left));
      MILL_CHECK(AddOperand(condition, depth));
      if (!reader_.TakeWord("AND")) return reader_.SyntaxError();
      MILL_CHECK(AddOperand(condition, depth));
      return condition;
    }
    if (reader_.TakeWord("IN")) return In(std::move(left), depth);
    if (left.kind != Operand::Kind::kFunction) return reader_.SyntaxError();
    condition.name = left.name;
    condition.operands = std::move(left.operands);
    return condition;
  }

  Result<Condition> In(Operand left, int depth) {
    Condition condition;
    condition.kind = Condition::Kind::kIn;
    condition.name = "IN";
    condition.operands.push_back(std::move(left));
    if (!reader_.TakeSymbol("(")) return reader_.SyntaxError();
    do {
      MILL_CHECK(AddOperand(condition, depth));
    } while (reader_.TakeSymbol(","));
    if (!reader_.TakeSymbol(")")) return reader_.SyntaxError();
    if (condition.operands.size() > kInOperandsMax + 1)
      return reader_.Invalid(
          "The IN operator is provided with too many operands; number of operands: " +
          std::to_string(condition.operands.size() - 1));
    return condition;
  }

  Result<> AddOperand(Condition& condition, int depth) {
    MILL_TRY(Operand operand, ReadOperand(reader_, depth, has_needless_parentheses));
    condition.operands.push_back(std::move(operand));
    return {};
  }

  TokenReader& reader_;
  size_t opened_at_ = SIZE_MAX, closed_at_ = 0;  // of the last parentheses around a condition
};

/// What is wrong with a well-formed condition.
class ConditionChecker {
 public:
  ConditionChecker(Placeholders& placeholders, Findings& findings)
      : placeholders_(placeholders), findings_(findings) {}

  void Check(Condition& condition) {
    for (Condition& part : condition.parts) Check(part);
    if (!condition.parts.empty()) return;
    // Of the findings about operands only those of the first condition that has any are told.
    Findings own;
    for (Operand& operand : condition.operands) Resolve(operand, own);
    if (condition.kind == Condition::Kind::kFunction) {
      if (condition.name == "size")
        findings_.Add(Fault::kMisusedFunction,
                      "The function is not allowed to be used this way in an expression; "
                      "function: size");
      CheckFunction(condition.name, condition.operands, own);
    }
    for (const Operand& operand : condition.operands)
      if (operand.kind == Operand::Kind::kFunction && operand.name != "size" &&
          IsFunction(operand.name))
        findings_.Add(Fault::kMisusedFunction,
                      "The function is not allowed to be used this way in an expression; "
                      "function: " +
                          operand.name);
    if (condition.kind == Condition::Kind::kCompare) CheckDistinct(condition, own);
    if (condition.kind == Condition::Kind::kBetween) CheckBounds(condition, own);
    if (!first_operands_ && !own.is_empty()) first_operands_ = std::move(own);
  }
  /// What of the operands is told when nothing else is.
  std::optional<Findings> first_operands_;

 private:
  static bool IsFunction(std::string_view name) {
    return std::any_of(std::begin(kFunctions), std::end(kFunctions),
                       [&](const auto& each) { return each.name == name; });
  }

  void Resolve(Operand& operand, Findings& own) {
    if (operand.kind == Operand::Kind::kPath) {
      for (const PathPart& part : operand.path)
        if (!part.is_index() && IsReservedWord(part.name))
          findings_.Add(Fault::kReserved,
                        "Attribute name is a reserved keyword; reserved keyword: " + part.name);
      ResolvePath(operand.path, placeholders_, own);
      return;
    }
    for (Operand& each : operand.operands) Resolve(each, own);
    if (operand.kind == Operand::Kind::kValue) return ResolveOperand(operand, placeholders_, own);
    CheckFunction(operand.name, operand.operands, own);
  }

  void CheckFunction(const std::string& name, const std::vector<Operand>& operands, Findings& own) {
    const auto* function = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                        [&](const auto& each) { return each.name == name; });
    if (function == std::end(kFunctions))
      return findings_.Add(Fault::kUnknownFunction, "Invalid function name; function: " + name);
    if (operands.size() != function->operands)
      return own.Add(
          Fault::kOperandCount,
          "Incorrect number of operands for operator or function; operator or function: " + name +
              ", number of operands: " + std::to_string(operands.size()));
    if (operands.size() == 2 && operands[0].kind == Operand::Kind::kPath &&
        operands[1].kind == Operand::Kind::kPath && operands[0].path == operands[1].path)
      NotDistinct(name, operands[0].path, own);
    CheckTypes(name, operands, own);
  }

  static void CheckTypes(const std::string& name, const std::vector<Operand>& operands,
                         Findings& own) {
    const auto wrong_type = [&](std::string_view type) {
      own.Add(Fault::kType,
              "Incorrect operand type for operator or function; operator or function: " + name +
                  ", operand type: " + std::string(type));
    };
    if (name.starts_with("attribute_") && name != "attribute_type") {
      if (operands[0].kind != Operand::Kind::kPath)
        own.Add(Fault::kType,
                "Operator or function requires a document path; operator or function: " + name);
    } else if (name == "begins_with") {
      for (const Operand& operand : operands)
        if (const auto type = TypeOfOperand(operand); !type.empty() && type != "S" && type != "B")
          return wrong_type(type);
    } else if (name == "size") {
      const auto type = TypeOfOperand(operands[0]);
      if (type == "N" || type == "BOOL" || type == "NULL") wrong_type(type);
    } else if (name == "attribute_type") {
      const auto type = TypeOfOperand(operands[1]);
      if (type != "S") return wrong_type(type.empty() ? "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}" : type);
      constexpr std::string_view kTypes = ",B,NULL,SS,BOOL,L,BS,N,NS,S,M,";
      const std::string& wanted = operands[1].value["S"].AsString();
      if (wanted.empty() || kTypes.find("," + wanted + ",") == std::string_view::npos)
        own.Add(Fault::kType, "Invalid attribute type name found; type: " + wanted +
                                  ", valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}");
    }
  }

  static void NotDistinct(const std::string& name, const Path& path, Findings& own) {
    own.Add(Fault::kDistinct,
            "The first operand must be distinct from the remaining operands for this operator or "
            "function; operator: " +
                name + ", first operand: " + PrintPath(path));
  }
  static void CheckDistinct(const Condition& condition, Findings& own) {
    const Operand &left = condition.operands[0], &right = condition.operands[1];
    if (left.kind == Operand::Kind::kPath && right.kind == Operand::Kind::kPath &&
        left.path == right.path)
      NotDistinct(condition.name, left.path, own);
  }

  static std::string Shown(const Json& value) {
    const std::string_view type = TypeOf(value);
    const Json& inner = value[type];
    return "AttributeValue: {" + std::string(type) + ":" +
           (inner.is_string() ? inner.AsString() : inner.Print()) + "}";
  }
  static void CheckBounds(const Condition& condition, Findings& own) {
    const Operand &low = condition.operands[1], &high = condition.operands[2];
    if (low.kind != Operand::Kind::kValue || high.kind != Operand::Kind::kValue) return;
    if (low.value.is_null() || high.value.is_null()) return;  // not defined
    const std::string bounds = "; lower bound operand: " + Shown(low.value) +
                               ", upper bound operand: " + Shown(high.value);
    if (TypeOf(low.value) != TypeOf(high.value))
      own.Add(Fault::kType,
              "The BETWEEN operator requires same data type for lower and upper bounds" + bounds);
    else if (CompareValues(low.value, high.value).value_or(0) > 0)
      own.Add(Fault::kType,
              "The BETWEEN operator requires upper bound to be greater than or equal to lower "
              "bound" +
                  bounds);
  }

  Placeholders& placeholders_;
  Findings& findings_;
};

Error NotAKeyOperator(std::string_view name) {
  return InvalidExpression("KeyConditionExpression",
                           "Invalid operator used in KeyConditionExpression: " + std::string(name));
}

Error KeyError(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}

/// The conditions of a key, on one level, each with its path in front.
Result<> Flatten(const Condition& condition, std::vector<Condition>& out) {
  using Kind = Condition::Kind;
  if (condition.kind == Kind::kAnd) {
    for (const Condition& part : condition.parts) MILL_CHECK(Flatten(part, out));
    return {};
  }
  const bool is_function = condition.kind == Kind::kFunction && condition.name != "begins_with";
  if (condition.kind == Kind::kOr || condition.kind == Kind::kNot || condition.kind == Kind::kIn ||
      condition.name == "<>" || is_function)
    return NotAKeyOperator(condition.name);
  Condition turned = condition;
  for (const Operand& operand : condition.operands)
    if (operand.kind == Operand::Kind::kFunction) return NotAKeyOperator(operand.name);
  if (condition.kind == Kind::kCompare && condition.operands[0].kind == Operand::Kind::kValue) {
    std::swap(turned.operands[0], turned.operands[1]);  // ":v < a" is "a > :v"
    if (turned.name[0] == '<')
      turned.name[0] = '>';
    else if (turned.name[0] == '>')
      turned.name[0] = '<';
  }
  if (turned.operands[0].kind != Operand::Kind::kPath)
    return InvalidExpression("KeyConditionExpression",
                             "No attribute name found in a condition of the key;");
  if (turned.operands[0].path.size() > 1)
    return InvalidExpression("KeyConditionExpression",
                             "KeyConditionExpressions cannot have conditions on nested attributes");
  for (size_t i = 1; i < turned.operands.size(); ++i)
    if (turned.operands[i].kind != Operand::Kind::kValue)
      return InvalidExpression("KeyConditionExpression",
                               "The operand of a condition of the key must be a value;");
  out.push_back(std::move(turned));
  return {};
}

}  // namespace

Result<Condition> ParseCondition(std::string_view text, std::string_view parameter,
                                 Placeholders& placeholders) {
  MILL_CHECK(CheckExpressionText(text, parameter));
  TokenReader reader(text, parameter);
  ConditionParser parser(reader);
  MILL_TRY(Condition condition, parser.Or(0));
  if (!reader.is_at_end()) return reader.SyntaxError();
  if (parser.operators > kOperatorsMax * 2)
    return reader.Invalid("The expression contains too many operators; operator count: " +
                          std::to_string(parser.operators));
  Findings findings;
  if (parser.has_needless_parentheses)
    findings.Add(Fault::kParentheses, "The expression has redundant parentheses;");
  ConditionChecker checker(placeholders, findings);
  checker.Check(condition);
  MILL_CHECK(findings.Tell(parameter));
  if (checker.first_operands_) MILL_CHECK(checker.first_operands_->Tell(parameter));
  return condition;
}

Result<KeyCondition> ParseKeyCondition(std::string_view text, const KeyNames& names,
                                       Placeholders& placeholders) {
  MILL_TRY(const Condition condition, ParseCondition(text, "KeyConditionExpression", placeholders));
  std::vector<Condition> parts;
  MILL_CHECK(Flatten(condition, parts));
  if (parts.size() > 2) return KeyError("Conditions can be of length 1 or 2 only");
  KeyCondition key;
  for (const Condition& part : parts) {
    const std::string& name = part.operands[0].path[0].name;
    const bool is_hash = name == names.hash_name;
    if (!is_hash && name != names.sort_name) continue;
    if (is_hash ? !key.hash.is_null() : !key.sort_op.empty())
      return KeyError("KeyConditionExpressions must only contain one condition per key");
    const std::string& type = is_hash ? names.hash_type : names.sort_type;
    for (size_t i = 1; i < part.operands.size(); ++i)
      if (TypeOf(part.operands[i].value) != type)
        return KeyError(
            "One or more parameter values were invalid: Condition parameter type does not match "
            "schema type");
    if (is_hash) {
      if (part.name != "=") return KeyError("Query key condition not supported");
      key.hash = part.operands[1].value;
      continue;
    }
    if (part.name == "begins_with" && type == "N")
      return KeyError("Query key condition not supported");
    key.sort_op = part.name;
    key.sort = part.operands[1].value;
    if (part.operands.size() > 2) key.sort_end = part.operands[2].value;
  }
  if (key.hash.is_null())
    return KeyError("Query condition missed key schema element: " + names.hash_name);
  if (parts.size() == 2 && key.sort_op.empty())
    return KeyError(names.sort_name.empty()
                        ? "Query key condition not supported"
                        : "Query condition missed key schema element: " + names.sort_name);
  return key;
}

}  // namespace stepmill::dynamodb
