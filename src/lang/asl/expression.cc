#include "lang/asl/expression.h"

#include <array>
#include <cctype>

#include "base/strings.h"
#include "lang/asl/limits.h"

namespace stepmill::asl {
namespace {

struct FunctionRow {
  std::string_view name;
  Intrinsic function;
  int arguments_min;
  int arguments_max;  // -1: any number
};

constexpr std::array<FunctionRow, 18> kFunctions{{
    {"States.Format", Intrinsic::kFormat, 1, -1},
    {"States.StringToJson", Intrinsic::kStringToJson, 1, 1},
    {"States.JsonToString", Intrinsic::kJsonToString, 1, 1},
    {"States.Array", Intrinsic::kArray, 0, -1},
    {"States.ArrayPartition", Intrinsic::kArrayPartition, 2, 2},
    {"States.ArrayContains", Intrinsic::kArrayContains, 2, 2},
    {"States.ArrayRange", Intrinsic::kArrayRange, 3, 3},
    {"States.ArrayGetItem", Intrinsic::kArrayGetItem, 2, 2},
    {"States.ArrayLength", Intrinsic::kArrayLength, 1, 1},
    {"States.ArrayUnique", Intrinsic::kArrayUnique, 1, 1},
    {"States.Base64Encode", Intrinsic::kBase64Encode, 1, 1},
    {"States.Base64Decode", Intrinsic::kBase64Decode, 1, 1},
    {"States.Hash", Intrinsic::kHash, 2, 2},
    {"States.JsonMerge", Intrinsic::kJsonMerge, 3, 3},
    {"States.MathRandom", Intrinsic::kMathRandom, 2, 3},
    {"States.MathAdd", Intrinsic::kMathAdd, 2, 2},
    {"States.StringSplit", Intrinsic::kStringSplit, 2, 2},
    {"States.UUID", Intrinsic::kUuid, 0, 0},
}};

bool IsNameStart(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}
bool IsNameCharacter(char c) {
  return IsNameStart(c) || std::isdigit(static_cast<unsigned char>(c));
}

}  // namespace

uint64_t Chance::Next() {  // splitmix64
  uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

double Chance::NextUnit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }

const Json* Variables::Find(std::string_view name) const {
  for (const Variables* scope = this; scope; scope = scope->outer)
    if (const Json* found = scope->own.Find(name)) return found;
  return nullptr;
}

class ExpressionParser {
 public:
  explicit ExpressionParser(std::string_view text) : text_(text) {}

  static Result<Expression> Path(std::string_view text) {
    Expression out;
    out.text_ = std::string(text);
    if (text.starts_with("$$")) {
      out.kind_ = Expression::Kind::kContext;
      MILL_TRY(out.path_, path::Path::Compile(text.substr(1)));
      return out;
    }
    if (text.size() > 1 && text[0] == '$' && IsNameStart(text[1])) {
      size_t end = 1;
      while (end < text.size() && IsNameCharacter(text[end])) ++end;
      out.kind_ = Expression::Kind::kVariable;
      out.variable_ = std::string(text.substr(1, end - 1));
      MILL_TRY(out.path_, path::Path::Compile("$" + std::string(text.substr(end))));
      return out;
    }
    MILL_TRY(out.path_, path::Path::Compile(text));
    return out;
  }

  Result<Expression> Whole() {
    MILL_TRY(Expression call, Call(0));
    Blanks();
    if (at_ != text_.size()) return Bad("unexpected text");
    return call;
  }

