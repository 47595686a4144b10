#pragma once

#include "base/result.h"
#include "json/json.h"

/// What a job's definition means (Glue: "Jobs", "Adding Python shell jobs"). Pure.
namespace stepmill::glue {

/// What of a definition (CreateJob's or UpdateJob's input) cannot be honoured, or Glue refuses.
Result<> CheckDefinition(const Json& definition);
/// The definition with what Glue fills in.
Json WithDefaults(const Json& definition);
/// What of a StartJobRun's input cannot be honoured by `job`, or Glue refuses.
Result<> CheckStart(const Json& job, const Json& input);
/// The run's document as it begins, without Id and times: the job's with the start's over it.
Json NewRun(const Json& job, const Json& input);
/// Defaults, then the run's own, then those that cannot be overridden.
Json EffectiveArguments(const Json& job, const Json& run);

inline bool IsPythonShell(const Json& job) {
  return job["Command"].StringOr("Name", "") == "pythonshell";
}

}  // namespace stepmill::glue
