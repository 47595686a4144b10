#include "store/journal/overlay.h"

namespace stepmill::journal {

namespace {
constexpr size_t kCachedStreamsMax = 16 * 1024;
}

void Overlay::Forget(uint64_t applied) {
  applied_ = applied;
  while (!touched_.empty() && touched_.front().batch <= applied) {
    const Touched& touched = touched_.front();
    for (const Key& key : touched.documents) {
      const auto found = documents.find(key);
      if (found != documents.end() && found->second.batch <= applied) documents.erase(found);
    }
    for (const std::string& id : touched.dues) {
      const auto found = dues.find(id);
      if (found != dues.end() && found->second.batch <= applied) dues.erase(found);
    }
    for (const std::string& name : touched.streams) {
      const auto found = streams.find(name);
      if (found == streams.end()) continue;
      Stream& stream = found->second;
      while (!stream.pending.empty() && stream.pending_batches.front() <= applied) {
        stream.pending.pop_front();
        stream.pending_batches.pop_front();
      }
    }
    touched_.pop_front();
  }
  Trim();
}

void Overlay::Trim() {
  if (streams.size() <= kCachedStreamsMax) return;
  std::erase_if(streams, [this](const auto& entry) { return entry.second.batch <= applied_; });
}

}  // namespace stepmill::journal
