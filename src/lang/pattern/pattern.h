#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::pattern {

struct Node;

/// A compiled event pattern. Immutable; copies share it; any thread.
class Pattern {
 public:
  explicit Pattern(std::shared_ptr<const Node> root) : root_(std::move(root)) {}
  bool Matches(const Json& event) const;

 private:
  std::shared_ptr<const Node> root_;
};

/// InvalidEventPatternException, "Event pattern is not valid. Reason: ..." with the place in
/// `text`, as EventBridge words it. Names given twice: the last one counts.
Result<Pattern> Compile(std::string_view text);
/// The same for a pattern that is a value already.
Result<Pattern> CompileJson(const Json& pattern);

}  // namespace stepmill::pattern
