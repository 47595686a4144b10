#pragma once

#include <string>

#include "gate/operation.h"
#include "store/store.h"

namespace stepmill::states {

Task<Json> PublishStateMachineVersion(Call& call);
Task<Json> ListStateMachineVersions(Call& call);
Task<Json> DeleteStateMachineVersion(Call& call);

/// A published version, and the machine's document as it is to be written.
struct Published {
  Json machine, version;
};
/// The version of the revision that `machine` is at: the one that is there, or a new one in the
/// batch. The caller writes `machine`.
Task<Published> Publish(Call& call, Json machine, std::string description);

}  // namespace stepmill::states
