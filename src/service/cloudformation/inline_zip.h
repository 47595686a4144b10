#pragma once

#include <string>
#include <string_view>

namespace stepmill::cloudformation {

/// A zip archive with one file, stored as it is. Pure: the same bytes for the same text.
std::string InlineZip(std::string_view name, std::string_view text);

}  // namespace stepmill::cloudformation
