#include "base/strings.h"
#include "gate/door.h"
#include "gate/vault.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/events/connection_secret.h"
#include "service/events/connections.h"
#include "service/events/errors.h"
#include "service/ports.h"
#include "task/ports.h"
#include "task/web.h"

namespace stepmill::events {
namespace {

constexpr int64_t kTokenMarginMs = 60'000;  // one that is about to end is renewed before it is used
constexpr int64_t kTokenSecondsDefault = 3600;
constexpr int64_t kTokenSecondsMax = 365 * 86'400;
constexpr std::chrono::seconds kTokenTimeout{20};
constexpr size_t kTokenAnswerMax = 64 * 1024;

std::string Pair(std::string_view name, std::string_view value) {
  return UrlEncode(name) + "=" + UrlEncode(value);
}

void AddPairs(std::string& text, const Json& list) {
  for (const Json& parameter : ItemsOf(list))
    text += (text.empty() ? "" : "&") +
            Pair(parameter.StringOr("key", ""), parameter.StringOr("value", ""));
}

/// As EventBridge asks: the connection's own parameters, then who the client is.
WebRequest TokenRequest(const Json& secret) {
  const Json& added = secret["oauth_http_parameters"];
  WebRequest request;
  request.method = secret.StringOr("http_method", "POST");
  request.url = secret.StringOr("authorization_endpoint", "");
  request.timeout = kTokenTimeout;
  request.body_bytes_max = kTokenAnswerMax;
  std::string query, form;
  AddPairs(query, added["query_string_parameters"]);
  AddPairs(form, added["body_parameters"]);
  if (!form.empty()) form += "&";
  form += Pair("client_secret", secret.StringOr("client_secret", "")) + "&" +
          Pair("client_id", secret.StringOr("client_id", ""));
  if (request.method == "GET") {  // it has no body to put them in
    query += (query.empty() ? "" : "&") + form;
  } else {
    request.body = form;
    request.headers.push_back({"Content-Type", "application/x-www-form-urlencoded"});
  }
  if (!query.empty())
    request.url += (request.url.find('?') == std::string::npos ? "?" : "&") + query;
  for (const Json& parameter : ItemsOf(added["header_parameters"]))
    request.headers.push_back({parameter.StringOr("key", ""), parameter.StringOr("value", "")});
  return request;
}

Error Unauthorized(std::string why) {
  return ConnectionResource(Code::kDenied, "InvalidConnectionState", std::move(why));
}

/// {"token", "seconds"}; an error says why there is none.
Task<Json> FetchToken(Ports& ports, Json secret) {
  const auto answer = co_await ports.web.Send(TokenRequest(secret));
  if (!answer)
    co_return Unauthorized("The authorization endpoint could not be reached: " +
                           answer.error().message);
  if (answer->status / 100 != 2)
    co_return Unauthorized("The authorization endpoint answered with the status code " +
                           std::to_string(answer->status) + ".");
  const auto body = ParseJson(answer->body);
  if (!body || body->StringOr("access_token", "").empty())
    co_return Unauthorized("The authorization endpoint returned no access token.");
  const Json& given = (*body)["expires_in"];
  const auto told = given.is_string() ? ParseInt(given.AsString()) : ParseInt(given.Print());
  const int64_t seconds = told && *told > 0 ? *told : kTokenSecondsDefault;
  co_return Json::Object{{"token", (*body)["access_token"]},
                         {"seconds", std::min(seconds, kTokenSecondsMax)}};
}

Json WithToken(const Call& call, const Json& connection, const Json& token) {
  const Secret text(token.StringOr("token", ""));
  return connection.Without("reason")
      .With("state", "AUTHORIZED")
      .With("authorized", MillisSinceEpoch(call.now))
      .With("token", call.ports.vault.Seal(text, connection.StringOr("arn", "")))
      .With("tokenEnds", MillisSinceEpoch(call.now) + token.IntOr("seconds", 0) * 1000);
}

Json Deauthorized(const Json& connection, const std::string& reason) {
  return connection.Without("token")
      .Without("tokenEnds")
      .With("state", "DEAUTHORIZED")
      .With("reason", reason);
}

/// The connection of an ARN, of this account and region.
Task<Document> FindByArn(Call& call) {
  const std::string arn = call.input.StringOr("ConnectionArn", "");
  const std::vector<std::string_view> parts = Split(arn, '/');
  std::optional<Document> found;
  if (parts.size() == 3) {
    const Key key = ConnectionKey(call, parts[1]);
    MILL_CO_TRY(found, co_await call.ports.store.Get(key));
  }
  if (!found || found->body.StringOr("arn", "") != arn)
    co_return ConnectionResource(Code::kNotFound, "ResourceNotFound",
                                 "The connection " + arn + " does not exist.");
  co_return *std::move(found);
}

/// The secret as the caller may read it.
Task<Json> ReadSecretOf(Call& call, Json connection) {
  const Json what = Json::Object{{"SecretId", connection["secret"]}};
  auto read = co_await AskToRead(call, "secretsmanager", "DescribeSecret", what);
  if (read) read = co_await AskToRead(call, "secretsmanager", "GetSecretValue", what);
  if (!read && read.error().code == Code::kDenied)
    co_return ConnectionResource(Code::kDenied, "AccessDenied",
                                 "No permissions to call DescribeSecret and/or GetSecretValue on "
                                 "the secret associated with the connection resource.");
  if (!read)
    co_return Unauthorized("The secret associated with the connection cannot be read: " +
                           read.error().message);
  auto secret = ParseJson(read->output.StringOr("SecretString", ""));
  if (!secret) co_return Unauthorized("The secret associated with the connection is not JSON.");
  co_return *std::move(secret);
}

Result<> CheckState(const Json& connection) {
  const std::string state = connection.StringOr("state", "");
  if (state == "AUTHORIZED") return {};
  if (state == "AUTHORIZING")
    return ConnectionResource(Code::kConflict, "AuthInProgress",
                              "The authorization of the connection is in progress.");
  return ConnectionResource(Code::kConflict, "InvalidConnectionState",
                            "The connection is in the state " + state + ".");
}

/// The token that is kept, when it is good for a while.
Result<std::string> KeptToken(const Call& call, const Json& connection) {
  if (connection.IntOr("tokenEnds", 0) - kTokenMarginMs < MillisSinceEpoch(call.now))
    return std::string();
  MILL_TRY(const Secret token,
           call.ports.vault.Open(connection.StringOr("token", ""), connection.StringOr("arn", "")));
  return token.Reveal();
}

Json WithBearer(const Json& credentials, const std::string& token) {
  Json::Array headers;
  headers.push_back(Json::Array{"Authorization", "Bearer " + token});
  for (const Json& header : ItemsOf(credentials["headers"])) headers.push_back(header);
  return credentials.With("headers", std::move(headers));
}

}  // namespace

Task<Json> AuthorizeConnection(Call& call) {
  const Key key = ConnectionKey(call, call.input.StringOr("name", ""));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
  const Json nothing = Json::Object{};
  // It may have been changed, or be gone, since.
  if (!found || found->body["version"] != call.input["version"]) co_return nothing;
  Result<Json> token = co_await ReadSecretOf(call, found->body);
  if (token) token = co_await FetchToken(call.ports, *token);
  if (token)
    call.batch.Replace(
        *found, WithToken(call, found->body, *token).With("modified", MillisSinceEpoch(call.now)));
  else
    call.batch.Replace(*found, Deauthorized(found->body, token.error().message));
  co_return nothing;
}

Step AdvanceAuthorization(const std::string&, const Json&, const Event& event) {
  Step step;
  if (event.kind == "start") {
    step.state = event.data;
    const std::string account = event.data.StringOr("account", "");
    const Json input =
        Json::Object{{"name", event.data["name"]}, {"version", event.data["version"]}};
    step.turn.effects.push_back({"authorize", "door",
                                 DoorCall("events", "AuthorizeConnection", input,
                                          ServicePrincipal("events.amazonaws.com", account),
                                          account, event.data.StringOr("region", ""), true)});
    return step;
  }
  step.turn.is_finished = true;
  return step;
}

Task<Json> RetrieveConnectionCredentials(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindByArn(call));
  MILL_CO_CHECK(CheckState(found.body));
  MILL_CO_TRY(const Json secret, co_await ReadSecretOf(call, found.body));
  const Json credentials = CredentialsOf(secret);
  if (!credentials.BoolOr("isOAuth", false)) co_return credentials;
  MILL_CO_TRY(const std::string kept, KeptToken(call, found.body));
  if (!kept.empty()) co_return WithBearer(credentials, kept);
  MILL_CO_TRY(const Json token, co_await FetchToken(call.ports, secret));
  call.batch.Replace(found, WithToken(call, found.body, token));
  co_return WithBearer(credentials, token.StringOr("token", ""));
}

Task<Json> RenewConnectionCredentials(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindByArn(call));
  const Json refused = Json::Object{{"isRenewed", false}};
  if (!CheckState(found.body)) co_return refused;
  if (found.body.StringOr("type", "") != kOAuth) {
    call.batch.Replace(found, Deauthorized(found.body,
                                           "The server did not accept the connection's "
                                           "credentials (status code " +
                                               call.input["status"].Print() + ")."));
    co_return refused;
  }
  MILL_CO_TRY(const Json secret, co_await ReadSecretOf(call, found.body));
  auto token = co_await FetchToken(call.ports, secret);
  if (!token) {
    call.batch.Replace(found, Deauthorized(found.body, token.error().message));
    co_return refused;
  }
  call.batch.Replace(found, WithToken(call, found.body, *token));
  const Json renewed = Json::Object{{"isRenewed", true}};
  co_return renewed;
}

}  // namespace stepmill::events
