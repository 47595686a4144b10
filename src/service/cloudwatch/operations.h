#pragma once

#include "gate/operation.h"

namespace stepmill::cloudwatch {

Task<Json> PutMetricData(Call& call);
Task<Json> GetMetricData(Call& call);
Task<Json> GetMetricStatistics(Call& call);
Task<Json> ListMetrics(Call& call);

Task<Json> PutMetricAlarm(Call& call);
Task<Json> DescribeAlarms(Call& call);
Task<Json> DescribeAlarmsForMetric(Call& call);
Task<Json> DeleteAlarms(Call& call);
Task<Json> SetAlarmState(Call& call);
Task<Json> EnableAlarmActions(Call& call);
Task<Json> DisableAlarmActions(Call& call);
Task<Json> ListTagsForResource(Call& call);
Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);

// Internal.
Task<Json> EvaluateAlarm(Call& call);
Task<Json> SweepMetrics(Call& call);
Task<Json> OnBuildEvent(Call& call);
Task<Json> OnPipelineEvent(Call& call);

}  // namespace stepmill::cloudwatch
