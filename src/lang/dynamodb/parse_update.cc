#include "base/strings.h"
#include "lang/dynamodb/expression.h"
#include "lang/dynamodb/findings.h"
#include "lang/dynamodb/limits.h"
#include "lang/dynamodb/tokens.h"
#include "lang/dynamodb/value.h"

namespace stepmill::dynamodb {

namespace {

constexpr std::string_view kParameter = "UpdateExpression";
constexpr struct {
  std::string_view word;
  UpdateAction::Kind kind;
} kSections[] = {{"SET", UpdateAction::Kind::kSet},
                 {"REMOVE", UpdateAction::Kind::kRemove},
                 {"ADD", UpdateAction::Kind::kAdd},
                 {"DELETE", UpdateAction::Kind::kDelete}};

/// The value of SET: an operand, or two with + or - between them; in parentheses or not.
Result<Operand> ReadSetValue(TokenReader& reader) {
  bool ignored = false;  // parentheses are free here
  if (reader.IsSymbol("(")) {
    const size_t place = reader.place();
    reader.Next();
    auto inner = ReadSetValue(reader);
    if (inner && inner->kind == Operand::Kind::kFunction && inner->name.size() == 1 &&
        reader.TakeSymbol(")"))
      return inner;
    reader.GoTo(place);
  }
  MILL_TRY(Operand left, ReadOperand(reader, 0, ignored));
  if (!reader.IsSymbol("+") && !reader.IsSymbol("-")) return left;
  Operand sum;
  sum.kind = Operand::Kind::kFunction;
  sum.name = std::string(reader.Next().text);
  MILL_TRY(Operand right, ReadOperand(reader, 0, ignored));
  sum.operands.push_back(std::move(left));
  sum.operands.push_back(std::move(right));
  return sum;
}

Result<UpdateAction> ReadAction(TokenReader& reader, UpdateAction::Kind kind) {
  UpdateAction action;
  action.kind = kind;
  // The word that begins a section is no attribute.
  for (const auto& section : kSections)
    if (reader.IsWord(section.word)) return reader.SyntaxError();
  MILL_TRY(action.path, ReadPath(reader));
  if (kind == UpdateAction::Kind::kRemove) return action;
  if (kind == UpdateAction::Kind::kSet) {
    if (!reader.TakeSymbol("=")) return reader.SyntaxError();
    for (const auto& section : kSections)
      if (reader.IsWord(section.word)) return reader.SyntaxError();
    MILL_TRY(action.value, ReadSetValue(reader));
    return action;
  }
  if (reader.Peek().kind != Token::Kind::kValue) return reader.SyntaxError();
  action.value.kind = Operand::Kind::kValue;
  action.value.name = std::string(reader.Next().text);
  return action;
}

void CheckFunctions(const Operand& operand, Findings& findings) {
  if (operand.kind != Operand::Kind::kFunction) return;
  for (const Operand& each : operand.operands) CheckFunctions(each, findings);
  const std::string& name = operand.name;
  const bool is_if = name == "if_not_exists";
  if (!is_if && name != "list_append" && name != "+" && name != "-")
    return findings.Add(Fault::kUnknownFunction, "Invalid function name; function: " + name);
  if (operand.operands.size() != 2)
    return findings.Add(
        Fault::kType,
        "Incorrect number of operands for operator or function; operator or function: " + name +
            ", number of operands: " + std::to_string(operand.operands.size()));
  if (is_if) {
    if (operand.operands[0].kind != Operand::Kind::kPath)
      findings.Add(Fault::kType,
                   "Operator or function requires a document path; operator or function: " + name);
    return;
  }
  const std::string_view wanted = name == "list_append" ? "L" : "N";
  for (const Operand& each : operand.operands)
    if (each.kind == Operand::Kind::kValue && !each.value.is_null() && TypeOf(each.value) != wanted)
      return findings.Add(
          Fault::kType, "Incorrect operand type for operator or function; operator or function: " +
                            name + ", operand type: " + std::string(TypeOf(each.value)));
}

void CheckOperand(const UpdateAction& action, Findings& findings) {
  const bool is_add = action.kind == UpdateAction::Kind::kAdd;
  if (!is_add && action.kind != UpdateAction::Kind::kDelete) return;
  constexpr std::pair<std::string_view, std::string_view> kNames[] = {
      {"S", "STRING"},     {"N", "NUMBER"}, {"B", "BINARY"}, {"NULL", "NULL"},
      {"BOOL", "BOOLEAN"}, {"L", "LIST"},   {"M", "MAP"}};
  const std::string_view type = TypeOf(action.value.value);
  if (is_add && type == "N") return;
  for (const auto& [short_name, name] : kNames)
    if (short_name == type)
      findings.Add(Fault::kOperandCount,
                   "Incorrect operand type for operator or function; operator: " +
                       std::string(is_add ? "ADD" : "DELETE") +
                       ", operand type: " + std::string(name));
}

}  // namespace

Result<Update> ParseUpdate(std::string_view text, Placeholders& placeholders) {
  MILL_CHECK(CheckExpressionText(text, kParameter));
  TokenReader reader(text, kParameter);
  Update update;
  Findings findings;
  std::set<std::string_view> seen;
  while (!reader.is_at_end() || update.empty()) {
    const auto* section = std::begin(kSections);
    while (section != std::end(kSections) && !reader.IsWord(section->word)) ++section;
    if (section == std::end(kSections)) return reader.SyntaxError();
    reader.Next();
    if (!seen.insert(section->word).second)
      findings.Add(Fault::kSection, "The \"" + std::string(section->word) +
                                        "\" section can only be used once in an update "
                                        "expression;");
    do {
      MILL_TRY(UpdateAction action, ReadAction(reader, section->kind));
      update.push_back(std::move(action));
    } while (reader.TakeSymbol(","));
  }
  std::vector<Path> paths;
  for (UpdateAction& action : update) {
    ResolvePath(action.path, placeholders, findings);
    if (action.kind != UpdateAction::Kind::kRemove)
      ResolveOperand(action.value, placeholders, findings);
    CheckFunctions(action.value, findings);
    CheckOperand(action, findings);
    paths.push_back(action.path);
  }
  CheckPaths(paths, findings);
  MILL_CHECK(findings.Tell(kParameter));
  return update;
}

}  // namespace stepmill::dynamodb
