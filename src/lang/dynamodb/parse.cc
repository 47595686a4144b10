#include "base/strings.h"
#include "json/each.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/findings.h"
#include "lang/dynamodb/limits.h"
#include "lang/dynamodb/tokens.h"
#include "lang/dynamodb/value.h"

namespace stepmill::dynamodb {

namespace {

Error Invalid(std::string message) {
  return {Code::kInvalid, "ValidationException", std::move(message)};
}

bool IsPlaceholder(std::string_view key, char mark) {
  if (key.size() < 2 || key[0] != mark) return false;
  const auto tokens = Tokenize(key);
  return tokens.size() == 2 && tokens[0].text == key;
}

Result<> CheckKeys(const Json& placeholders, std::string_view parameter, char mark) {
  if (placeholders.is_null()) return {};
  if (placeholders.size() == 0) return Invalid(std::string(parameter) + " must not be empty");
  for (const Json::Member& member : MembersOf(placeholders))
    if (!IsPlaceholder(member.name, mark))
      return Invalid(std::string(parameter) + " contains invalid key: Syntax error; key: \"" +
                     member.name + "\"");
  return {};
}

}  // namespace

std::string PrintPath(const Path& path) {
  std::string out;
  for (const PathPart& part : path)
    out += (out.empty() ? "" : ", ") +
           (part.is_index() ? "[" + std::to_string(part.index) + "]" : part.name);
  return "[" + out + "]";
}

Result<Placeholders> Placeholders::Read(const Json& names, const Json& values) {
  Placeholders placeholders;
  MILL_CHECK(CheckKeys(names, "ExpressionAttributeNames", '#'));
  MILL_CHECK(CheckKeys(values, "ExpressionAttributeValues", ':'));
  placeholders.names_ = names;
  Json::Object checked;
  for (const Json::Member& member : MembersOf(values)) {
    auto value = CheckValue(member.value);
    if (!value)
      return Invalid("ExpressionAttributeValues contains invalid value: " + value.error().message +
                     " for key " + member.name);
    checked.Add(member.name, *std::move(value));
  }
  placeholders.values_ = std::move(checked);
  return placeholders;
}

Result<> Placeholders::CheckUsed() const {
  for (const auto& [all, parameter] :
       {std::pair<const Json&, const char*>{names_, "ExpressionAttributeNames"},
        std::pair<const Json&, const char*>{values_, "ExpressionAttributeValues"}}) {
    std::string unused;
    for (const Json::Member& member : MembersOf(all))
      if (!used_.contains(member.name)) unused += (unused.empty() ? "" : ", ") + member.name;
    if (!unused.empty())
      return Invalid("Value provided in " + std::string(parameter) +
                     " unused in expressions: keys: {" + unused + "}");
  }
  return {};
}

const std::string* Placeholders::FindName(const std::string& placeholder) {
  const Json* found = names_.Find(placeholder);
  if (!found || !found->is_string()) return nullptr;
  used_.insert(placeholder);
  return &found->AsString();
}

const Json* Placeholders::FindValue(const std::string& placeholder) {
  const Json* found = values_.Find(placeholder);
  if (found) used_.insert(placeholder);
  return found;
}

Result<Path> ReadPath(TokenReader& reader) {
  Path path;
  for (bool is_first = true;; is_first = false) {
    const Token& token = reader.Peek();
    const bool is_name = token.kind == Token::Kind::kName;
    // A name that begins with '_' may only follow another one.
    if (!is_name && (token.kind != Token::Kind::kWord || (is_first && token.text[0] == '_')))
      return reader.SyntaxError();
    path.push_back({std::string(reader.Next().text)});
    while (reader.IsSymbol("[")) {
      reader.Next();
      const Token& number = reader.Peek();
      if (number.kind != Token::Kind::kNumber) return reader.SyntaxError();
      if (number.text.size() > kIndexDigitsMax)
        return reader.Invalid("List index is not within the allowable range; index: [" +
                              std::string(number.text) + "]");
      path.push_back({"", *ParseInt(reader.Next().text)});
      if (!reader.TakeSymbol("]")) return reader.SyntaxError();
    }
    if (path.size() > static_cast<size_t>(kValueDepthMax))
      return reader.Invalid("The document path has too many nesting elements; nesting: " +
                            std::to_string(path.size()));
    if (!reader.TakeSymbol(".")) return path;
  }
}

Result<Operand> ReadOperand(TokenReader& reader, int depth, bool& has_needless_parentheses) {
  if (depth > kParenthesesDepthMax) return reader.SyntaxError();
  Operand operand;
  if (reader.IsSymbol("(")) {
    const bool is_double = reader.IsSymbol("(", 1);
    reader.Next();
    MILL_TRY(operand, ReadOperand(reader, depth + 1, has_needless_parentheses));
    if (!reader.TakeSymbol(")")) return reader.SyntaxError();
    has_needless_parentheses |= is_double;
    return operand;
  }
  if (reader.Peek().kind == Token::Kind::kValue) {
    operand.kind = Operand::Kind::kValue;
    operand.name = std::string(reader.Next().text);
    return operand;
  }
  if (reader.Peek().kind != Token::Kind::kWord || !reader.IsSymbol("(", 1)) {
    MILL_TRY(operand.path, ReadPath(reader));
    return operand;
  }
  operand.kind = Operand::Kind::kFunction;
  operand.name = std::string(reader.Next().text);
  reader.Next();
  do {
    MILL_TRY(Operand each, ReadOperand(reader, depth + 1, has_needless_parentheses));
    operand.operands.push_back(std::move(each));
  } while (reader.TakeSymbol(","));
  if (!reader.TakeSymbol(")")) return reader.SyntaxError();
  return operand;
}

void ResolvePath(Path& path, Placeholders& placeholders, Findings& findings) {
  for (PathPart& part : path) {
    if (part.is_index()) continue;
    if (!part.name.starts_with('#')) {
      if (IsReservedWord(part.name))
        findings.Add(Fault::kReserved,
                     "Attribute name is a reserved keyword; reserved keyword: " + part.name);
      continue;
    }
    const std::string* name = placeholders.FindName(part.name);
    if (name)
      part.name = *name;
    else
      findings.Add(Fault::kName,
                   "An expression attribute name used in the document path is not defined; "
                   "attribute name: " +
                       part.name);
  }
}

void ResolveOperand(Operand& operand, Placeholders& placeholders, Findings& findings) {
  if (operand.kind == Operand::Kind::kPath)
    return ResolvePath(operand.path, placeholders, findings);
  for (Operand& each : operand.operands) ResolveOperand(each, placeholders, findings);
  if (operand.kind != Operand::Kind::kValue) return;
  const Json* value = placeholders.FindValue(operand.name);
  if (value)
    operand.value = *value;
  else
    findings.Add(Fault::kValue,
                 "An expression attribute value used in expression is not defined; attribute "
                 "value: " +
                     operand.name);
}

void CheckPaths(const std::vector<Path>& paths, Findings& findings) {
  const auto tell = [&](Fault fault, const char* what, const Path& one, const Path& two) {
    findings.Add(fault, std::string("Two document paths ") + what +
                            " with each other; must remove or rewrite one of these paths; path "
                            "one: " +
                            PrintPath(one) + ", path two: " + PrintPath(two));
  };
  for (size_t j = 1; j < paths.size(); ++j)
    for (size_t i = 0; i < j; ++i) {
      const Path &one = paths[i], &two = paths[j];
      size_t at = 0;
      while (at < one.size() && at < two.size() && one[at] == two[at]) ++at;
      if (at == one.size() || at == two.size())
        tell(Fault::kOverlap, "overlap", one, two);
      else if (one[at].is_index() != two[at].is_index())
        tell(Fault::kConflict, "conflict", one, two);
    }
}

std::string_view TypeOfOperand(const Operand& operand) {
  if (operand.kind == Operand::Kind::kValue) return TypeOf(operand.value);
  if (operand.kind != Operand::Kind::kFunction) return "";
  if (operand.name == "size" || operand.name == "+" || operand.name == "-") return "N";
  return operand.name == "list_append" ? "L" : "";
}

Result<std::vector<Path>> ParseProjection(std::string_view text, Placeholders& placeholders) {
  constexpr std::string_view kParameter = "ProjectionExpression";
  MILL_CHECK(CheckExpressionText(text, kParameter));
  TokenReader reader(text, kParameter);
  std::vector<Path> paths;
  do {
    MILL_TRY(Path path, ReadPath(reader));
    paths.push_back(std::move(path));
  } while (reader.TakeSymbol(","));
  if (!reader.is_at_end()) return reader.SyntaxError();
  Findings findings;
  for (Path& path : paths) ResolvePath(path, placeholders, findings);
  CheckPaths(paths, findings);
  MILL_CHECK(findings.Tell(kParameter));
  return paths;
}

}  // namespace stepmill::dynamodb
