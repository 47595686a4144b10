#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "store/store.h"
#include "task/task.h"

namespace stepmill {

/// What is due, as far as it must be in memory: everything that is under way, and of what is still
/// to come the next few thousand; the store has the rest. So a million that wait cost no more than
/// those few thousand.
///
/// Threads: loop thread only.
class DueList {
 public:
  /// `generation` tells a moved timer from the one that was handed out before.
  struct Known {
    Due due;
    uint64_t generation = 0;
    bool is_taken = false;
  };
  /// `ahead_max`: how many of those that are still to come are kept in memory, at least 8.
  /// `subscription`: gets those of that kind, which are read like the others and never done.
  DueList(Store& store, size_t ahead_max, std::function<void(const Due&)> subscription)
      : store_(store), ahead_max_(ahead_max), subscription_(std::move(subscription)) {}

  /// One that was committed; replaces the one of the same id. One that was read meanwhile, and is
  /// the same, stays as it is.
  void Add(Due due, Time now);
  void Remove(const std::string& id);
  /// Null: removed or replaced since, or never here.
  const Known* Find(const std::string& id, uint64_t generation) const;
  /// By any generation.
  const Known* Find(const std::string& id) const;
  /// The next that is due at `now` and was not taken yet; it stays until it is removed.
  const Known* Take(Time now);
  /// When something is to be taken, or to be read.
  std::optional<Time> Next() const;
  /// Ids of those in memory that name this instance.
  std::vector<std::string> OfInstance(const std::string& instance) const;

  /// The store holds more and few of them are here.
  bool is_short() const { return !is_reading_ && horizon_ && ahead_.size() < ahead_max_ / 4; }
  /// Not all of what is due at `now` was read.
  bool is_behind(Time now) const { return horizon_ && horizon_->first <= now; }
  /// Reads the next ones. None of them is to be taken before its commit is durable.
  Task<> ReadMore();

 private:
  using Place = std::pair<Time, std::string>;
  void Keep(Due due);

  Store& store_;
  const size_t ahead_max_;
  std::function<void(const Due&)> subscription_;
  uint64_t generation_ = 0;
  std::unordered_map<std::string, Known> known_;
  std::set<Place> ahead_;  // not taken yet
  std::unordered_map<std::string, std::unordered_set<std::string>> by_instance_;
  /// All of the store's up to here were read; nullopt: all of them.
  std::optional<Place> horizon_ = Place{Time(Millis(INT64_MIN)), ""};
  bool is_reading_ = false;
  std::unordered_set<std::string> removed_while_reading_;
};

}  // namespace stepmill
