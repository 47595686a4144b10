#include "sim_disk.h"

#include <algorithm>
#include <cstring>

namespace stepmill::sim {
namespace {

constexpr uint64_t kSector = 512;

void Apply(std::string& content, const SimDisk::Node::Change& change) {
  using Kind = SimDisk::Node::Change::Kind;
  switch (change.kind) {
    case Kind::kWrite:
      if (content.size() < change.at + change.bytes.size())
        content.resize(change.at + change.bytes.size());
      std::memcpy(content.data() + change.at, change.bytes.data(), change.bytes.size());
      return;
    case Kind::kResize: content.resize(change.size); return;
    case Kind::kPunch: {
      const uint64_t end = std::min<uint64_t>(content.size(), change.at + change.size);
      if (change.at < end) std::memset(content.data() + change.at, 0, end - change.at);
    }
  }
}

Error Failed(bool is_full) {
  return Error{Code::kUnavailable, is_full ? "StoreFull" : "StoreFailed", "the simulated disk"};
}

class File final : public io::Disk::File {
 public:
  File(SimDisk& disk, std::shared_ptr<SimDisk::Node> node) : disk_(disk), node_(std::move(node)) {}
  Result<size_t> Read(uint64_t at, char* to, size_t size) override {
    const std::string& content = node_->now;
    if (at >= content.size()) return size_t{0};
    const size_t count = std::min<size_t>(size, content.size() - at);
    std::memcpy(to, content.data() + at, count);
    return count;
  }
  Result<> Write(uint64_t at, std::string_view bytes) override {
    return disk_.Write(*node_, at, bytes);
  }
  Result<> Sync() override { return disk_.Sync(*node_); }
  Result<uint64_t> Size() override { return static_cast<uint64_t>(node_->now.size()); }
  Result<> Resize(uint64_t size) override { return disk_.Resize(*node_, size); }
  Result<> Punch(uint64_t at, uint64_t size) override { return disk_.Punch(*node_, at, size); }

 private:
  SimDisk& disk_;
  std::shared_ptr<SimDisk::Node> node_;
};

class Folder final : public io::Disk {
 public:
  explicit Folder(SimDisk& disk) : disk_(disk) {}
  Result<std::unique_ptr<File>> Open(std::string_view name) override {
    return std::unique_ptr<File>(
        std::make_unique<stepmill::sim::File>(disk_, disk_.Open(std::string(name))));
  }
  Result<> Remove(std::string_view name) override { return disk_.Remove(std::string(name)); }
  Result<> SyncFolder() override { return disk_.SyncFolder(); }
  Result<std::vector<std::string>> List() override { return disk_.List(); }

 private:
  SimDisk& disk_;
};

}  // namespace

void SimDisk::Arm(Accident accident, uint64_t operations, bool is_lasting) {
  accident_ = accident;
  countdown_ = operations;
  is_lasting_ = is_lasting;
  has_met_ = false;
}

Result<> SimDisk::Step() {
  if (is_dead_) return Failed(false);
  if (accident_ == Accident::kNone || (countdown_ > 0 && --countdown_ > 0)) return {};
  has_met_ = true;
  const Error failed = Failed(accident_ == Accident::kFull);
  if (accident_ == Accident::kDeath) is_dead_ = true;
  if (!is_lasting_) accident_ = Accident::kNone;
  return failed;
}

std::shared_ptr<SimDisk::Node> SimDisk::Find(const std::string& name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : found->second;
}

std::shared_ptr<SimDisk::Node> SimDisk::Open(const std::string& name) {
  if (is_dead_ && !names_.contains(name)) return std::make_shared<Node>();
  std::shared_ptr<Node>& node = names_[name];
  if (!node) node = std::make_shared<Node>();
  return node;
}

Result<> SimDisk::Remove(const std::string& name) {
  MILL_CHECK(Step());
  names_.erase(name);
  return {};
}

Result<> SimDisk::SyncFolder() {
  MILL_CHECK(Step());
  synced_names_ = names_;
  return {};
}

std::vector<std::string> SimDisk::List() const {
  std::vector<std::string> names;
  for (const auto& [name, node] : names_) names.push_back(name);
  return names;
}

Result<> SimDisk::Write(Node& node, uint64_t at, std::string_view bytes) {
  const bool was_dead = is_dead_;
  const Result<> stepped = Step();
  if (was_dead) return stepped;
  // What fails in the middle has done a part of it.
  const size_t count = stepped ? bytes.size() : chance_.Below(bytes.size() + 1);
  Node::Change change{Node::Change::Kind::kWrite, at, 0, std::string(bytes.substr(0, count))};
  Apply(node.now, change);
  node.unsynced.push_back(std::move(change));
  return stepped;
}

Result<> SimDisk::Sync(Node& node) {
  MILL_CHECK(Step());
  for (const Node::Change& change : node.unsynced) Apply(node.synced, change);
  node.unsynced.clear();
  return {};
}

Result<> SimDisk::Resize(Node& node, uint64_t size) {
  MILL_CHECK(Step());
  Node::Change change{Node::Change::Kind::kResize, 0, size};
  Apply(node.now, change);
  node.unsynced.push_back(std::move(change));
  return {};
}

Result<> SimDisk::Punch(Node& node, uint64_t at, uint64_t size) {
  MILL_CHECK(Step());
  Node::Change change{Node::Change::Kind::kPunch, at, size};
  Apply(node.now, change);
  node.unsynced.push_back(std::move(change));
  return {};
}

/// What is read after the power was lost.
std::string SimDisk::Survive(const Node& node) {
  std::string content = node.synced;
  const uint64_t way = chance_.Below(4);  // all, nothing, or each for itself
  for (const Node::Change& change : node.unsynced) {
    if (way == 0) break;
    if (way == 1 || chance_.OneIn(2)) {
      Apply(content, change);
    } else if (change.kind == Node::Change::Kind::kWrite && chance_.OneIn(2)) {
      for (uint64_t from = 0; from < change.bytes.size();) {
        const uint64_t to = std::min<uint64_t>(
            (change.at + from) / kSector * kSector + kSector - change.at, change.bytes.size());
        if (chance_.OneIn(2))
          Apply(content, {Node::Change::Kind::kWrite, change.at + from, 0,
                          change.bytes.substr(from, to - from)});
        from = to;
      }
    }
  }
  return content;
}

void SimDisk::LosePower() {
  // A name that was not synced is as it was, or as it is.
  std::map<std::string, std::shared_ptr<Node>> names = synced_names_;
  for (const auto& [name, node] : names_)
    if (!synced_names_.contains(name) && chance_.OneIn(2)) names[name] = node;
  for (const auto& [name, node] : synced_names_)
    if (!names_.contains(name) && chance_.OneIn(2)) names.erase(name);
  names_ = names;
  synced_names_ = names;
  for (auto& [name, node] : names_) {
    node->now = Survive(*node);
    node->synced = node->now;
    node->unsynced.clear();
  }
}

void SimDisk::Revive() {
  is_dead_ = false;
  accident_ = Accident::kNone;
}

std::unique_ptr<io::Disk> SimDisk::View() { return std::make_unique<Folder>(*this); }

}  // namespace stepmill::sim
