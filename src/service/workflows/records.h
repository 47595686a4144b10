#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "task/task.h"

/// Documents of workflows, all below `<account>/<region>/workflows/`:
///
///     run/REPOSITORY/ID      the run as GetWorkflowRun gives it; ID has 12 digits; written by its
///                            machine
///     counter                {"last": id}
///     group/REPOSITORY/GROUP {"running", "pending"}: a run's id, or ID/JOB; see groups.cc
///     schedule/REPOSITORY    {"tick": instance, "entries": [{"path", "cron"}]}; see schedule.cc
///     number/REPOSITORY/PATH {"last": number}: of the runs of one workflow file
namespace stepmill::workflows {

inline constexpr char kHost[] = "workflows.amazonaws.com";
inline constexpr char kMachine[] = "workflows.run";

Key RunKey(std::string_view account, std::string_view region, std::string_view repository,
           std::string_view id);
std::string InstanceId(std::string_view account, std::string_view region,
                       std::string_view repository, std::string_view id);

/// Why a run is started, and with what.
struct Cause {
  std::string event;  ///< push, pull_request, workflow_dispatch, schedule
  std::string repository;
  std::string ref;            ///< GITHUB_REF
  std::string commit;         ///< GITHUB_SHA: whose files are used
  std::string status_commit;  ///< whose statuses are written
  std::string actor;
  std::string title;
  std::string head_ref, base_ref;  ///< pull_request: branch names
  Json payload;                    ///< github.event
  Json inputs = Json::Object();
};
/// Starts a run of one workflow file: checked, or a run that failed at once with its finding. Adds
/// to the call's batch and returns the run's record.
Task<Json> StartRun(Call& call, Cause cause, std::string path, std::string text);

/// Handlers; service.cc has their rows.
Task<Json> OnRepositoryEvent(Call& call);
Task<Json> ListWorkflowRuns(Call& call);
Task<Json> GetWorkflowRun(Call& call);
Task<Json> StartWorkflowRun(Call& call);
Task<Json> StopWorkflowRun(Call& call);
Task<Json> EnterGroup(Call& call);
Task<Json> LeaveGroup(Call& call);
Task<Json> FireSchedule(Call& call);

/// The repository's schedules follow the workflow files of its default branch.
Task<> FollowSchedules(Call& call, std::string repository, std::string commit);

/// The service itself, as it asks other services for a run.
Asker AskerOf(Ports& ports, const Json& run);
std::string JobIdOf(const Json& run, std::string_view job_key);
LogTarget LogTargetOf(const Json& run, std::string_view job_key);

}  // namespace stepmill::workflows
