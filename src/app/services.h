#pragma once

#include <vector>

namespace stepmill {

struct Service;

/// Every service there is: one line each in services.cc.
std::vector<const Service*> AllServices();

}  // namespace stepmill
