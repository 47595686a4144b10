#include "lang/template/sam_parts.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/strings.h"

namespace stepmill::cfn {

Error InvalidResource(const std::string& id, const std::string& what) {
  return Error{Code::kInvalid, "ValidationError",
               "Resource with id [" + id + "] is invalid. " + what};
}

Error InvalidEvent(const std::string& id, const std::string& what) {
  return Error{Code::kInvalid, "ValidationError", "Event with id [" + id + "] is invalid. " + what};
}

bool IsTruthy(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull: return false;
    case Json::Kind::kBool: return value.AsBool();
    case Json::Kind::kNumber: return value.AsDouble() != 0;
    case Json::Kind::kString: return !value.AsString().empty();
    case Json::Kind::kArray:
    case Json::Kind::kObject: return value.size() > 0;
  }
  return false;  // every kind is above; g++ wants a return
}

bool IsFunction(const Json& value) {
  if (!value.is_object() || value.size() != 1) return false;
  const std::string& name = value.members()[0].name;
  return name == "Ref" || name == "Condition" || name.starts_with("Fn::");
}

bool IsFunction(const Json& value, std::string_view name) {
  return value.is_object() && value.size() == 1 && value.members()[0].name == name;
}

Json Ref(const std::string& id) { return Json(Json::Object{{"Ref", id}}); }

Json GetAtt(const std::string& id, const std::string& attribute) {
  return Json(Json::Object{{"Fn::GetAtt", Json(Json::Array{id, attribute})}});
}

namespace {

bool IsStringOrMap(const Json& value) { return value.is_string() || value.is_object(); }

bool IsListOf(const Json& value, bool (*fits)(const Json&)) {
  return value.is_array() && std::all_of(value.items().begin(), value.items().end(), fits);
}

bool Fits(const Json& value, PropertyKind kind) {
  switch (kind) {
    case PropertyKind::kAny: return true;
    case PropertyKind::kString: return value.is_string();
    case PropertyKind::kMap: return value.is_object();
    case PropertyKind::kBool: return value.is_bool();
    case PropertyKind::kMapOfMaps:
      return value.is_object() &&
             std::all_of(value.members().begin(), value.members().end(),
                         [](const Json::Member& m) { return m.value.is_object(); });
    case PropertyKind::kStringOrMap: return IsStringOrMap(value);
    case PropertyKind::kMapOrList: return value.is_object() || value.is_array();
    case PropertyKind::kPolicies: return IsStringOrMap(value) || IsListOf(value, IsStringOrMap);
    case PropertyKind::kPoliciesList: return value.is_string() || IsListOf(value, IsStringOrMap);
    case PropertyKind::kListOfStringOrMap: return IsListOf(value, IsStringOrMap);
  }
  return false;  // every kind is above; g++ wants a return
}

}  // namespace

Result<> CheckProperties(const std::string& id, std::string_view type, const Json& properties,
                         const PropertyRule* rules, size_t rules_size) {
  const PropertyRule* end = rules + rules_size;
  for (const Json::Member& member : properties.members()) {
    const bool is_known =
        std::any_of(rules, end, [&](const PropertyRule& rule) { return rule.name == member.name; });
    if (!is_known) {
      return InvalidResource(
          id, "property " + member.name + " not defined for resource of type " + std::string(type));
    }
  }
  for (const PropertyRule* rule = rules; rule != end; ++rule) {
    const Json& value = properties[rule->name];
    const std::string name(rule->name);
    if (rule->takes_functions && value.is_object() && value.size() == 1) continue;
    if (value.is_null()) {
      if (rule->required) return InvalidResource(id, "Missing required property '" + name + "'.");
    } else if (!Fits(value, rule->kind)) {
      if (rule->kind == PropertyKind::kString) {
        return InvalidResource(id, "Property '" + name + "' should be a string.");
      }
      if (rule->kind == PropertyKind::kMap) {
        return InvalidResource(id, "Property '" + name + "' should be a map.");
      }
      return InvalidResource(id, "Type of property '" + name + "' is invalid.");
    }
  }
  return {};
}

Json InheritedAttributes(const Json& attributes) {
  Json::Object out;
  for (const char* name : {"Condition", "DeletionPolicy", "UpdateReplacePolicy"}) {
    out.SetIf(name, attributes.Find(name));
  }
  return Json(std::move(out));
}

Json TrustPolicy(const std::string& service) {
  const Json principal(Json::Object{{"Service", Json(Json::Array{service})}});
  const Json statement(Json::Object{{"Action", Json(Json::Array{"sts:AssumeRole"})},
                                    {"Effect", "Allow"},
                                    {"Principal", principal}});
  return Json(Json::Object{{"Version", "2012-10-17"}, {"Statement", Json(Json::Array{statement})}});
}

Json TagList(const std::string& sam_key, const Json& tags) {
  Json::Array list;
  if (!sam_key.empty()) list.push_back(Json::Object{{"Key", sam_key}, {"Value", "SAM"}});
  if (tags.is_object()) {
    for (const Json::Member& tag : tags.members()) {
      list.push_back(
          Json::Object{{"Key", tag.name}, {"Value", tag.value.is_null() ? Json("") : tag.value}});
    }
  }
  return Json(std::move(list));
}

