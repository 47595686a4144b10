#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadTask(const Json& json, const Where& at, State& state) {
  const Json* arn = json.Find("Resource");
  if (!arn) {
    Schema("These fields are required: [Resource]", at);
  } else if (!arn->is_string()) {
    Schema("Expected value of type String", at.Member("Resource"));
  } else {
    ReadResource(arn->AsString(), at.Member("Resource"), state);
    CheckParameters(json, at, state);
  }
  state.timeout_seconds =
      ReadNumber(json, "TimeoutSeconds", 1, static_cast<double>(kTimeoutSecondsMax), at);
  state.heartbeat_seconds =
      ReadNumber(json, "HeartbeatSeconds", 1, static_cast<double>(kTimeoutSecondsMax), at);
  if (state.heartbeat_seconds.value && state.timeout_seconds.value &&
      *state.heartbeat_seconds.value >= *state.timeout_seconds.value)
    Schema("HeartbeatSeconds must be smaller than TimeoutSeconds", at.Member("HeartbeatSeconds"));
  if (const Json* credentials = json.Find("Credentials")) {
    const Where there = at.Member("Credentials");
    if (!credentials->is_object())
      Schema("Expected value of type Object", there);
    else if (!credentials->Has("RoleArn") && !credentials->Has("RoleArn.$"))
      Schema("The field 'RoleArn' is required but was missing", there);
    state.credentials = ReadTemplate(json, "Credentials", at);
  }
}

void Compiler::ReadResource(const std::string& arn, const Where& at, State& state) {
  std::optional<Resource> resource = ParseResource(arn);
  if (!resource || (options_.knows_resource && !options_.knows_resource(*resource)))
    return Schema("The resource provided " + arn +
                      " is not recognized. The value is not a valid resource ARN, or the "
                      "resource is not available in this region.",
                  at);
  if (options_.is_express) {
    if (resource->is_sync())
      Schema("Express state machine does not support '.sync' service integration", at);
    if (resource->pattern == Resource::Pattern::kWaitForTaskToken)
      Schema("Express state machine does not support '.waitForTaskToken' service integration ", at);
    if (resource->kind == Resource::Kind::kActivity)
      Schema("Express state machine does not support Activity ARN", at);
  }
  state.task = *std::move(resource);
}

void Compiler::CheckParameters(const Json& json, const Where& at, const State& state) {
  const Json* parameters = json.Find("Parameters");
  const bool is_service =
      state.task.kind == Resource::Kind::kIntegration || state.task.kind == Resource::Kind::kSdk;
  if (!parameters || !is_service || state.task.arn.empty() || !options_.check_parameters) return;
  for (const std::string& message : options_.check_parameters(state.task, *parameters))
    Schema(message, at.Member("Parameters"));
}

}  // namespace stepmill::asl
