#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> CreateActivity(Call& call);
Task<Json> DescribeActivity(Call& call);
Task<Json> DeleteActivity(Call& call);
Task<Json> ListActivities(Call& call);
Task<Json> GetActivityTask(Call& call);

/// The engine's topic that says that a task of this activity waits for a worker.
std::string ActivityTopic(std::string_view activity_arn);
/// Where the tasks of an activity wait, oldest first.
Key OfferPrefix(std::string_view account, std::string_view region, std::string_view activity);
Key OfferKey(std::string_view account, std::string_view region, std::string_view activity, Time at,
             std::string_view token);

}  // namespace stepmill::states
