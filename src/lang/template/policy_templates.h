#pragma once

#include <string_view>

namespace stepmill::cfn {

/// One of SAM's policy templates.
struct PolicyTemplate {
  std::string_view name;
  std::string_view parameters;  ///< names, separated by commas; all are required
  std::string_view statements;  ///< JSON of the policy document; {"$": "P"} is parameter P
};

/// Null when there is no template of that name.
const PolicyTemplate* FindPolicyTemplate(std::string_view name);

}  // namespace stepmill::cfn
