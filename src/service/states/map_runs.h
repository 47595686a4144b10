#pragma once

#include "gate/operation.h"

namespace stepmill::states {

Task<Json> DescribeMapRun(Call& call);
Task<Json> ListMapRuns(Call& call);
Task<Json> UpdateMapRun(Call& call);
/// ListExecutions with a mapRunArn: the children of a run, newest first.
Task<Json> ListMapRunExecutions(Call& call);

}  // namespace stepmill::states
