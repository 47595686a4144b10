#pragma once

#include <string>

#include "compute/image_table.h"

namespace stepmill {

/// Where images that this machine made are kept, for all data folders: /var/cache/stepmill/images
/// for root, ~/.cache/stepmill/images for others. STEPMILL_IMAGES names another folder.
std::string ImageCacheFolder();

/// The built-in table, with DIR/images.toml (when there is one) before it.
Result<ImageTable> LoadImageTable(const std::string& data_dir);

/// The folder that is /opt/stepmill in sandboxes: `sandbox-home` beside the program.
std::string SandboxHomeFolder();

}  // namespace stepmill
