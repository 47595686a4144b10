#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "io/http_client.h"
#include "io/loop.h"
#include "json/json.h"

namespace stepmill::container {

struct EngineOptions {
  std::string data_dir;
  std::string image_cache;    ///< additional image store; "" or missing: none
  std::string endpoint_file;  ///< its first line is the server's address; "": no proxy
  std::string ca_bundle;      ///< PEM file that the engine trusts; "" : the system's
  /// The host that serves images which a public registry does not give; "": none.
  std::string mirror_host = {};
};

/// The container engine that the server manages: `podman system service` with storage, settings and
/// sockets of its own (DIR/engine; sockets and what must not outlive a reboot: run_dir()). Started
/// with the first call, adopted when one of an earlier server still runs, started again when it
/// died. Containers live on without it (conmon).
///
/// Threads: loop thread.
class Engine {
 public:
  Engine(io::Loop& loop, EngineOptions options);
  ~Engine();

  /// One request of its REST API ("/libpod/..." is put behind "/v4.0.0"), the engine being started
  /// before when it does not run. Repeated when the engine died meanwhile, so only for requests
  /// that may be. kUnavailable: it cannot be started.
  Task<io::ClientAnswer> Call(std::string method, std::string target, Json body = {},
                              std::chrono::milliseconds timeout = std::chrono::seconds(120),
                              std::string registry_auth = "");
  /// An image with nothing in it under this name; nothing happens when there is one.
  Task<> ImportEmpty(std::string name);
  Task<> EnsureUp();
  /// Ends it (TERM), containers live on.
  void End();

  const std::string& run_dir() const;  ///< short, below /run
  std::string exits_dir() const;       ///< a file per ended container: its exit code
  std::string socket_dir() const;      ///< holds docker.sock
  std::string pid_file(const std::string& container_id) const;

  /// What this machine lacks, one line each; empty: containers can run. Blocks (looks at files).
  static std::vector<std::string> MissingParts();
  /// Limits of these kinds can be enforced here.
  static bool CanLimit();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace stepmill::container
