#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/commands.h"

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
