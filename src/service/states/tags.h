#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> TagResource(Call& call);
Task<Json> UntagResource(Call& call);
Task<Json> ListTagsForResource(Call& call);

inline constexpr size_t kTagsMax = 50;  // of one resource; Step Functions: "Quotas"

}  // namespace stepmill::states
