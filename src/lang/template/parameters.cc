// The values of a template's parameters.
#include <re2/re2.h>

#include <algorithm>

#include "base/strings.h"
#include "lang/template/resolve.h"
#include "lang/template/template.h"

namespace stepmill::cfn {
namespace {

constexpr std::string_view kStoreType = "AWS::SSM::Parameter::Value<";

bool IsFromStore(const std::string& type) { return type.starts_with(kStoreType); }

/// The kind of the value itself: the inner type of one that comes from Parameter Store.
std::string ValueType(const std::string& type) {
  if (!IsFromStore(type)) return type;
  return type.substr(kStoreType.size(), type.size() - kStoreType.size() - 1);
}

bool IsList(const std::string& value_type) {
  return value_type == "CommaDelimitedList" || value_type.starts_with("List<");
}

std::optional<double> NumberOf(std::string_view text) {
  const std::string copy(Trim(text));
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (copy.empty() || end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

Json ListOf(const std::string& text) {
  Json::Array items;
  if (text.empty()) return Json(std::move(items));
  for (const std::string_view part : Split(text, ',')) items.push_back(Json(Trim(part)));
  return Json(std::move(items));
}

std::string TextOf(const Json& value) {
  if (const auto text = ScalarText(value)) return *text;
  if (!value.is_array()) return "";
  std::vector<std::string> parts;
  for (const Json& item : value.items()) parts.push_back(ScalarText(item).value_or(""));
  return Join(parts, ",");
}

/// What a parameter's definition demands of one text.
class Constraints {
 public:
  Constraints(const std::string& name, const Json& definition)
      : name_(name), definition_(definition) {}

  Result<> Check(const std::string& text, bool is_number) const {
    MILL_CHECK(CheckAllowed(text));
    if (is_number) return CheckNumber(text);
    MILL_CHECK(CheckPattern(text));
    const size_t length = Utf16Length(text);
    if (const auto min = Bound("MinLength"); min && static_cast<double>(length) < *min) {
      return Broken("must contain at least " + BoundText("MinLength") + " characters");
    }
    if (const auto max = Bound("MaxLength"); max && static_cast<double>(length) > *max) {
      return Broken("must contain at most " + BoundText("MaxLength") + " characters");
    }
    return {};
  }

 private:
  Error Broken(const std::string& what) const {
    const std::string description = definition_.StringOr("ConstraintDescription", "");
    if (!description.empty()) {
      return ValidationError("Parameter " + name_ +
                             " failed to satisfy constraint: " + description);
    }
    return ValidationError("Parameter '" + name_ + "' " + what);
  }
  std::optional<double> Bound(const char* member) const {
    const auto text = ScalarText(definition_[member]);
    return text ? NumberOf(*text) : std::nullopt;
  }
  std::string BoundText(const char* member) const {
    return ScalarText(definition_[member]).value_or("");
  }

  Result<> CheckAllowed(const std::string& text) const {
    const Json& allowed = definition_["AllowedValues"];
    if (!allowed.is_array()) return {};
    std::vector<std::string> values;
    for (const Json& value : allowed.items()) values.push_back(ScalarText(value).value_or(""));
    if (std::find(values.begin(), values.end(), text) != values.end()) return {};
    return Broken("must be one of AllowedValues");
  }
  Result<> CheckNumber(const std::string& text) const {
    const auto number = NumberOf(text);
    if (!number) return ValidationError("Parameter '" + name_ + "' must be a number");
    if (const auto min = Bound("MinValue"); min && *number < *min) {
      return Broken("must be a number not less than " + BoundText("MinValue"));
    }
    if (const auto max = Bound("MaxValue"); max && *number > *max) {
      return Broken("must be a number not greater than " + BoundText("MaxValue"));
    }
    return {};
  }
  Result<> CheckPattern(const std::string& text) const {
    const std::string pattern = definition_.StringOr("AllowedPattern", "");
    if (pattern.empty()) return {};
    re2::RE2::Options options;
    options.set_log_errors(false);
    const re2::RE2 expression(pattern, options);
    if (!expression.ok()) {
      return ValidationError("Template format error: AllowedPattern of parameter " + name_ +
                             " is not a regular expression: " + expression.error());
    }
    if (re2::RE2::FullMatch(text, expression)) return {};
    return Broken("must match pattern " + pattern);
  }

  const std::string& name_;
  const Json& definition_;
};

Result<Json> ResolveOne(const std::string& name, const Json& definition, const std::string& given,
                        const Json& stored) {
  const std::string type = definition.StringOr("Type", "String");
  const std::string value_type = ValueType(type);
  Json::Object out{{"given", given}};
  std::string text = given;
  const Constraints constraints(name, definition);
  if (IsFromStore(type)) {
    MILL_CHECK(constraints.Check(given, false));
    const Json* found = stored.Find(given);
    if (!found || !found->is_string()) {
      return ValidationError("Unable to fetch parameters [" + given +
                             "] from parameter store for this account.");
    }
    text = found->AsString();
    out.Set("stored", Json(text));
  } else if (!IsList(value_type)) {
    MILL_CHECK(constraints.Check(text, value_type == "Number"));
  } else {
    const Json items = ListOf(text);
    for (const Json& item : items.items()) {
      MILL_CHECK(constraints.Check(item.AsString(), value_type == "List<Number>"));
    }
  }
  out.Set("value", IsList(value_type) ? ListOf(text) : Json(text));
  const auto no_echo = ScalarText(definition["NoEcho"]);
  out.Set("no_echo", Json(no_echo && ToLower(*no_echo) == "true"));
  return Json(std::move(out));
}

std::optional<std::string> GivenOrDefault(const Json::Member& parameter, const Json& given) {
  if (const Json* text = given.Find(parameter.name)) return TextOf(*text);
  if (const Json* value = parameter.value.Find("Default")) return TextOf(*value);
  return std::nullopt;
}

}  // namespace

std::vector<std::string> ParameterStoreNames(const Json& document, const Json& given) {
  std::vector<std::string> names;
  if (!document["Parameters"].is_object()) return names;
  for (const Json::Member& parameter : document["Parameters"].members()) {
    if (!IsFromStore(parameter.value.StringOr("Type", ""))) continue;
    if (const auto name = GivenOrDefault(parameter, given)) names.push_back(*name);
  }
  return names;
}

Result<Json> ResolveParameters(const Json& document, const Json& given, const Json& stored) {
  const Json& definitions = document["Parameters"];
  std::vector<std::string> unknown;
  if (given.is_object()) {
    for (const Json::Member& member : given.members()) {
      if (!definitions.Has(member.name)) unknown.push_back(member.name);
    }
  }
  if (!unknown.empty()) {
    return ValidationError("Parameters: [" + Join(unknown, ", ") +
                           "] do not exist in the template");
  }
  Json::Object out;
  if (!definitions.is_object()) return Json(std::move(out));
  std::vector<std::string> missing;
  for (const Json::Member& parameter : definitions.members()) {
    if (!GivenOrDefault(parameter, given)) missing.push_back(parameter.name);
  }
  if (!missing.empty()) {
    return ValidationError("Parameters: [" + Join(missing, ", ") + "] must have values");
  }
  for (const Json::Member& parameter : definitions.members()) {
    MILL_TRY(Json resolved, ResolveOne(parameter.name, parameter.value,
                                       *GivenOrDefault(parameter, given), stored));
    out.Add(parameter.name, std::move(resolved));
  }
  return Json(std::move(out));
}

Json ParameterValues(const Json& resolved) {
  Json::Object out;
  for (const Json::Member& member : resolved.members()) out.Add(member.name, member.value["value"]);
  return Json(std::move(out));
}

}  // namespace stepmill::cfn
