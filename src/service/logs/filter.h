#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"

namespace stepmill::logs {

/// A filter pattern of CloudWatch Logs: terms (`ERROR -debug "a phrase" ?a ?b %regex%`), JSON
/// (`{ $.a.b = "x*" && $.n > 5 }`) or space-delimited fields (`[ip, ..., status = 4*]`). Immutable,
/// any thread.
class Filter {
 public:
  /// InvalidParameterException that says what was expected.
  static Result<Filter> Compile(std::string_view pattern);
  bool Matches(std::string_view message) const;

  struct Parts;

 private:
  explicit Filter(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

}  // namespace stepmill::logs
