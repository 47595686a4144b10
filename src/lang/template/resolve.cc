#include "lang/template/resolve.h"

#include <algorithm>
#include <map>

#include "base/strings.h"
#include "lang/template/limits.h"
#include "lang/template/template.h"

namespace stepmill::cfn {
namespace {

Error TemplateError(const std::string& what) { return ValidationError("Template error: " + what); }

/// Whether a resolved value still holds a function: something of it is not known yet.
bool IsUnknown(const Json& value) {
  if (value.is_array()) {
    return std::any_of(value.items().begin(), value.items().end(), IsUnknown);
  }
  if (!value.is_object()) return false;
  if (value.size() == 1) {
    const std::string& name = value.members()[0].name;
    if (name == "Ref" || name.starts_with("Fn::")) return true;
  }
  return std::any_of(value.members().begin(), value.members().end(),
                     [](const Json::Member& member) { return IsUnknown(member.value); });
}

class Resolver {
 public:
  explicit Resolver(const Scope& scope) : scope_(scope) {}

  Result<std::optional<Json>> Value(const Json& value, int depth) {
    if (depth > kDepthMax) return TemplateError("functions are nested too deep");
    if (value.is_string()) return std::optional<Json>(Dynamic(value));
    if (value.is_array()) return List(value, depth);
    if (!value.is_object()) return std::optional<Json>(value);
    if (value.size() == 1) {
      const Json::Member& only = value.members()[0];
      if (only.name == "Ref") return Ref(only.value);
      if (only.name.starts_with("Fn::")) return Function(only.name, only.value, depth + 1);
    }
    Json::Object out;
    for (const Json::Member& member : value.members()) {
      MILL_TRY(std::optional<Json> below, Value(member.value, depth + 1));
      if (below) out.Add(member.name, *std::move(below));
    }
    return std::optional<Json>(Json(std::move(out)));
  }

  Result<bool> Condition(const Json& value, int depth) {
    if (depth > kDepthMax) return TemplateError("conditions are nested too deep");
    if (value.is_string()) return Named(value.AsString());  // inside Fn::If
    if (!value.is_object() || value.size() != 1) {
      return ValidationError(
          "Template format error: Conditions can only be boolean operations on parameters and "
          "other conditions");
    }
    const std::string& name = value.members()[0].name;
    const Json& argument = value.members()[0].value;
    if (name == "Condition" && argument.is_string()) return Named(argument.AsString());
    if (!argument.is_array()) return Unsupported(name);
    if (name == "Fn::Equals") {
      if (argument.size() != 2)
        return TemplateError("every Fn::Equals object requires a list of 2 string parameters.");
      MILL_TRY(const std::optional<Json> left, Value(argument.At(0), depth + 1));
      MILL_TRY(const std::optional<Json> right, Value(argument.At(1), depth + 1));
      const auto left_text = ScalarText(left.value_or(Json("")));
      const auto right_text = ScalarText(right.value_or(Json("")));
      if (left_text && right_text) return *left_text == *right_text;
      return left == right;
    }
    if (name == "Fn::Not") {
      if (argument.size() != 1)
        return TemplateError("every Fn::Not object requires one boolean parameter.");
      MILL_TRY(const bool below, Condition(argument.At(0), depth + 1));
      return !below;
    }
    if (name != "Fn::And" && name != "Fn::Or") return Unsupported(name);
    if (argument.size() < 2 || argument.size() > 10) {
      return TemplateError(
          "every " + name +
          " object requires a list of at least 2 and at most 10 boolean parameters.");
    }
    const bool is_and = name == "Fn::And";
    bool result = is_and;
    for (const Json& item : argument.items()) {
      MILL_TRY(const bool below, Condition(item, depth + 1));
      result = is_and ? result && below : result || below;
    }
    return result;
  }

  void UseConditions(const Json* definitions) { definitions_ = definitions; }

 private:
  using Value_ = std::optional<Json>;

  Error Unsupported(const std::string& name) {
    return ValidationError("Template format error: Encountered unsupported function: " + name);
  }

