#pragma once

#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "service/ports.h"

namespace stepmill::states {

/// Reads the items of Map Runs, as the execution's role.
inline constexpr char kMapItemsName[] = "states.map-items";

/// `what`: {"role", "session", "account", "region", "mapRunArn"} and
///   {"do": "read", "reader"}  (the reader of a plan, lang/asl/map_run.h): all items. Output
///     {"count", "source", "items": [{"v": value, "k"?: key, "s"?: source}]} with the first ones;
///     where there are more, {"blob"}: the others, a line each, in a blob that is the run's.
///   {"do": "fetch", "blob", "offset"}: the next ones, {"items", "offset"}.
///   {"do": "clear", "blob"}: the blob is not needed any more.
/// What a reader refuses is {"error": {"name", "message"}} in the output, in AWS's words.
Engine::Performer MakeMapItemsPerformer(Ports& ports);

/// What S3 refused, in the words of the client that Step Functions has. `request_id`: of the call.
std::string S3Cause(const Error& error, const std::string& request_id);

/// Removes blobs of items that an earlier process wrote and no run came to know.
void SearchMapItemLeftovers(Ports& ports);

}  // namespace stepmill::states
