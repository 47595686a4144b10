#include "io/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "base/log.h"

extern char** environ;

namespace stepmill::io {

namespace {

using Descriptor = asio::posix::stream_descriptor;

Error SystemError(const std::string& what, int number) {
  const Code code = number == ENOENT ? Code::kNotFound : Code::kInternal;
  return Error{code, "ProcessError", what + ": " + std::strerror(number)};
}

/// A descriptor that is closed when it goes.
struct OwnedFd {
  int fd = -1;
  OwnedFd() = default;
  explicit OwnedFd(int f) : fd(f) {}
  OwnedFd(OwnedFd&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~OwnedFd() {
    if (fd >= 0) ::close(fd);
  }
  int Release() { return std::exchange(fd, -1); }
};

struct Pipe {
  OwnedFd read, write;
};
Result<Pipe> MakePipe() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return SystemError("pipe", errno);
  Pipe made;
  made.read.fd = fds[0];
  made.write.fd = fds[1];
  return made;
}

std::vector<std::string> Environment(const ProcessSpec& spec) {
  std::vector<std::string> result;
  if (spec.inherits_env) {
    for (char** entry = environ; *entry; ++entry) {
      const std::string_view text = *entry;
      if (!spec.env.contains(std::string(text.substr(0, text.find('=')))))
        result.emplace_back(text);
    }
  }
  for (const auto& [name, value] : spec.env) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts) result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

constexpr int kStandardFds = 4;

/// Starts `spec` with fds[i] as its descriptor i; all others are closed in it.
Result<pid_t> Spawn(const ProcessSpec& spec, const std::vector<int>& fds, bool is_session) {
  if (spec.argv.empty()) return Error{Code::kInvalid, "ProcessError", "no program is named"};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // First above all targets, so that no dup2 overwrites a source that is still needed.
  const int above = *std::max_element(fds.begin(), fds.end()) + kStandardFds;
  const int count = static_cast<int>(fds.size());
  for (int i = 0; i < count; ++i) posix_spawn_file_actions_adddup2(&actions, fds[i], above + i);
  for (int i = 0; i < count; ++i) posix_spawn_file_actions_adddup2(&actions, above + i, i);
  posix_spawn_file_actions_addclosefrom_np(&actions, count);
  if (!spec.working_dir.empty())
    posix_spawn_file_actions_addchdir_np(&actions, spec.working_dir.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigfillset(&defaults);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  flags |= is_session ? POSIX_SPAWN_SETSID : POSIX_SPAWN_SETPGROUP;
  posix_spawnattr_setflags(&attributes, flags);
  const std::vector<std::string> env = Environment(spec);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, spec.argv[0].c_str(), &actions, &attributes,
                                   Pointers(spec.argv).data(), Pointers(env).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) return SystemError(spec.argv[0], error);
  return pid;
}

/// Returns when the process of `pidfd` is gone. A wake-up alone does not say so: it is looked at.
asio::awaitable<void> AwaitGone(std::shared_ptr<Descriptor> pidfd) {
  for (;;) {
    pollfd look{pidfd->native_handle(), POLLIN, 0};
    if (::poll(&look, 1, 0) != 0) co_return;
    boost::system::error_code error;
    co_await pidfd->async_wait(Descriptor::wait_read,
                               asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return;  // the loop ends
  }
}

/// Waits for the end of a child by its descriptor and takes its exit code.
asio::awaitable<int> ReapChild(std::shared_ptr<Descriptor> pidfd, pid_t pid) {
  co_await AwaitGone(pidfd);
  int status = 0;
  constexpr int kUnknown = 255;
  if (::waitpid(pid, &status, WNOHANG) != pid) co_return kUnknown;
  co_return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

Result<std::shared_ptr<Descriptor>> OpenPidfd(asio::io_context& context, pid_t pid) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) {
    if (errno == ESRCH) return Error{Code::kNotFound, "ProcessError", "no such process"};
    return SystemError("pidfd_open", errno);
  }
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return std::make_shared<Descriptor>(context, fd);
}

constexpr size_t kReadBytes = 64 * 1024;

Task<std::string> ReadSome(Descriptor& from) {
  std::string bytes(kReadBytes, '\0');
  boost::system::error_code error;
  const size_t count = co_await from.async_read_some(
      asio::buffer(bytes), asio::redirect_error(asio::use_awaitable, error));
  bytes.resize(error ? 0 : count);  // any error means that no more will come
  co_return bytes;
}

}  // namespace

struct Process::State : std::enable_shared_from_this<Process::State> {
  explicit State(asio::io_context& context)
      : executor(context.get_executor()), input(context), output(context), errors(context) {}