  Result<bool> Named(const std::string& name) {
    if (const Json* known = scope_.conditions.Find(name)) return known->AsBool();
    if (!definitions_ || !definitions_->Has(name)) {
      return ValidationError("Template format error: Unresolved condition dependency " + name +
                             " in the Conditions block of the template");
    }
    if (open_.size() > static_cast<size_t>(kDepthMax) ||
        std::find(open_.begin(), open_.end(), name) != open_.end()) {
      return ValidationError("Template format error: Found circular condition dependency: " + name);
    }
    if (const auto known = known_.find(name); known != known_.end()) return known->second;
    open_.push_back(name);
    auto value = Condition((*definitions_)[name], 0);
    open_.pop_back();
    if (value) known_[name] = *value;
    return value;
  }

  Json Dynamic(const Json& value) const {
    const std::string& text = value.AsString();
    if (!scope_.dynamic.is_object() || text.find("{{resolve:") == std::string::npos) return value;
    std::string out = text;
    for (const Json::Member& member : scope_.dynamic.members()) {
      if (member.value.is_string()) out = ReplaceAll(out, member.name, member.value.AsString());
    }
    return Json(out);
  }

  Result<Value_> List(const Json& value, int depth) {
    Json::Array out;
    for (const Json& item : value.items()) {
      MILL_TRY(Value_ below, Value(item, depth + 1));
      if (below) out.push_back(*std::move(below));
    }
    return Value_(Json(std::move(out)));
  }

  std::optional<Json> Pseudo(const std::string& name) const {
    if (name == "AWS::AccountId") return Json(scope_.account);
    if (name == "AWS::Region") return Json(scope_.region);
    if (name == "AWS::StackId") return Json(scope_.stack_id);
    if (name == "AWS::StackName") return Json(scope_.stack_name);
    if (name == "AWS::Partition") return Json(scope_.partition);
    if (name == "AWS::URLSuffix") return Json(scope_.url_suffix);
    if (name == "AWS::NotificationARNs") return scope_.notification_arns;
    return std::nullopt;
  }

  Error Unresolved(const std::string& name) {
    return ValidationError("Template format error: Unresolved resource dependencies [" + name +
                           "] in the Resources block of the template");
  }

  Result<Value_> Ref(const Json& argument) {
    if (!argument.is_string())
      return TemplateError("every Ref object must have a single String value.");
    const std::string& name = argument.AsString();
    if (name == "AWS::NoValue") return Value_();
    if (auto pseudo = Pseudo(name)) return Value_(*std::move(pseudo));
    if (const Json* parameter = scope_.parameters.Find(name)) return Value_(*parameter);
    if (const Json* resource = scope_.resources.Find(name)) return Value_((*resource)["Ref"]);
    if (scope_.keeps_unknown) return Value_(Json(Json::Object{{"Ref", argument}}));
    return Unresolved(name);
  }

  Result<Value_> GetAtt(const Json& argument, int depth) {
    std::string id;
    std::string attribute;
    if (argument.is_string()) {
      const std::string& text = argument.AsString();
      const size_t dot = text.find('.');
      if (dot != std::string::npos) {
        id = text.substr(0, dot);
        attribute = text.substr(dot + 1);
      }
    } else if (argument.is_array() && argument.size() == 2 && argument.At(0).is_string()) {
      id = argument.At(0).AsString();
      MILL_TRY(const Value_ name, Value(argument.At(1), depth));
      if (name && name->is_string()) attribute = name->AsString();
    }
    if (id.empty() || attribute.empty()) {
      return TemplateError(
          "every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
          "resource attribute");
    }
    return Attribute(id, attribute);
  }

  Result<Value_> Attribute(const std::string& id, const std::string& attribute) {
    const Json* resource = scope_.resources.Find(id);
    const Json* value = resource ? resource->Find(attribute) : nullptr;
    if (value) return Value_(*value);
    if (scope_.keeps_unknown) {
      return Value_(Json(Json::Object{{"Fn::GetAtt", Json(Json::Array{id, attribute})}}));
    }
    if (!resource) {
      return TemplateError("instance of Fn::GetAtt references undefined resource " + id);
    }
    return TemplateError("resource " + id + " does not support attribute type " + attribute +
                         " in Fn::GetAtt");
  }

