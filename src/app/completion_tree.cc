#include "app/commands.h"
#include "app/completion_command.h"

namespace stepmill {
namespace {

struct OptionRow {
  const char* name;         ///< "-f,--follow"; without "-": a word that stands by itself
  const char* type;         ///< "" : a flag
  const char* description;  ///< one line
};

struct CommandRow {
  const char* path;  ///< "sam deploy"
  const char* summary;
  std::vector<OptionRow> options;
};

// What the commands' own readers take; a test compares with what their help says.
std::vector<CommandRow> Rows() {
  const OptionRow data{"--data", "DIR", "the data folder"};
  const OptionRow region{"--region", "REGION", "the region"};
  return {
      {"serve",
       "",
       {data,
        {"--listen", "ADDR:PORT", "where to listen"},
        {"--store", "URL", "where state is kept"},
        {"--jobs", "{auto,container}", "how jobs run"},
        {"--jobs-unlimited", "", "run jobs whose limits cannot be enforced here"},
        {"--iam", "{off}", "how policies are treated"},
        region,
        {"--account", "ID", "the account"}}},
      {"env", "", {data, {"--proxy", "", "proxy and certificates too"}}},
      {"run",
       "",
       {{"FILE", "FILE", "the definition"},
        {"--input", "FILE", "JSON, or @FILE"},
        {"--mocks", "FILE", "answers of tasks"},
        {"--test-case", "NAME", "the test case of the mock file"},
        {"--fast-forward", "", "waits take no time"},
        {"--history", "", "history events as JSON lines"}}},
      {"validate", "", {{"PATH", "FILE", "files and folders"}}},
      {"jsonata",
       "",
       {{"--input", "FILE", "the input"},
        {"--bind", "NAME=JSON", "a variable"},
        {"--dialect", "{jsonata,states}", "the language or Step Functions'"},
        {"--lines", "", "every line of the input is an input of its own"},
        {"--time-limit", "MS", "until it is given up"},
        {"--depth", "N", "of calls and nested expressions"}}},
      {"images list", "the table", {}},
      {"images add", "an archive under a name", {{"ARCHIVE", "FILE", "the image's archive"}}},
      {"images make", "images by their recipes", {{"--all", "", "every image with a recipe"}}},
      {"sam build",
       "a stack's folder for deployment",
       {{"--template-file", "FILE", "the template"}, {"--build-dir", "DIR", "where to"}}},
      {"sam deploy",
       "a stack",
       {{"--template-file", "FILE", "the template"},
        {"--stack-name", "NAME", "the stack"},
        {"--s3-bucket", "BUCKET", "where packages go"},
        {"--s3-prefix", "PREFIX", "before their names"},
        {"--capabilities", "{CAPABILITY_IAM,CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND}",
         "what it may make"},
        {"--parameter-overrides", "NAME=VALUE", "parameters"},
        {"--confirm-changeset", "", "ask first"},
        {"--no-confirm-changeset", "", "do not ask"},
        {"--fail-on-empty-changeset", "", "no change is a failure"},
        {"--no-fail-on-empty-changeset", "", "no change is fine"},
        {"--disable-rollback", "", "keep what was made"},
        {"--no-disable-rollback", "", "roll back"},
        {"--execute-changeset", "", "execute it"},
        {"--no-execute-changeset", "", "only make it"},
        {"--tags", "NAME=VALUE", "tags"},
        {"--role-arn", "ARN", "the role"},
        region,
        {"--config-env", "ENV", "of samconfig.toml"},
        {"--config-file", "FILE", "in place of samconfig.toml"}}},
      {"sam delete",
       "a stack",
       {{"--stack-name", "NAME", "the stack"}, {"--no-prompts", "", "do not ask"}, region}},
      {"sam validate", "a template", {{"--template-file", "FILE", "the template"}}},
      {"sam translate", "what the transform makes", {{"TEMPLATE", "FILE", "the template"}, region}},
      {"status", "", {data}},
      {"logs",
       "",
       {{"-f,--follow", "", "go on until interrupted"},
        {"--stream", "PREFIX", "of the streams' names"},
        data}},
      {"open", "", {data}},
      {"completion", "", {{"SHELL", "{bash,zsh,fish}", "the shell"}}},
      {"check", "", {data}},
      {"backup", "", {{"TO", "FOLDER", "a folder that is not there or empty"}, data}},
      {"restore", "", {{"FROM", "FOLDER", "a folder that stepmill backup made"}, data}},
      {"cleanup", "", {data}},
  };
}

CLI::App* FindOrAdd(CLI::App& app, const std::string& name, const std::string& summary) {
  const auto found =
      app.get_subcommands([&name](CLI::App* each) { return each->get_name() == name; });
  return found.empty() ? app.add_subcommand(name, summary) : found[0];
}

}  // namespace

std::unique_ptr<CLI::App> CommandTree() {
  auto tree = std::make_unique<CLI::App>("", "stepmill");
  for (const Command& command : Commands())
    FindOrAdd(*tree, std::string(command.name), std::string(command.summary));
  for (const CommandRow& row : Rows()) {
    CLI::App* app = tree.get();
    std::string path = row.path;
    for (size_t blank; (blank = path.find(' ')) != std::string::npos; path.erase(0, blank + 1))
      app = FindOrAdd(*app, path.substr(0, blank), "");
    app = FindOrAdd(*app, path, row.summary);
    for (const OptionRow& option : row.options) {
      CLI::Option* added = *option.type == '\0' ? app->add_flag(option.name, option.description)
                                                : app->add_option(option.name);
      added->description(option.description);
      if (*option.type != '\0') added->type_name(option.type);
    }
  }
  return tree;
}

}  // namespace stepmill
