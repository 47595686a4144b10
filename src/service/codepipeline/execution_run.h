#pragma once

#include <cstdint>
#include <string>

#include "base/strings.h"
#include "json/json.h"

/// An action of a pipeline execution: how it stands, and how it is shown. For execution.cc.
namespace stepmill::codepipeline {

/// Numbers drawn from an event's entropy by a fixed function (splitmix64).
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15ULL;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::string NewUuid() {
    const uint64_t high = Next();
    return Uuid(high, Next());
  }
  std::string NewName(size_t length) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    std::string name;
    while (name.size() < length) name += kLetters[Next() % kLetters.size()];
    return name;
  }

 private:
  uint64_t state_;
};

/// Decimal digits with zeros in front.
std::string Padded(int64_t number, size_t width);

/// An action of the stage that is running.
struct Run {
  Json declaration;
  std::string id;      ///< actionExecutionId; empty before it starts
  std::string status;  ///< "", InProgress, Succeeded, Failed, Abandoned
  std::string key;     ///< of its document
  double started = 0, changed = 0;
  std::string summary, external_id, external_url, token, updated_by, build_arn, execution_arn;
  Json error, configuration, inputs, outputs, variables, revision;
  bool is_changed = false;
  int asked = 0;  ///< effects so far: their tags differ

  std::string Name() const { return declaration.StringOr("name", ""); }
  std::string Provider() const { return declaration["actionTypeId"].StringOr("provider", ""); }
};

/// For a retry of failed actions: those that succeeded are kept.
Json RunToJson(const Run& run);
void RunFromJson(const Json& json, Run& run);

/// [{name, s3location}] of what stands in artifacts' records.
Json ArtifactsOf(const Json& artifacts);
/// GetPipelineState's actionState of a run.
Json LatestOf(const Run& run);
/// ListActionExecutions' actionExecutionDetail of a run.
struct ActionPlace {
  std::string region, execution_id, stage;
  Json version;
};
Json ActionDetail(const Run& run, const ActionPlace& place);

}  // namespace stepmill::codepipeline