  asio::io_context::executor_type executor;
  pid_t pid = 0;
  std::shared_ptr<Descriptor> pidfd;
  Descriptor input, output, errors;
  int exit_code = 0;
  Signal ended;
  Signal fed;
  bool is_feeding = false;

  static asio::awaitable<void> AwaitEnd(std::shared_ptr<State> self) {
    self->exit_code = co_await ReapChild(self->pidfd, self->pid);
    self->ended.Set();
  }
  static asio::awaitable<void> Feed(std::shared_ptr<State> self, ByteSource* source) {
    for (;;) {
      const Result<std::string> chunk = co_await source->Read();
      if (!chunk || chunk->empty()) break;
      boost::system::error_code error;
      co_await asio::async_write(self->input, asio::buffer(*chunk),
                                 asio::redirect_error(asio::use_awaitable, error));
      if (error) break;  // it closed its input: the rest is not wanted
    }
    boost::system::error_code ignored;  // closing a pipe twice is no harm
    self->input.close(ignored);
    self->fed.Set();
  }
};

Process::Process(std::shared_ptr<State> state) : state_(std::move(state)) {}

Process::~Process() {
  if (!state_->ended.is_set()) Kill(SIGKILL);
  boost::system::error_code ignored;  // nobody is left to hear of it
  state_->input.close(ignored);
  state_->output.close(ignored);
  state_->errors.close(ignored);
}

Result<std::unique_ptr<Process>> Process::Start(Loop& loop, ProcessSpec spec) {
  MILL_TRY(Pipe output, MakePipe());
  MILL_TRY(Pipe errors, MakePipe());
  Pipe input;
  if (spec.input_path.empty()) {
    MILL_TRY(input, MakePipe());
  } else {
    input.read.fd = ::open(spec.input_path.c_str(), O_RDONLY | O_CLOEXEC);
    if (input.read.fd < 0) return SystemError(spec.input_path, errno);
  }
  const std::vector<int> fds{input.read.fd, output.write.fd, errors.write.fd};
  MILL_TRY(const pid_t pid, Spawn(spec, fds, false));
  const auto state = std::make_shared<State>(loop.context());
  state->pid = pid;
  MILL_TRY(state->pidfd, OpenPidfd(loop.context(), pid));
  if (input.write.fd >= 0) state->input.assign(input.write.Release());
  state->output.assign(output.read.Release());
  state->errors.assign(errors.read.Release());
  asio::co_spawn(state->executor, State::AwaitEnd(state), asio::detached);
  return std::unique_ptr<Process>(new Process(state));
}

pid_t Process::pid() const { return state_->pid; }

Task<> Process::Write(std::string bytes) {
  const auto state = state_;
  boost::system::error_code error;
  co_await asio::async_write(state->input, asio::buffer(bytes),
                             asio::redirect_error(asio::use_awaitable, error));
  // EPIPE: it closed its input early, which is its own business.
  co_return Result<>();
}

void Process::CloseInput() {
  boost::system::error_code ignored;  // closing a pipe twice is no harm
  state_->input.close(ignored);
}

void Process::FeedFrom(ByteSource& source) {
  state_->is_feeding = true;
  asio::co_spawn(state_->executor, State::Feed(state_, &source), asio::detached);
}

Task<std::string> Process::ReadOutput() {
  const auto state = state_;
  co_return co_await ReadSome(state->output);
}

Task<std::string> Process::ReadErrors() {
  const auto state = state_;
  co_return co_await ReadSome(state->errors);
}

Task<int> Process::Wait() {
  const auto state = state_;
  MILL_CO_CHECK(co_await state->ended.Wait());
  if (state->is_feeding) MILL_CO_CHECK(co_await state->fed.Wait());
  co_return state->exit_code;
}

void Process::Kill(int signal) {
  // The group is named by the pid, which is not given anew before we have reaped it.
  if (!state_->ended.is_set()) ::kill(-state_->pid, signal);
}

namespace {

/// What one stream of a program wrote, gathered in the background.
struct Gathered {
  std::string bytes;
  bool is_over = false;
  Signal done;
};

using Reader = Task<std::string> (Process::*)();

asio::awaitable<void> Gather(std::shared_ptr<Process> process, Reader read,
                             std::shared_ptr<Gathered> to, uint64_t bytes_max) {
  for (;;) {
    const Result<std::string> chunk = co_await (process.get()->*read)();
    if (!chunk || chunk->empty()) break;
    if (to->bytes.size() + chunk->size() > bytes_max) {
      to->is_over = true;
      process->Kill(SIGKILL);
      break;
    }
    to->bytes += *chunk;
  }
  to->done.Set();
}

asio::awaitable<void> WriteAll(std::shared_ptr<Process> process, std::string input) {
  (void)co_await process->Write(std::move(input));  // never fails
  process->CloseInput();
}

}  // namespace

Task<ProcessResult> RunProcess(Loop& loop, ProcessSpec spec, std::string input,
                               ProcessLimits limits) {
  const std::string name = spec.argv.empty() ? "" : spec.argv[0];
  MILL_CO_TRY(auto started, Process::Start(loop, std::move(spec)));
  const std::shared_ptr<Process> process = std::move(started);
  const auto output = std::make_shared<Gathered>();
  const auto errors = std::make_shared<Gathered>();
  const auto executor = loop.context().get_executor();
  asio::co_spawn(executor, Gather(process, &Process::ReadOutput, output, limits.output_max),
                 asio::detached);
  asio::co_spawn(executor, Gather(process, &Process::ReadErrors, errors, limits.output_max),
                 asio::detached);
  asio::co_spawn(executor, WriteAll(process, std::move(input)), asio::detached);
  ProcessResult result;
  const auto is_timed_out = std::make_shared<bool>(false);
  uint64_t timer = 0;
  if (limits.timeout) {
    const auto kill = [process, is_timed_out] {
      *is_timed_out = true;
      process->Kill(SIGKILL);
    };
    timer = loop.clock().WakeAt(loop.clock().Now() + *limits.timeout, kill);
  }
  const Result<int> ended = co_await process->Wait();
  if (limits.timeout) loop.clock().Cancel(timer);
  MILL_CO_TRY(result.exit_code, ended);
  MILL_CO_CHECK(co_await output->done.Wait());
  MILL_CO_CHECK(co_await errors->done.Wait());
  if (output->is_over || errors->is_over) {
    co_return Error{Code::kLimit, "ProcessError",
                    name + " wrote more than " + std::to_string(limits.output_max) + " bytes"};
  }
  result.output = std::move(output->bytes);
  result.errors = std::move(errors->bytes);
  result.is_timed_out = *is_timed_out;
  co_return result;
}

Task<std::string> RunChecked(Loop& loop, ProcessSpec spec, std::string input,
                             ProcessLimits limits) {
  const std::string name = spec.argv.empty() ? "" : spec.argv[0];
  MILL_CO_TRY(ProcessResult result,
              co_await RunProcess(loop, std::move(spec), std::move(input), limits));
  if (result.is_timed_out) {
    co_return Error{Code::kTimeout, "ProcessError", name + " did not end in time"};
  }
  if (result.exit_code != 0) {
    co_return Error{Code::kInternal, "ProcessError",
                    name + " exit status " + std::to_string(result.exit_code) + ": " +
                        std::string(Trim(result.errors))};
  }
  co_return std::move(result.output);
}

namespace {

class ProcessSource : public ByteSource {
 public:
  ProcessSource(Loop& loop, std::string name, std::shared_ptr<Process> process)
      : name_(std::move(name)),
        process_(std::move(process)),
        errors_(std::make_shared<Gathered>()) {
    constexpr uint64_t kErrorsMax = 1 << 20;
    asio::co_spawn(loop.context().get_executor(),
                   Gather(process_, &Process::ReadErrors, errors_, kErrorsMax), asio::detached);
  }
  ~ProcessSource() override { process_->Kill(SIGKILL); }

