#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "store/sqlite/changes.h"
#include "store/sqlite/database.h"

namespace stepmill::sqlite {

/// The thread that commits: one transaction and one sync for each group it is handed. It also
/// moves the write-ahead log into the database file. It never goes on after a failed write or sync.
class Writer {
 public:
  using Done = std::function<void(Result<>)>;  ///< called on the writer's thread

  Writer() = default;
  ~Writer();  ///< finishes the group it was handed

  /// `log_pages_max`: the write-ahead log is moved into the database when it has grown to this.
  Result<> Open(const std::string& path, int log_pages_max);
  /// At most one group at a time: the next after `done`.
  void Commit(std::vector<Changes> group, Done done);

 private:
  void Run();
  Result<> Write(const std::vector<Changes>& group);
  Result<> Apply(const Changes& changes);
  Result<> MoveLog();

  Connection connection_;
  Statement put_document_, delete_document_, put_stream_, delete_stream_, delete_records_, append_,
      truncate_, delete_due_, put_due_, begin_, commit_;
  int log_pages_ = 0;
  int log_pages_max_ = 0;
  std::string buffer_;  ///< printed bodies

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Changes> group_;
  Done done_;
  bool has_group_ = false;
  bool is_stopping_ = false;
  std::thread thread_;
};

}  // namespace stepmill::sqlite
