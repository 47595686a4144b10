#pragma once

#include <string>

#include "base/result.h"
#include "json/json.h"

/// What a connection authorises with, as the JSON that EventBridge keeps in Secrets Manager:
///
///   BASIC     username, password
///   API_KEY   api_key_name, api_key_value
///   OAUTH_CLIENT_CREDENTIALS  client_id, client_secret, authorization_endpoint, http_method,
///             oauth_http_parameters?
///   all       invocation_http_parameters? {header_parameters, query_string_parameters,
///             body_parameters: [{key, value, is_value_secret}]}
namespace stepmill::events {

inline constexpr char kOAuth[] = "OAUTH_CLIENT_CREDENTIALS";

/// From the AuthParameters of a request. `before`: the secret that an update changes, else null;
/// what the request leaves out stays. ValidationException.
Result<Json> MakeSecret(const std::string& type, const Json& parameters, const Json& before);

/// AuthParameters as DescribeConnection shows them: without what is secret.
Json ShownParameters(const Json& secret);

/// {"headers", "query", "body": [[name, value], ...], "isOAuth"}: what goes into a request. The
/// header of an OAuth connection is made of its token, elsewhere.
Json CredentialsOf(const Json& secret);

}  // namespace stepmill::events
