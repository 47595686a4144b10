#pragma once

#include <string>

#include "gate/operation.h"
#include "json/json.h"
#include "task/task.h"

/// A function's package: where it comes from, and how a client gets it back.
namespace stepmill::lambda {

/// Code that is durable and checked, named by no document yet.
struct Package {
  Json code;  ///< the document's "code" (records.h)
  int64_t size_bytes = 0;
  std::string sha256;  ///< as CodeSha256 shows it
};
/// From "ZipFile", or "S3Bucket" and "S3Key", or "ImageUri" of `code`. Kept over a second run of
/// the handler (Call::kept).
Task<Package> TakePackage(Call& call, Json code, bool is_image);
/// Adds to the batch that `name` uses it.
void NamePackage(Call& call, const Package& package, const std::string& name);
/// Adds to the batch that a blob may not be used any more: RemoveCode looks.
void DropPackage(Call& call, const Json& code, const std::string& name);
/// Removes packages that an earlier run stored and no document names.
void SearchLeftovers(Ports& ports);

/// A URL of `path` here (GetFunctionCode, GetLayerVersionCode) that is good for ten minutes, for
/// anybody who has it. `query`: "Qualifier=1" or empty.
std::string PackageUrl(const Call& call, const std::string& path, const std::string& query);

}  // namespace stepmill::lambda
