#include "service/events/connections.h"

#include "base/strings.h"
#include "service/ask.h"
#include "service/events/connection_secret.h"
#include "service/events/errors.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::events {

Key ConnectionKey(const Call& call, std::string_view name) {
  return call.KeyFor({"events", "connection", name});
}

namespace {

constexpr int kPageReadMax = 400;
constexpr char kDeauthorized[] =
    "The authorization parameters were removed from this connection by a DeauthorizeConnection "
    "operation.";

Json Date(const Json& connection, const char* member) {
  return SecondsSinceEpoch(TimeFromMillis(connection.IntOr(member, 0)));
}

Task<Document> FindConnection(Call& call) {
  const std::string name = call.input.StringOr("Name", "");
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(ConnectionKey(call, name)));
  if (!found) co_return NoSuchConnection(name);
  co_return *std::move(found);
}

/// The answer of everything that changes one.
Json Changed(const Json& connection, std::string_view state, bool is_new = false) {
  Json::Object answer{{"ConnectionArn", connection["arn"]},
                      {"ConnectionState", state},
                      {"CreationTime", Date(connection, "created")},
                      {"LastModifiedTime", Date(connection, "modified")}};
  if (!is_new) answer.Add("LastAuthorizedTime", Date(connection, "authorized"));
  return Json(std::move(answer));
}

Json Summary(const Json& connection) {
  Json::Object shown{{"ConnectionArn", connection["arn"]},
                     {"Name", connection["name"]},
                     {"ConnectionState", connection["state"]}};
  shown.SetIf("StateReason", connection.Find("reason"));
  shown.Add("AuthorizationType", connection["type"]);
  shown.Add("CreationTime", Date(connection, "created"));
  shown.Add("LastModifiedTime", Date(connection, "modified"));
  shown.Add("LastAuthorizedTime", Date(connection, "authorized"));
  return Json(std::move(shown));
}

Json Described(const Json& connection) {
  constexpr std::pair<const char*, const char*> kMembers[] = {{"Description", "description"},
                                                              {"SecretArn", "secret"},
                                                              {"KmsKeyIdentifier", "kmsKeyId"},
                                                              {"AuthParameters", "auth"}};
  Json shown = Summary(connection);
  for (const auto& [member, name] : kMembers)
    if (const Json* value = connection.Find(name)) shown = shown.With(member, *value);
  return shown;
}

/// Keeps the secret, and begins to be authorised by it.
Task<Json> Authorize(Call& call, Json connection, Json secret) {
  Json::Object asked{{"owner", "events"}, {"value", secret.Print()}};
  asked.SetIf("kmsKeyId", connection.Find("kmsKeyId"));
  if (connection.Has("secret"))
    asked.Add("SecretId", connection["secret"]);
  else
    asked.Add("name", "events!connection/" + connection.StringOr("name", "") + "/" +
                          call.ports.random.NewUuid());
  const Json what = std::move(asked);
  MILL_CO_TRY(const Json kept, co_await AskWithin(call, "secretsmanager", "PutOwnedSecret", what));
  const std::string version = call.ports.random.NewUuid();
  const bool is_oauth = connection.StringOr("type", "") == kOAuth;
  connection = connection.Without("reason").Without("token").Without("tokenEnds");
  connection = connection.With("secret", kept["ARN"])
                   .With("auth", ShownParameters(secret))
                   .With("state", is_oauth ? "AUTHORIZING" : "AUTHORIZED")
                   .With("version", version)
                   .With("authorized", MillisSinceEpoch(call.now));
  if (is_oauth)
    call.ports.engine.Start(call.batch, "events-authorize/" + version, kAuthorizeMachine,
                            Json::Object{{"name", connection["name"]},
                                         {"version", version},
                                         {"account", call.account},
                                         {"region", call.region}});
  co_return connection;
}

Task<> DropSecret(Call& call, Json connection) {
  if (!connection.Has("secret")) co_return Result<>();
  const Json what = Json::Object{{"SecretId", connection["secret"]}};
  MILL_CO_CHECK(co_await AskWithin(call, "secretsmanager", "DeleteOwnedSecret", what));
  co_return Result<>();
}

/// What an update starts from; nothing where the type changes or the secret is gone.
Task<Json> SecretBefore(Call& call, Json connection, std::string type) {
  if (!connection.Has("secret") || connection.StringOr("type", "") != type) co_return Json();
  const Json what = Json::Object{{"SecretId", connection["secret"]}};
  const auto read = co_await AskWithin(call, "secretsmanager", "GetSecretValue", what);
  if (!read) co_return Json();
  auto secret = ParseJson(read->StringOr("SecretString", ""));
  co_return secret ? *std::move(secret) : Json();
}

}  // namespace

