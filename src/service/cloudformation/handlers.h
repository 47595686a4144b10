#pragma once

#include "gate/operation.h"
#include "service/cloudformation/plan.h"

/// The service's operations, for its table.
namespace stepmill::cloudformation {

// stacks.cc
Task<Json> CreateStack(Call& call);
Task<Json> UpdateStack(Call& call);
Task<Json> DeleteStack(Call& call);
// change_sets.cc
Task<Json> CreateChangeSet(Call& call);
Task<Json> DescribeChangeSet(Call& call);
Task<Json> ExecuteChangeSet(Call& call);
Task<Json> DeleteChangeSet(Call& call);
Task<Json> ListChangeSets(Call& call);
// describe.cc
Task<Json> DescribeStacks(Call& call);
Task<Json> DescribeStackEvents(Call& call);
Task<Json> DescribeStackResource(Call& call);
Task<Json> DescribeStackResources(Call& call);
Task<Json> ListStackResources(Call& call);
Task<Json> ListStacks(Call& call);
Task<Json> ListExports(Call& call);
// templates.cc
Task<Json> GetTemplate(Call& call);
Task<Json> GetTemplateSummary(Call& call);
Task<Json> ValidateTemplate(Call& call);

// Shared by stacks.cc and change_sets.cc:

/// A new stack's document, not yet in the batch.
Json NewStack(const Call& call, const std::string& uuid, const std::string& name,
              const std::string& status);
/// What the call and its plan say about a stack: parameters, tags, capabilities, ...
Json WithSubmission(Json stack, const Json& submitted, const Plan& plan);
/// An update is possible in this status; else AWS's error.
Result<> CheckUpdatable(const Json& stack);
/// Members of the input that are not built, refused by name.
Result<> CheckBuilt(const Json& input);

struct OperationRequest {
  std::string kind;  ///< create, update, delete
  Json before;       ///< the stack's document before, or null
  Json stack;        ///< the stack's document from now on
  Json target;
  Json retain;
  Json change_set;  ///< {"key", "body"} or null
};
/// Adds the start of a stack operation to the call's batch. The caller writes the stack document.
Result<Json> StartOperation(Call& call, OperationRequest request);

}  // namespace stepmill::cloudformation
