#include <cmath>

#include "lang/asl/compile.h"
#include "lang/asl/query.h"

namespace stepmill::asl {
namespace {

std::string List(std::initializer_list<std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  return "[" + list + "]";
}

bool LooksLikePath(std::string_view text) {
  return text == "$" || text == "$$" || text.starts_with("$.") || text.starts_with("$[") ||
         text.starts_with("$$.");
}

}  // namespace

void Compiler::WrongType(std::string_view wanted, const Where& at) {
  Schema("Expected value of type [" + std::string(wanted) + "]", at);
}

void Compiler::OneOf(std::string_view values, const Where& at) {
  Schema("Value should be one of the following: [" + std::string(values) + "]", at);
}

void Compiler::OnlyOne(std::initializer_list<std::string_view> names, const Where& at) {
  Schema("There should only be one of the following fields: " + List(names), at);
}

void Compiler::MustHaveOne(std::initializer_list<std::string_view> names, const Where& at) {
  Schema("This object should have only one of the following fields: " + List(names), at);
}

void Compiler::CheckFields(const Json& json, std::string_view fields, const Where& at) {
  for (const Json::Member& member : json.members()) {
    if (Lists(fields, member.name))
      CheckLanguage(member.name, at);
    else
      Schema("Field '" + member.name + "' is not supported", at);
  }
}

void Compiler::CheckLanguage(const std::string& field, const Where& at) {
  const bool is_other =
      is_query_ ? Lists(kJsonPathOnly, field) || FindComparator(field) : Lists(kJsonataOnly, field);
  if (!is_other || is_downgraded_) return;
  const std::string own = is_query_ ? "JSONata" : "JSONPath";
  const std::string other = is_query_ ? "JSONPath" : "JSONata";
  Schema("The QueryLanguage is set to '" + own + "', but field '" + field +
             "' is only supported for the '" + other + "' QueryLanguage",
         at);
}

std::optional<PathField> Compiler::ReadPathField(const Json& json, const char* field,
                                                 const Where& at) {
  const Json* value = json.Find(field);
  if (!value) return std::nullopt;
  PathField out;
  if (value->is_null()) {
    out.is_null = true;
    return out;
  }
  std::optional<Expression> path = ReadPath(*value, at.Member(field), false);
  if (!path) return std::nullopt;
  out.expression = *std::move(path);
  return out;
}

std::optional<Expression> Compiler::ReadPath(const Json& value, const Where& at,
                                             bool must_be_reference) {
  if (!value.is_string()) {
    WrongType("STRING", at);
    return std::nullopt;
  }
  Result<Expression> path = Expression::CompilePath(value.AsString());
  if (!path) {
    Schema("Value must be a valid JSONPath.", at);
    return std::nullopt;
  }
  const bool is_reference =
      path->path().is_reference() && path->kind() != Expression::Kind::kContext;
  if (must_be_reference && !is_reference) {
    Schema("Value is not a Reference Path", at);
    return std::nullopt;
  }
  return *std::move(path);
}

std::optional<Template> Compiler::ReadTemplate(const Json& json, const char* field, const Where& at,
                                               const QueryOffers& offers) {
  const Json* value = json.Find(field);
  if (!value) return std::nullopt;
  const Where there = at.Member(field);
  if (is_query_) {
    std::vector<TemplateProblem> problems;
    Template made = Template::CompileQueries(*value, offers, problems);
    for (TemplateProblem& problem : problems)
      Add(problem.code.empty() ? kSchema : std::string_view(problem.code),
          std::move(problem.message),
          Where{there.aws + problem.location, there.pointer + problem.pointer});
    return problems.empty() ? std::optional<Template>(std::move(made)) : std::nullopt;
  }
  Result<Template> made = Template::Compile(*value);
  if (made) {
    WarnOfPaths(*value, there, 0);
    return *std::move(made);
  }
  Schema("The value for the field '" + made.error().message +
             "' must be a valid JSONPath or a valid intrinsic function call",
         there);
  return std::nullopt;
}

// AWS's own warning, once for a template.
void Compiler::WarnOfPaths(const Json& source, const Where& at, int depth) {
  if (depth > kTemplateDepthMax) return;
  if (source.is_array())
    for (const Json& item : source.items()) WarnOfPaths(item, at, depth + 1);
  if (!source.is_object()) return;
  for (const Json::Member& member : source.members()) {
    if (member.name.ends_with(".$")) continue;
    if (!member.value.is_string()) {
      WarnOfPaths(member.value, at, depth + 1);
      continue;
    }
    const std::string& text = member.value.AsString();
    const bool is_call = text.starts_with("States.") && Expression::Compile(text).has_value();
    const bool is_known = !findings_.empty() && findings_.back().code == "NO_DOLLAR" &&
                          findings_.back().location == at.aws;
    if ((LooksLikePath(text) || is_call) && !is_known)
      Warn("NO_DOLLAR", "No .$ on a field that appears to be a JSONPath or Intrinsic Function.",
           at);
  }
}

void Compiler::OptionalText(const Json& json, const char* field, const Where& at) {
  const Json* value = json.Find(field);
  if (value && !value->is_string()) WrongType("STRING", at.Member(field));
}

std::optional<int64_t> Compiler::Integer(const Json& value, int64_t min, int64_t max,
                                         const Where& at) {
  const std::optional<double> number =
      Number(value, static_cast<double>(min), static_cast<double>(max), at);
  if (!number) return std::nullopt;
  if (*number != std::floor(*number)) {
    Schema("Expected value of type Integer", at);
    return std::nullopt;
  }
  return static_cast<int64_t>(*number);
}

std::optional<double> Compiler::Number(const Json& value, double min, double max, const Where& at,
                                       bool is_float) {
  if (!value.is_number()) {
    Schema(is_float ? "Expected value of type Float" : "Expected value of type Integer", at);
    return std::nullopt;
  }
  const auto print = [&](double limit) {
    return is_float ? std::to_string(static_cast<int64_t>(limit)) + ".0"
                    : std::to_string(static_cast<int64_t>(limit));
  };
  const double number = value.AsDouble();
  if (number < min) return Schema("Minimum value is " + print(min), at), std::nullopt;
  if (number > max) return Schema("Maximum value is " + print(max), at), std::nullopt;
  return number;
}

NumberField Compiler::ReadNumber(const Json& json, const std::string& name, double min, double max,
                                 const Where& at, bool is_float) {
  NumberField out;
  const Json* value = json.Find(name);
  const Json* path = json.Find(name + "Path");
  if (is_query_) {
    if (value && value->is_string() && value->AsString().starts_with("{%")) {
      out.query = ReadTemplate(json, name.c_str(), at);
      return out;
    }
    path = nullptr;
  }
  if (value && path) {
    OnlyOne({name, name + "Path"}, at);
    return out;
  }
  if (value) out.value = Number(*value, min, max, at.Member(name), is_float);
  if (value && out.value && !is_float && *out.value != std::floor(*out.value)) {
    Schema("Expected value of type Integer", at.Member(name));
    out.value.reset();
  }
  if (path) {
    // TimeoutSecondsPath and its kin may also name the context object.
    const bool is_map_field = name.starts_with("Max") || name.starts_with("Tolerated");
    out.path = ReadPath(*path, at.Member(name + "Path"), is_map_field);
  }
  return out;
}

}  // namespace stepmill::asl
