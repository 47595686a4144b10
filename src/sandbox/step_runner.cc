#include "sandbox/step_runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <optional>

#include "io/files.h"
#include "sandbox/steps.h"

namespace stepmill::sandbox {

namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
constexpr auto kKillGrace = std::chrono::seconds(10);
constexpr int kExitNotFound = 127, kExitNotRunnable = 126, kExitTerminated = 128 + SIGTERM;

class StepRunner {
 public:
  explicit StepRunner(std::string folder) : folder_(std::move(folder)) {}

  int Run() {
    if (const int error = Prepare(); error != 0) return error;
    for (;;) {
      if (!running_ && !is_ending_) StartNext();
      if (is_ending_ && !HasChildren()) return kExitTerminated;
      WaitForSomething();
      ReadSignals();
      ReapAll();
      CheckTime();
    }
  }

 private:
  struct Running {
    pid_t pid = 0;
    int64_t sequence = 0;
    std::optional<SteadyTime> deadline;
    bool is_timed_out = false;
  };

  int Prepare() {
    ::prctl(PR_SET_CHILD_SUBREAPER, 1);
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGCHLD, SIGTERM, SIGINT}) sigaddset(&signals, signal);
    ::sigprocmask(SIG_BLOCK, &signals, &mask_before_);
    signals_ = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    changes_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    log_ = ::open(LogPath(folder_).c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const std::string commands = folder_ + "/commands";
    const bool is_watched = ::inotify_add_watch(changes_, commands.c_str(), IN_MOVED_TO) >= 0;
    if (signals_ < 0 || log_ < 0 || !is_watched) {
      std::fprintf(stderr, "stepmill-sandbox step-runner: %s: %s\n", folder_.c_str(),
                   std::strerror(errno));
      return 1;
    }
    while (io::Exists(ResultPath(folder_, next_))) ++next_;
    LinkDockerSocket();
    return 0;
  }

  /// For tools that know neither DOCKER_HOST nor contexts.
  static void LinkDockerSocket() {
    const char* host = std::getenv("DOCKER_HOST");
    constexpr std::string_view kUnix = "unix://";
    if (!host || std::string_view(host).substr(0, kUnix.size()) != kUnix) return;
    // It is there already, or the folder is read-only: both leave DOCKER_HOST, which is enough.
    (void)::symlink(host + kUnix.size(), "/var/run/docker.sock");
  }

  void StartNext() {
    const Result<std::string> text = io::ReadFile(CommandPath(folder_, next_));
    if (!text) return;
    const Result<Json> json = ParseJson(*text);
    Result<StepCommand> command = json ? CommandFromJson(*json) : json.error();
    if (!command) return Finish(next_, Fail(kExitNotRunnable, command.error().message), false);
    for (const auto& [path, bytes] : command->files) {
      const std::string parent = std::filesystem::path(path).parent_path().string();
      Result<> written = io::MakeFolders(parent);
      if (written) written = io::WriteFile(path, bytes, false, 0644);
      if (!written) return Finish(next_, Fail(kExitNotRunnable, written.error().message), false);
    }
    Running running;
    running.sequence = next_;
    if (command->timeout_ms > 0) {
      running.deadline =
          std::chrono::steady_clock::now() + std::chrono::milliseconds(command->timeout_ms);
    }
    running.pid = ::fork();
    if (running.pid == 0) Become(*command);
    if (running.pid < 0) {
      return Finish(next_, Fail(kExitNotRunnable, std::string("fork: ") + std::strerror(errno)),
                    false);
    }
    running_ = running;
  }