 private:
  Error Bad(std::string_view what) const {
    return Error{Code::kInvalid, "InvalidPath",
                 std::string(what) + " at column " + std::to_string(at_ + 1)};
  }
  void Blanks() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  char Peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  Result<Expression> Call(int depth) {
    if (depth >= kIntrinsicDepthMax) return Bad("more than 10 nested intrinsic functions");
    const size_t start = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) || Peek() == '.') ++at_;
    const std::string_view name = text_.substr(start, at_ - start);
    const FunctionRow* row = nullptr;
    for (const FunctionRow& candidate : kFunctions)
      if (candidate.name == name) row = &candidate;
    if (!row) return Bad("unknown intrinsic function");
    Blanks();
    if (Peek() != '(') return Bad("expected '('");
    ++at_;
    Expression call;
    call.kind_ = Expression::Kind::kCall;
    call.function_ = row->function;
    for (Blanks(); Peek() != ')'; Blanks()) {
      if (!call.arguments_.empty()) {
        if (Peek() != ',') return Bad("expected ',' or ')'");
        ++at_;
        Blanks();
      }
      MILL_TRY(Expression argument, Argument(depth));
      call.arguments_.push_back(std::move(argument));
    }
    ++at_;
    call.text_ = std::string(text_.substr(start, at_ - start));
    const auto count = static_cast<int>(call.arguments_.size());
    if (count < row->arguments_min || (row->arguments_max >= 0 && count > row->arguments_max))
      return Bad("wrong number of arguments");
    return call;
  }

  Result<Expression> Argument(int depth) {
    if (Peek() == '\'') return Quoted();
    if (Peek() == '$') return PathArgument();
    if (text_.substr(at_).starts_with("States.")) return Call(depth + 1);
    const size_t start = at_;
    while (std::isalnum(static_cast<unsigned char>(Peek())) || Peek() == '-' || Peek() == '+' ||
           Peek() == '.')
      ++at_;
    Expression out;
    out.kind_ = Expression::Kind::kLiteral;
    out.text_ = std::string(text_.substr(start, at_ - start));
    Result<Json> literal = ParseJson(out.text_);
    if (!literal) return Bad("expected an argument");
    out.literal_ = *std::move(literal);
    return out;
  }

  // States Language: "Intrinsic Functions": \' \{ \} \\ are the only escapes.
  Result<Expression> Quoted() {
    Expression out;
    out.kind_ = Expression::Kind::kLiteral;
    std::string value;
    const size_t start = ++at_;
    for (; at_ < text_.size(); ++at_) {
      char c = text_[at_];
      if (c == '\'') {
        out.raw_ = std::string(text_.substr(start, at_ - start));
        out.text_ = "'" + out.raw_ + "'";
        out.literal_ = Json(value);
        ++at_;
        return out;
      }
      if (c == '\\') {
        ++at_;
        c = Peek();
        if (at_ >= text_.size() || std::string_view("'{}\\").find(c) == std::string_view::npos)
          return Bad("illegal escape");
      }
      value.push_back(c);
    }
    return Bad("the text has no closing quote");
  }

  // A path ends at a ',' or ')' outside its brackets.
  Result<Expression> PathArgument() {
    const size_t start = at_;
    int brackets = 0;
    char quote = '\0';
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quote != '\0') {
        if (c == quote) quote = '\0';
      } else if (brackets > 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else if (c == '[' || c == '(') {
        ++brackets;
      } else if (c == ']' || (c == ')' && brackets > 0)) {
        --brackets;
      } else if (brackets == 0 && (c == ',' || c == ')')) {
        break;
      }
    }
    return Path(Trim(text_.substr(start, at_ - start)));
  }

  std::string_view text_;
  size_t at_ = 0;
};

Result<Expression> Expression::CompilePath(std::string_view text) {
  return ExpressionParser::Path(text);
}

Result<Expression> Expression::Compile(std::string_view text) {
  if (text.starts_with("$")) return ExpressionParser::Path(text);
  return ExpressionParser(text).Whole();
}

const Json* Expression::Root(const Scope& scope) const {
  switch (kind_) {
    case Kind::kInput: return &scope.input;
    case Kind::kContext: return &scope.context.Context();
    case Kind::kVariable: return scope.variables.Find(variable_);
    case Kind::kLiteral: return &literal_;
    case Kind::kCall: return nullptr;
  }
  return nullptr;
}

const Json* Expression::Find(const Scope& scope) const {
  const Json* root = Root(scope);
  if (!root || kind_ == Kind::kLiteral) return root;
  return path_.is_definite() ? path_.Find(*root) : nullptr;
}

Result<Json> Expression::Evaluate(const Scope& scope) const {
  if (kind_ == Kind::kCall) return Call(scope);
  const Json* root = Root(scope);
  if (!root)
    return Error{Code::kNotFound, "PathNotFound",
                 "No results for path: the variable '" + variable_ + "' is not defined"};
  if (kind_ == Kind::kLiteral) return *root;
  return path_.Evaluate(*root);
}

Result<Json> Expression::Call(const Scope& scope) const {
  Json::Array values;
  values.reserve(arguments_.size());
  for (const Expression& argument : arguments_) {
    Result<Json> value = argument.Evaluate(scope);
    if (!value) {
      if (value.error().name != "PathNotFound") return value;
      const Json* root = argument.Root(scope);
      return Error{Code::kInvalid, "States.Runtime",
                   "The function '" + text_ +
                       "' had the following error: The JsonPath argument for "
                       "the field '" +
                       argument.text_ + "' could not be found in the input '" +
                       (root ? root->Print() : std::string()) + "'"};
    }
    values.push_back(*std::move(value));
  }
  const bool has_raw = function_ == Intrinsic::kFormat && arguments_[0].kind_ == Kind::kLiteral &&
                       arguments_[0].literal_.is_string();
  const std::string_view raw =
      has_raw ? std::string_view(arguments_[0].raw_)
              : (!values.empty() && values[0].is_string() ? std::string_view(values[0].AsString())
                                                          : std::string_view());
  Result<Json> result = CallIntrinsic(function_, values, raw, scope.chance);
  if (!result)
    return Error{Code::kInvalid, "States.IntrinsicFailure",
                 "The function '" + text_ + "' had the following error: " + result.error().message};
  return result;
}

void Expression::CollectVariables(std::vector<std::string>& names) const {
  if (kind_ == Kind::kVariable) names.push_back(variable_);
  for (const Expression& argument : arguments_) argument.CollectVariables(names);
}

}  // namespace stepmill::asl
