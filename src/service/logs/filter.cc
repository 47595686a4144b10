#include "service/logs/filter.h"

#include <re2/re2.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "base/strings.h"
#include "json/json.h"
#include "service/logs/errors.h"

namespace stepmill::logs {

namespace {

constexpr size_t kPatternCharsMax = 1024;
constexpr int kNestingMax = 20;
constexpr size_t kFieldsMax = 200;

/// '*' stands for any run of characters.
bool MatchesStars(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<double> ReadNumber(const std::string& text) {
  if (text.empty() || std::isspace(static_cast<unsigned char>(text[0]))) return std::nullopt;
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (end != text.c_str() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

using Regex = std::shared_ptr<const RE2>;

Result<Regex> CompileRegex(const std::string& text) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  auto regex = std::make_shared<const RE2>(text, options);
  if (!regex->ok())
    return InvalidParameter("Invalid regular expression in the filter pattern: " + regex->error());
  return Regex(regex);
}

/// A step of "$.a[0].b"; an index, or any element with "[*]".
struct Step {
  std::string name;
  int index = -1;
  bool is_any = false;
};

/// A condition over a JSON event or over the fields of a line.
struct Condition {
  enum class Kind { kAnd, kOr, kCompare, kIs, kExists, kNotExists } kind = Kind::kCompare;
  std::vector<Condition> parts;  ///< kAnd, kOr
  std::vector<Step> path;        ///< of a JSON selector
  std::string op;                ///< = != < <= > >=
  std::string text;
  std::optional<double> number;
  Regex regex;
  Json is_value;  ///< kIs: null, true or false
};

/// A field of "[a, b = 4*, ...]".
struct Field {
  bool is_rest = false;  ///< "..."
  std::optional<Condition> condition;
};

struct Term {
  std::string text;
  Regex regex;
  bool Matches(std::string_view message) const {
    if (regex) return RE2::PartialMatch(re2::StringPiece(message.data(), message.size()), *regex);
    return message.find(text) != std::string_view::npos;
  }
};

}  // namespace

struct Filter::Parts {
  std::vector<Term> all, none, any;
  std::optional<Condition> json;
  std::vector<Field> fields;
  bool has_fields = false;
};

namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<> JsonPattern(Filter::Parts& parts) {
    ++at_;  // '{'
    MILL_TRY(parts.json, Or(true, 0));
    if (!Take("}")) return Expected("'}'");
    return AtEnd();
  }

  Result<> Fields(Filter::Parts& parts) {
    ++at_;  // '['
    parts.has_fields = true;
    do {
      if (parts.fields.size() >= kFieldsMax)
        return InvalidParameter("The filter pattern has too many fields.");
      Field field;
      if (Take("...")) {
        field.is_rest = true;
      } else {
        const size_t start = at_;
        MILL_TRY(const std::string name, Name());
        Blanks();
        if (!name.empty() && at_ < text_.size() && text_[at_] != ',' && text_[at_] != ']') {
          at_ = start;
          MILL_TRY(field.condition, Or(false, 0));
        }
      }
      parts.fields.push_back(std::move(field));
    } while (Take(","));
    if (!Take("]")) return Expected("']'");
    return AtEnd();
  }

  Result<> Terms(Filter::Parts& parts) {
    while (Blanks(), at_ < text_.size()) {
      std::vector<Term>* where = &parts.all;
      if (text_[at_] == '-') where = &parts.none;
      if (text_[at_] == '?') where = &parts.any;
      if (where != &parts.all) ++at_;
      Term term;
      if (at_ < text_.size() && text_[at_] == '"') {
        MILL_TRY(term.text, Quoted());
      } else if (at_ < text_.size() && text_[at_] == '%') {
        MILL_TRY(term.regex, Regex_());
      } else {
        const size_t start = at_;
        while (at_ < text_.size() && !std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
        term.text = std::string(text_.substr(start, at_ - start));
        // Whatever is no word has to be quoted.
        const bool is_word =
            !term.text.empty() && std::all_of(term.text.begin(), term.text.end(), [](char c) {
              const auto byte = static_cast<unsigned char>(c);
              return std::isalnum(byte) || c == '_' || byte >= 0x80;
            });
        if (!is_word) return InvalidParameter("Invalid character(s) in term '" + term.text + "'");
      }
      where->push_back(std::move(term));
    }
    return {};
  }

 private:
  void Blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  bool Take(std::string_view token) {
    Blanks();
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  bool TakeWord(std::string_view word) {
    Blanks();
    const std::string_view rest = text_.substr(at_);
    if (!EqualsIgnoreCase(rest.substr(0, word.size()), word)) return false;
    if (rest.size() > word.size() && std::isalnum(static_cast<unsigned char>(rest[word.size()])))
      return false;
    at_ += word.size();
    return true;
  }
  Error Expected(const char* what) const {
    return InvalidParameter("Invalid filter pattern: expected " + std::string(what) +
                            " at column " + std::to_string(at_ + 1) + " of " + std::string(text_));
  }
  Result<> AtEnd() {
    Blanks();
    if (at_ != text_.size()) return Expected("the end");
    return {};
  }

  Result<std::string> Quoted() {
    std::string text;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_];
    }
    if (at_ == text_.size()) return Expected("'\"'");
    ++at_;
    return text;
  }
  Result<Regex> Regex_() {
    const size_t end = text_.find('%', at_ + 1);
    if (end == std::string_view::npos) return Expected("'%'");
    const std::string pattern(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return CompileRegex(pattern);
  }

  Result<Condition> Or(bool is_json, int depth) {
    MILL_TRY(Condition first, And(is_json, depth));
    if (!Take("||")) return first;
    Condition either;
    either.kind = Condition::Kind::kOr;
    either.parts.push_back(std::move(first));
    do {
      MILL_TRY(Condition next, And(is_json, depth));
      either.parts.push_back(std::move(next));
    } while (Take("||"));
    return either;
  }
  Result<Condition> And(bool is_json, int depth) {
    MILL_TRY(Condition first, Primary(is_json, depth));
    if (!Take("&&")) return first;
    Condition both;
    both.kind = Condition::Kind::kAnd;
    both.parts.push_back(std::move(first));
    do {
      MILL_TRY(Condition next, Primary(is_json, depth));
      both.parts.push_back(std::move(next));
    } while (Take("&&"));
    return both;
  }
  Result<Condition> Primary(bool is_json, int depth) {
    if (depth > kNestingMax) return InvalidParameter("The filter pattern is nested too deeply.");
    if (Take("(")) {
      MILL_TRY(Condition inner, Or(is_json, depth + 1));
      if (!Take(")")) return Expected("')'");
      return inner;
    }
    Condition condition;
    if (is_json) {
      MILL_TRY(condition.path, Selector());
      if (TakeWord("IS")) return Is(std::move(condition));
      if (TakeWord("NOT")) {
        if (!TakeWord("EXISTS")) return Expected("EXISTS");
        condition.kind = Condition::Kind::kNotExists;
        return condition;
      }
      if (TakeWord("EXISTS")) {
        condition.kind = Condition::Kind::kExists;
        return condition;
      }
    } else {
      MILL_TRY(const std::string name, Name());
      if (name.empty()) return Expected("a field's name");
    }
    for (const char* op : {"!=", "<=", ">=", "=", "<", ">"})
      if (condition.op.empty() && Take(op)) condition.op = op;
    if (condition.op.empty()) return Expected("an operator");
    return Value(std::move(condition));
  }
  Result<Condition> Is(Condition condition) {
    condition.kind = Condition::Kind::kIs;
    if (TakeWord("NULL")) return condition;
    if (TakeWord("TRUE"))
      condition.is_value = true;
    else if (TakeWord("FALSE"))
      condition.is_value = false;
    else
      return Expected("NULL, TRUE or FALSE");
    return condition;
  }
  Result<Condition> Value(Condition condition) {
    Blanks();
    if (at_ < text_.size() && text_[at_] == '"') {
      MILL_TRY(condition.text, Quoted());
    } else if (at_ < text_.size() && text_[at_] == '%') {
      MILL_TRY(condition.regex, Regex_());
    } else {
      const size_t start = at_;
      constexpr std::string_view kEnds = " \t\r\n,)]}&|";
      while (at_ < text_.size() && kEnds.find(text_[at_]) == std::string_view::npos) ++at_;
      condition.text = std::string(text_.substr(start, at_ - start));
      if (condition.text.empty()) return Expected("a value");
      condition.number = ReadNumber(condition.text);
    }
    const bool is_order = condition.op != "=" && condition.op != "!=";
    if (is_order && !condition.number) return Expected("a number");
    return condition;
  }
  Result<std::string> Name() {
    Blanks();
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '_' || text_[at_] == '-' || text_[at_] == '.'))
      ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  Result<std::vector<Step>> Selector() {
    if (!Take("$")) return Expected("'$'");
    std::vector<Step> path;
    while (at_ < text_.size() && (text_[at_] == '.' || text_[at_] == '[')) {
      Step step;
      if (text_[at_] == '.') {
        const size_t start = ++at_;
        constexpr std::string_view kEnds = " \t\r\n.[=!<>)}&|";
        while (at_ < text_.size() && kEnds.find(text_[at_]) == std::string_view::npos) ++at_;
        step.name = std::string(text_.substr(start, at_ - start));
        if (step.name.empty()) return Expected("a member's name");
      } else {
        ++at_;
        if (at_ < text_.size() && (text_[at_] == '\'' || text_[at_] == '"')) {
          const size_t end = text_.find(text_[at_], at_ + 1);
          if (end == std::string_view::npos) return Expected("a closing quote");
          step.name = std::string(text_.substr(at_ + 1, end - at_ - 1));
          at_ = end + 1;
        } else if (Take("*")) {
          step.is_any = true;
        } else {
          MILL_TRY(const std::string digits, Name());
          const auto index = digits.size() <= 6 ? ParseInt(digits) : std::nullopt;
          if (!index || *index < 0) return Expected("an index");
          step.index = static_cast<int>(*index);
        }
        if (!Take("]")) return Expected("']'");
      }
      path.push_back(std::move(step));
    }
    if (path.empty()) return Expected("'.'");
    return path;
  }

  std::string_view text_;
  size_t at_ = 0;
};

bool CompareText(const Condition& condition, const std::string& text) {
  if (condition.op != "=" && condition.op != "!=") {
    const auto number = ReadNumber(text);
    if (!number) return false;
    if (condition.op == "<") return *number < *condition.number;
    if (condition.op == "<=") return *number <= *condition.number;
    if (condition.op == ">") return *number > *condition.number;
    return *number >= *condition.number;
  }
  bool is_equal = false;
  if (condition.regex) {
    is_equal = RE2::PartialMatch(text, *condition.regex);
  } else {
    is_equal = MatchesStars(condition.text, text);
    const auto number = condition.number ? ReadNumber(text) : std::nullopt;
    if (!is_equal && number) is_equal = *number == *condition.number;
  }
  return is_equal == (condition.op == "=");
}

bool CompareJson(const Condition& condition, const Json& value) {
  if (value.is_string()) return CompareText(condition, value.AsString());
  if (value.is_number()) return CompareText(condition, value.NumberText());
  if (value.is_bool()) return CompareText(condition, value.AsBool() ? "true" : "false");
  return false;
}

/// Whether any value at the path passes `test`.
template <class Test>
bool AnyAt(const Json& value, const std::vector<Step>& path, size_t from, const Test& test) {
  if (from == path.size()) return test(value);
  const Step& step = path[from];
  if (step.is_any) {
    return value.is_array() &&
           std::any_of(value.items().begin(), value.items().end(),
                       [&](const Json& item) { return AnyAt(item, path, from + 1, test); });
  }
  if (step.index >= 0)
    return value.is_array() && static_cast<size_t>(step.index) < value.size() &&
           AnyAt(value.At(static_cast<size_t>(step.index)), path, from + 1, test);
  const Json* member = value.Find(step.name);
  return member && AnyAt(*member, path, from + 1, test);
}

bool HoldsFor(const Condition& condition, const Json& event) {
  const auto holds = [&](const Condition& part) { return HoldsFor(part, event); };
  const auto is_there = [](const Json&) { return true; };
  switch (condition.kind) {
    case Condition::Kind::kAnd:
      return std::all_of(condition.parts.begin(), condition.parts.end(), holds);
    case Condition::Kind::kOr:
      return std::any_of(condition.parts.begin(), condition.parts.end(), holds);
    case Condition::Kind::kExists: return AnyAt(event, condition.path, 0, is_there);
    case Condition::Kind::kNotExists: return !AnyAt(event, condition.path, 0, is_there);
    case Condition::Kind::kIs:
      return AnyAt(event, condition.path, 0, [&](const Json& value) {
        return value.kind() == condition.is_value.kind() && value == condition.is_value;
      });
    case Condition::Kind::kCompare:
      return AnyAt(event, condition.path, 0,
                   [&](const Json& value) { return CompareJson(condition, value); });
  }
  return false;
}

bool HoldsFor(const Condition& condition, const std::string& field) {
  const auto holds = [&](const Condition& part) { return HoldsFor(part, field); };
  if (condition.kind == Condition::Kind::kAnd)
    return std::all_of(condition.parts.begin(), condition.parts.end(), holds);
  if (condition.kind == Condition::Kind::kOr)
    return std::any_of(condition.parts.begin(), condition.parts.end(), holds);
  return CompareText(condition, field);
}

/// The fields of a line: parted by blanks; "..." and [...] are one field.
std::vector<std::string> SplitLine(std::string_view line) {
  std::vector<std::string> fields;
  size_t at = 0;
  while (fields.size() <= kFieldsMax) {
    while (at < line.size() && std::isspace(static_cast<unsigned char>(line[at]))) ++at;
    if (at == line.size()) break;
    const char open = line[at];
    const char close = open == '"' ? '"' : open == '[' ? ']' : '\0';
    const size_t end = close ? line.find(close, at + 1) : std::string_view::npos;
    if (close && end != std::string_view::npos) {
      fields.emplace_back(line.substr(at + 1, end - at - 1));
      at = end + 1;
      continue;
    }
    const size_t start = at;
    while (at < line.size() && !std::isspace(static_cast<unsigned char>(line[at]))) ++at;
    fields.emplace_back(line.substr(start, at - start));
  }
  return fields;
}

bool MatchesFields(const std::vector<Field>& wanted, const std::vector<std::string>& fields) {
  const auto fits = [](const Field& field, const std::string& text) {
    return !field.condition || HoldsFor(*field.condition, text);
  };
  const auto rest =
      std::find_if(wanted.begin(), wanted.end(), [](const Field& field) { return field.is_rest; });
  const size_t front = static_cast<size_t>(rest - wanted.begin());
  if (rest == wanted.end()) {
    if (fields.size() != wanted.size()) return false;
    return std::equal(wanted.begin(), wanted.end(), fields.begin(), fits);
  }
  const size_t back = wanted.size() - front - 1;
  if (fields.size() < front + back) return false;
  return std::equal(wanted.begin(), rest, fields.begin(), fits) &&
         std::equal(rest + 1, wanted.end(), fields.end() - static_cast<std::ptrdiff_t>(back), fits);
}

}  // namespace

Result<Filter> Filter::Compile(std::string_view pattern) {
  if (Utf16Length(pattern) > kPatternCharsMax)
    return InvalidParameter("A filter pattern has at most 1024 characters.");
  const std::string_view text = Trim(pattern);
  auto parts = std::make_shared<Parts>();
  Parser parser(text);
  if (text.starts_with('{'))
    MILL_CHECK(parser.JsonPattern(*parts));
  else if (text.starts_with('['))
    MILL_CHECK(parser.Fields(*parts));
  else
    MILL_CHECK(parser.Terms(*parts));
  return Filter(std::move(parts));
}

bool Filter::Matches(std::string_view message) const {
  if (parts_->json) {
    const auto event = ParseJson(message);
    return event && event->is_object() && HoldsFor(*parts_->json, *event);
  }
  if (parts_->has_fields) return MatchesFields(parts_->fields, SplitLine(message));
  const auto is_in = [message](const Term& term) { return term.Matches(message); };
  if (!std::all_of(parts_->all.begin(), parts_->all.end(), is_in)) return false;
  if (std::any_of(parts_->none.begin(), parts_->none.end(), is_in)) return false;
  // "?" counts only where nothing else is asked for.
  return parts_->any.empty() || !parts_->all.empty() ||
         std::any_of(parts_->any.begin(), parts_->any.end(), is_in);
}

}  // namespace stepmill::logs
