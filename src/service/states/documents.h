#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "gate/operation.h"
#include "store/store.h"

// Inside this folder: documents and names.
//
//   states/machine/NAME                the state machine: what DescribeStateMachine shows, tags
//   states/execution/MACHINE/NAME      the execution: what DescribeExecution shows; after its
//                                      creation only its engine instance writes it
//   states/started/MACHINE/WHEN/NAME   {"name"}: order of ListExecutions, newest first
//   states/token/TASK-TOKEN            {"arn", "task"}: tasks that wait for a callback
// Times in documents are milliseconds since the epoch.
namespace stepmill::states {

/// "arn:aws:states:R:A:stateMachine:NAME[:QUALIFIER]" and "...:execution:MACHINE:NAME".
struct StatesArn {
  std::string region, account, type, name, rest;
};
/// InvalidArn when it is no ARN of Step Functions.
Result<StatesArn> ParseArn(std::string_view arn);

Key MachineKey(const Call& call, std::string_view name);
Key ExecutionKey(const Call& call, std::string_view machine, std::string_view name);
Key StartedKey(const Call& call, std::string_view machine, Time at, std::string_view name);
Key StartedPrefix(const Call& call, std::string_view machine);
Key TokenKey(std::string_view account, std::string_view region, std::string_view token);

std::string MachineArn(const Call& call, std::string_view name);
std::string ExecutionArn(const Call& call, std::string_view machine, std::string_view name);

/// InvalidName for what AWS refuses in names of machines and executions.
Result<> CheckName(std::string_view name);

Task<Document> RequireMachine(Call& call, std::string arn);
Task<Document> RequireExecution(Call& call, std::string arn);

/// The members of DescribeExecution from an execution's document. Dates in seconds.
Json DescribeExecutionOf(const Json& document, bool with_data);
/// The event "Step Functions Execution Status Change" of an execution's document.
Json StatusChangeEvent(const Json& document, std::string_view account, std::string_view region);

/// An opaque token for the next page that starts at `at`, and back.
std::string PageToken(std::string_view at);
Result<std::string> ReadPageToken(std::string_view token);

/// What the engine's instance is started with.
Json StartData(const Json& machine, const Json& document, const Key& key, std::string_view account,
               std::string_view region);

}  // namespace stepmill::states
