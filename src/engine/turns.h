#pragma once

#include <string>
#include <string_view>

#include "base/time.h"
#include "json/json.h"
#include "store/store.h"

// What Engine::Start and Engine::Post are for handlers, for turns: a turn has no engine and no
// chance of its own, so it says when, and under which id.

namespace stepmill {

/// A new instance; its id was never used before (a turn cannot answer a conflict). `shared`: as
/// Engine::Start has it.
void AddStart(Batch& batch, const std::string& instance_id, std::string_view machine, Json data,
              Time at, Key shared = {});
/// An event for an instance that has finished: it is opened again, as by Engine::Reopen. `times`:
/// how often that has been done.
void AddReopen(Batch& batch, const std::string& instance_id, std::string_view machine,
               int64_t times, std::string_view kind, Json data, Time at);
/// An event for an instance; dropped when it has finished or never was. `id` is unique among all
/// posts for ever.
void AddPost(Batch& batch, const std::string& instance_id, std::string_view kind, Json data,
             Time at, std::string_view id);

}  // namespace stepmill
