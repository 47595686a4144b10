#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "json/json.h"
#include "store/store.h"

// What Engine::Start, Post and Reopen are for handlers, for turns: a turn has no engine and no
// chance of its own, so it says when, and under which id: unique among all of these for ever. What
// has the same time arrives in the order of the ids.

namespace stepmill {

/// Where the engine keeps what it knows of an instance.
Key InstanceKey(std::string_view instance_id);

/// A new instance; its id was never used before (a turn cannot answer a conflict). `shared`: as
/// Engine::Start has it; may be empty.
void AddStart(Batch& batch, const std::string& instance_id, std::string_view machine, Json data,
              Time at, Key shared, std::string_view id);
/// An event for an instance that arrives also when that has finished, or finishes before it comes:
/// it is opened again, replays what it has seen and goes on from there.
void AddReopen(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
               Time at, std::string_view id);
/// An event for an instance; dropped when it has finished or never was.
void AddPost(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
             Time at, std::string_view id);

}  // namespace stepmill
