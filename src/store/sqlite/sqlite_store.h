#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <string>

#include "store/store.h"

namespace stepmill {

/// The server's store: one SQLite file (write-ahead log, synchronous=FULL), a thread that commits.
///
/// All batches that were issued while a commit was under way become one transaction with one sync;
/// an idle store commits at once. Expectations are checked when a batch is issued, against the
/// file with the writes laid over it that are not yet durable; reads see the same. Reads run on the
/// loop thread (a few microseconds when cached).
///
/// After a failed write or sync all that wait get kUnavailable, and so does everything from then
/// on: the process must stop and recover. When the disk is full the error is named "StoreFull".
class SqliteStore final : public Store {
 public:
  /// Called once, on the loop thread, when the store has failed for good.
  using Failed = std::function<void(const Error&)>;

  static constexpr int kLogPagesMax = 4096;  ///< 16 MiB

  /// `loop`: the loop thread's executor. `log_pages_max`: how far the write-ahead log grows before
  /// it is moved into the file. kConflict when another process has the file open.
  static Result<std::unique_ptr<SqliteStore>> Open(asio::any_io_executor loop,
                                                   const std::string& path, Failed failed,
                                                   int log_pages_max = kLogPagesMax);
  /// Drops what is issued and not handed to the writer yet: Settle first.
  ~SqliteStore() override;

  Task<> Commit(Batch batch) override;
  Task<> Settle() override;
  Task<std::optional<Document>> Get(Key key) override;
  Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) override;
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                 int limit) override;
  Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) override;

 private:
  class Core;
  explicit SqliteStore(std::shared_ptr<Core> core);
  /// Shared with completions on their way from the writer's thread, which hold it weakly.
  std::shared_ptr<Core> core_;
};

}  // namespace stepmill
