#include "service/events/connection_secret.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/events/errors.h"

namespace stepmill::events {
namespace {

struct Name {
  const char *request, *kept;
};
struct Kind {
  std::string_view type;
  const char* member;  ///< of AuthParameters
  Name fields[2];      ///< what is shown, what is secret
};
constexpr Kind kKinds[] = {
    {"BASIC", "BasicAuthParameters", {{"Username", "username"}, {"Password", "password"}}},
    {"API_KEY",
     "ApiKeyAuthParameters",
     {{"ApiKeyName", "api_key_name"}, {"ApiKeyValue", "api_key_value"}}},
    {kOAuth, "OAuthParameters", {{"ClientID", "client_id"}, {"ClientSecret", "client_secret"}}}};
constexpr Name kEndpoint[] = {{"AuthorizationEndpoint", "authorization_endpoint"},
                              {"HttpMethod", "http_method"}};
constexpr Name kLists[] = {{"HeaderParameters", "header_parameters"},
                           {"QueryStringParameters", "query_string_parameters"},
                           {"BodyParameters", "body_parameters"}};

const Kind* KindOf(std::string_view type) {
  for (const Kind& kind : kKinds)
    if (kind.type == type) return &kind;
  return nullptr;
}

/// An update names a secret parameter without its value: it stays.
Json ValueBefore(const Json& before, const Json& key) {
  for (const Json& parameter : ItemsOf(before))
    if (parameter["key"] == key) return parameter["value"];
  return Json("");
}

Result<Json> MakeParameters(const Json& given, const Json& before) {
  Json out = before.is_object() ? before : Json(Json::Object{});
  for (const Name& list : kLists) {
    if (!given.Has(list.request)) continue;
    Json::Array kept;
    for (const Json& parameter : ItemsOf(given[list.request])) {
      if (parameter.StringOr("Key", "").empty())
        return Invalid("Parameter " + std::string(list.request) + " is not valid. Reason: Key is " +
                       "required.");
      const Json value = parameter.Has("Value") ? parameter["Value"]
                                                : ValueBefore(before[list.kept], parameter["Key"]);
      kept.push_back(Json::Object{{"key", parameter["Key"]},
                                  {"value", value},
                                  {"is_value_secret", parameter.BoolOr("IsValueSecret", false)}});
    }
    out = out.With(list.kept, std::move(kept));
  }
  return out;
}

Json ShownLists(const Json& parameters) {
  Json::Object out;
  for (const Name& list : kLists) {
    if (!parameters.Has(list.kept)) continue;
    Json::Array shown;
    for (const Json& parameter : ItemsOf(parameters[list.kept])) {
      Json::Object one{{"Key", parameter["key"]}};
      const bool is_secret = parameter.BoolOr("is_value_secret", false);
      if (!is_secret) one.Add("Value", parameter["value"]);
      one.Add("IsValueSecret", is_secret);
      shown.push_back(std::move(one));
    }
    out.Add(list.request, std::move(shown));
  }
  return Json(std::move(out));
}

/// The members that say who asks; an OAuth client's are one level deeper.
Result<> TakeFields(const Kind& kind, const Json& given, Json& secret) {
  const Json& own = given[kind.member];
  const Json& from = kind.type == kOAuth ? own["ClientParameters"] : own;
  for (const Name& field : kind.fields)
    if (from.Has(field.request)) secret = secret.With(field.kept, from[field.request]);
  if (kind.type == kOAuth) {
    for (const Name& field : kEndpoint)
      if (own.Has(field.request)) secret = secret.With(field.kept, own[field.request]);
    if (!ToLower(secret.StringOr("authorization_endpoint", "")).starts_with("https://"))
      return Invalid(
          "Parameter AuthorizationEndpoint is not valid. Reason: it must be an HTTPS "
          "endpoint.");
    if (own.Has("OAuthHttpParameters")) {
      MILL_TRY(const Json made,
               MakeParameters(own["OAuthHttpParameters"], secret["oauth_http_parameters"]));
      secret = secret.With("oauth_http_parameters", made);
    }
  }
  for (const Name& field : kind.fields)
    if (!secret.Has(field.kept))
      return Invalid("Parameter " + std::string(kind.member) +
                     " is not valid. Reason: " + field.request + " is required.");
  return {};
}

Json Pairs(const Json& list) {
  Json::Array pairs;
  for (const Json& parameter : ItemsOf(list))
    pairs.push_back(Json::Array{parameter["key"], parameter["value"]});
  return Json(std::move(pairs));
}

}  // namespace

Result<Json> MakeSecret(const std::string& type, const Json& parameters, const Json& before) {
  const Kind* kind = KindOf(type);
  if (!kind) return Invalid("Parameter AuthorizationType is not valid.");
  Json secret = before.is_object() ? before : Json(Json::Object{});
  for (const Kind& other : kKinds)
    if (other.type != type && parameters.Has(other.member))
      return Invalid("Parameter AuthParameters is not valid. Reason: " + std::string(other.member) +
                     " does not go with AuthorizationType " + type + ".");
  if (!before.is_object() && !parameters.Has(kind->member))
    return Invalid("Parameter AuthParameters is not valid. Reason: AuthorizationType " + type +
                   " requires " + kind->member + ".");
  MILL_CHECK(TakeFields(*kind, parameters, secret));
  if (parameters.Has("InvocationHttpParameters")) {
    MILL_TRY(const Json made, MakeParameters(parameters["InvocationHttpParameters"],
                                             secret["invocation_http_parameters"]));
    secret = secret.With("invocation_http_parameters", made);
  }
  return secret;
}

Json ShownParameters(const Json& secret) {
  Json::Object out;
  for (const Kind& kind : kKinds) {
    const Name& shown = kind.fields[0];
    if (!secret.Has(shown.kept)) continue;
    Json own = Json::Object{{shown.request, secret[shown.kept]}};
    if (kind.type == kOAuth) {
      own = Json::Object{{"ClientParameters", own}};
      for (const Name& field : kEndpoint) own = own.With(field.request, secret[field.kept]);
      if (secret.Has("oauth_http_parameters"))
        own = own.With("OAuthHttpParameters", ShownLists(secret["oauth_http_parameters"]));
    }
    out.Add(kind.member, own);
  }
  if (secret.Has("invocation_http_parameters"))
    out.Add("InvocationHttpParameters", ShownLists(secret["invocation_http_parameters"]));
  return Json(std::move(out));
}

Json CredentialsOf(const Json& secret) {
  const Json& added = secret["invocation_http_parameters"];
  Json::Array headers;
  if (secret.Has("username"))
    headers.push_back(
        Json::Array{"Authorization", "Basic " + Base64(secret.StringOr("username", "") + ":" +
                                                       secret.StringOr("password", ""))});
  if (secret.Has("api_key_name"))
    headers.push_back(Json::Array{secret["api_key_name"], secret["api_key_value"]});
  for (const Json& pair : ItemsOf(Pairs(added["header_parameters"]))) headers.push_back(pair);
  return Json::Object{{"headers", std::move(headers)},
                      {"query", Pairs(added["query_string_parameters"])},
                      {"body", Pairs(added["body_parameters"])},
                      {"isOAuth", secret.Has("client_id")}};
}

}  // namespace stepmill::events
