#include "service/sagemaker/tuning_definitions.h"

#include "json/each.h"

namespace stepmill::sagemaker {

std::vector<Json> DefinitionsOf(const Json& tuning) {
  if (tuning["TrainingJobDefinitions"].size() > 0) return ItemsOf(tuning["TrainingJobDefinitions"]);
  const Json& config = tuning["HyperParameterTuningJobConfig"];
  return {tuning["TrainingJobDefinition"]
              .With("HyperParameterRanges", config["ParameterRanges"])
              .With("TuningObjective", config["HyperParameterTuningJobObjective"])};
}

Json DefinitionOf(const Json& tuning, const Json& entry) {
  const auto all = DefinitionsOf(tuning);
  const auto index = static_cast<size_t>(entry.IntOr("definition", 0));
  return index < all.size() ? all[index] : all.front();
}

bool IsUp(const Json& tuning) {
  return DefinitionsOf(tuning).front()["TuningObjective"].StringOr("Type", "") == "Maximize";
}

}  // namespace stepmill::sagemaker
