#pragma once

#include <cstdint>
#include <string_view>

namespace stepmill::sagemaker {

struct InstanceSize {
  double cpus = 0;         ///< 0: not known, no limit
  int64_t memory_mib = 0;  ///< 0: not known, no limit
};

/// "ml.m5.xlarge" -> 4 cores, 16 GiB.
InstanceSize SizeOf(std::string_view instance_type);

}  // namespace stepmill::sagemaker