  Result<Value_> Function(const std::string& name, const Json& argument, int depth) {
    if (name == "Fn::GetAtt") return GetAtt(argument, depth);
    if (name == "Fn::If") return If(argument, depth);
    if (name == "Fn::Sub") return Sub(argument, depth);
    if (name == "Fn::FindInMap") return FindInMap(argument, depth);
    if (name == "Fn::And" || name == "Fn::Or" || name == "Fn::Not" || name == "Fn::Equals") {
      MILL_TRY(const bool value, Condition(Json(Json::Object{{name, argument}}), depth));
      return Value_(Json(value));
    }
    MILL_TRY(const Value_ resolved, Value(argument, depth));
    const Json value = resolved.value_or(Json());
    if (scope_.keeps_unknown && IsUnknown(value)) {
      return Value_(Json(Json::Object{{name, value}}));
    }
    if (name == "Fn::Join") return Join_(value);
    if (name == "Fn::Select") return Select(value);
    if (name == "Fn::Split") return Split_(value);
    if (name == "Fn::Base64") return Base64_(value);
    if (name == "Fn::Cidr") return Cidr(value);
    if (name == "Fn::GetAZs") return Zones(value);
    if (name == "Fn::ImportValue") return Import(value);
    if (name == "Fn::Length") {
      if (!value.is_array()) return TemplateError("Fn::Length expects a list");
      return Value_(Json(static_cast<int64_t>(value.size())));
    }
    if (name == "Fn::ToJsonString") return Value_(Json(value.Print()));
    return Unsupported(name);
  }

  Result<Value_> If(const Json& argument, int depth) {
    if (!argument.is_array() || argument.size() != 3) {
      return TemplateError("Fn::If requires a list argument with three elements");
    }
    if (!argument.At(0).is_string() || !scope_.conditions.Has(argument.At(0).AsString())) {
      return ValidationError("Template format error: Unresolved condition dependency " +
                             argument.At(0).Print() + " in the Resources block of the template");
    }
    const bool holds = scope_.conditions[argument.At(0).AsString()].AsBool();
    return Value(argument.At(holds ? 1 : 2), depth);
  }

  Result<Value_> Join_(const Json& value) {
    constexpr const char* kNeeds =
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
        "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) "
        "to be joined.";
    if (!value.is_array() || value.size() != 2 || !value.At(0).is_string() ||
        !value.At(1).is_array()) {
      return TemplateError(kNeeds);
    }
    std::vector<std::string> parts;
    for (const Json& item : value.At(1).items()) {
      const auto text = ScalarText(item);
      if (!text) return TemplateError(kNeeds);
      parts.push_back(*text);
    }
    return Value_(Json(Join(parts, value.At(0).AsString())));
  }

  Result<Value_> Select(const Json& value) {
    const auto index_text = value.is_array() && value.size() == 2 ? ScalarText(value.At(0))
                                                                  : std::optional<std::string>();
    const auto index = index_text ? ParseInt(*index_text) : std::nullopt;
    if (!index || !value.At(1).is_array()) {
      return TemplateError(
          "Fn::Select requires a list argument with two elements: an integer index and a list");
    }
    if (*index < 0 || static_cast<size_t>(*index) >= value.At(1).size()) {
      return TemplateError("Fn::Select  cannot select nonexistent value at index " + *index_text);
    }
    return Value_(value.At(1).At(static_cast<size_t>(*index)));
  }

  Result<Value_> Split_(const Json& value) {
    if (!value.is_array() || value.size() != 2 || !value.At(0).is_string() ||
        !value.At(1).is_string() || value.At(0).AsString().empty()) {
      return TemplateError(
          "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string "
          "to be split or a function that returns a string to be split.");
    }
    const std::string& delimiter = value.At(0).AsString();
    std::string_view rest = value.At(1).AsString();
    Json::Array parts;
    for (size_t at = rest.find(delimiter); at != std::string_view::npos;
         at = rest.find(delimiter)) {
      parts.push_back(Json(rest.substr(0, at)));
      rest.remove_prefix(at + delimiter.size());
    }
    parts.push_back(Json(rest));
    return Value_(Json(std::move(parts)));
  }

