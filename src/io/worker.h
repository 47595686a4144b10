#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>

namespace stepmill::io {

/// One thread beside the loop's: what it is given runs there in the order of the calls. Its end
/// finishes what it was given; what is `done` after that is not called any more.
///
/// Threads: called from the loop thread.
class Worker {
 public:
  virtual ~Worker() = default;
  /// Runs `work` there, then `done` on the loop thread.
  virtual void Run(std::function<void()> work, std::function<void()> done) = 0;
};

/// `niceness`: how far it stands behind the others, as nice(1) counts.
std::unique_ptr<Worker> MakeThread(boost::asio::any_io_executor loop, int niceness = 0);

}  // namespace stepmill::io
