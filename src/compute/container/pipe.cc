#include "compute/container/pipe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <cstring>

namespace stepmill::container {

namespace {

constexpr mode_t kAnybodyReads = 0666;
constexpr int kPipeBytes = 1 << 20;  ///< asked of the kernel, which may give less
constexpr std::chrono::milliseconds kPauseMin{10}, kPauseMax{200};

Error Trouble(const std::string& path, int number) {
  return Error{Code::kInternal, "PipeError", path + ": " + std::strerror(number)};
}

/// The writing end, or -1 as long as nobody reads. The job may have put anything there instead.
Result<int> OpenToWrite(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 && (errno == ENXIO || errno == EINTR)) return -1;
  if (fd < 0) return Trouble(path, errno);
  struct stat status;
  if (::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode)) return fd;
  ::close(fd);
  return Error{Code::kInvalid, "PipeError", path + " is no named pipe any more"};
}

}  // namespace

Result<> MakeFifo(const std::string& path) {
  if (::mkfifo(path.c_str(), kAnybodyReads) != 0) {
    if (errno == EEXIST) return {};
    return Trouble(path, errno);
  }
  ::chmod(path.c_str(), kAnybodyReads);  // past the umask; a failure shows when the job opens it
  return {};
}

Task<PipeEnd> FeedFifo(io::Loop& loop, std::string path, std::function<bool()> has_ended,
                       PipeOpener open) {
  // The kernel tells nobody that a reader waits in open(2): what it answers to an open that does
  // not block is the only sign.
  int fd = -1;
  for (auto pause = kPauseMin; fd < 0; pause = std::min(pause * 2, kPauseMax)) {
    if (has_ended()) co_return PipeEnd::kJobEnded;
    const Result<int> opened = OpenToWrite(path);
    if (!opened) co_return has_ended() ? Result<PipeEnd>(PipeEnd::kJobEnded) : opened.error();
    fd = *opened;
    if (fd < 0) MILL_CO_CHECK(co_await loop.clock().SleepUntil(loop.clock().Now() + pause));
  }
  asio::posix::stream_descriptor pipe(loop.context(), fd);
  (void)::fcntl(fd, F_SETPIPE_SZ, kPipeBytes);  // a smaller pipe works as well
  MILL_CO_TRY(const std::unique_ptr<ByteSource> source, co_await open());
  for (;;) {
    MILL_CO_TRY(const std::string bytes, co_await source->Read());
    if (bytes.empty()) co_return PipeEnd::kAll;
    boost::system::error_code error;
    co_await asio::async_write(pipe, asio::buffer(bytes),
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return has_ended() ? PipeEnd::kJobEnded : PipeEnd::kClosed;
  }
}

}  // namespace stepmill::container
