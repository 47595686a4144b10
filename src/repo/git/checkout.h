#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace stepmill::repo {

/// Repos::Checkout of the bare repository at `bare`; `commit` is a full id, `home` an empty folder.
Result<> CheckOut(const std::string& bare, const std::string& commit, int64_t depth,
                  const std::string& url, const std::string& folder, const std::string& home);

}  // namespace stepmill::repo
