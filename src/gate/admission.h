#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/result.h"
#include "base/time.h"
#include "task/ports.h"

namespace stepmill {

/// How many calls of one caller may be under way at once, so that one who sends faster than the
/// server answers does not make all others wait: what is above is refused with ThrottlingException
/// ("Rate exceeded"), which AWS's clients send again after a while. A call that has been under way
/// for longer than kShort waits for something (a long poll, an execution, a body) rather than for
/// its turn, and does not count.
/// https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html#service-limits-api-action-throttling
///
/// Threads: loop thread only. Must outlive its tickets.
class Admission {
 public:
  static constexpr size_t kCallsMax = 512;  ///< of one caller
  static constexpr Millis kShort{1000};

  explicit Admission(Clock& clock) : clock_(clock) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// A call under way; it has ended when this goes.
  class Ticket;
  Result<std::unique_ptr<Ticket>> Enter(const std::string& caller);

 private:
  /// When the calls of a caller began that still count, the first in front.
  using Counted = std::deque<Time>;

  Clock& clock_;
  std::unordered_map<std::string, Counted> callers_;
};

class Admission::Ticket {
 public:
  Ticket(Admission& admission, std::string caller, Time began)
      : admission_(admission), caller_(std::move(caller)), began_(began) {}
  ~Ticket();
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

 private:
  Admission& admission_;
  std::string caller_;
  Time began_;
};

}  // namespace stepmill
