#include "service/codepipeline/execution_run.h"

#include "json/each.h"

namespace stepmill::codepipeline {

std::string Padded(int64_t number, size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(digits.size() < width ? width - digits.size() : 0, '0') + digits;
}

Json RunToJson(const Run& run) {
  return Json::Object{{"name", run.Name()},
                      {"id", run.id},
                      {"status", run.status},
                      {"key", run.key},
                      {"started", run.started},
                      {"changed", run.changed},
                      {"summary", run.summary},
                      {"externalId", run.external_id},
                      {"externalUrl", run.external_url},
                      {"updatedBy", run.updated_by},
                      {"error", run.error},
                      {"configuration", run.configuration},
                      {"inputs", run.inputs},
                      {"outputs", run.outputs},
                      {"variables", run.variables},
                      {"revision", run.revision}};
}

void RunFromJson(const Json& json, Run& run) {
  run.id = json.StringOr("id", "");
  run.status = json.StringOr("status", "");
  run.key = json.StringOr("key", "");
  run.started = json["started"].is_number() ? json["started"].AsDouble() : 0;
  run.changed = json["changed"].is_number() ? json["changed"].AsDouble() : 0;
  run.summary = json.StringOr("summary", "");
  run.external_id = json.StringOr("externalId", "");
  run.external_url = json.StringOr("externalUrl", "");
  run.updated_by = json.StringOr("updatedBy", "");
  run.error = json["error"];
  run.configuration = json["configuration"];
  run.inputs = json["inputs"];
  run.outputs = json["outputs"];
  run.variables = json["variables"];
  run.revision = json["revision"];
}

Json ArtifactsOf(const Json& artifacts) {
  Json::Array out;
  for (const Json& artifact : ItemsOf(artifacts))
    out.push_back(Json::Object{
        {"name", artifact["name"]},
        {"s3location", Json::Object{{"bucket", artifact["bucket"]}, {"key", artifact["key"]}}}});
  return out;
}

Json LatestOf(const Run& run) {
  Json::Object latest;
  latest.Set("actionExecutionId", run.id);
  latest.Set("status", run.status);
  if (!run.summary.empty()) latest.Set("summary", TruncateUtf8(run.summary, 2048));
  latest.Set("lastStatusChange", run.changed);
  if (!run.token.empty() && run.status == "InProgress") latest.Set("token", run.token);
  if (!run.updated_by.empty()) latest.Set("lastUpdatedBy", run.updated_by);
  if (!run.external_id.empty()) latest.Set("externalExecutionId", run.external_id);
  if (!run.external_url.empty()) latest.Set("externalExecutionUrl", run.external_url);
  if (run.error.is_object()) latest.Set("errorDetails", run.error);
  Json::Object state{{"latestExecution", latest}};
  if (run.revision.is_object())
    state.Set("currentRevision", Json::Object{{"revisionId", run.revision["revisionId"]},
                                              {"revisionChangeId", run.revision["revisionId"]},
                                              {"created", run.revision["created"]}});
  return Json(state);
}

Json ActionDetail(const Run& run, const ActionPlace& place) {
  Json::Object input;
  input.Set("actionTypeId", run.declaration["actionTypeId"]);
  input.Set("configuration", run.declaration["configuration"]);
  if (run.configuration.is_object()) input.Set("resolvedConfiguration", run.configuration);
  if (run.declaration.Has("roleArn")) input.Set("roleArn", run.declaration["roleArn"]);
  input.Set("region", place.region);
  input.Set("inputArtifacts", ArtifactsOf(run.inputs));
  input.SetIf("namespace", run.declaration.Find("namespace"));
  Json::Object result;
  if (!run.external_id.empty()) result.Set("externalExecutionId", run.external_id);
  if (!run.summary.empty()) result.Set("externalExecutionSummary", run.summary);
  if (!run.external_url.empty()) result.Set("externalExecutionUrl", run.external_url);
  if (run.error.is_object()) {
    result.Set("errorDetails", run.error);
    result.Set("externalExecutionSummary", TruncateUtf8(run.error.StringOr("message", ""), 2048));
  }
  Json::Object output;
  output.Set("outputArtifacts",
             run.status == "Succeeded" ? ArtifactsOf(run.outputs) : Json(Json::Array{}));
  output.Set("executionResult", result);
  output.Set("outputVariables", run.variables.is_object() ? run.variables : Json(Json::Object{}));
  Json::Object detail;
  detail.Set("pipelineExecutionId", place.execution_id);
  detail.Set("actionExecutionId", run.id);
  detail.Set("pipelineVersion", place.version);
  detail.Set("stageName", place.stage);
  detail.Set("actionName", run.Name());
  detail.Set("startTime", run.started);
  detail.Set("lastUpdateTime", run.changed);
  if (!run.updated_by.empty()) detail.Set("updatedBy", run.updated_by);
  detail.Set("status", run.status);
  detail.Set("input", input);
  detail.Set("output", output);
  return detail;
}

}  // namespace stepmill::codepipeline