  Result<Value_> Base64_(const Json& value) {
    const auto text = ScalarText(value);
    if (!text) return TemplateError("every Fn::Base64 object must have a String-typed value.");
    return Value_(Json(Base64(*text)));
  }

  Result<Value_> Zones(const Json& value) {
    std::string region = value.is_string() ? value.AsString() : "";
    if (region.empty()) region = scope_.region;
    return Value_(Json(Json::Array{region + "a", region + "b", region + "c"}));
  }

  Result<Value_> Import(const Json& value) {
    const auto name = ScalarText(value);
    if (!name)
      return TemplateError(
          "the attribute in Fn::ImportValue must be a string or a function that returns a string");
    const Json* found = scope_.exports.Find(*name);
    if (!found) return ValidationError("No export named " + *name + " found.");
    return Value_(*found);
  }

  Result<Value_> FindInMap(const Json& argument, int depth) {
    if (!argument.is_array() || argument.size() < 3 || argument.size() > 4) {
      return TemplateError(
          "every Fn::FindInMap object requires three parameters, the map name, map key and the "
          "attribute for return value");
    }
    std::vector<std::string> keys;
    for (size_t i = 0; i < 3; ++i) {
      MILL_TRY(const Value_ key, Value(argument.At(i), depth));
      const auto text = key ? ScalarText(*key) : std::nullopt;
      if (!text) return TemplateError("every Fn::FindInMap parameter must be a string");
      keys.push_back(*text);
    }
    if (const Json* value = scope_.mappings[keys[0]][keys[1]].Find(keys[2])) return Value_(*value);
    if (argument.size() == 4 && argument.At(3).Has("DefaultValue")) {
      return Value(argument.At(3)["DefaultValue"], depth);
    }
    if (!scope_.mappings.Has(keys[0])) {
      return TemplateError("Mapping named '" + keys[0] +
                           "' is not present in the 'Mappings' section of template.");
    }
    return TemplateError("Unable to get mapping for " + Join(keys, "::"));
  }

  Result<Value_> Sub(const Json& argument, int depth) {
    const bool has_map = argument.is_array() && argument.size() == 2 &&
                         argument.At(0).is_string() && argument.At(1).is_object();
    if (!argument.is_string() && !has_map) {
      return TemplateError(
          "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
          "string as first argument, and an optional second argument to specify a mapping of "
          "values to replace in the string");
    }
    const std::string& text = has_map ? argument.At(0).AsString() : argument.AsString();
    Json::Object own;
    bool is_unknown = false;
    if (has_map) {
      for (const Json::Member& member : argument.At(1).members()) {
        MILL_TRY(const Value_ value, Value(member.value, depth));
        own.Set(member.name, value.value_or(Json("")));
      }
    }
    const Json variables(std::move(own));
    std::string out;
    size_t at = 0;
    while (at < text.size()) {
      const size_t start = text.find("${", at);
      const size_t end = start == std::string::npos ? start : text.find('}', start);
      if (end == std::string::npos) break;
      out += text.substr(at, start - at);
      std::string name(Trim(std::string_view(text).substr(start + 2, end - start - 2)));
      at = end + 1;
      if (name.starts_with("!")) {
        out += "${" + name.substr(1) + "}";
        continue;
      }
      MILL_TRY(const Value_ value, Variable(name, variables));
      const auto scalar = value ? ScalarText(*value) : std::optional<std::string>("");
      if (scalar) {
        out += *scalar;
      } else if (IsUnknown(*value)) {
        is_unknown = true;
      } else {
        return TemplateError("Fn::Sub expression does not resolve to a string: ${" + name + "}");
      }
    }
    out += text.substr(at);
    if (is_unknown) {
      return Value_(Json(Json::Object{
          {"Fn::Sub", Json(Json::Array{Json(text), has_map ? variables : Json(Json::Object{})})}}));
    }
    return Value_(Dynamic(Json(out)));
  }

