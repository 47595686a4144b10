#include "io/worker.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace stepmill::io {
namespace {

class Thread final : public Worker {
 public:
  Thread(boost::asio::any_io_executor loop, int niceness)
      : loop_(std::move(loop)), thread_([this, niceness] { Work(niceness); }) {}
  ~Thread() override {
    {
      const std::lock_guard lock(mutex_);
      is_ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  void Run(std::function<void()> work, std::function<void()> done) override {
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back({std::move(work), std::move(done)});
    }
    wake_.notify_one();
  }

 private:
  struct Piece {
    std::function<void()> work, done;
  };
  void Work(int niceness) {
    // Behind the others where that is allowed; its work does not depend on it.
    if (niceness != 0)
      (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), niceness);
    while (true) {
      Piece piece;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return !queue_.empty() || is_ending_; });
        if (queue_.empty()) return;
        piece = std::move(queue_.front());
        queue_.pop_front();
      }
      piece.work();
      boost::asio::post(loop_, std::move(piece.done));
    }
  }

  boost::asio::any_io_executor loop_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Piece> queue_;
  bool is_ending_ = false;
  std::thread thread_;  // last: it uses the others
};

}  // namespace

std::unique_ptr<Worker> MakeThread(boost::asio::any_io_executor loop, int niceness) {
  return std::make_unique<Thread>(std::move(loop), niceness);
}

}  // namespace stepmill::io
