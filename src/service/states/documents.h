#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"
#include "store/store.h"

// Inside this folder: documents and names.
//
//   states/machine/NAME                the state machine: name, tags, which revision it is at
//   states/revision/ID                 one revision: definition, role and settings; never changed,
//                                      never deleted, since executions run from it and show it
//   states/version/MACHINE/NUMBER      a published version: which revision, description
//   states/alias/MACHINE/NAME          an alias: description, routing
//   states/execution/MACHINE/NAME      the execution: what DescribeExecution shows; after its
//                                      creation only its engine instance writes it
//   states/started/MACHINE[:QUALIFIER]/WHEN/NAME   {"name"}: order of ListExecutions, newest first
//   states/token/TASK-TOKEN            {"arn", "task"}: tasks that wait for a callback
//   states/activity/NAME               an activity
//   states/offer/ACTIVITY/WHEN/TASK    a task that waits for an activity's worker
// Times in documents are milliseconds since the epoch.
namespace stepmill::states {

/// "arn:aws:states:R:A:stateMachine:NAME[:QUALIFIER]" and "...:execution:MACHINE:NAME".
struct StatesArn {
  std::string region, account, type, name, rest;
};
/// InvalidArn when it is no ARN of Step Functions.
Result<StatesArn> ParseArn(std::string_view arn);
/// The same, of one type; of a state machine without a label (those of Distributed Maps).
Result<StatesArn> ParseArnOf(std::string_view type, std::string_view arn);
bool IsHere(const Call& call, const StatesArn& arn);
/// "3": what follows the name in a version's ARN.
bool IsVersionNumber(std::string_view qualifier);

Key MachineKey(const Call& call, std::string_view name);
Key RevisionKey(const Call& call, std::string_view id);
Key VersionKey(const Call& call, std::string_view machine, int64_t number);
Key VersionPrefix(const Call& call, std::string_view machine);
Key AliasKey(const Call& call, std::string_view machine, std::string_view name);
Key AliasPrefix(const Call& call, std::string_view machine);
Key ActivityKey(const Call& call, std::string_view name);
Key ExecutionKey(const Call& call, std::string_view machine, std::string_view name);
Key StartedKey(const Call& call, std::string_view machine, Time at, std::string_view name);
Key StartedPrefix(const Call& call, std::string_view machine);
Key TokenKey(std::string_view account, std::string_view region, std::string_view token);

std::string MachineArn(const Call& call, std::string_view name);
std::string ExecutionArn(const Call& call, std::string_view machine, std::string_view name);

/// InvalidName for what AWS refuses in names of machines and executions.
Result<> CheckName(std::string_view name);

/// Without a qualifier: a version's or an alias's ARN is no machine.
Task<Document> RequireMachine(Call& call, std::string arn);
/// The revision that a document ("revision") refers to.
Task<Json> RequireRevision(Call& call, Json refers);

/// What an ARN of a state machine, a version or an alias leads to.
struct MachineTarget {
  Json machine;  ///< its document
  Json version;  ///< the version's document; null: none
  Json refers;   ///< which of them names the revision
  std::string version_arn, alias_arn;
};
/// Aliases draw one of their versions.
Task<MachineTarget> RequireTarget(Call& call, std::string arn, bool takes_alias);

Task<Document> RequireExecution(Call& call, std::string arn);

/// The members of DescribeExecution from an execution's document. Dates in seconds.
Json DescribeExecutionOf(const Json& document, bool with_data);
struct RedriveStatus {
  std::string status, reason;
};
/// As far as the document knows: the age and the history of an execution are looked at by
/// RedriveExecution.
RedriveStatus RedriveStatusOf(const Json& document);
/// The event "Step Functions Execution Status Change" of an execution's document, made when wanted.
OutgoingEvent StatusChangeEvent(const Json& document, std::string_view account,
                                std::string_view region);

/// An opaque token for the next page that starts at `at`, and back.
std::string PageToken(std::string_view at);
Result<std::string> ReadPageToken(std::string_view token);
/// One page of the documents under `prefix`, as the call's maxResults and nextToken ask.
struct Page {
  std::vector<Document> documents;
  std::optional<std::string> next_token;
};
Task<Page> ReadPage(Call& call, Key prefix, Direction direction);

Json SecondsOf(const Json& millis);

}  // namespace stepmill::states
