#include "app/commands.h"

#include <algorithm>
#include <cstdio>

#include "app/backup_commands.h"
#include "app/cleanup_command.h"
#include "app/completion_command.h"
#include "app/images_command.h"
#include "app/jsonata_command.h"
#include "app/look_commands.h"
#include "app/open_command.h"
#include "app/operations_command.h"
#include "app/run_command.h"
#include "app/sam_command.h"
#include "app/serve.h"
#include "app/validate_command.h"

namespace stepmill {
namespace {

using Args = std::vector<std::string>;

/// The options that `status` and `logs` share.
bool ReadLook(const Args& args, LookOptions& options) {
  options.data_dir = UsualDataFolder();
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

int Usage(const char* text) {
  std::fprintf(stderr, "usage: stepmill %s\n", text);
  return 2;
}

int Status(const Args& args) {
  LookOptions options;
  return ReadLook(args, options) ? StatusCommand(options) : Usage("status [--data DIR]");
}

int Logs(const Args& args) {
  LookOptions options;
  const bool is_read = ReadLook(args, options) && !options.group.empty();
  return is_read ? LogsCommand(options) : Usage("logs [-f] GROUP [--stream PREFIX] [--data DIR]");
}

constexpr Command kCommands[] = {
    {"serve", "the server: --data DIR --listen ADDR:PORT --region R --account ID", ServeCommand},
    {"env", "shell lines that point AWS tools here: eval \"$(stepmill env)\"", EnvCommand},
    {"sam", "build, deploy, delete, translate: as the SAM CLI", SamCommand},
    {"run", "one execution of a state machine's file, no server", RunCommand},
    {"jsonata", "evaluates an expression: EXPR --input FILE --bind NAME=JSON --lines",
     JsonataCommand},
    {"validate",
     "problems of state machines, templates, buildspecs, pipelines, workflows: file:line:column",
     ValidateCommand},
    {"images", "the local image table: list, add, make", ImagesCommand},
    {"status", "what runs now", Status},
    {"logs", "logs [-f] GROUP: log lines", Logs},
    {"open", "the console, in a browser", OpenCommand},
    {"completion", "bash, zsh or fish: a script that completes this command line",
     CompletionCommand},
    {"operations", "what is served, as docs/operations.md", OperationsCommand},
    {"check", "verifies a data folder that no server uses", CheckCommand},
    {"backup", "backup TO: copies a data folder, also while its server runs", BackupCommand},
    {"restore", "restore FROM: makes a data folder from a backup", RestoreCommand},
    {"cleanup", "ends the jobs of a data folder whose server does not run", CleanupCommand},
};

}  // namespace

std::span<const Command> Commands() { return kCommands; }

std::string CommandsHelp() {
  size_t width = 0;
  for (const Command& command : kCommands) width = std::max(width, command.name.size());
  std::string help = "usage: stepmill COMMAND [ARGUMENTS]\n\n";
  for (const Command& command : kCommands)
    help += "  " + std::string(command.name) + std::string(width + 2 - command.name.size(), ' ') +
            std::string(command.summary) + "\n";
  return help + "\n`stepmill COMMAND --help` says more.\n";
}

}  // namespace stepmill
