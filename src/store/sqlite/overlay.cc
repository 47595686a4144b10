#include "store/sqlite/overlay.h"

namespace stepmill::sqlite {

namespace {
constexpr size_t kCachedStreamsMax = 16 * 1024;
}

void Overlay::Forget(uint64_t durable) {
  durable_ = durable;
  while (!touched_.empty() && touched_.front().batch <= durable) {
    const Touched& touched = touched_.front();
    for (const Key& key : touched.documents) {
      const auto found = documents.find(key);
      if (found != documents.end() && found->second.batch <= durable) documents.erase(found);
    }
    for (const std::string& id : touched.dues) {
      const auto found = dues.find(id);
      if (found != dues.end() && found->second.batch <= durable) dues.erase(found);
    }
    for (const std::string& name : touched.streams) {
      const auto found = streams.find(name);
      if (found == streams.end()) continue;
      Stream& stream = found->second;
      while (!stream.pending.empty() && stream.pending_batches.front() <= durable) {
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
  std::erase_if(streams, [this](const auto& entry) { return entry.second.batch <= durable_; });
}

}  // namespace stepmill::sqlite
