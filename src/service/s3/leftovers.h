#pragma once

#include <cstdint>
#include <string>

#include "service/ports.h"

/// Blobs that a crash left: stored by an earlier run, but the batch that would have named them was
/// never committed.
namespace stepmill::s3 {

inline constexpr const char* kBlobOwner = "s3";

/// Stands around the writing of one blob, so that the search takes nothing of this run.
class Storing {
 public:
  Storing();
  ~Storing();
  Storing(const Storing&) = delete;
  Storing& operator=(const Storing&) = delete;
  void Finished(const std::string& blob);

 private:
  uint64_t serial_;
};

/// Looks for them in the background, once at start, and removes them.
void SearchLeftovers(Ports& ports);

}  // namespace stepmill::s3
