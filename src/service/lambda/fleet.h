#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "json/json.h"
#include "service/ports.h"
#include "task/task.h"

namespace stepmill::lambda {

/// A version of a function, to be run.
struct FunctionVersion {
  std::string account, region, name;
  std::string version;  ///< "$LATEST" or a number
  Json config, code;
  std::optional<int64_t> reserved;  ///< the function's own concurrency
};

/// One invocation, as the function sees it.
struct Work {
  std::string request_id;
  std::string payload;
  std::string arn;             ///< as it was invoked: with the alias
  std::string client_context;  ///< JSON text or empty
};

struct Outcome {
  std::string payload;
  std::string error;  ///< "Unhandled"; empty: it went well
  std::string log;    ///< of this invocation, from START to REPORT
};

/// The environments in which functions run: containers that stay after an invocation and take the
/// next one, one at a time each. In memory only: a synchronous invocation ends with the server, and
/// an asynchronous one is begun again (async_machine.h). The containers of an earlier process are
/// ended at start.
///
/// Threads: loop thread. Wakes the engine's topics ("lambda-env/...") so that all that waits here
/// ends with the server.
class Fleet : public std::enable_shared_from_this<Fleet> {
 public:
  using Self = std::shared_ptr<Fleet>;
  struct Environment;
  using EnvironmentPtr = std::shared_ptr<Environment>;

  explicit Fleet(Ports& ports) : ports_(ports) {}
  /// The one of these ports, made by wire_up and owned by the engine.
  static Self Of(Ports& ports);
  static void Register(Ports& ports, const Self& fleet);

  /// Errors are AWS's: TooManyRequestsException, ServiceException (it cannot be started).
  static Task<Outcome> Invoke(Self self, FunctionVersion version, Work work);

  // What the process inside asks (the runtime API).
  /// Waits for work: {"requestId", "deadlineMs", "arn", "traceId", "clientContext", "payload"}
  /// (base64). kNotFound: there is no such environment, or no more work for it.
  static Task<Json> Next(Self self, std::string job_id);
  struct Reply {
    std::string request_id;
    std::string payload;
    bool is_error = false;
    int64_t used_mib = 0;
  };
  Result<> TakeReply(const std::string& job_id, Reply reply);
  Result<> TakeInitError(const std::string& job_id, std::string payload);

  /// Ends the containers of an earlier process.
  static Task<> Clean(Self self);
  size_t environment_count() const { return environments_.size(); }

 private:
  struct InFlight;
  static Task<EnvironmentPtr> Take(Self self, FunctionVersion version);
  EnvironmentPtr Make(const FunctionVersion& version);
  static Task<> Begin(Self self, EnvironmentPtr environment, FunctionVersion version);
  static Task<Outcome> Run(Self self, EnvironmentPtr environment, Work work);
  static Task<> AwaitReady(Self self, EnvironmentPtr environment);
  static Task<> AwaitReply(Self self, EnvironmentPtr environment);
  Outcome Judge(const EnvironmentPtr& environment, const Work& work, bool was_ready);
  /// Returns when it has changed since `seen`, or at `until`. kUnavailable: the server ends.
  static Task<> WaitChange(Self self, EnvironmentPtr environment, uint64_t seen, Time until);
  void Changed(const EnvironmentPtr& environment);
  EnvironmentPtr Find(const std::string& job_id) const;

  /// Lines that the function has written since the last look.
  std::vector<std::string> ReadLines(const EnvironmentPtr& environment);
  void Log(const EnvironmentPtr& environment, std::vector<std::string> lines);
  static Task<> Flush(Self self, EnvironmentPtr environment);
  static Task<> Pump(Self self, EnvironmentPtr environment);

  static Task<> Watch(Self self, EnvironmentPtr environment);
  static Task<> Reap(Self self, EnvironmentPtr environment);
  void Discard(const EnvironmentPtr& environment);
  static Task<> End(Self self, EnvironmentPtr environment);

  Ports& ports_;
  std::vector<EnvironmentPtr> environments_;
  std::map<std::string, int64_t> in_flight_;  ///< by function
};

}  // namespace stepmill::lambda
