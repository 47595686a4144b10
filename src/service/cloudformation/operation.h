#pragma once

#include <memory>
#include <string>

#include "engine/engine.h"
#include "gate/principal.h"
#include "json/json.h"

namespace stepmill::cloudformation {

inline constexpr char kMachine[] = "cloudformation.stack";
/// Performer that reads an object through the door and answers {"text"}.
inline constexpr char kReadObject[] = "cloudformation.read-object";
inline constexpr uint64_t kDefinitionBytesMax = 1 << 20;

/// What a stack operation starts from ("data" of the event "start").
///   kind       "create", "update", "delete"
///   account, region, principal (PrincipalToJson): whose calls the resources are made by
///   stack      the stack document as the handler committed it
///   before     the stack document before (update: what a rollback returns to)
///   target     create, update: {"resources", "dependencies", "conditions", "parameters",
///              "mappings", "outputs", "exports", "dynamic", "text", "processed"}
///   retain     delete: logical ids that stay
///   changeSet  key and body of the change set that is carried out, or null
Json OperationStart(std::string_view kind, const std::string& account, const std::string& region,
                    const Principal& principal, const Json& stack);

/// The machine that carries a stack operation out, resource by resource in dependency order; on a
/// failure it rolls back unless the stack says not to. Its state is one Json.
Step AdvanceOperation(const std::string& instance_id, const Json& state, const Event& event);

}  // namespace stepmill::cloudformation
