#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "store/store.h"

namespace stepmill {

/// The store of tests, simulations and `stepmill run`: everything in memory, durable at once. Also
/// the model that the other stores are compared with.
///
/// Threads: loop thread only.
class MemoryStore final : public Store {
 public:
  Task<> Commit(Batch batch) override;
  Task<> Settle() override;
  Task<std::optional<Document>> Get(Key key) override;
  Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) override;
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                 int limit) override;
  Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) override;

 private:
  struct Stream {
    uint64_t first = 1;  ///< sequence of records.front()
    std::vector<Json> records;
    uint64_t newest() const { return first + records.size() - 1; }
  };

  Result<> Check(const Batch& batch) const;
  void Apply(Batch& batch);

  std::map<Key, Document> documents_;
  std::map<std::string, Stream> streams_;
  std::map<std::string, Due> dues_;
  std::set<std::pair<Time, std::string>> due_order_;
};

}  // namespace stepmill
