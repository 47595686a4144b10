#pragma once

#include <string>
#include <vector>

#include "base/result.h"

/// Files of a build's folders on this machine.
namespace stepmill::codebuild {

/// Files and links below `folder`, relative, sorted. CLIENT_ERROR; kLimit for too many.
Result<std::vector<std::string>> FilesBelow(const std::string& folder);
/// Its first 32 MiB; empty when it is no regular file or cannot be read. Links are not followed.
std::string ReadHostFile(const std::string& path);
/// False: it could not be written.
bool WriteHostFile(const std::string& path, const std::string& text);
/// 32 bytes; empty for what is no file of the build's own (links are not followed).
std::string HashOfFile(const std::string& path);

}  // namespace stepmill::codebuild
