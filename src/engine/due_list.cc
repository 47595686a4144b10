#include "engine/due_list.h"

namespace stepmill {

void DueList::Keep(Due due) {
  Remove(due.id);
  const std::string instance = due.body.StringOr("instance", "");
  if (!instance.empty()) by_instance_[instance].insert(due.id);
  ahead_.insert({due.at, due.id});
  std::string id = due.id;
  known_[std::move(id)] = Known{std::move(due), ++generation_, false};
}

void DueList::Add(Due due, Time now) {
  const bool is_beyond = horizon_ && Place{due.at, due.id} > *horizon_ && due.at > now;
  if (is_beyond && !is_reading_) return Remove(due.id);
  removed_while_reading_.erase(due.id);
  const Known* known = Find(due.id);
  if (known && known->due.at == due.at && known->due.body == due.body) return;
  Keep(std::move(due));
  if (ahead_.size() <= ahead_max_) return;
  // The latest go: they are read again when their time comes near.
  while (ahead_.size() > ahead_max_ / 2) Remove(std::string(std::prev(ahead_.end())->second));
  horizon_ = *std::prev(ahead_.end());
}

void DueList::Remove(const std::string& id) {
  if (is_reading_) removed_while_reading_.insert(id);
  const auto found = known_.find(id);
  if (found == known_.end()) return;
  ahead_.erase({found->second.due.at, id});
  const auto mine = by_instance_.find(found->second.due.body.StringOr("instance", ""));
  if (mine != by_instance_.end()) {
    mine->second.erase(id);
    if (mine->second.empty()) by_instance_.erase(mine);
  }
  known_.erase(found);
}

const DueList::Known* DueList::Find(const std::string& id) const {
  const auto found = known_.find(id);
  return found == known_.end() ? nullptr : &found->second;
}

const DueList::Known* DueList::Find(const std::string& id, uint64_t generation) const {
  const Known* known = Find(id);
  return known && known->generation == generation ? known : nullptr;
}

const DueList::Known* DueList::Take(Time now) {
  if (ahead_.empty() || ahead_.begin()->first > now) return nullptr;
  Known& known = known_.at(ahead_.begin()->second);
  ahead_.erase(ahead_.begin());
  known.is_taken = true;
  return &known;
}

std::optional<Time> DueList::Next() const {
  if (!ahead_.empty()) return ahead_.begin()->first;
  if (horizon_) return horizon_->first;
  return std::nullopt;
}

std::vector<std::string> DueList::OfInstance(const std::string& instance) const {
  const auto found = by_instance_.find(instance);
  if (found == by_instance_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Task<> DueList::ReadMore() {
  const int limit = static_cast<int>(ahead_max_ / 2);
  is_reading_ = true;
  removed_while_reading_.clear();
  const Place from = *horizon_;
  auto page = co_await store_.FindDue(from.first, from.second, limit);
  const auto settled = co_await store_.Settle();
  is_reading_ = false;
  if (!page) co_return page.error();
  if (!settled) co_return settled.error();
  for (const Due& due : *page) {
    if (due.kind == "subscription")
      subscription_(due);
    else if (!known_.contains(due.id) && !removed_while_reading_.contains(due.id))
      Keep(due);
  }
  if (page->size() < static_cast<size_t>(limit))
    horizon_.reset();
  else
    horizon_ = Place{page->back().at, page->back().id};
  co_return Result<>();
}

}  // namespace stepmill
