#pragma once

#include <map>
#include <string>
#include <vector>

namespace stepmill::sandbox {

/// The way out of a sandbox. Enters the network namespace of process `pid`, gives its loopback the
/// address 169.254.170.2, listens on 127.0.0.1:4566 and 169.254.170.2:80, writes a line to
/// `ready_fd` and carries each connection to the server's Unix socket,
/// preceded by one line:
///
///     STEPMILL-RELAY <job id> <port>\n
///
/// The other way round, each of `inward` is a Unix socket that it makes, whose connections lead to
/// 127.0.0.1:PORT inside.
///
/// While the server is away (a restart) a new connection waits for it for some seconds. Ends when
/// `pid` does.
struct RelayOptions {
  int pid = 0;
  std::string job_id;
  std::string socket_path;
  bool enters_namespace = true;  ///< false: listens here, for tests
  int ready_fd = -1;
  int service_port = 4566;
  int credentials_port = 80;
  bool is_inward_only = false;             ///< nothing leads out
  std::map<int, std::string> inward = {};  ///< port inside -> path of the socket outside
};
int RunRelay(const RelayOptions& options);

/// `relay --pid N --job ID --socket PATH [--ready-fd N] [--inward PORT:PATH]... [--inward-only
/// yes]`
int RelayCommand(const std::vector<std::string>& arguments);

}  // namespace stepmill::sandbox
