#pragma once

#include <memory>
#include <string>

#include "io/loop.h"

namespace stepmill::io {

/// Tells of changes below one file or folder (inotify). Made first, then look, then wait: what
/// changes after the making is never missed.
///
/// Threads: loop thread.
class Watch {
 public:
  virtual ~Watch() = default;
  /// Returns at the next change since the last call (or the making): written, closed, created,
  /// moved in, deleted.
  virtual Task<> Next() = 0;
  /// Tells of a second file or folder too. kNotFound: it is not there.
  virtual Result<> Also(std::string path) = 0;
};

/// One inotify descriptor for all watches.
class Watcher {
 public:
  explicit Watcher(Loop& loop);
  ~Watcher();
  /// kNotFound: `path` is not there.
  Result<std::unique_ptr<Watch>> Add(std::string path);

 private:
  class Core;
  class OneWatch;
  std::shared_ptr<Core> core_;
};

}  // namespace stepmill::io
