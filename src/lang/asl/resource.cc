#include <array>

#include "base/strings.h"
#include "lang/asl/definition.h"

namespace stepmill::asl {
namespace {

struct IntegrationRow {
  std::string_view service;
  std::string_view actions;
  std::string_view sync_actions;
  std::string_view callback_actions;
};

// Step Functions: "Integrating services" (optimized integrations and their patterns).
constexpr std::array<IntegrationRow, 23> kIntegrations{{
    {"lambda", "invoke", "", "invoke"},
    {"sagemaker",
     "createTrainingJob createProcessingJob createTransformJob createHyperParameterTuningJob "
     "createLabelingJob createModel createEndpointConfig createEndpoint updateEndpoint",
     "createTrainingJob createProcessingJob createTransformJob createHyperParameterTuningJob "
     "createLabelingJob",
     ""},
    {"glue", "startJobRun", "startJobRun", ""},
    {"batch", "submitJob", "submitJob", ""},
    {"ecs", "runTask", "runTask", "runTask"},
    {"codebuild",
     "startBuild startBuildBatch retryBuildBatch stopBuild stopBuildBatch batchDeleteBuilds "
     "batchGetReports deleteBuildBatch",
     "startBuild startBuildBatch retryBuildBatch", ""},
    {"states", "startExecution", "startExecution", "startExecution"},
    {"sns", "publish", "", "publish"},
    {"sqs", "sendMessage", "", "sendMessage"},
    {"events", "putEvents", "", "putEvents"},
    {"dynamodb", "getItem putItem updateItem deleteItem", "", ""},
    {"apigateway", "invoke", "", "invoke"},
    {"athena", "startQueryExecution stopQueryExecution getQueryExecution getQueryResults",
     "startQueryExecution", ""},
    {"bedrock", "invokeModel createModelCustomizationJob", "createModelCustomizationJob",
     "invokeModel"},
    {"eks",
     "createCluster deleteCluster createNodegroup deleteNodegroup createFargateProfile "
     "deleteFargateProfile runJob call",
     "createCluster deleteCluster createNodegroup deleteNodegroup createFargateProfile "
     "deleteFargateProfile runJob",
     "runJob call"},
    {"elasticmapreduce",
     "createCluster terminateCluster addStep cancelStep setClusterTerminationProtection "
     "modifyInstanceFleetByName modifyInstanceGroupByName",
     "createCluster terminateCluster addStep", ""},
    {"emr-containers", "createVirtualCluster deleteVirtualCluster startJobRun",
     "deleteVirtualCluster startJobRun", ""},
    {"emr-serverless",
     "createApplication startApplication stopApplication deleteApplication startJobRun "
     "cancelJobRun",
     "createApplication startApplication stopApplication deleteApplication startJobRun "
     "cancelJobRun",
     ""},
    {"databrew", "startJobRun", "startJobRun", ""},
    {"mediaconvert", "createJob", "createJob", ""},
    {"http", "invoke", "", ""},
    {"s3", "", "", ""},
    {"aws-sdk", "", "", ""},
}};

bool Lists(std::string_view words, std::string_view word) {
  for (const std::string_view each : Split(words, ' '))
    if (each == word && !word.empty()) return true;
  return false;
}

bool TakeSuffix(std::string_view& text, std::string_view suffix) {
  if (!text.ends_with(suffix)) return false;
  text.remove_suffix(suffix.size());
  return true;
}

bool IsWord(std::string_view text) {
  for (const char c : text)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '-') return false;
  return !text.empty();
}

}  // namespace

std::optional<Resource> ParseResource(std::string_view arn) {
  const std::vector<std::string_view> parts = Split(arn, ':');
  if (parts.size() < 7 || parts[0] != "arn" || parts[1].empty()) return std::nullopt;
  Resource out;
  out.arn = std::string(arn);
  if (parts[2] == "lambda" && parts[5] == "function" && !parts[6].empty()) {
    out.kind = Resource::Kind::kLambda;
    return out;
  }
  if (parts[2] != "states") return std::nullopt;
  if (parts[5] == "activity") {
    if (parts.size() != 7 || parts[6].empty() || parts[3].empty()) return std::nullopt;
    out.kind = Resource::Kind::kActivity;
    return out;
  }
  size_t head = 0;
  for (int i = 0; i < 5; ++i) head += parts[static_cast<size_t>(i)].size() + 1;
  std::string_view rest = arn.substr(head);  // "sagemaker:createProcessingJob.sync"
  if (rest.starts_with("aws-sdk:")) {
    out.kind = Resource::Kind::kSdk;
    rest.remove_prefix(8);
  }
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view resource = rest.substr(colon + 1);
  std::string_view action = resource;
  using Pattern = Resource::Pattern;
  if (TakeSuffix(action, ".sync:2"))
    out.pattern = Pattern::kSync2;
  else if (TakeSuffix(action, ".sync"))
    out.pattern = Pattern::kSync;
  else if (TakeSuffix(action, ".waitForTaskToken"))
    out.pattern = Pattern::kWaitForTaskToken;
  out.service = std::string(rest.substr(0, colon));
  out.action = std::string(action);
  if (!IsWord(out.service) || !IsWord(out.action)) return std::nullopt;
  const bool is_sdk = out.kind == Resource::Kind::kSdk;
  out.resource_type = Json((is_sdk ? "aws-sdk:" : "") + out.service);
  out.resource = Json(resource);
  if (is_sdk) return out.is_sync() ? std::nullopt : std::optional<Resource>(std::move(out));
  for (const IntegrationRow& row : kIntegrations) {
    if (row.service != out.service || !Lists(row.actions, action)) continue;
    if (out.is_sync() && !Lists(row.sync_actions, action)) return std::nullopt;
    if (out.pattern == Pattern::kSync2 && out.service != "states") return std::nullopt;
    if (out.pattern == Pattern::kWaitForTaskToken && !Lists(row.callback_actions, action))
      return std::nullopt;
    return out;
  }
  return std::nullopt;
}

}  // namespace stepmill::asl
