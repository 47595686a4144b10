#include <cctype>

#include "base/strings.h"
#include "lang/path/limits.h"
#include "lang/path/path.h"
#include "lang/path/steps.h"

namespace stepmill::path {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<std::vector<Step>> Whole() {
    if (text_.size() > kPathBytesMax) return Bad("the path is too long");
    if (!Take('$')) return Bad("expected '$' at the start");
    MILL_TRY(std::vector<Step> steps, Steps(false));
    if (at_ != text_.size()) return Bad("unexpected text");
    return steps;
  }

 private:
  Error Bad(std::string_view what) const {
    return Error{Code::kInvalid, "InvalidPath",
                 std::string(what) + " at column " + std::to_string(at_ + 1) + " of path '" +
                     std::string(text_.substr(0, 200)) + "'"};
  }
  bool End() const { return at_ >= text_.size(); }
  char Peek() const { return End() ? '\0' : text_[at_]; }
  bool Take(char c) { return Peek() == c && !End() ? (++at_, true) : false; }
  bool TakeText(std::string_view s) {
    if (text_.substr(at_, s.size()) != s) return false;
    at_ += s.size();
    return true;
  }
  void Blanks() {
    while (!End() && (Peek() == ' ' || Peek() == '\t')) ++at_;
  }

  // Steps up to something that cannot belong to the path. In a filter a name ends at an operator.
  Result<std::vector<Step>> Steps(bool in_filter) {
    std::vector<Step> steps;
    while (!End()) {
      if (steps.size() >= kStepsMax) return Bad("too many steps");
      bool deep = false;
      if (TakeText("..")) {
        deep = true;
      } else if (Take('.')) {
      } else if (Peek() != '[') {
        break;
      }
      MILL_TRY(Step step, Peek() == '[' ? Bracket() : Shorthand(in_filter));
      step.deep = deep;
      steps.push_back(std::move(step));
    }
    return steps;
  }

  Result<Step> Shorthand(bool in_filter) {
    Step step;
    if (Take('*')) {
      step.kind = Step::Kind::kWildcard;
      return step;
    }
    const size_t start = at_;
    while (!End()) {
      const char c = Peek();
      if (c == '.' || c == '[' || c == ']' || c == '(' || c == ')' || c == ' ' || c == '\'' ||
          c == '"' || c == ',' || static_cast<unsigned char>(c) < 0x20)
        break;
      if (c == '*' || c == '?' || c == '@' || c == ':') break;
      if (in_filter && std::string_view("=!<>&|").find(c) != std::string_view::npos) break;
      ++at_;
    }
    if (Peek() == '(' && at_ > start) return Bad("functions are not supported");
    if (at_ == start) return Bad("expected a name");
    step.name = std::string(text_.substr(start, at_ - start));
    return step;
  }

  // A quoted name is taken as it stands: it ends at the quote that a ']' or ',' follows.
  Result<std::string> Quoted() {
    const char quote = Peek();
    const size_t start = ++at_;
    for (; !End(); ++at_) {
      if (Peek() != quote) continue;
      size_t next = at_ + 1;
      while (next < text_.size() && text_[next] == ' ') ++next;
      if (next < text_.size() && (text_[next] == ']' || text_[next] == ',')) {
        std::string name(text_.substr(start, at_ - start));
        ++at_;
        return name;
      }
    }
    return Bad("the name has no closing quote");
  }

  std::optional<int64_t> Integer() {
    const size_t start = at_;
    if (Peek() == '-') ++at_;
    while (std::isdigit(static_cast<unsigned char>(Peek()))) ++at_;
    const std::optional<int64_t> value = ParseInt(text_.substr(start, at_ - start));
    if (!value) at_ = start;
    return value;
  }

  Result<Step> Bracket() {
    ++at_;  // '['
    Blanks();
    Step step;
    if (Peek() == '\'' || Peek() == '"') {
      MILL_CHECK(NameList(step));
    } else if (Take('*')) {
      step.kind = Step::Kind::kWildcard;
    } else if (Take('?')) {
      MILL_CHECK(FilterStep(step));
    } else {
      MILL_CHECK(Numbers(step));
    }
    Blanks();
    if (!Take(']')) return Bad("expected ']'");
    return step;
  }

  Result<> NameList(Step& step) {
    do {
      Blanks();
      if (Peek() != '\'' && Peek() != '"') return Bad("expected a quoted name");
      MILL_TRY(std::string name, Quoted());
      step.names.push_back(std::move(name));
      Blanks();
    } while (Take(','));
    if (step.names.size() == 1) {
      step.name = std::move(step.names[0]);
      step.names.clear();
    } else {
      step.kind = Step::Kind::kNames;
    }
    return {};
  }

  Result<> Numbers(Step& step) {
    const std::optional<int64_t> first = Integer();
    Blanks();
    if (Take(':')) {
      Blanks();
      step.kind = Step::Kind::kSlice;
      step.from = first;
      step.to = Integer();
      if (!step.from && !step.to) return Bad("expected a bound of the slice");
      return {};
    }
    if (!first) return Bad("expected a name in quotes, an index, a slice, '*' or a filter");
    if (Peek() != ',') {
      step.kind = Step::Kind::kIndex;
      step.index = *first;
      return {};
    }
    step.kind = Step::Kind::kIndexes;
    step.indexes.push_back(*first);
    while (Take(',')) {
      Blanks();
      const std::optional<int64_t> next = Integer();
      if (!next) return Bad("expected an index");
      step.indexes.push_back(*next);
      Blanks();
    }
    return {};
  }

