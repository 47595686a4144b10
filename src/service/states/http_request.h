#pragma once

#include <string>

#include "json/json.h"
#include "task/web.h"

/// What arn:aws:states:::http:invoke sends and what it makes of the answer. Pure.
/// docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
namespace stepmill::states {

/// The request that `parameters` and the credentials of a connection (events'
/// RetrieveConnectionCredentials) make together: the connection wins. States.Runtime when they do
/// not go together.
Result<WebRequest> MakeHttpRequest(const Json& parameters, const Json& credentials,
                                   const std::string& region);

/// The same as TestState shows it: {protocol, method, url, headers, body}. What the connection adds
/// is left out unless `reveals`.
Json ShownHttpRequest(const Json& parameters, const Json& credentials, const std::string& region,
                      bool reveals);
Json ShownHttpAnswer(const WebAnswer& answer);

/// {Headers, ResponseBody, StatusCode, StatusText}; an Error is the task's.
Result<Json> HttpTaskResult(const WebAnswer& answer);
/// The task's error for a request that had no answer.
Error HttpTaskError(const Error& error);

}  // namespace stepmill::states
