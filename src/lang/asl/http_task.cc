#include "lang/asl/http_task.h"

#include <algorithm>
#include <string_view>

#include "base/strings.h"
#include "json/each.h"

namespace stepmill::asl {
namespace {

constexpr std::string_view kMembers[] = {"ApiEndpoint",      "Method",   "Authentication",
                                         "InvocationConfig", "Headers",  "QueryParameters",
                                         "RequestBody",      "Transform"};
constexpr std::string_view kMethods[] = {"GET",   "POST",    "PUT", "DELETE",
                                         "PATCH", "OPTIONS", "HEAD"};
constexpr std::string_view kEncodings[] = {"NONE", "URL_ENCODED"};
constexpr std::string_view kArrayFormats[] = {"INDICES", "REPEAT", "COMMAS", "BRACKETS", "NONE"};

constexpr std::string_view kForbidden[] = {"a-im",
                                           "accept-charset",
                                           "accept-datetime",
                                           "accept-encoding",
                                           "authorization",
                                           "cache-control",
                                           "connection",
                                           "content-encoding",
                                           "content-md5",
                                           "date",
                                           "expect",
                                           "forwarded",
                                           "from",
                                           "host",
                                           "http2-settings",
                                           "if-match",
                                           "if-modified-since",
                                           "if-none-match",
                                           "if-range",
                                           "if-unmodified-since",
                                           "max-forwards",
                                           "origin",
                                           "pragma",
                                           "proxy-authorization",
                                           "referer",
                                           "server",
                                           "te",
                                           "trailer",
                                           "transfer-encoding",
                                           "upgrade",
                                           "via",
                                           "warning"};
constexpr std::string_view kForbiddenPrefixes[] = {"x-forwarded-", "x-amz-", "x-amzn-"};

template <class List>
bool Lists(const List& list, std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool IsForbidden(const std::string& name) {
  for (const std::string_view prefix : kForbiddenPrefixes)
    if (name.starts_with(prefix)) return true;
  return Lists(kForbidden, name);
}

std::string Missing(std::string_view name) {
  return "The field '" + std::string(name) + "' is required but was missing";
}
std::string NotValid(std::string_view name) {
  return "The value for the '" + std::string(name) + "' field is not valid";
}
std::string NotSupported(std::string_view name) {
  return "The field \"" + std::string(name) + "\" is not supported by Step Functions";
}

bool IsEndpoint(const std::string& text) {
  constexpr std::string_view kScheme = "https://";
  if (!ToLower(text).starts_with(kScheme)) return false;
  const std::string_view rest = std::string_view(text).substr(kScheme.size());
  return !rest.empty() && rest.find_first_of("/?#") != 0;
}

// "arn:aws:events:REGION:ACCOUNT:connection/NAME/UUID"
bool IsConnection(const std::string& text) {
  const auto parts = Split(text, ':');
  if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "events") return false;
  const auto names = Split(parts[5], '/');
  return names.size() == 3 && names[0] == "connection" && !names[1].empty() && !names[2].empty();
}

/// Walks the parameters; `Look` finds a member and says whether its value is known.
class Checker {
 public:
  Checker(bool is_written, bool is_jsonata) : is_written_(is_written), is_jsonata_(is_jsonata) {}

  std::vector<std::string> Check(const Json& parameters) {
    Unknown(parameters, kMembers);
    if (const Json* endpoint = Required(parameters, "ApiEndpoint"))
      Expect("ApiEndpoint", endpoint->is_string() && IsEndpoint(endpoint->AsString()));
    if (const Json* method = Required(parameters, "Method"))
      Expect("Method", method->is_string() && Lists(kMethods, method->AsString()));
    CheckConnection(parameters);
    if (const Json* headers = Known(parameters, "Headers")) CheckHeaders(*headers);
    if (const Json* query = Known(parameters, "QueryParameters"))
      Expect("QueryParameters", query->is_object() || query->is_string() || query->is_null());
    if (const Json* transform = Known(parameters, "Transform")) CheckTransform(*transform);
    return std::move(problems_);
  }

