#pragma once

#include <string>
#include <vector>

#include "gate/operation.h"
#include "json/json.h"
#include "lang/template/resolve.h"
#include "store/store.h"

/// What stacks are on disk, and how they are found.
///
/// Documents (below ACCOUNT/REGION/cloudformation/):
///   stack/UUID       the stack:
///     {"id", "uuid", "name", "status", "reason", "created", "updated", "deleted" (ms),
///      "description", "parameters" (see ResolveParameters), "tags", "capabilities", "roleArn",
///      "notificationArns", "disableRollback", "changeSetId", "outputs" [{"OutputKey", ...}],
///      "imports" [names], "terminationProtection", "operations" (how many were started),
///      "resources": {id: {"type", "physical", "status", "reason", "updated", "properties",
///                         "attributes", "dependsOn", "deletionPolicy", "updateReplacePolicy",
///                         "description", "metadata"}}}
///   name/NAME        {"uuid"}: the stack that has the name now
///   template/UUID    {"text", "processed"}: the template that the stack was last made from
///   change-set/UUID/NAME   see change_sets.cc
/// Stream ACCOUNT/REGION/cloudformation/events/UUID: StackEvent structures, oldest first.
namespace stepmill::cloudformation {

inline constexpr int kStacksMax = 2000;  ///< read by one listing

struct StackKeys {
  Key stack, name, templates;
  std::string events;
};
StackKeys KeysOf(std::string_view account, std::string_view region, const std::string& uuid,
                 const std::string& name);

Error ValidationFailure(const std::string& message);

/// The UUID of a stack's ARN: arn:aws:cloudformation:R:A:stack/NAME/UUID.
std::string UuidOf(std::string_view arn);

/// The stack of a name or an ARN. A deleted one is found by its ARN only. Empty: none.
Task<std::optional<Document>> FindStack(Call& call, std::string name_or_arn);
/// The same; none is "Stack with id X does not exist".
Task<Document> RequireStack(Call& call, std::string name_or_arn);

/// All stacks of the account and region, deleted ones too.
Task<std::vector<Document>> AllStacks(Call& call);

bool IsInProgress(std::string_view status);

/// A StackEvent of `id` (the stack's own: the stack's name).
struct EventText {
  std::string logical_id, physical_id, type, status, reason;
  Json properties = {};  ///< printed into ResourceProperties when it is there
};
Json StackEvent(const Json& stack, const EventText& text, const std::string& event_id, Time at);

/// Names exported by the stacks of the account and region, but `except_uuid`: name -> value.
Json ExportsOf(const std::vector<Document>& stacks, const std::string& except_uuid);

}  // namespace stepmill::cloudformation
