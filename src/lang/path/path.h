#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::path {

struct Step;

/// A compiled JSONPath of the dialect that Step Functions accepts: names, indexes (also from the
/// end), lists of both, slices, wildcards, recursive descent and filters. Immutable; copies share.
/// Compile once, evaluate many times; any thread.
class Path {
 public:
  /// The path "$".
  Path();
  /// Reads a path that begins with "$". kInvalid, name "InvalidPath": what was expected, with the
  /// column (1-based, bytes).
  static Result<Path> Compile(std::string_view text);

  const std::string& text() const { return text_; }
  bool is_root() const;
  /// True when the path names at most one place: no wildcard, slice, list, filter or "..".
  bool is_definite() const { return definite_; }
  /// True when it may be written to: only names and indexes that are not negative.
  bool is_reference() const { return reference_; }

  /// The place that a definite path names, or null. Points into `root`.
  const Json* Find(const Json& root) const;
  /// A definite path: the value, or kNotFound (name "PathNotFound") with Jayway's words "No results
  /// for path: $['a']" or "Missing property in path $['a']". An indefinite one: the list of all
  /// matches, empty when there are none.
  Result<Json> Evaluate(const Json& root) const;
  /// `root` with `value` at this place; objects on the way are made where they are missing. Needs
  /// is_reference(). kInvalid where an index is outside its array or a scalar is in the way.
  Result<Json> Put(const Json& root, Json value) const;

 private:
  std::string text_;
  std::shared_ptr<const std::vector<Step>> steps_;  // shared by copies of one compiled path
  bool definite_ = true;
  bool reference_ = true;
};

}  // namespace stepmill::path
