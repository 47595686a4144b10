#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "engine/engine.h"
#include "gate/door.h"

namespace stepmill {

/// Puts the services behind the door and joins door and engine: the performer "door" asks what an
/// effect says, and each EventRow becomes a static subscriber. Their wire_up runs last. For the
/// server and for tests.
void WireServices(Ports& ports, const std::vector<const Service*>& services);

/// What stands in the store sealed only (gate/sealed_store.h): stacks, with the NoEcho parameters
/// that go through all of their records, and results of effects that the models call sensitive.
bool IsKeptSealed(std::string_view place, const Json& body);

}  // namespace stepmill
