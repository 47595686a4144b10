#pragma once

#include <string>
#include <utility>

namespace stepmill {

/// A text that must not leak: it has no conversion, no stream operator, and no way into a Json, a
/// log line or an Error. Reveal() is the one way out, and a reviewer searches for it.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  const std::string& Reveal() const { return text_; }

 private:
  std::string text_;
};

}  // namespace stepmill
