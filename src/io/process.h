#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "blob/blob_store.h"
#include "io/loop.h"

namespace stepmill::io {

/// What to start. Every other descriptor of the server is closed in the new program; it is the
/// leader of a process group of its own, so that Kill reaches what it started.
struct ProcessSpec {
  std::vector<std::string> argv;  ///< argv[0] is searched in PATH when it has no '/'
  /// Whole environment when `inherits_env` is false, else set on top of the server's.
  std::map<std::string, std::string> env;
  bool inherits_env = true;
  std::string working_dir;  ///< "": the server's
  /// The file that is its standard input. "": a pipe (Process, RunProcess) or nothing.
  std::string input_path;
};

/// A running program with pipes. Destroyed before its end: it gets KILL (whole group) and is reaped
/// in the background.
///
/// Threads: loop thread.
class Process {
 public:
  static Result<std::unique_ptr<Process>> Start(Loop& loop, ProcessSpec spec);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const;
  /// Writes all of `bytes` to its standard input. A program that closed its input early is no
  /// error: the rest is dropped.
  Task<> Write(std::string bytes);
  void CloseInput();
  /// Copies `source` to its standard input in the background, then closes it. `source` must live
  /// until Wait has returned, which waits for the copying too. Whoever cannot promise that puts the
  /// bytes into a file first (ProcessSpec::input_path).
  void FeedFrom(ByteSource& source);
  /// The next bytes of its standard output; empty at the end. Read both ends, or use RunProcess:
  /// an unread pipe stops the program at 64 KiB.
  Task<std::string> ReadOutput();
  /// The same for standard error.
  Task<std::string> ReadErrors();
  /// Returns at its end: the exit code, 128+n when a signal n ended it.
  Task<int> Wait();
  void Kill(int signal);

 private:
  struct State;
  explicit Process(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

struct ProcessLimits {
  uint64_t output_max = 64ull << 20;  ///< bytes of each stream kept; more is a kLimit
  std::optional<std::chrono::milliseconds> timeout;  ///< then KILL and is_timed_out
};
struct ProcessResult {
  int exit_code = 0;  ///< 128+n when a signal n ended it
  std::string output, errors;
  bool is_timed_out = false;
};

/// Runs a program to its end. Errors: it could not be started (kNotFound, kInternal), or wrote too
/// much (kLimit). A non-zero exit code is a result, not an error.
Task<ProcessResult> RunProcess(Loop& loop, ProcessSpec spec, std::string input = "",
                               ProcessLimits limits = {});
/// The same for those to whom a non-zero exit is an error: kInternal "<argv[0]>: <standard error>".
Task<std::string> RunChecked(Loop& loop, ProcessSpec spec, std::string input = "",
                             ProcessLimits limits = {});

/// A program's standard output as a stream; its standard input is spec.input_path. Its exit code
/// other than 0 is the error of the last Read, with its standard error as message. Destroyed before
/// the end: the program gets KILL.
Result<std::unique_ptr<ByteSource>> StreamProcess(Loop& loop, ProcessSpec spec);

/// Starts a program that outlives the server: a session of its own, input from /dev/null, output
/// and errors appended to `log_path`. With `ready_line`, returns when it has written a line to
/// descriptor 3 (and gives that line back). Its end is reaped in the background.
struct Detached {
  pid_t pid = 0;
  std::string ready_line;
};
Task<Detached> StartDetached(Loop& loop, ProcessSpec spec, std::string log_path, bool ready_line);

/// A process that may not be a child, watched by a descriptor: never by polling.
class ProcessWatch {
 public:
  /// kNotFound: there is no such process.
  static Result<std::unique_ptr<ProcessWatch>> Open(Loop& loop, pid_t pid);
  ~ProcessWatch();
  /// Returns when the process is gone.
  Task<> Wait();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// When the process `pid` was started, in clock ticks since boot (field 22 of /proc/PID/stat): with
/// the pid it names a process for ever. 0: there is none.
uint64_t ProcessStartTicks(pid_t pid);

}  // namespace stepmill::io