  Result<Value_> Variable(const std::string& name, const Json& variables) {
    if (const Json* own = variables.Find(name)) return Value_(*own);
    const size_t dot = name.find('.');
    if (dot == std::string::npos) return Ref(Json(name));
    return Attribute(name.substr(0, dot), name.substr(dot + 1));
  }

  /// [block, count, bits]: `count` blocks of 2^bits addresses.
  Result<Value_> Cidr(const Json& value) {
    const auto fail = [] {
      return TemplateError(
          "every Fn::Cidr object requires two or three parameters, (1) an IPv4 block, (2) a count "
          "from 1 to 256 and (3) the bits of each block");
    };
    if (!value.is_array() || value.size() < 2 || value.size() > 3) return fail();
    std::vector<int64_t> numbers;
    for (size_t i = 1; i < value.size(); ++i) {
      const auto text = ScalarText(value.At(i));
      const auto number = text ? ParseInt(*text) : std::nullopt;
      if (!number) return fail();
      numbers.push_back(*number);
    }
    const int64_t count = numbers[0];
    const int64_t bits = numbers.size() > 1 ? numbers[1] : 8;
    const auto block = ScalarText(value.At(0));
    if (!block || count < 1 || count > 256 || bits < 1 || bits > 32) return fail();
    const size_t slash = block->find('/');
    const auto length =
        slash == std::string::npos ? std::nullopt : ParseInt(block->substr(slash + 1));
    const auto parts = Split(std::string_view(*block).substr(0, slash), '.');
    if (!length || *length < 0 || *length > 32 || parts.size() != 4) return fail();
    uint64_t address = 0;
    for (const std::string_view part : parts) {
      const auto octet = ParseInt(part);
      if (!octet || *octet < 0 || *octet > 255) return fail();
      address = address << 8 | static_cast<uint64_t>(*octet);
    }
    address = *length == 0 ? 0 : address >> (32 - *length) << (32 - *length);
    if ((static_cast<uint64_t>(count) << bits) > (uint64_t{1} << (32 - *length))) return fail();
    Json::Array blocks;
    for (int64_t i = 0; i < count; ++i) {
      const uint64_t a = address + (static_cast<uint64_t>(i) << bits);
      blocks.push_back(std::to_string(a >> 24 & 255) + "." + std::to_string(a >> 16 & 255) + "." +
                       std::to_string(a >> 8 & 255) + "." + std::to_string(a & 255) + "/" +
                       std::to_string(32 - bits));
    }
    return Value_(Json(std::move(blocks)));
  }

  const Scope& scope_;
  const Json* definitions_ = nullptr;
  std::vector<std::string> open_;      ///< conditions being computed
  std::map<std::string, bool> known_;  ///< conditions computed, so that each is once
};

}  // namespace

std::optional<std::string> ScalarText(const Json& value) {
  if (value.is_string()) return value.AsString();
  if (value.is_number()) return value.NumberText();
  if (value.is_bool()) return value.AsBool() ? "true" : "false";
  return std::nullopt;
}

Result<Json> ResolveConditions(const Json& document, const Scope& scope) {
  const Json& definitions = document["Conditions"];
  Json::Object out;
  if (!definitions.is_object()) return Json(std::move(out));
  Scope bare = scope;
  bare.conditions = Json(Json::Object{});
  bare.mappings = document["Mappings"];
  Resolver resolver(bare);
  resolver.UseConditions(&definitions);
  for (const Json::Member& definition : definitions.members()) {
    MILL_TRY(const bool value,
             resolver.Condition(Json(Json::Object{{"Condition", Json(definition.name)}}), 0));
    out.Add(definition.name, Json(value));
  }
  return Json(std::move(out));
}

Result<std::optional<Json>> Resolve(const Json& value, const Scope& scope) {
  return Resolver(scope).Value(value, 0);
}

Result<Json> ResolveValue(const Json& value, const Scope& scope) {
  MILL_TRY(std::optional<Json> resolved, Resolve(value, scope));
  return resolved ? *std::move(resolved) : Json();
}

}  // namespace stepmill::cfn