  Result<> FilterStep(Step& step) {
    Blanks();
    if (!Take('(')) return Bad("expected '('");
    MILL_TRY(Filter filter, Or());
    Blanks();
    if (!Take(')')) return Bad("expected ')'");
    step.kind = Step::Kind::kFilter;
    step.filter.push_back(std::move(filter));
    return {};
  }

  Result<Filter> Or() {
    MILL_TRY(Filter left, And());
    for (Blanks(); TakeText("||"); Blanks()) {
      MILL_TRY(Filter right, And());
      left = Pair(Filter::Kind::kOr, std::move(left), std::move(right));
    }
    return left;
  }

  Result<Filter> And() {
    MILL_TRY(Filter left, Unary());
    for (Blanks(); TakeText("&&"); Blanks()) {
      MILL_TRY(Filter right, Unary());
      left = Pair(Filter::Kind::kAnd, std::move(left), std::move(right));
    }
    return left;
  }

  static Filter Pair(Filter::Kind kind, Filter left, Filter right) {
    Filter pair;
    pair.kind = kind;
    pair.parts.push_back(std::move(left));
    pair.parts.push_back(std::move(right));
    return pair;
  }

  Result<Filter> Unary() {
    if (++depth_ > kFilterDepthMax) return Bad("the filter is nested too deeply");
    Result<Filter> filter = UnaryInside();
    --depth_;
    return filter;
  }

  Result<Filter> UnaryInside() {
    Blanks();
    if (Peek() == '!' && text_.substr(at_, 2) != "!=") {
      ++at_;
      MILL_TRY(Filter inner, Unary());
      Filter filter;
      filter.kind = Filter::Kind::kNot;
      filter.parts.push_back(std::move(inner));
      return filter;
    }
    if (Take('(')) {
      MILL_TRY(Filter inner, Or());
      Blanks();
      if (!Take(')')) return Bad("expected ')'");
      return inner;
    }
    return Comparison();
  }

  Result<Filter> Comparison() {
    Filter filter;
    MILL_TRY(Operand left, ReadOperand());
    filter.operands.push_back(std::move(left));
    Blanks();
    using Compare = Filter::Compare;
    if (TakeText("==")) {
      filter.compare = Compare::kEqual;
    } else if (TakeText("!=")) {
      filter.compare = Compare::kNotEqual;
    } else if (TakeText("<=")) {
      filter.compare = Compare::kLessEqual;
    } else if (TakeText(">=")) {
      filter.compare = Compare::kGreaterEqual;
    } else if (Peek() == '<' && text_.substr(at_, 2) != "<>") {
      ++at_;
      filter.compare = Compare::kLess;
    } else if (Take('>')) {
      filter.compare = Compare::kGreater;
    } else {
      if (filter.operands[0].kind == Operand::Kind::kLiteral)
        return Bad("expected a comparison (== != < <= > >=)");
      return filter;
    }
    filter.kind = Filter::Kind::kCompare;
    Blanks();
    MILL_TRY(Operand right, ReadOperand());
    filter.operands.push_back(std::move(right));
    return filter;
  }

  Result<Operand> ReadOperand() {
    Operand operand;
    if (Peek() == '@' || Peek() == '$') {
      operand.kind = Peek() == '@' ? Operand::Kind::kItem : Operand::Kind::kRoot;
      ++at_;
      MILL_TRY(operand.steps, Steps(true));
      return operand;
    }
    if (Peek() == '\'' || Peek() == '"') {
      MILL_TRY(operand.literal, Text());
      return operand;
    }
    const size_t start = at_;
    while (!End() && (std::isalnum(static_cast<unsigned char>(Peek())) || Peek() == '-' ||
                      Peek() == '+' || Peek() == '.'))
      ++at_;
    Result<Json> literal = ParseJson(text_.substr(start, at_ - start));
    if (!literal) {
      at_ = start;
      return Bad("expected @, $, a text in quotes, a number, true, false or null");
    }
    operand.literal = *std::move(literal);
    return operand;
  }

  Result<Json> Text() {
    const char quote = Peek();
    std::string out;
    for (++at_; !End(); ++at_) {
      if (Peek() == quote) {
        ++at_;
        return Json(out);
      }
      if (Peek() == '\\' && at_ + 1 < text_.size()) ++at_;
      out.push_back(Peek());
    }
    return Bad("the text has no closing quote");
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
};

bool IsReference(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (step.deep) return false;
    if (step.kind != Step::Kind::kName && !(step.kind == Step::Kind::kIndex && step.index >= 0))
      return false;
  }
  return true;
}

}  // namespace

bool IsDefinite(const std::vector<Step>& steps) {
  for (const Step& step : steps)
    if (step.deep || (step.kind != Step::Kind::kName && step.kind != Step::Kind::kIndex))
      return false;
  return true;
}

Path::Path() : text_("$") {
  static const auto root = std::make_shared<const std::vector<Step>>();
  steps_ = root;
}

bool Path::is_root() const { return steps_->empty(); }

Result<Path> Path::Compile(std::string_view text) {
  MILL_TRY(std::vector<Step> steps, Parser(text).Whole());
  Path path;
  path.text_ = std::string(text);
  path.definite_ = IsDefinite(steps);
  path.reference_ = IsReference(steps);
  path.steps_ = std::make_shared<const std::vector<Step>>(std::move(steps));
  return path;
}

}  // namespace stepmill::path
