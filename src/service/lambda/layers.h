#pragma once

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

namespace stepmill::lambda {

/// What a function has of its layers.
struct UsedLayers {
  Json shown;  ///< [{"Arn", "CodeSize"}], as configurations show them
  Json blobs;  ///< their packages, in the order in which they are put below /opt
};
/// The layers that `arns` name. InvalidParameterValueException for one that is not there.
Task<UsedLayers> FindLayers(Call& call, Json arns);

// Handlers; service.cc has their rows.
Task<Json> PublishLayerVersion(Call& call);
Task<Json> GetLayerVersion(Call& call);
Task<Json> GetLayerVersionByArn(Call& call);
Task<Json> GetLayerVersionCode(Call& call);
Task<Json> ListLayerVersions(Call& call);
Task<Json> ListLayers(Call& call);
Task<Json> DeleteLayerVersion(Call& call);

}  // namespace stepmill::lambda
