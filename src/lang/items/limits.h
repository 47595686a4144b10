#pragma once

#include <cstddef>

namespace stepmill::items {

/// One item's text. AWS bounds what a child execution takes (256 KiB); an ItemSelector may take a
/// part of a larger item.
inline constexpr size_t kItemBytesMax = size_t{16} << 20;
/// AWS: "Step Functions supports headers of up to 10 KiB for CSV files".
inline constexpr size_t kHeaderBytesMax = 10 * 1024;
inline constexpr size_t kPointerDepthMax = 100;
/// Columns of a CSV file: more than a header of 10 KiB can name.
inline constexpr size_t kColumnsMax = 10 * 1024;
inline constexpr size_t kManifestFilesMax = 100'000;

}  // namespace stepmill::items
