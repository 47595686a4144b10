#pragma once

#include <memory>

#include "service/lambda/fleet.h"
#include "service/ports.h"

namespace stepmill::lambda {

/// The performers of asynchronous invocations; they keep `fleet` as long as the engine is there.
void AddEventPerformers(Ports& ports, std::shared_ptr<Fleet> fleet);

}  // namespace stepmill::lambda