 private:
  bool IsDynamic(const Json& value) const {
    if (!is_written_ || !value.is_string()) return false;
    const std::string& text = value.AsString();
    return text.find("${") != std::string::npos || (is_jsonata_ && text.starts_with("{%"));
  }
  bool Has(const Json& object, std::string_view name) const {
    return object.Has(name) ||
           (is_written_ && !is_jsonata_ && object.Has(std::string(name) + ".$"));
  }
  /// Null: absent, or not known yet.
  const Json* Known(const Json& object, std::string_view name) const {
    const Json* value = object.Find(name);
    return value && !IsDynamic(*value) ? value : nullptr;
  }
  const Json* Required(const Json& object, std::string_view name) {
    if (!Has(object, name)) problems_.push_back(Missing(name));
    return Known(object, name);
  }
  void Expect(std::string_view name, bool is_valid) {
    if (!is_valid) problems_.push_back(NotValid(name));
  }
  template <class List>
  void Unknown(const Json& object, const List& known) {
    for (const Json::Member& member : MembersOf(object)) {
      std::string_view name = member.name;
      if (is_written_ && !is_jsonata_ && name.ends_with(".$")) name.remove_suffix(2);
      if (!Lists(known, name)) problems_.push_back(NotSupported(name));
    }
  }
  void CheckConnection(const Json& parameters) {
    const bool is_old = Has(parameters, "Authentication");
    const bool is_new = Has(parameters, "InvocationConfig");
    const char* member = is_new ? "InvocationConfig" : "Authentication";
    if (is_old && is_new)
      problems_.push_back(
          "Only one of the fields [Authentication, InvocationConfig] may be specified");
    if (!is_old && !is_new) problems_.push_back(Missing(member));
    const Json* config = Known(parameters, member);
    if (!config) return;
    if (!config->is_object()) return Expect(member, false);
    constexpr std::string_view kConnection[] = {"ConnectionArn"};
    Unknown(*config, kConnection);
    if (const Json* arn = Required(*config, "ConnectionArn"))
      Expect("ConnectionArn", arn->is_string() && IsConnection(arn->AsString()));
  }
  // A definition may have headers that the task then fails with.
  void CheckHeaders(const Json& headers) {
    if (!headers.is_object()) return Expect("Headers", headers.is_null());
    if (is_written_) return;
    std::string forbidden;
    for (const Json::Member& header : headers.members()) {
      const std::string name = ToLower(std::string_view(header.name));
      if (IsForbidden(name)) forbidden += (forbidden.empty() ? "" : ", ") + name;
      bool is_text = !header.value.is_object() && !header.value.is_null();
      for (const Json& each : ItemsOf(header.value))
        is_text = is_text && !each.is_object() && !each.is_array() && !each.is_null();
      Expect("Headers", is_text);
    }
    if (!forbidden.empty())
      problems_.push_back("The 'Headers' field contains unsupported values: [" + forbidden + "]");
  }
  void CheckTransform(const Json& transform) {
    if (!transform.is_object()) return Expect("Transform", false);
    constexpr std::string_view kTransform[] = {"RequestBodyEncoding", "RequestEncodingOptions"};
    constexpr std::string_view kOptions[] = {"ArrayFormat"};
    Unknown(transform, kTransform);
    if (const Json* encoding = Known(transform, "RequestBodyEncoding"))
      Expect("RequestBodyEncoding",
             encoding->is_string() && Lists(kEncodings, encoding->AsString()));
    const Json* options = Known(transform, "RequestEncodingOptions");
    if (!options) return;
    if (!options->is_object()) return Expect("RequestEncodingOptions", false);
    Unknown(*options, kOptions);
    if (const Json* format = Known(*options, "ArrayFormat"))
      Expect("ArrayFormat", format->is_string() && Lists(kArrayFormats, format->AsString()));
  }

  const bool is_written_, is_jsonata_;
  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> WrittenHttpProblems(const Json& parameters, bool is_jsonata) {
  return Checker(true, is_jsonata).Check(parameters);
}

std::vector<std::string> HttpProblems(const Json& parameters) {
  return Checker(false, false).Check(parameters);
}

std::string ConnectionOf(const Json& parameters) {
  const char* member = parameters.Has("InvocationConfig") ? "InvocationConfig" : "Authentication";
  return parameters[member].StringOr("ConnectionArn", "");
}

}  // namespace stepmill::asl
