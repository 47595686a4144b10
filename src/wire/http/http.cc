#include "wire/http/http.h"

#include <algorithm>

#include "base/strings.h"

namespace stepmill::wire {

void Headers::Set(std::string name, std::string value) {
  std::erase_if(fields_,
                [&name](const auto& field) { return EqualsIgnoreCase(field.first, name); });
  Add(std::move(name), std::move(value));
}

std::string_view Headers::Get(std::string_view name) const {
  for (const auto& [key, value] : fields_)
    if (EqualsIgnoreCase(key, name)) return value;
  return {};
}

std::string Headers::Joined(std::string_view name) const {
  std::string joined;
  for (const auto& [key, value] : fields_)
    if (EqualsIgnoreCase(key, name)) joined += (joined.empty() ? "" : ", ") + value;
  return joined;
}

bool Headers::Has(std::string_view name) const {
  return std::any_of(fields_.begin(), fields_.end(),
                     [name](const auto& field) { return EqualsIgnoreCase(field.first, name); });
}

std::optional<std::string> HttpRequest::Query(std::string_view name) const {
  for (const std::string_view part : Split(query, '&')) {
    const size_t equals = part.find('=');
    if (UrlDecode(part.substr(0, equals), true) != name) continue;
    return equals == std::string_view::npos ? "" : UrlDecode(part.substr(equals + 1), true);
  }
  return std::nullopt;
}

HttpResponse TextResponse(int status, std::string text) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = std::move(text);
  return response;
}

HttpResponse JsonResponse(int status, const Json& body, std::string content_type) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", std::move(content_type));
  response.body = body.Print();
  return response;
}

}  // namespace stepmill::wire
