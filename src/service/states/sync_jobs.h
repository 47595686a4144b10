#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"
#include "lang/asl/definition.h"

namespace stepmill::states {

/// A call of a service, members spelled as Step Functions spells them (PascalCase).
struct ServiceCall {
  std::string service;    ///< name of the service in the door
  std::string operation;  ///< "DescribeProcessingJob"
  Json input;
};

/// How a `.sync` task stands after its job was described.
struct JobOutcome {
  enum class Kind { kRunning, kSucceeded, kFailed } kind = Kind::kRunning;
  Json result;  ///< the task's result, or what is its cause when it failed
};

/// What a `.sync` integration does: one row a job type. Pure.
struct SyncJob {
  std::string_view service, action;
  /// The input to submit: tags and names that Step Functions adds. `unique` names the job where the
  /// definition leaves that to the service.
  Json (*prepare)(const Json& input, const std::string& unique);
  /// The events that say that something changed, known before the job is submitted.
  Json (*pattern)(const Json& prepared);
  ServiceCall (*describe)(const Json& prepared, const Json& submitted);
  JobOutcome (*outcome)(const Json& described, bool with_parsed_data);
  /// nullopt: nothing is known of the job yet.
  std::optional<ServiceCall> (*stop)(const Json& prepared, const Json& submitted);
};

/// nullptr: this integration has no `.sync` that is built.
const SyncJob* FindSyncJob(const asl::Resource& resource);

}  // namespace stepmill::states