Json ParseS3Uri(const Json& uri) {
  if (!uri.is_string()) return Json();
  std::string_view text = uri.AsString();
  if (!EqualsIgnoreCase(text.substr(0, 5), "s3://")) return Json();
  text.remove_prefix(5);
  text = text.substr(0, text.find('#'));
  const size_t question = text.find('?');
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : text.substr(question + 1);
  text = text.substr(0, question);
  const size_t slash = text.find('/');
  if (slash == 0 || slash == std::string_view::npos) return Json();
  std::string_view key = text.substr(slash);
  while (key.starts_with('/')) key.remove_prefix(1);
  Json::Object out{{"Bucket", Json(text.substr(0, slash))}, {"Key", Json(key)}};
  std::vector<std::string> versions;
  for (const std::string_view part : Split(query, '&')) {
    const size_t equals = part.find('=');
    if (equals == std::string_view::npos || equals + 1 == part.size()) continue;
    if (UrlDecode(part.substr(0, equals), true) != "versionId") continue;
    versions.push_back(UrlDecode(part.substr(equals + 1), true));
  }
  if (versions.size() == 1) out.Set("Version", versions[0]);
  return Json(std::move(out));
}

namespace {

/// A float as Python shows it: 1.0, 1e-05, 1e+16.
std::string PythonFloat(double value) {
  char buffer[64];
  const auto [end, error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  MILL_ASSERT(error == std::errc());
  const std::string text(buffer, end);  // d[.ddd]e[+-]dd
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  std::string digits = text.substr(0, e);
  if (exponent < -4 || exponent >= 16) return text;
  const auto [fixed_end, fixed_error] =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
  MILL_ASSERT(fixed_error == std::errc());
  std::string fixed(buffer, fixed_end);
  if (fixed.find('.') == std::string::npos) fixed += ".0";
  return fixed;
}

void AppendEscaped(unsigned unit, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 15];
}

/// A string in ASCII: everything else as UTF-16 escapes.
void PrintAscii(const std::string& text, std::string& out) {
  out += '"';
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += text[i];
    } else if (c == '\n' || c == '\r' || c == '\t' || c == '\b' || c == '\f') {
      out += '\\';
      out += c == '\n' ? 'n' : c == '\r' ? 'r' : c == '\t' ? 't' : c == '\b' ? 'b' : 'f';
    } else if (c < 0x20 || c == 0x7F) {
      if (c == 0x7F) {
        out += text[i];
      } else {
        AppendEscaped(c, out);
      }
    } else if (c < 0x80) {
      out += text[i];
    } else {
      const int more = c >= 0xF0 ? 3 : c >= 0xE0 ? 2 : 1;
      unsigned code = c & (0x3F >> more);
      for (int k = 0; k < more && i + 1 < text.size(); ++k) {
        code = code << 6 | (static_cast<unsigned char>(text[++i]) & 0x3F);
      }
      if (code >= 0x10000) {
        AppendEscaped(0xD800 + ((code - 0x10000) >> 10), out);
        AppendEscaped(0xDC00 + ((code - 0x10000) & 0x3FF), out);
      } else {
        AppendEscaped(code, out);
      }
    }
  }
  out += '"';
}

void PrintSorted(const Json& value, int indent, std::string& out) {
  const auto line = [&out](int spaces) {
    out += '\n';
    out.append(static_cast<size_t>(spaces), ' ');
  };
  if (value.is_string()) return PrintAscii(value.AsString(), out);
  if (value.is_number()) {
    const std::string text = value.NumberText();
    const bool is_float = text.find_first_of(".eE") != std::string::npos;
    out += is_float && std::isfinite(value.AsDouble()) ? PythonFloat(value.AsDouble()) : text;
    return;
  }
  if (value.is_array() && value.size() > 0) {
    out += '[';
    for (size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      line(indent + 4);
      PrintSorted(value.At(i), indent + 4, out);
    }
    line(indent);
    out += ']';
    return;
  }
  if (value.is_object() && value.size() > 0) {
    std::vector<const Json::Member*> members;
    for (const Json::Member& member : value.members()) members.push_back(&member);
    std::sort(members.begin(), members.end(),
              [](const auto* a, const auto* b) { return a->name < b->name; });
    out += '{';
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out += ',';
      line(indent + 4);
      PrintAscii(members[i]->name, out);
      out += ": ";
      PrintSorted(members[i]->value, indent + 4, out);
    }
    line(indent);
    out += '}';
    return;
  }
  out += value.Print();  // null, booleans, [] and {}
}

}  // namespace

std::vector<std::string> SortedJsonLines(const Json& value) {
  std::string text;
  PrintSorted(value, 0, text);
  std::vector<std::string> lines;
  for (const std::string_view line : Split(text, '\n')) lines.emplace_back(line);
  return lines;
}

}  // namespace stepmill::cfn
