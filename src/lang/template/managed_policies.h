#pragma once

#include <string>
#include <string_view>

namespace stepmill::cfn {

/// The ARN of a policy that AWS manages, by its name; empty when there is none of that name.
std::string ManagedPolicyArn(std::string_view partition, std::string_view name);

}  // namespace stepmill::cfn
