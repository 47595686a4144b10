#include "service/codeconnections/codeconnections.h"

#include "base/strings.h"
#include "gate/model.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codeconnections {
namespace {

// Documents: ACCOUNT/REGION/codeconnections/connection/UUID, .../host/UUID: the modelled Connection
// and Host, with their tags.

constexpr int kAllMax = 10'000;
constexpr std::string_view kName = "codeconnections";
constexpr std::string_view kOlderName = "codestar-connections";

Error NotFound(std::string_view kind, std::string_view arn) {
  return {Code::kNotFound, "ResourceNotFoundException",
          std::string(kind) + " " + std::string(arn) + " not found"};
}

Error BadToken() {
  return {Code::kInvalid, "ValidationException", "The next token is not one of this operation's."};
}

/// "UUID" of arn:aws:codestar-connections:R:A:connection/UUID; a host's ends in NAME/UUID-part.
std::string IdOf(std::string_view arn) {
  const size_t slash = arn.rfind('/');
  return std::string(slash == arn.npos ? arn : arn.substr(slash + 1));
}

Task<Document> Require(Call& call, std::string kind, std::string arn) {
  const Key key = call.KeyFor({"codeconnections", kind, IdOf(arn)});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return NotFound(kind == "host" ? "Host" : "Connection", arn);
  co_return *std::move(found);
}

Task<std::vector<Document>> All(Call& call, std::string kind) {
  const Key prefix = call.KeyFor({"codeconnections", kind, ""});
  return call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAllMax);
}

Task<Json> Create(Call& call, std::string service) {
  const std::string name = call.input.StringOr("ConnectionName", "");
  const std::string host_arn = call.input.StringOr("HostArn", "");
  std::string provider = call.input.StringOr("ProviderType", "");
  if (host_arn.empty() == provider.empty())
    co_return Error{Code::kInvalid, "InvalidInputException",
                    "Exactly one of ProviderType and HostArn is given"};
  if (!host_arn.empty()) {
    MILL_CO_TRY(const Document host, co_await Require(call, "host", host_arn));
    provider = host.body.StringOr("ProviderType", "");
  }
  const std::string id = call.ports.random.NewUuid();
  const std::string arn = call.Arn(service, "connection/" + id);
  Json::Object connection;
  connection.Set("ConnectionName", name);
  connection.Set("ConnectionArn", arn);
  connection.Set("ProviderType", provider);
  connection.Set("OwnerAccountId", call.account);
  connection.Set("ConnectionStatus", "AVAILABLE");
  if (!host_arn.empty()) connection.Set("HostArn", host_arn);
  connection.SetIf("Tags", call.input.Find("Tags"));
  call.batch.Create(call.KeyFor({"codeconnections", "connection", id}), connection);
  Json::Object output{{"ConnectionArn", arn}};
  output.SetIf("Tags", call.input.Find("Tags"));
  co_return Json(output);
}
Task<Json> CreateConnection(Call& call) { return Create(call, std::string(kName)); }
Task<Json> CreateOlderConnection(Call& call) { return Create(call, std::string(kOlderName)); }

Task<Json> GetConnection(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await Require(call, "connection", call.input.StringOr("ConnectionArn", "")));
  co_return Json::Object{{"Connection", found.body.Without("Tags")}};
}

Task<Json> ListConnections(Call& call) {
  const std::string provider = call.input.StringOr("ProviderTypeFilter", "");
  const std::string host = call.input.StringOr("HostArnFilter", "");
  MILL_CO_TRY(const std::vector<Document> all, co_await All(call, "connection"));
  Json::Array connections;
  for (const Document& document : all) {
    if (!provider.empty() && document.body.StringOr("ProviderType", "") != provider) continue;
    if (!host.empty() && document.body.StringOr("HostArn", "") != host) continue;
    connections.push_back(document.body.Without("Tags"));
  }
  co_return PageOf(call.input, "Connections", connections, "MaxResults", "NextToken", BadToken());
}

Task<Json> DeleteConnection(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await Require(call, "connection", call.input.StringOr("ConnectionArn", "")));
  call.batch.Delete(found.key);
  co_return Json::Object{};
}

Task<Json> MakeHost(Call& call, std::string service) {
  const std::string name = call.input.StringOr("Name", "");
  const std::string endpoint = call.input.StringOr("ProviderEndpoint", "");
  if (!endpoint.starts_with("https://") && !endpoint.starts_with("http://"))
    co_return Error{Code::kInvalid, "ValidationException",
                    "ProviderEndpoint is a http or https URL, not '" + endpoint + "'"};
  if (call.input.Has("VpcConfiguration"))
    co_return Error{Code::kInvalid, "ValidationException",
                    "VpcConfiguration is not supported by stepmill"};
  const std::string id = name + "-" + call.ports.random.NewUuid().substr(0, 8);
  const std::string arn = call.Arn(service, "host/" + id);
  Json::Object host;
  host.Set("Name", name);
  host.Set("HostArn", arn);
  host.Set("ProviderType", call.input["ProviderType"]);
  host.Set("ProviderEndpoint", endpoint);
  host.Set("Status", "AVAILABLE");
  host.SetIf("Tags", call.input.Find("Tags"));
  call.batch.Create(call.KeyFor({"codeconnections", "host", id}), host);
  Json::Object output{{"HostArn", arn}};
  output.SetIf("Tags", call.input.Find("Tags"));
  co_return Json(output);
}
Task<Json> CreateHost(Call& call) { return MakeHost(call, std::string(kName)); }
Task<Json> CreateOlderHost(Call& call) { return MakeHost(call, std::string(kOlderName)); }

