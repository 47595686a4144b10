#include "lang/jsonata/jsonata.h"

#include <algorithm>

#include "lang/jsonata/analyse.h"
#include "lang/jsonata/evaluator.h"
#include "lang/jsonata/parser.h"
#include "lang/jsonata/program.h"
#include "lang/jsonata/text.h"

namespace stepmill::jsonata {

static Error ErrorOf(const SyntaxFault& syntax, std::string_view text) {
  Fault fault;
  fault.code = syntax.code;
  if (syntax.position != kNoPosition) {
    fault.position = static_cast<int64_t>(
        CountUnits(text.substr(0, std::min<size_t>(syntax.position, text.size()))));
  }
  fault.token = syntax.token;
  fault.value = syntax.value;
  fault.message = syntax.message;
  return MakeError(fault);
}

Result<std::shared_ptr<const Program>> CompileProgram(std::string_view text, Dialect dialect,
                                                      Scope* outer, uint32_t free_base,
                                                      uint32_t hint_base) {
  if (text.size() > kTextBytesMax) {
    return Error{Code::kLimit, "D1011",
                 "The expression is longer than " + std::to_string(kTextBytesMax) + " bytes"};
  }
  auto program = std::make_shared<Program>();
  program->text = IsAscii(text) ? std::string(text) : WellFormed(text);
  program->dialect = dialect;
  program->free_base = free_base;
  program->hint_base = hint_base;
  Parser parser(program->text, program->heap, dialect == Dialect::kStates);
  Node* parsed = parser.Parse();
  if (!parsed) return ErrorOf(parser.fault(), text);
  Analysis analysis(program->heap);
  program->root = analysis.Run(parsed);
  if (!program->root) return ErrorOf(analysis.fault(), text);
  Resolve(*program, outer);
  return std::shared_ptr<const Program>(std::move(program));
}

Result<Expression> Expression::Compile(std::string_view text, Dialect dialect) {
  MILL_TRY(auto program, CompileProgram(text, dialect, nullptr, 0, 0));
  Expression out;
  out.program_ = std::move(program);
  return out;
}

Result<std::optional<Json>> Expression::Evaluate(const Environment& environment) const {
  return Evaluator(*program_, environment).Run();
}

const std::string& Expression::text() const { return program_->text; }

const std::vector<std::string>& Expression::free_variables() const {
  return program_->free_variables;
}

std::vector<std::string> Expression::members_of(std::string_view variable) const {
  std::vector<std::string> out;
  for (const Program::Use& use : program_->uses)
    if (use.variable == variable) out.emplace_back(use.member);
  return out;
}

const std::string& Expression::context_reference() const { return program_->context_reference; }

}  // namespace stepmill::jsonata
