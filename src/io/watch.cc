#include "io/watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstring>
#include <map>
#include <set>
#include <vector>

namespace stepmill::io {

namespace {
constexpr uint32_t kChanges =
    IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF;
constexpr size_t kEventBytes = 64 * 1024;
}  // namespace

class Watcher::Core {
 public:
  explicit Core(Loop& loop)
      : descriptor_(loop.context(), ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

  Result<int> Add(const std::string& path, OneWatch* watch) {
    const int wd = ::inotify_add_watch(descriptor_.native_handle(), path.c_str(), kChanges);
    if (wd < 0) {
      const Code code = errno == ENOENT ? Code::kNotFound : Code::kInternal;
      return Error{code, "WatchError", path + ": " + std::strerror(errno)};
    }
    watches_[wd].insert(watch);
    return wd;
  }

  void Drop(int wd, OneWatch* watch) {
    const auto found = watches_.find(wd);
    if (found == watches_.end()) return;
    found->second.erase(watch);
    if (!found->second.empty()) return;
    watches_.erase(found);
    if (descriptor_.is_open()) ::inotify_rm_watch(descriptor_.native_handle(), wd);
  }

  void Close() { descriptor_.close(); }

  static asio::awaitable<void> Run(std::shared_ptr<Core> self);
  void Tell(std::string_view bytes);

 private:
  asio::posix::stream_descriptor descriptor_;
  std::map<int, std::set<OneWatch*>> watches_;
};

class Watcher::OneWatch : public Watch {
 public:
  explicit OneWatch(std::shared_ptr<Core> core)
      : core_(std::move(core)), changed_(std::make_shared<Signal>()) {}
  ~OneWatch() override {
    for (const int wd : wds_) core_->Drop(wd, this);
  }
  Result<> Also(std::string path) override {
    MILL_TRY(const int wd, core_->Add(path, this));
    wds_.push_back(wd);
    return {};
  }
  void Changed() { changed_->Set(); }
  Task<> Next() override {
    const auto changed = changed_;  // kept: this watch may go while we wait
    MILL_CO_CHECK(co_await changed->Wait());
    if (changed_ == changed) changed_ = std::make_shared<Signal>();
    co_return Result<>();
  }

 private:
  std::shared_ptr<Core> core_;
  std::shared_ptr<Signal> changed_;
  std::vector<int> wds_;
};

asio::awaitable<void> Watcher::Core::Run(std::shared_ptr<Core> self) {
  std::string bytes(kEventBytes, '\0');
  for (;;) {
    boost::system::error_code error;
    const size_t count = co_await self->descriptor_.async_read_some(
        asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // closed
    self->Tell(std::string_view(bytes).substr(0, count));
  }
}

void Watcher::Core::Tell(std::string_view bytes) {
  for (size_t at = 0; at + sizeof(inotify_event) <= bytes.size();) {
    inotify_event event;
    std::memcpy(&event, bytes.data() + at, sizeof(event));
    at += sizeof(event) + event.len;
    if (event.mask & IN_Q_OVERFLOW) {
      for (const auto& [wd, all] : watches_)
        for (OneWatch* watch : all) watch->Changed();
    }
    const auto found = watches_.find(event.wd);
    if (found == watches_.end()) continue;
    for (OneWatch* watch : found->second) watch->Changed();
  }
}

Watcher::Watcher(Loop& loop) : core_(std::make_shared<Core>(loop)) {
  asio::co_spawn(loop.context(), Core::Run(core_), asio::detached);
}

Watcher::~Watcher() { core_->Close(); }

Result<std::unique_ptr<Watch>> Watcher::Add(std::string path) {
  auto watch = std::make_unique<OneWatch>(core_);
  MILL_CHECK(watch->Also(path));
  return std::unique_ptr<Watch>(std::move(watch));
}

}  // namespace stepmill::io
