#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"

/// jemalloc's settings: one loop thread and few others, and memory that is free goes back soon.
extern "C" {
extern const char* malloc_conf;
const char* malloc_conf = "narenas:2,dirty_decay_ms:1000,muzzy_decay_ms:0";
}

int main(int argc, char** argv) {
  const std::string help = stepmill::CommandsHelp();
  const std::string_view name = argc < 2 ? "" : argv[1];
  if (name == "help" || name == "--help" || name == "-h") {
    std::fputs(help.c_str(), stdout);
    return 0;
  }
  for (const stepmill::Command& command : stepmill::Commands())
    if (command.name == name) return command.run(std::vector<std::string>(argv + 2, argv + argc));
  if (!name.empty()) std::fprintf(stderr, "stepmill: there is no command '%s'\n\n", argv[1]);
  std::fputs(help.c_str(), stderr);
  return 2;
}
