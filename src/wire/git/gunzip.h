#pragma once

#include <cstdint>
#include <memory>

#include "blob/blob_store.h"

namespace stepmill::wire::git {

/// The unpacked bytes of a gzip stream. `packed` must outlive it. kInvalid: no gzip; kLimit: more
/// than `bytes_max` unpacked.
std::unique_ptr<ByteSource> Gunzip(ByteSource& packed, uint64_t bytes_max);

}  // namespace stepmill::wire::git
