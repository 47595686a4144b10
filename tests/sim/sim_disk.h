#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "chance.h"
#include "io/disk.h"
#include "trace.h"

namespace stepmill::sim {

/// A disk under the server's files, and the operating system's memory in front of it. What was
/// written is seen at once; it is durable when the file was synced. When the power goes, each write
/// since then is there, lost, or torn at its sectors, whatever the order: the seed chooses. Names
/// are durable with the folder's sync.
///
/// The server reaches it by two ways: io::Disk (`View`), and a SQLite file system (sim_vfs.cc).
class SimDisk {
 public:
  /// What happens at a disk operation to come.
  enum class Accident { kNone, kDeath, kError, kFull };

  /// One file. Shared with those who have it open: a removed one is still there for them.
  struct Node {
    struct Change {
      enum class Kind { kWrite, kResize, kPunch } kind;
      uint64_t at = 0, size = 0;
      std::string bytes = {};
    };
    std::string now, synced;
    std::vector<Change> unsynced;
  };

  explicit SimDisk(uint64_t seed) : chance_(seed) {}

  /// `accident` happens `operations` changes from now. kDeath: the process is gone in the middle of
  /// it: nothing has an effect any more, until Revive. kError and kFull: the change fails, half
  /// done; with `is_lasting` all that follow fail too, until Revive.
  void Arm(Accident accident, uint64_t operations, bool is_lasting);
  bool is_dead() const { return is_dead_; }
  bool has_met() const { return has_met_; }  ///< the accident, since Arm
  /// The process is gone: nothing that it still does has an effect.
  void Kill() { is_dead_ = true; }
  /// What was not synced is as the seed chooses. After the process.
  void LosePower();
  /// A new process uses it.
  void Revive();

  // For the two ways. `name`: of the one folder.
  std::shared_ptr<Node> Find(const std::string& name) const;
  std::shared_ptr<Node> Open(const std::string& name);
  Result<> Remove(const std::string& name);
  Result<> SyncFolder();
  std::vector<std::string> List() const;
  Result<> Write(Node& node, uint64_t at, std::string_view bytes);
  Result<> Sync(Node& node);
  Result<> Resize(Node& node, uint64_t size);
  Result<> Punch(Node& node, uint64_t at, uint64_t size);

  std::unique_ptr<io::Disk> View();

 private:
  /// Counts an operation; an error when it is not to happen.
  Result<> Step();
  std::string Survive(const Node& node);

  Chance chance_;
  std::map<std::string, std::shared_ptr<Node>> names_, synced_names_;
  Accident accident_ = Accident::kNone;
  uint64_t countdown_ = 0;
  bool is_lasting_ = false, has_met_ = false, is_dead_ = false;
};

/// Registers the SQLite file system "sim" on `disk`; nullptr: on none.
inline constexpr char kSimVfs[] = "sim";
void MountVfs(SimDisk* disk);

}  // namespace stepmill::sim
