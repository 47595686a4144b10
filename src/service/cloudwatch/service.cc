#include "engine/engine.h"
#include "gate/model.h"
#include "service/cloudwatch/alarms.h"
#include "service/cloudwatch/cloudwatch.h"
#include "service/cloudwatch/operations.h"
#include "service/ports.h"

namespace stepmill::cloudwatch {
namespace {

constexpr std::string_view kAlarm = "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmName}";
constexpr std::string_view kAlarms = "arn:aws:cloudwatch:{region}:{account}:alarm:{AlarmNames}";
constexpr std::string_view kAnyAlarm = "arn:aws:cloudwatch:{region}:{account}:alarm:*";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = "*",
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr Operation Internal(std::string_view name, Task<Json> (*handler)(Call&)) {
  return {
      .name = name, .handler = handler, .action = "cloudwatch:PutMetricData", .is_internal = true};
}

constexpr Operation kOperations[] = {
    Row("PutMetricData", PutMetricData, "cloudwatch:PutMetricData", Access::kWrite),
    Row("GetMetricData", GetMetricData, "cloudwatch:GetMetricData", Access::kRead, "*",
        "LabelOptions.Timezone"),
    Row("GetMetricStatistics", GetMetricStatistics, "cloudwatch:GetMetricStatistics",
        Access::kRead),
    Row("ListMetrics", ListMetrics, "cloudwatch:ListMetrics", Access::kList),
    Row("PutMetricAlarm", PutMetricAlarm, "cloudwatch:PutMetricAlarm", Access::kWrite, kAlarm,
        "EvaluateLowSampleCountPercentile"),
    Row("DescribeAlarms", DescribeAlarms, "cloudwatch:DescribeAlarms", Access::kRead, kAnyAlarm),
    Row("DescribeAlarmsForMetric", DescribeAlarmsForMetric, "cloudwatch:DescribeAlarmsForMetric",
        Access::kRead),
    Row("DeleteAlarms", DeleteAlarms, "cloudwatch:DeleteAlarms", Access::kWrite, kAlarms),
    Row("SetAlarmState", SetAlarmState, "cloudwatch:SetAlarmState", Access::kWrite, kAlarm),
    Row("EnableAlarmActions", EnableAlarmActions, "cloudwatch:EnableAlarmActions", Access::kWrite,
        kAlarms),
    Row("DisableAlarmActions", DisableAlarmActions, "cloudwatch:DisableAlarmActions",
        Access::kWrite, kAlarms),
    Row("ListTagsForResource", ListTagsForResource, "cloudwatch:ListTagsForResource", Access::kList,
        "{ResourceARN}"),
    Row("TagResource", TagResource, "cloudwatch:TagResource", Access::kWrite, "{ResourceARN}"),
    Row("UntagResource", UntagResource, "cloudwatch:UntagResource", Access::kWrite,
        "{ResourceARN}"),
    Internal("EvaluateAlarm", EvaluateAlarm),
    Internal("SweepMetrics", SweepMetrics),
    Internal("OnBuildEvent", OnBuildEvent),
    Internal("OnPipelineEvent", OnPipelineEvent),
};

constexpr EventRow kEvents[] = {
    {.pattern = R"({"source": ["aws.codebuild"], "detail-type": ["CodeBuild Build State Change"]})",
     .operation = "OnBuildEvent"},
    {.pattern = R"({"source": ["aws.codepipeline"],
        "detail-type": ["CodePipeline Pipeline Execution State Change"],
        "detail": {"state": ["SUCCEEDED", "FAILED"]}})",
     .operation = "OnPipelineEvent"},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kTickMachine, JsonMachine(AdvanceTick));
  ports.engine.AddPerformer(kActionPerformer, MakeActionPerformer(ports));
}

}  // namespace

const Service kService{.name = "cloudwatch",
                       .host = "cloudwatch.amazonaws.com",
                       .model = &models::kCloudwatch,
                       .operations = kOperations,
                       .events = kEvents,
                       .wire_up = WireUp};

}  // namespace stepmill::cloudwatch