  /// In the child: never returns.
  [[noreturn]] void Become(const StepCommand& command) {
    ::setsid();
    ::sigprocmask(SIG_SETMASK, &mask_before_, nullptr);
    const int input = ::open("/dev/null", O_RDONLY);
    ::dup2(input, 0);
    ::dup2(log_, 1);
    ::dup2(log_, 2);
    for (const auto& [name, value] : command.env) ::setenv(name.c_str(), value.c_str(), 1);
    if (!command.working_dir.empty() && ::chdir(command.working_dir.c_str()) != 0)
      ::_exit(Fail(kExitNotRunnable, command.working_dir + ": " + std::strerror(errno)));
    std::vector<char*> argv;
    for (const auto& text : command.argv) argv.push_back(const_cast<char*>(text.c_str()));
    argv.push_back(nullptr);
    ::execvp(argv[0], argv.data());
    const int code = errno == ENOENT ? kExitNotFound : kExitNotRunnable;
    ::_exit(Fail(code, command.argv[0] + ": " + std::strerror(errno)));
  }

  /// Says why a step could not run, where its output goes. Returns `code`.
  int Fail(int code, const std::string& why) {
    const std::string line = "stepmill: " + why + "\n";
    (void)!::write(log_, line.data(), line.size());  // the exit code tells it too
    return code;
  }

  void Finish(int64_t sequence, int exit_code, bool is_timed_out) {
    StepOutcome outcome;
    outcome.exit_code = exit_code;
    outcome.is_timed_out = is_timed_out;
    struct stat status {};
    if (::fstat(log_, &status) == 0) outcome.log_end = static_cast<uint64_t>(status.st_size);
    const Result<> written =
        io::WriteFile(ResultPath(folder_, sequence), OutcomeToJson(outcome).Print(), false, 0644);
    if (!written) {
      // Nobody could learn of the step's end: end the job, which is seen from outside.
      std::fprintf(stderr, "stepmill-sandbox step-runner: %s\n", written.error().message.c_str());
      std::exit(1);
    }
    running_.reset();
    next_ = sequence + 1;
  }

  bool HasChildren() {
    siginfo_t info;
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
  }

  void WaitForSomething() {
    // A command that came with a step's end is looked at before waiting.
    if (!running_ && !is_ending_ && io::Exists(CommandPath(folder_, next_))) return;
    int wait_ms = -1;
    if (running_ && running_->deadline) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
          *running_->deadline - std::chrono::steady_clock::now());
      wait_ms = static_cast<int>(std::clamp<int64_t>(left.count() + 1, 0, 60'000));
    }
    pollfd fds[] = {{signals_, POLLIN, 0}, {changes_, POLLIN, 0}};
    ::poll(fds, 2, wait_ms);
    char ignored[4096];
    while (::read(changes_, ignored, sizeof(ignored)) > 0) continue;
  }

  void ReadSignals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo == SIGCHLD || is_ending_) continue;
      is_ending_ = true;
      if (::getpid() == 1) {
        ::kill(-1, SIGTERM);
      } else if (running_) {
        ::kill(-running_->pid, SIGTERM);
      }
    }
  }

  void ReapAll() {
    for (;;) {
      int status = 0;
      const pid_t pid = ::waitpid(-1, &status, WNOHANG);
      if (pid <= 0) return;
      if (!running_ || pid != running_->pid) continue;
      const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
      Finish(running_->sequence, code, running_->is_timed_out);
    }
  }

  void CheckTime() {
    if (!running_ || !running_->deadline) return;
    if (std::chrono::steady_clock::now() < *running_->deadline) return;
    const int signal = running_->is_timed_out ? SIGKILL : SIGTERM;
    running_->is_timed_out = true;
    running_->deadline = std::chrono::steady_clock::now() + kKillGrace;
    ::kill(-running_->pid, signal);
  }

  std::string folder_;
  int signals_ = -1, changes_ = -1, log_ = -1;
  sigset_t mask_before_{};
  int64_t next_ = 1;
  std::optional<Running> running_;
  bool is_ending_ = false;
};

}  // namespace

int RunSteps(const std::string& folder) { return StepRunner(folder).Run(); }

}  // namespace stepmill::sandbox
