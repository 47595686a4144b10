#pragma once

#include <cstdio>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/strings.h"
#include "base/time.h"
#include "store/store.h"

namespace stepmill::sim {

/// What happened in a run, in order: commits, answers, faults. Two runs of one seed have the same
/// hash. With `is_printed` each line goes to standard output too.
class Trace {
 public:
  explicit Trace(bool is_printed) : digest_(Digest::Kind::kSha256), is_printed_(is_printed) {}
  void Add(Time at, std::string_view what, std::string_view text) {
    std::string line = FormatIso(at) + " ";
    line.append(what).append(" ").append(text).append("\n");
    digest_.Update(line);
    ++count_;
    if (is_printed_) std::fputs(line.c_str(), stdout);
  }
  /// In hexadecimal digits; the trace is spent afterwards.
  std::string Finish() { return Hex(digest_.Finish()).substr(0, 16); }
  uint64_t count() const { return count_; }

 private:
  Digest digest_;
  bool is_printed_;
  uint64_t count_ = 0;
};

/// All of a batch as text.
std::string PrintBatch(const Batch& batch);

}  // namespace stepmill::sim
