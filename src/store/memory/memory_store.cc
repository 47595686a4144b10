#include "store/memory/memory_store.h"

#include <algorithm>

namespace stepmill {

Result<> MemoryStore::Check(const Batch& batch) const {
  for (const Batch::Expect& expect : batch.expects) {
    const auto found = documents_.find(expect.key);
    const Version version = found == documents_.end() ? 0 : found->second.version;
    if (version != expect.version) return DocumentConflict(expect, version);
  }
  for (const Batch::ExpectStream& expect : batch.stream_expects) {
    const auto found = streams_.find(expect.stream);
    const uint64_t newest = found == streams_.end() ? 0 : found->second.newest();
    if (newest != expect.newest) return StreamConflict(expect, newest);
  }
  return {};
}

// The order of the kinds is part of the port's promise: see store.h.
void MemoryStore::Apply(Batch& batch) {
  for (const Key& key : batch.deletes) documents_.erase(key);
  for (Batch::Put& put : batch.puts) {
    Document& document = documents_[put.key];
    document.key = put.key;
    document.version += 1;
    document.body = std::move(put.body);
  }
  for (const std::string& stream : batch.stream_deletes) streams_.erase(stream);
  for (Batch::Append& append : batch.appends)
    streams_[append.stream].records.push_back(std::move(append.body));
  for (const Batch::Truncate& truncate : batch.truncates) {
    const auto found = streams_.find(truncate.stream);
    if (found == streams_.end() || truncate.before <= found->second.first) continue;
    Stream& stream = found->second;
    const uint64_t count =
        std::min<uint64_t>(truncate.before - stream.first, stream.records.size());
    stream.records.erase(stream.records.begin(), stream.records.begin() + count);
    stream.first += count;
  }
  const auto remove_due = [this](const std::string& id) {
    const auto found = dues_.find(id);
    if (found == dues_.end()) return;
    due_order_.erase({found->second.at, id});
    dues_.erase(found);
  };
  for (const std::string& id : batch.due_removals) remove_due(id);
  for (Due& due : batch.dues) {
    remove_due(due.id);
    due_order_.emplace(due.at, due.id);
    dues_[due.id] = std::move(due);
  }
}

Task<> MemoryStore::Commit(Batch batch) {
  MILL_ASSERT(batch.events.empty());
  MILL_CO_CHECK(Check(batch));
  Apply(batch);
  co_return Result<>();
}

Task<> MemoryStore::Settle() { co_return Result<>(); }

Task<std::optional<Document>> MemoryStore::Get(Key key) {
  const auto found = documents_.find(key);
  if (found == documents_.end()) co_return std::optional<Document>();
  co_return std::optional<Document>(found->second);
}

Task<std::vector<Document>> MemoryStore::Range(Key from, Key to, Direction direction, int limit) {
  std::vector<Document> found;
  if (from >= to) co_return found;
  auto begin = documents_.lower_bound(from);
  auto end = documents_.lower_bound(to);
  const size_t count_max = static_cast<size_t>(std::max(limit, 0));
  if (direction == Direction::kForward) {
    for (; begin != end && found.size() < count_max; ++begin) found.push_back(begin->second);
  } else {
    while (begin != end && found.size() < count_max) found.push_back((--end)->second);
  }
  co_return found;
}

Task<std::vector<Record>> MemoryStore::Read(std::string name, uint64_t from, Direction direction,
                                            int limit) {
  std::vector<Record> found;
  const auto entry = streams_.find(name);
  if (entry == streams_.end()) co_return found;
  const Stream& stream = entry->second;
  const size_t count_max = static_cast<size_t>(std::max(limit, 0));
  const auto add = [&](uint64_t sequence) {
    found.push_back({sequence, stream.records[sequence - stream.first]});
  };
  if (direction == Direction::kForward) {
    for (uint64_t at = std::max(from, stream.first);
         at <= stream.newest() && found.size() < count_max; ++at)
      add(at);
  } else {
    for (uint64_t at = from == 0 ? stream.newest() : std::min(from, stream.newest());
         at >= stream.first && at > 0 && found.size() < count_max; --at)
      add(at);
  }
  co_return found;
}

Task<std::vector<Due>> MemoryStore::FindDue(Time after_at, std::string after_id, int limit) {
  std::vector<Due> found;
  auto at = due_order_.upper_bound({after_at, after_id});
  for (; at != due_order_.end() && found.size() < static_cast<size_t>(std::max(limit, 0)); ++at)
    found.push_back(dues_.at(at->second));
  co_return found;
}

}  // namespace stepmill
