#pragma once

#include <string>

#include "engine/engine.h"

/// The machine of one endpoint, from its creation to its deletion.
namespace stepmill::sagemaker {

inline constexpr char kEndpointMachine[] = "sagemaker.endpoint";

/// Events: "start" {"endpoint", "plan"}, posted "update" {"plan"} and "delete"; effects "run:KEY",
/// "log:KEY", "ready:KEY", "retire:KEY", "clean:KEY". A plan is {"config": name, "variants":
/// summaries, "hosts": [{"variant", "weight", "type", "model"}]}. KEY is "G-K-A": host K of the
/// plan in generation G, attempt A. State:
///
///     {"endpoint": the document, "generation": the newest,
///      "live", "next": {"generation", "plan", "up": [{"variant", "weight", "job", "host"}]} or
///      null, "open": [KEY] containers that are there or are to come, "isDeleted": bool, "retired",
///      "gone", "logged": {KEY: true} of those: told to go, stopped, output copied}
///
/// An update brings up all of the next generation, then it takes over in one commit, and only then
/// the old one goes: no request is dropped. When the next one fails the old one stays.
Step AdvanceEndpoint(const std::string& instance_id, const Json& state, const Event& event);

/// The container's job.
std::string EndpointJobId(const std::string& instance_id, const std::string& key);

}  // namespace stepmill::sagemaker
