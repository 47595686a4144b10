#pragma once

#include <string>
#include <string_view>

#include "engine/engine.h"
#include "gate/operation.h"

/// Connections: how requests to servers outside are authorised.
///
///   events/connection/NAME   name, id, arn, description, kmsKeyId, state, reason, type, secret
///   (the
///                            ARN of events!connection/NAME/UUID in Secrets Manager), auth (what
///                            DescribeConnection shows of AuthParameters), created, modified,
///                            authorized (ms), version (a new one with each authorisation), token
///                            (OAuth; sealed under the ARN), tokenEnds (ms)
///
/// What is secret stands in Secrets Manager only, owned by "events"; both change in one
/// transaction. An OAuth connection is AUTHORIZING until an instance of the loop has its first
/// token. AWS: docs.aws.amazon.com/eventbridge/latest/userguide/eb-target-connection.html
namespace stepmill::events {

inline constexpr std::string_view kAuthorizeMachine = "events-authorize";

Key ConnectionKey(const Call& call, std::string_view name);

Task<Json> CreateConnection(Call& call);
Task<Json> UpdateConnection(Call& call);
Task<Json> DescribeConnection(Call& call);
Task<Json> ListConnections(Call& call);
Task<Json> DeleteConnection(Call& call);
Task<Json> DeauthorizeConnection(Call& call);

/// Internal: {"name", "version"}, the first token of an OAuth connection.
Task<Json> AuthorizeConnection(Call& call);
/// Internal: {"ConnectionArn"} -> CredentialsOf(), with the token of an OAuth connection, for a
/// request on behalf of the caller, who must be allowed to read the secret. Errors are named
/// Events.ConnectionResource.*
Task<Json> RetrieveConnectionCredentials(Call& call);
/// Internal: {"ConnectionArn"}, a server answered 401 or 407: an OAuth connection gets a new token,
/// others are DEAUTHORIZED. -> {"isRenewed"}
Task<Json> RenewConnectionCredentials(Call& call);
Step AdvanceAuthorization(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::events
