#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "io/disk.h"
#include "io/worker.h"
#include "store/store.h"

namespace stepmill {

/// The server's store: a journal that makes batches durable, and behind it a SQLite file that
/// answers reads.
///
/// All batches that were issued while a commit was under way become one entry of the journal with
/// one sync; an idle store commits at once. What is durable is then carried into the SQLite file
/// by a second worker; until it is there it is answered from memory. When that worker is far
/// behind, commits wait for it. Expectations are checked when a batch is issued, against the file
/// with the writes laid over it that are not in it yet; reads see the same. Reads run on the loop
/// thread (a few microseconds when cached).
///
/// Texts of 4 KiB and above are written once and named by number wherever else the same value
/// (shared, not just equal) is stored within a while; those of 32 KiB and above stand in a file of
/// their own. What nobody names any more is given back to the disk.
///
/// After a failed write or sync all that wait get kUnavailable, and so does everything from then
/// on: the process must stop and recover. When the disk is full the error is named "StoreFull";
/// when what was stored does not read back, "StoreDamaged".
///
/// Files of the folder: journal-1, journal-2, ... (store/journal/log.h), payloads, index.sqlite.
class JournalStore final : public Store {
 public:
  /// Called once, on the loop thread, when the store has failed for good.
  using Failed = std::function<void(const Error&)>;

  /// What it stands on. The simulation brings its own.
  struct Ground {
    std::unique_ptr<io::Disk> disk;
    std::unique_ptr<io::Worker> writer, indexer;
    std::string index_path;
    const char* index_vfs = nullptr;           ///< null: SQLite's own
    uint64_t segment_bytes = 4 * 1024 * 1024;  ///< of the journal
    uint64_t move_bytes = 8 * 1024 * 1024;     ///< of the journal, until the index is made durable
  };

  /// `loop`: the loop thread's executor.
  static Result<std::unique_ptr<JournalStore>> Open(asio::any_io_executor loop, Ground ground,
                                                    Failed failed);
  /// On a folder of this machine, made when it is not there. kConflict when another process has it.
  static Result<std::unique_ptr<JournalStore>> OpenFolder(asio::any_io_executor loop,
                                                          const std::string& folder, Failed failed);
  /// Drops what is issued and not handed to the writer yet: Settle first.
  ~JournalStore() override;

  Task<> Commit(Batch batch) override;
  Task<> Settle() override;
  Task<std::optional<Document>> Get(Key key) override;
  Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) override;
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                 int limit) override;
  Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) override;

 private:
  class Core;
  explicit JournalStore(std::shared_ptr<Core> core);
  /// Shared with completions on their way from the workers, which hold it weakly.
  std::shared_ptr<Core> core_;
};

}  // namespace stepmill
