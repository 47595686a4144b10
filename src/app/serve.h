#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill serve ...`: the server. Arguments after "serve". 0: drained after SIGTERM; 1: it could
/// not start, or its store failed; 2: usage.
int ServeCommand(const std::vector<std::string>& args);
/// `stepmill env [--proxy] [--data DIR]`: shell lines that point AWS tools at the running server.
int EnvCommand(const std::vector<std::string>& args);

/// Where data lives when no --data is given: $XDG_DATA_HOME/stepmill, else
/// ~/.local/share/stepmill.
std::string UsualDataFolder();

}  // namespace stepmill
