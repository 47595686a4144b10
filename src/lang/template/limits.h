#pragma once

#include <cstddef>

namespace stepmill::cfn {

// CloudFormation's own quotas.
inline constexpr size_t kResourcesMax = 500;
inline constexpr size_t kParametersMax = 200;
inline constexpr size_t kOutputsMax = 200;
inline constexpr size_t kMappingsMax = 200;
inline constexpr size_t kDescriptionBytesMax = 1024;
inline constexpr size_t kTemplateBodyBytesMax = 51'200;
inline constexpr size_t kTemplateUrlBytesMax = 1 << 20;
/// Functions within functions, and values within values.
inline constexpr int kDepthMax = 200;

}  // namespace stepmill::cfn
