#include <cmath>

#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::OnlyOne(std::initializer_list<std::string_view> names, const Where& at) {
  std::string list;
  for (const std::string_view name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  Schema("There should only be one of the following fields: [" + list + "]", at);
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
    Schema("Expected value of type String", at);
    return std::nullopt;
  }
  Result<Expression> path = Expression::CompilePath(value.AsString());
  if (!path) {
    Schema(must_be_reference ? "Value is not a Reference Path" : "Value is not a valid JSONPath",
           at);
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

std::optional<Template> Compiler::ReadTemplate(const Json& json, const char* field,
                                               const Where& at) {
  const Json* value = json.Find(field);
  if (!value) return std::nullopt;
  Result<Template> made = Template::Compile(*value);
  if (made) return *std::move(made);
  Schema("The value for the field '" + made.error().message +
             "' must be a valid JSONPath or a valid intrinsic function call",
         at.Member(field));
  return std::nullopt;
}

void Compiler::Unknown(const Json& json, std::string_view fields, const Where& at) {
  for (const Json::Member& member : json.members()) {
    if (Lists(fields, member.name)) continue;
    if (Lists(kJsonataOnly, member.name))
      Schema("The QueryLanguage is set to 'JSONPath', but field '" + member.name +
                 "' is only supported for the 'JSONata' QueryLanguage",
             at);
    else
      Schema("Field '" + member.name + "' is not supported", at);
  }
}

void Compiler::OptionalText(const Json& json, const char* field, const Where& at) {
  const Json* value = json.Find(field);
  if (value && !value->is_string()) Schema("Expected value of type String", at.Member(field));
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

/// `name` and `name`Path.
NumberField Compiler::ReadNumber(const Json& json, const std::string& name, double min, double max,
                                 const Where& at, bool is_float) {
  NumberField out;
  const Json* value = json.Find(name);
  const Json* path = json.Find(name + "Path");
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
