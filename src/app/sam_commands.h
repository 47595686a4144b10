#pragma once

#include <string>

#include "app/client.h"
#include "app/sam_options.h"
#include "base/result.h"
#include "task/task.h"

/// The parts of `stepmill sam`, one file each.
namespace stepmill {

/// --template-file, or template.yaml, .yml, .json of the current folder.
Result<std::string> FindTemplate(const SamOptions& options);
/// Relative paths of local files made relative to another folder.
Result<std::string> WithRelativeArtifacts(std::string text, const std::string& from_folder,
                                          const std::string& to_folder);

Result<> SamBuild(const SamOptions& options);
Task<> SamDeploy(io::Loop& loop, Client& client, SamOptions options);
Task<> SamDelete(io::Loop& loop, Client& client, SamOptions options);

}  // namespace stepmill
