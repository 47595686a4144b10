#pragma once

#include <string>

#include "engine/engine.h"
#include "json/json.h"
#include "service/ports.h"

namespace stepmill::states {

/// Writes the results of Map Runs as the execution's role. Step Functions Developer Guide:
/// "ResultWriter (Map)".
inline constexpr char kMapResultsName[] = "states.map-results";

/// `what`: {"role", "session", "account", "region", "mapRunArn", "writer": {"parameters":
/// {"Bucket", "Prefix"}, "transformation"?, "outputType"?}, "pending": [items],
/// "blob"?, "offset"?}. Writes PREFIX/UUID/{SUCCEEDED,FAILED,PENDING}_n.json and manifest.json;
/// output {"details": {"Bucket", "Key"}, "written", "writtenItems"}, or {"error"}.
Engine::Performer MakeMapResultsPerformer(Ports& ports);

/// A child's execution as the files and the state's result have it.
Json ChildRecord(const Json& document);
/// What one child adds to the results: "NONE" its record, "COMPACT" its output, "FLATTEN" the
/// elements of its output. A child that failed: always its record.
Json::Array TransformResult(const Json& document, const std::string& transformation);

}  // namespace stepmill::states
