#include "service/states/http_request.h"

#include <algorithm>

#include "base/strings.h"
#include "json/each.h"

namespace stepmill::states {
namespace {

constexpr char kJsonType[] = "application/json; charset=UTF-8";
constexpr char kRange[] = "bytes=0-262144";

struct Pair {
  std::string name, value;
};

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.AsString();
  return value.is_null() ? "" : value.Print();
}

enum class ArrayFormat { kIndices, kRepeat, kCommas, kBrackets };

ArrayFormat FormatOf(const std::string& name) {
  if (name == "REPEAT") return ArrayFormat::kRepeat;
  if (name == "COMMAS") return ArrayFormat::kCommas;
  if (name == "BRACKETS") return ArrayFormat::kBrackets;
  return ArrayFormat::kIndices;
}

/// name=value pairs of a form, percent-encoded: members of objects as name[member], items of arrays
/// as `format` says.
void AddForm(std::string& form, const std::string& name, const Json& value, ArrayFormat format) {
  if (value.is_object()) {
    for (const Json::Member& member : value.members()) {
      const std::string inner(member.name);
      AddForm(form, name.empty() ? inner : name + "[" + inner + "]", member.value, format);
    }
    return;
  }
  if (value.is_array() && format != ArrayFormat::kCommas) {
    for (size_t i = 0; i < value.size(); ++i) {
      std::string inner = name;
      if (format == ArrayFormat::kIndices) inner += "[" + std::to_string(i) + "]";
      if (format == ArrayFormat::kBrackets) inner += "[]";
      AddForm(form, inner, value.At(i), format);
    }
    return;
  }
  std::string text;
  if (value.is_array())
    for (size_t i = 0; i < value.size(); ++i) text += (i ? "," : "") + TextOf(value.At(i));
  else
    text = TextOf(value);
  if (!form.empty()) form += "&";
  form += UrlEncode(name) + "=" + UrlEncode(text);
}

bool HasName(const Json& pairs, std::string_view name) {
  for (const Json& pair : ItemsOf(pairs))
    if (pair.At(0).AsString() == name) return true;
  return false;
}
bool HasNameIgnoringCase(const Json& pairs, std::string_view name) {
  for (const Json& pair : ItemsOf(pairs))
    if (EqualsIgnoreCase(pair.At(0).AsString(), name)) return true;
  return false;
}

/// A URL cannot have these as they are.
std::string Escaped(const std::string& url) {
  std::string out;
  for (const char c : url) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte >= 0x7F || std::string_view("\"<>\\^`{|}").find(c) != std::string::npos)
      out += UrlEncode(std::string_view(&c, 1));
    else
      out += c;
  }
  return out;
}

/// One request in the making. `hides`: the connection's part is taken into account and left out.
class Maker {
 public:
  Maker(const Json& parameters, const Json& credentials, const std::string& region, bool hides)
      : parameters_(parameters), credentials_(credentials), region_(region), hides_(hides) {}

  std::string Url() const {
    std::string url = parameters_.StringOr("ApiEndpoint", "");
    url = Escaped(url.substr(0, url.find('#')));
    const Json& given = parameters_["QueryParameters"];
    std::string query;
    if (given.is_string()) query = Escaped(given.AsString());
    for (const Json::Member& member : MembersOf(given))
      if (!HasName(credentials_["query"], member.name))
        AddForm(query, std::string(member.name), member.value, ArrayFormat::kRepeat);
    if (!hides_)
      for (const Json& pair : ItemsOf(credentials_["query"]))
        AddForm(query, pair.At(0).AsString(), pair.At(1), ArrayFormat::kRepeat);
    if (query.empty()) return url;
    return url + (url.find('?') == std::string::npos ? "?" : "&") + query;
  }

  /// AWS: the definition's, then the connection's; the same name in the same spelling is the
  /// connection's, in another spelling it comes behind it.
  std::vector<WebHeader> Headers() const {
    const Json& added = credentials_["headers"];
    std::vector<WebHeader> headers, behind;
    for (const Json::Member& header : MembersOf(parameters_["Headers"])) {
      const std::string name(header.name);
      if (HasName(added, name) || EqualsIgnoreCase(name, "User-Agent") ||
          EqualsIgnoreCase(name, "Range"))
        continue;
      std::vector<WebHeader>& list = HasNameIgnoringCase(added, name) ? behind : headers;
      if (header.value.is_array())
        for (const Json& value : header.value.items()) list.push_back({name, TextOf(value)});
      else
        list.push_back({name, TextOf(header.value)});
    }
    if (!hides_)
      for (const Json& pair : ItemsOf(added))
        headers.push_back({pair.At(0).AsString(), TextOf(pair.At(1))});
    headers.insert(headers.end(), behind.begin(), behind.end());
    headers.push_back({"User-Agent", "Amazon|StepFunctions|HttpInvoke|" + region_});
    headers.push_back({"Range", kRange});
    return headers;
  }

