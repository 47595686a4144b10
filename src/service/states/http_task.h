#pragma once

#include "engine/engine.h"
#include "gate/operation.h"

namespace stepmill::states {

/// Carries out arn:aws:states:::http:invoke with the rights of the execution's role
/// (states:InvokeHTTPEndpoint, events:RetrieveConnectionCredentials, the secret's). `what` and the
/// output are those of PerformTask; `what` may have {"trace": "hidden" | "revealed"}, then the
/// output has {"trace": {"request", "response"}} as TestState shows them.
///
/// A server that answers 401 or 407 gets the request once more when the connection could be
/// authorised anew. After a crash the request is sent again: at least once.
Task<Json> PerformHttpTask(Ports& ports, Engine::Performance performance);

/// Internal rows: {"stateMachineArn", "endpoint", "method"} and {}. They do nothing but be
/// permitted, as states:InvokeHTTPEndpoint and states:RevealSecrets.
Task<Json> InvokeHTTPEndpoint(Call& call);
Task<Json> RevealSecrets(Call& call);

}  // namespace stepmill::states
