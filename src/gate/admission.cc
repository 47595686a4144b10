#include "gate/admission.h"

#include <algorithm>

namespace stepmill {

Result<std::unique_ptr<Admission::Ticket>> Admission::Enter(const std::string& caller) {
  const Time now = clock_.Now();
  Counted& counted = callers_[caller];
  while (!counted.empty() && counted.front() + kShort < now) counted.pop_front();
  if (counted.size() >= kCallsMax)
    return Error{Code::kLimit, "ThrottlingException", "Rate exceeded"};
  // A clock that was set back must not leave the list out of order.
  const Time began = counted.empty() ? now : std::max(now, counted.back());
  counted.push_back(began);
  return std::make_unique<Ticket>(*this, caller, began);
}

Admission::Ticket::~Ticket() {
  const auto mine = admission_.callers_.find(caller_);
  if (mine == admission_.callers_.end()) return;
  Counted& counted = mine->second;
  // Calls of one moment are alike: any of them may go for this one.
  const auto found = std::lower_bound(counted.begin(), counted.end(), began_);
  if (found != counted.end() && *found == began_) counted.erase(found);
  if (counted.empty()) admission_.callers_.erase(mine);
}

}  // namespace stepmill