  Result<std::string> Body() const {
    Json body = parameters_["RequestBody"];
    const Json& added = credentials_["body"];
    if (added.size() > 0) {
      if (body.is_null()) body = Json::Object{};
      if (!body.is_object())
        return Error{Code::kInvalid, "States.Runtime",
                     "Cannot merge connection body authorization parameters with request body."};
      for (const Json& pair : ItemsOf(added)) {
        const std::string name = pair.At(0).AsString();
        body = hides_ ? body.Without(name) : body.With(name, pair.At(1));
      }
    }
    if (body.is_null()) return std::string();
    if (body.is_string()) return body.AsString();
    const Json& transform = parameters_["Transform"];
    if (transform.StringOr("RequestBodyEncoding", "NONE") != "URL_ENCODED") return body.Print();
    std::string form;
    AddForm(form, "", body,
            FormatOf(transform["RequestEncodingOptions"].StringOr("ArrayFormat", "")));
    return form;
  }

 private:
  const Json& parameters_;
  const Json& credentials_;
  const std::string& region_;
  const bool hides_;
};

std::string HeaderLine(const std::vector<WebHeader>& headers) {
  std::string line = "[";
  for (const WebHeader& header : headers)
    line += (line.size() > 1 ? ", " : "") + header.name + ": " + header.value;
  return line + "]";
}

/// The type without its parameters, in lower case.
std::string ContentType(const WebAnswer& answer) {
  for (const WebHeader& header : answer.headers) {
    if (!EqualsIgnoreCase(header.name, "Content-Type")) continue;
    std::string type = ToLower(std::string_view(header.value));
    type = type.substr(0, type.find(';'));
    while (type.ends_with(' ')) type.pop_back();
    return type;
  }
  return "";
}

Json HeadersOf(const WebAnswer& answer) {
  Json headers = Json::Object{};
  for (const WebHeader& header : answer.headers) {
    Json::Array values;
    if (const Json* before = headers.Find(header.name)) values = before->items();
    values.emplace_back(header.value);
    headers = headers.With(header.name, std::move(values));
  }
  return headers;
}

}  // namespace

Result<WebRequest> MakeHttpRequest(const Json& parameters, const Json& credentials,
                                   const std::string& region) {
  const Maker maker(parameters, credentials, region, false);
  WebRequest request;
  request.method = parameters.StringOr("Method", "");
  request.url = maker.Url();
  MILL_TRY(request.body, maker.Body());
  request.headers = maker.Headers();
  const bool has_type = std::any_of(
      request.headers.begin(), request.headers.end(),
      [](const WebHeader& header) { return EqualsIgnoreCase(header.name, "Content-Type"); });
  if (!request.body.empty() && !has_type) request.headers.push_back({"Content-Type", kJsonType});
  return request;
}

Json ShownHttpRequest(const Json& parameters, const Json& credentials, const std::string& region,
                      bool reveals) {
  const Maker maker(parameters, credentials, region, !reveals);
  Json::Object shown{{"protocol", "https"}, {"method", parameters["Method"]}};
  shown.Add("url", maker.Url());
  shown.Add("headers", HeaderLine(maker.Headers()));
  if (const auto body = maker.Body(); body && !body->empty()) shown.Add("body", *body);
  return Json(std::move(shown));
}

Json ShownHttpAnswer(const WebAnswer& answer) {
  Json::Object shown{{"protocol", "https"}, {"statusCode", std::to_string(answer.status)}};
  shown.Add("statusMessage", answer.reason);
  shown.Add("headers", HeaderLine(answer.headers));
  if (!answer.body.empty() && IsValidUtf8(answer.body)) shown.Add("body", answer.body);
  return Json(std::move(shown));
}

Result<Json> HttpTaskResult(const WebAnswer& answer) {
  const auto failed = [](std::string message) {
    return Error{Code::kInvalid, "States.Runtime", std::move(message)};
  };
  if (answer.status / 100 != 2)
    return Error{Code::kInvalid, "States.Http.StatusCode." + std::to_string(answer.status),
                 answer.reason};
  Json::Object result{{"Headers", HeadersOf(answer)}};
  if (!answer.body.empty()) {
    const std::string type = ContentType(answer);
    for (const char* prefix : {"application/octet-stream", "image/", "video/", "audio/"})
      if (type.starts_with(prefix))
        return failed("Unsupported response content-type '" + type +
                      "'. Please see documentation for list of unsupported content-types.");
    if (!IsValidUtf8(answer.body)) return failed("The response body is not a valid string.");
    Json body = answer.body;
    if (type == "application/json" || type.ends_with("+json"))
      if (const auto parsed = ParseJson(answer.body)) body = *parsed;
    result.Add("ResponseBody", body);
  }
  result.Add("StatusCode", answer.status);
  result.Add("StatusText", answer.reason);
  return Json(std::move(result));
}

Error HttpTaskError(const Error& error) {
  if (error.code == Code::kLimit)
    return {Code::kInvalid, "States.DataLimitExceeded",
            "The state/task 'http' returned a result with a size exceeding the maximum number of "
            "bytes service limit."};
  if (error.code == Code::kInvalid) return {Code::kInvalid, "States.Runtime", error.message};
  return {Code::kInvalid, "States.Http.Socket", error.message};
}

}  // namespace stepmill::states
