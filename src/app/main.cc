#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "app/cleanup_command.h"
#include "app/images_command.h"
#include "app/look_commands.h"
#include "app/operations_command.h"
#include "app/run_command.h"
#include "app/sam_command.h"
#include "app/serve.h"
#include "app/validate_command.h"

namespace {

using Args = std::vector<std::string>;

constexpr char kUsage[] =
    "usage: stepmill COMMAND [ARGUMENTS]\n"
    "\n"
    "  serve     the server: --data DIR --listen ADDR:PORT --region R --account ID\n"
    "  env       shell lines that point AWS tools here: eval \"$(stepmill env)\"; --proxy for old "
    "clients\n"
    "  sam       build, deploy, delete, translate: as the SAM CLI\n"
    "  run       one execution of a state machine's file, no server\n"
    "  validate  problems of state machines, templates, buildspecs, workflows: file:line:column\n"
    "  images    the local image table: list, add, make\n"
    "  status    what runs now\n"
    "  logs      logs [-f] GROUP: log lines\n"
    "  operations  what is served, as docs/operations.md\n"
    "  cleanup   ends the jobs of a data folder whose server does not run\n"
    "\n"
    "`stepmill COMMAND --help` says more.\n";

/// The options that `status` and `logs` share.
bool ReadLook(const Args& args, stepmill::LookOptions& options) {
  options.data_dir = stepmill::UsualDataFolder();
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "-f" || args[i] == "--follow")
      options.is_following = true;
    else if (args[i] == "--data" && i + 1 < args.size())
      options.data_dir = args[++i];
    else if (args[i] == "--stream" && i + 1 < args.size())
      options.stream_prefix = args[++i];
    else if (options.group.empty() && !args[i].starts_with("-"))
      options.group = args[i];
    else
      return false;
  }
  return true;
}

int Usage() {
  std::fputs(kUsage, stderr);
  return 2;
}

int Status(const Args& args) {
  stepmill::LookOptions options;
  return ReadLook(args, options) ? stepmill::StatusCommand(options) : Usage();
}

int Logs(const Args& args) {
  stepmill::LookOptions options;
  const bool is_read = ReadLook(args, options) && !options.group.empty();
  return is_read ? stepmill::LogsCommand(options) : Usage();
}

int Help(const Args&) {
  std::fputs(kUsage, stdout);
  return 0;
}

struct Command {
  std::string_view name;
  int (*run)(const Args&);
};
constexpr Command kCommands[] = {
    {"serve", stepmill::ServeCommand},
    {"env", stepmill::EnvCommand},
    {"sam", stepmill::SamCommand},
    {"run", stepmill::RunCommand},
    {"validate", stepmill::ValidateCommand},
    {"images", stepmill::ImagesCommand},
    {"operations", stepmill::OperationsCommand},
    {"cleanup", stepmill::CleanupCommand},
    {"status", Status},
    {"logs", Logs},
    {"help", Help},
    {"--help", Help},
    {"-h", Help},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return Usage();
  for (const Command& command : kCommands)
    if (command.name == argv[1]) return command.run(Args(argv + 2, argv + argc));
  std::fprintf(stderr, "stepmill: there is no command '%s'\n\n", argv[1]);
  return Usage();
}