Task<Json> CreateConnection(Call& call) {
  const Json& input = call.input;
  const std::string name = input.StringOr("Name", "");
  const std::string type = input.StringOr("AuthorizationType", "");
  MILL_CO_TRY(const Json secret, MakeSecret(type, input["AuthParameters"], Json()));
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ConnectionKey(call, name)));
  if (found) co_return ConnectionExists(name);
  const std::string id = call.ports.random.NewUuid();
  Json::Object made{{"name", name}, {"id", id}};
  made.Add("arn", call.Arn("events", "connection/" + name + "/" + id));
  made.SetIf("description", input.Find("Description"));
  made.SetIf("kmsKeyId", input.Find("KmsKeyIdentifier"));
  made.Add("type", type);
  made.Add("created", MillisSinceEpoch(call.now));
  made.Add("modified", MillisSinceEpoch(call.now));
  const Json body = std::move(made);
  MILL_CO_TRY(const Json connection, co_await Authorize(call, body, secret));
  call.batch.Create(ConnectionKey(call, name), connection);
  co_return Changed(connection, connection.StringOr("state", ""), true);
}

Task<Json> UpdateConnection(Call& call) {
  const Json& input = call.input;
  const Json& given = input["AuthParameters"];
  const bool is_auth = input.Has("AuthorizationType") &&
                       (given.Has("BasicAuthParameters") || given.Has("ApiKeyAuthParameters") ||
                        given.Has("OAuthParameters"));
  if (!is_auth && !input.Has("Description") && !input.Has("KmsKeyIdentifier"))
    co_return Invalid(
        "Failed to update the connection(s). At least one of the following is required: "
        "Description, KmsKeyIdentifier, AuthorizationType with BasicAuthParameters, "
        "ApiKeyAuthParameters, or OAuthParameters.");
  MILL_CO_TRY(const Document found, co_await FindConnection(call));
  Json body = found.body;
  const int64_t now = MillisSinceEpoch(call.now);
  if (const Json* text = input.Find("Description")) body = body.With("description", *text);
  if (const Json* key = input.Find("KmsKeyIdentifier")) body = body.With("kmsKeyId", *key);
  if (input.Has("Description") || input.Has("KmsKeyIdentifier")) body = body.With("modified", now);
  // AWS: the answer has the time of the change before when only what authorises changes.
  const Json shown_times = body;
  if (is_auth) {
    const std::string type = input.StringOr("AuthorizationType", "");
    MILL_CO_TRY(const Json before, co_await SecretBefore(call, body, type));
    MILL_CO_TRY(const Json secret, MakeSecret(type, given, before));
    body = body.With("type", type).With("modified", now);
    MILL_CO_TRY(body, co_await Authorize(call, body, secret));
  }
  call.batch.Replace(found, body);
  co_return Changed(body.With("modified", shown_times["modified"]), body.StringOr("state", ""));
}

Task<Json> DescribeConnection(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindConnection(call));
  co_return Described(found.body);
}

Task<Json> ListConnections(Call& call) {
  const Key from = ConnectionKey(call, call.input.StringOr("NamePrefix", ""));
  const std::string state = call.input.StringOr("ConnectionState", "");
  Json::Array shown;
  for (Key at = from;;) {
    MILL_CO_TRY(const auto page, co_await call.ports.store.Range(
                                     at, PrefixEnd(from), Direction::kForward, kPageReadMax));
    for (const Document& document : page)
      if (state.empty() || document.body.StringOr("state", "") == state)
        shown.push_back(Summary(document.body));
    if (page.size() < static_cast<size_t>(kPageReadMax)) break;
    at = page.back().key + '\0';
  }
  co_return PageOf(call.input, "Connections", shown, "Limit", "NextToken",
                   Invalid("Invalid nextToken."));
}

Task<Json> DeleteConnection(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindConnection(call));
  MILL_CO_CHECK(co_await DropSecret(call, found.body));
  call.batch.expects.push_back({found.key, found.version});
  call.batch.Delete(found.key);
  co_return Changed(found.body, "DELETING");
}

Task<Json> DeauthorizeConnection(Call& call) {
  MILL_CO_TRY(const Document found, co_await FindConnection(call));
  MILL_CO_CHECK(co_await DropSecret(call, found.body));
  Json body = found.body.Without("secret").Without("token").Without("tokenEnds");
  body = body.With("auth", Json(Json::Object{}))
             .With("state", "DEAUTHORIZED")
             .With("reason", kDeauthorized)
             .With("version", call.ports.random.NewUuid())
             .With("modified", MillisSinceEpoch(call.now));
  call.batch.Replace(found, body);
  co_return Changed(found.body, "DEAUTHORIZING");
}

}  // namespace stepmill::events
