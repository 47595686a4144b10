#include "lang/asl/compile.h"
#include "lang/asl/http_task.h"

namespace stepmill::asl {
namespace {

struct RequiredRow {
  std::string_view service, action, fields;
};

// Fields that AWS misses when a definition is made; measured with ValidateStateMachineDefinition.
constexpr RequiredRow kRequired[] = {
    {"lambda", "invoke", "FunctionName"},
    {"sqs", "sendMessage", "QueueUrl MessageBody"},
    {"sns", "publish", "Message"},
    {"dynamodb", "putItem", "TableName Item"},
    {"dynamodb", "getItem", "TableName Key"},
    {"states", "startExecution", "StateMachineArn"},
    {"events", "putEvents", "Entries"},
    {"ecs", "runTask", "TaskDefinition"},
    {"glue", "startJobRun", "JobName"},
};

}  // namespace

void Compiler::ReadTask(const Json& json, const Where& at, State& state) {
  const Json* arn = json.Find("Resource");
  if (!arn) {
    Schema("These fields are required: [Resource]", at);
  } else if (!arn->is_string()) {
    WrongType("STRING", at.Member("Resource"));
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
      WrongType("OBJECT", there);
    else if (!credentials->Has("RoleArn") && (is_query_ || !credentials->Has("RoleArn.$")))
      Schema("The field 'RoleArn' is required but was missing", there);
    else if (state.task.kind == Resource::Kind::kActivity && !state.task.arn.empty())
      Schema("The field 'Credentials' is not supported for activities", there);
    state.credentials = ReadTemplate(json, "Credentials", at);
  }
}

void Compiler::ReadResource(const std::string& arn, const Where& at, State& state) {
  if (!arn.starts_with("arn:")) return Schema("Value is not a valid resource ARN", at);
  std::optional<Resource> resource = ParseResource(arn);
  if (!resource || (options_.knows_resource && !options_.knows_resource(*resource)))
    return Schema("The resource provided " + arn +
                      " is not recognized. The value is not a valid resource ARN, or the "
                      "resource is not available in this region.",
                  at);
  if (is_express_) {
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
  const char* field = is_query_ ? "Arguments" : "Parameters";
  const Json* parameters = json.Find(field);
  const bool is_integration = state.task.kind == Resource::Kind::kIntegration;
  if ((!is_integration && state.task.kind != Resource::Kind::kSdk) || state.task.arn.empty())
    return;
  if (!parameters) {
    if (is_integration)
      Schema(std::string(field) + " field is required for resource ARN: " + state.task.arn, at);
    return;
  }
  const Where there = at.Member(field);
  // An expression may give what a look at the text does not show.
  if (!parameters->is_object()) return;
  for (const RequiredRow& row : kRequired)
    if (is_integration && row.service == state.task.service && row.action == state.task.action)
      for (const std::string_view name : Split(row.fields, ' '))
        if (!parameters->Has(name) && (is_query_ || !parameters->Has(std::string(name) + ".$")))
          Schema("The field '" + std::string(name) + "' is required but was missing", there);
  if (IsHttpTask(state.task))
    for (const std::string& message : WrittenHttpProblems(*parameters, is_query_))
      Schema(message, there);
  if (!options_.check_parameters) return;
  for (const std::string& message : options_.check_parameters(state.task, *parameters))
    Schema(message, there);
}

}  // namespace stepmill::asl