  Task<std::string> Read() override {
    const auto process = process_;
    const auto errors = errors_;
    const std::string name = name_;
    MILL_CO_TRY(std::string bytes, co_await process->ReadOutput());
    if (!bytes.empty()) co_return bytes;
    MILL_CO_TRY(const int exit_code, co_await process->Wait());
    MILL_CO_CHECK(co_await errors->done.Wait());
    if (exit_code == 0) co_return std::string();
    co_return Error{Code::kInternal, "ProcessError",
                    name + " exit status " + std::to_string(exit_code) + ": " +
                        std::string(Trim(errors->bytes))};
  }

 private:
  std::string name_;
  std::shared_ptr<Process> process_;
  std::shared_ptr<Gathered> errors_;
};

}  // namespace

Result<std::unique_ptr<ByteSource>> StreamProcess(Loop& loop, ProcessSpec spec) {
  if (spec.input_path.empty()) spec.input_path = "/dev/null";
  const std::string name = spec.argv.empty() ? "" : spec.argv[0];
  MILL_TRY(auto process, Process::Start(loop, std::move(spec)));
  return std::unique_ptr<ByteSource>(
      std::make_unique<ProcessSource>(loop, name, std::move(process)));
}

Task<Detached> StartDetached(Loop& loop, ProcessSpec spec, std::string log_path, bool ready_line) {
  const OwnedFd log(::open(log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (log.fd < 0) co_return SystemError(log_path, errno);
  const OwnedFd input(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  std::vector<int> fds{input.fd, log.fd, log.fd};
  Pipe ready;
  if (ready_line) {
    MILL_CO_TRY(ready, MakePipe());
    fds.push_back(ready.write.fd);
  }
  Detached detached;
  MILL_CO_TRY(detached.pid, Spawn(spec, fds, true));
  MILL_CO_TRY(const auto pidfd, OpenPidfd(loop.context(), detached.pid));
  asio::co_spawn(loop.context(), ReapChild(pidfd, detached.pid), [](std::exception_ptr, int) {});
  if (!ready_line) co_return detached;
  ready.write = OwnedFd();
  Descriptor from(loop.context(), ready.read.Release());
  while (detached.ready_line.find('\n') == std::string::npos) {
    MILL_CO_TRY(const std::string bytes, co_await ReadSome(from));
    if (bytes.empty()) {
      co_return Error{Code::kInternal, "ProcessError",
                      spec.argv[0] + " ended before it was ready: see " + log_path};
    }
    detached.ready_line += bytes;
  }
  detached.ready_line.resize(detached.ready_line.find('\n'));
  co_return detached;
}

struct ProcessWatch::State {
  explicit State(std::shared_ptr<Descriptor> fd) : pidfd(std::move(fd)) {}
  std::shared_ptr<Descriptor> pidfd;
};

Result<std::unique_ptr<ProcessWatch>> ProcessWatch::Open(Loop& loop, pid_t pid) {
  MILL_TRY(auto pidfd, OpenPidfd(loop.context(), pid));
  auto watch = std::make_unique<ProcessWatch>();
  watch->state_ = std::make_shared<State>(std::move(pidfd));
  return watch;
}

ProcessWatch::~ProcessWatch() = default;

Task<> ProcessWatch::Wait() {
  const auto state = state_;
  co_await AwaitGone(state->pidfd);
  co_return Result<>();
}

uint64_t ProcessStartTicks(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const size_t name_end = text.rfind(')');  // the name may hold blanks and brackets
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string field;
  constexpr int kStartTime = 22, kFirst = 3;
  for (int i = kFirst; i <= kStartTime; ++i) fields >> field;
  return static_cast<uint64_t>(ParseInt(field).value_or(0));
}

}  // namespace stepmill::io