Task<Json> GetHost(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await Require(call, "host", call.input.StringOr("HostArn", "")));
  co_return found.body.Without("Tags").Without("HostArn");
}

Task<Json> ListHosts(Call& call) {
  MILL_CO_TRY(const std::vector<Document> all, co_await All(call, "host"));
  Json::Array hosts;
  for (const Document& document : all) hosts.push_back(document.body.Without("Tags"));
  co_return PageOf(call.input, "Hosts", hosts, "MaxResults", "NextToken", BadToken());
}

Task<Json> DeleteHost(Call& call) {
  const std::string arn = call.input.StringOr("HostArn", "");
  MILL_CO_TRY(const Document found, co_await Require(call, "host", arn));
  MILL_CO_TRY(const std::vector<Document> connections, co_await All(call, "connection"));
  for (const Document& connection : connections)
    if (connection.body.StringOr("HostArn", "") == found.body.StringOr("HostArn", ""))
      co_return Error{
          Code::kConflict, "ResourceUnavailableException",
          "Host " + arn + " is used by " + connection.body.StringOr("ConnectionArn", "")};
  call.batch.Delete(found.key);
  co_return Json::Object{};
}

/// For pipelines and builds that read through a connection: the connection, and the endpoint of its
/// host when it leads to another git server. Its action is the one that roles carry.
Task<Json> UseConnection(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await Require(call, "connection", call.input.StringOr("ConnectionArn", "")));
  Json::Object output{{"Connection", found.body.Without("Tags")}};
  if (found.body.Has("HostArn")) {
    MILL_CO_TRY(const Document host,
                co_await Require(call, "host", found.body.StringOr("HostArn", "")));
    output.Set("ProviderEndpoint", host.body["ProviderEndpoint"]);
  }
  co_return Json(output);
}

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, std::string_view resource, Access access,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation kOperations[] = {
    Row("CreateConnection", CreateConnection, "codeconnections:CreateConnection", "*",
        Access::kWrite, "Tags"),
    Row("GetConnection", GetConnection, "codeconnections:GetConnection", "{ConnectionArn}",
        Access::kRead),
    Row("ListConnections", ListConnections, "codeconnections:ListConnections", "*", Access::kList),
    Row("DeleteConnection", DeleteConnection, "codeconnections:DeleteConnection", "{ConnectionArn}",
        Access::kWrite),
    Row("CreateHost", CreateHost, "codeconnections:CreateHost", "*", Access::kWrite, "Tags"),
    Row("GetHost", GetHost, "codeconnections:GetHost", "{HostArn}", Access::kRead),
    Row("ListHosts", ListHosts, "codeconnections:ListHosts", "*", Access::kList),
    Row("DeleteHost", DeleteHost, "codeconnections:DeleteHost", "{HostArn}", Access::kWrite),
    {.name = "UseConnection",
     .handler = UseConnection,
     .action = "codeconnections:UseConnection",
     .resource = "{ConnectionArn}",
     .access = Access::kRead,
     .is_internal = true},
};
constexpr Operation kOlderOperations[] = {
    Row("CreateConnection", CreateOlderConnection, "codestar-connections:CreateConnection", "*",
        Access::kWrite, "Tags"),
    Row("GetConnection", GetConnection, "codestar-connections:GetConnection", "{ConnectionArn}",
        Access::kRead),
    Row("ListConnections", ListConnections, "codestar-connections:ListConnections", "*",
        Access::kList),
    Row("DeleteConnection", DeleteConnection, "codestar-connections:DeleteConnection",
        "{ConnectionArn}", Access::kWrite),
    Row("CreateHost", CreateOlderHost, "codestar-connections:CreateHost", "*", Access::kWrite,
        "Tags"),
    Row("GetHost", GetHost, "codestar-connections:GetHost", "{HostArn}", Access::kRead),
    Row("ListHosts", ListHosts, "codestar-connections:ListHosts", "*", Access::kList),
    Row("DeleteHost", DeleteHost, "codestar-connections:DeleteHost", "{HostArn}", Access::kWrite),
    {.name = "UseConnection",
     .handler = UseConnection,
     .action = "codestar-connections:UseConnection",
     .resource = "{ConnectionArn}",
     .access = Access::kRead,
     .is_internal = true},
};

}  // namespace

const Service kService{.name = kName,
                       .host = "codeconnections.amazonaws.com",
                       .model = &models::kCodeconnections,
                       .operations = kOperations};
const Service kOlderService{.name = kOlderName,
                            .host = "codestar-connections.amazonaws.com",
                            .model = &models::kCodestarConnections,
                            .operations = kOlderOperations};

}  // namespace stepmill::codeconnections
