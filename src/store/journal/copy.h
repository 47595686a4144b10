#pragma once

#include <string>

#include "base/result.h"

namespace stepmill {

/// Copies a JournalStore's folder to `to` (a folder that is there and empty), also while a process
/// has it open and writes: the copy has everything that was durable when this began, and is a
/// store of one moment. It is durable when this returns.
Result<> CopyStore(const std::string& from, const std::string& to);

}  // namespace stepmill
