#include "repo/git/run.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace stepmill::repo {
namespace {

Error Unavailable(std::string message) {
  return Error{Code::kUnavailable, "GitUnavailable", std::move(message)};
}

class Fd {
 public:
  explicit Fd(int fd = -1) : fd_(fd) {}
  ~Fd() { Close(); }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  int get() const { return fd_; }
  void Set(int fd) {
    Close();
    fd_ = fd;
  }
  void Close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  bool is_open() const { return fd_ >= 0; }

 private:
  int fd_;
};

struct Pipe {
  Fd read, write;
  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read.Set(ends[0]);
    write.Set(ends[1]);
    return true;
  }
};

std::vector<std::string> Environment(const GitRun& run, const std::string& empty_home) {
  std::vector<std::string> env = {
      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      "HOME=" + empty_home,
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=/dev/null",
      "GIT_TERMINAL_PROMPT=0",
      "GIT_OPTIONAL_LOCKS=0",
      "LC_ALL=C",
      "TZ=UTC"};
  if (!run.git_dir.empty()) env.push_back("GIT_DIR=" + run.git_dir);
  env.insert(env.end(), run.env.begin(), run.env.end());
  return env;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

/// Feeds the input and collects both outputs until git closed them. False: too much output.
bool Converse(const GitRun& run, Pipe& in, Pipe& out, Pipe& err, GitOutput& result) {
  size_t sent = 0;
  if (run.input.empty()) in.write.Close();
  std::array<char, 65536> buffer;
  while (out.read.is_open() || err.read.is_open()) {
    std::array<pollfd, 3> polls = {pollfd{in.write.get(), POLLOUT, 0},
                                   pollfd{out.read.get(), POLLIN, 0},
                                   pollfd{err.read.get(), POLLIN, 0}};
    if (::poll(polls.data(), polls.size(), -1) < 0 && errno != EINTR) return false;
    if (polls[0].revents != 0) {
      const ssize_t n = ::write(in.write.get(), run.input.data() + sent, run.input.size() - sent);
      if (n > 0) sent += static_cast<size_t>(n);
      // git closed its input early: what it says on stderr is the news.
      if ((n < 0 && errno != EAGAIN && errno != EINTR) || sent == run.input.size())
        in.write.Close();
    }
    const auto drain = [&](pollfd& poll, Fd& fd, std::string& into) {
      if (poll.revents == 0) return;
      const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
      if (n > 0) into.append(buffer.data(), static_cast<size_t>(n));
      if (n == 0 || (n < 0 && errno != EINTR)) fd.Close();
    };
    drain(polls[1], out.read, result.out);
    drain(polls[2], err.read, result.err);
    if (result.out.size() > run.output_bytes_max || result.err.size() > (1u << 20)) return false;
  }
  return true;
}

}  // namespace

Result<GitOutput> RunGit(const GitRun& run, const std::string& empty_home) {
  Pipe in, out, err;
  if (!in.Open() || !out.Open() || !err.Open())
    return Unavailable(std::string("no pipe for git: ") + std::strerror(errno));
  ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);

  std::vector<std::string> args = {"git", "-c", "core.hooksPath=/dev/null", "-c", "core.fsync=all"};
  args.insert(args.end(), run.args.begin(), run.args.end());
  std::vector<std::string> env = Environment(run, empty_home);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), 2);
  // A server that ignores SIGPIPE must not hand that on.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, "git", &actions, &attributes, Pointers(args).data(),
                                    Pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (failed != 0) return Unavailable(std::string("git does not start: ") + std::strerror(failed));
  in.read.Close();
  out.write.Close();
  err.write.Close();

  GitOutput result;
  const bool is_whole = Converse(run, in, out, err, result);
  if (!is_whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!is_whole)
    return Error{Code::kLimit, "GitOutputTooLarge",
                 "git " + run.args.front() + " gave more than " +
                     std::to_string(run.output_bytes_max) + " bytes"};
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace stepmill::repo
