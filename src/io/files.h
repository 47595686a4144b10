#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace stepmill::io {

/// Small files, read and written whole. These block: on the pool, or for a few bytes.

/// kNotFound; kLimit when it is larger than `bytes_max`.
Result<std::string> ReadFile(const std::string& path, uint64_t bytes_max = 16ull << 20);
/// Written under a temporary name beside `path`, then renamed. With `is_durable` it and its
/// folder's entry are synced before it returns.
Result<> WriteFile(const std::string& path, std::string_view bytes, bool is_durable,
                   mode_t mode = 0600);
/// All folders on the way.
Result<> MakeFolders(const std::string& path);
/// Everything below `path` and itself; nothing there is no error.
Result<> RemoveTree(const std::string& path);
bool Exists(const std::string& path);

}  // namespace stepmill::io
