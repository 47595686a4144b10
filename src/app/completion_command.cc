#include "app/completion_command.h"

#include <cstdio>

#include "base/strings.h"

namespace stepmill {
namespace {

/// One command or subcommand, as the scripts need it.
struct Node {
  std::string path;  ///< "sam deploy"; the root: ""
  const CLI::App* app;
  std::vector<std::string> words;  ///< subcommands and options
};

/// "{a,b}" -> "a b"; else empty.
std::string Choices(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  if (!type.starts_with("{")) return "";
  return ReplaceAll(type.substr(1, type.size() - 2), ",", " ");
}

bool IsFlag(const CLI::Option& option) { return option.get_items_expected_max() == 0; }

std::vector<std::string> NamesOf(const CLI::Option& option) {
  std::vector<std::string> names;
  for (const std::string& name : option.get_lnames()) names.push_back("--" + name);
  for (const std::string& name : option.get_snames()) names.push_back("-" + name);
  return names;
}

void Collect(const CLI::App& app, const std::string& path, std::vector<Node>& nodes) {
  Node node{path, &app, {}};
  const auto subcommands = app.get_subcommands([](const CLI::App*) { return true; });
  for (const CLI::App* subcommand : subcommands) node.words.push_back(subcommand->get_name());
  for (const CLI::Option* option : app.get_options())
    for (const std::string& name : NamesOf(*option))
      if (name != "-h") node.words.push_back(name);
  nodes.push_back(std::move(node));
  for (const CLI::App* subcommand : subcommands)
    Collect(*subcommand, (path.empty() ? "" : path + " ") + subcommand->get_name(), nodes);
}

/// The option that stands by itself, if there is one.
const CLI::Option* PositionalOf(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional()) return option;
  return nullptr;
}

std::string CompgenOf(const CLI::Option& option) {
  if (const std::string choices = Choices(option); !choices.empty())
    return "compgen -W \"" + choices + "\"";
  if (option.get_type_name() == "DIR") return "compgen -d";
  if (option.get_type_name() == "FILE") return "compgen -f";
  return "";
}

std::string BashScript(const std::vector<Node>& nodes) {
  std::string paths, values, words;
  for (const Node& node : nodes) {
    if (!node.path.empty()) paths += (paths.empty() ? "" : "|") + ("\"" + node.path + "\"");
    for (const CLI::Option* option : node.app->get_options()) {
      if (IsFlag(*option) || option->get_positional()) continue;
      for (const std::string& name : NamesOf(*option)) {
        const std::string command = CompgenOf(*option);
        values += "    \"" + node.path + ":" + name + "\") " +
                  (command.empty() ? "" : "COMPREPLY=($(" + command + " -- \"$cur\")); ") +
                  "return ;;\n";
      }
    }
    words += "    \"" + node.path + "\") words=\"" + Join(node.words, " ") + "\"";
    if (const CLI::Option* positional = PositionalOf(*node.app)) {
      const std::string choices = Choices(*positional);
      words += choices.empty() ? "; files=1" : "; words=\"$words " + choices + "\"";
    }
    words += " ;;\n";
  }
  return "# bash completion of stepmill: eval \"$(stepmill completion bash)\"\n"
         "_stepmill() {\n"
         "  local cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
         "  local at=\"\" next words=\"\" files=\"\" i\n"
         "  for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "    next=\"${at:+$at }${COMP_WORDS[i]}\"\n"
         "    case \"$next\" in " +
         paths +
         ") at=\"$next\" ;; esac\n"
         "  done\n"
         "  COMPREPLY=()\n"
         "  case \"$at:$prev\" in\n" +
         values +
         "  esac\n"
         "  case \"$at\" in\n" +
         words +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
         "  if [ -n \"$files\" ] && [[ \"$cur\" != -* ]]; then "
         "COMPREPLY+=($(compgen -f -- \"$cur\")); fi\n"
         "}\n"
         "complete -o filenames -F _stepmill stepmill\n";
}

/// For single quotes of zsh and fish, without what zsh reads as a bracket or a separator.
std::string Quoted(std::string_view text) {
  std::string out = ReplaceAll(text, "'", "");
  for (const char* special : {"[", "]", ":"}) out = ReplaceAll(out, special, " ");
  return "'" + out + "'";
}

std::string Bare(std::string_view text) {
  const std::string quoted = Quoted(text);
  return quoted.substr(1, quoted.size() - 2);
}

std::string ZshAction(const CLI::Option& option) {
  if (const std::string choices = Choices(option); !choices.empty())
    return ":value:(" + choices + ")";
  if (option.get_type_name() == "DIR") return ":folder:_files -/";
  if (option.get_type_name() == "FILE") return ":file:_files";
  return ":" + Bare(option.get_type_name()) + ":";
}

std::string ZshScript(const std::vector<Node>& nodes) {
  std::string paths, cases;
  for (const Node& node : nodes) {
    if (!node.path.empty()) paths += (paths.empty() ? "" : "|") + ("\"" + node.path + "\"");
    cases += "    \"" + node.path + "\")\n";
    const auto subcommands = node.app->get_subcommands([](const CLI::App*) { return true; });
    if (!subcommands.empty()) {
      cases += "      local -a commands=(\n";
      for (const CLI::App* subcommand : subcommands)
        cases += "        '" + subcommand->get_name() + ":" + Bare(subcommand->get_description()) +
                 "'\n";
      cases += "      )\n      _describe command commands\n";
    } else {
      cases += "      _arguments";
      for (const CLI::Option* option : node.app->get_options()) {
        const std::string action = IsFlag(*option) ? "" : ZshAction(*option);
        if (option->get_positional()) cases += " \\\n        '*" + action + "'";
        for (const std::string& name : NamesOf(*option))
          cases +=
              " \\\n        '" + name + "[" + Bare(option->get_description()) + "]" + action + "'";
      }
      cases += "\n";
    }
    cases += "      ;;\n";
  }
  return "#compdef stepmill\n"
         "# zsh completion of stepmill: stepmill completion zsh > ${fpath[1]}/_stepmill\n"
         "_stepmill() {\n"
         "  local at=\"\" next i taken=1\n"
         "  for ((i = 2; i < CURRENT; i++)); do\n"
         "    next=\"${at:+$at }${words[i]}\"\n"
         "    case \"$next\" in " +
         paths +
         ") at=\"$next\"; taken=$i ;; esac\n"
         "  done\n"
         "  words=(stepmill \"${(@)words[taken+1,-1]}\")\n"
         "  ((CURRENT -= taken - 1))\n"
         "  case \"$at\" in\n" +
         cases +
         "  esac\n"
         "}\n"
         "if [ \"$funcstack[1]\" = _stepmill ]; then _stepmill \"$@\"; else compdef _stepmill "
         "stepmill; fi\n";
}

std::string FishScript(const std::vector<Node>& nodes) {
  std::string lines;
  for (const Node& node : nodes) {
    const std::string when = "complete -c stepmill -n '__stepmill_at \"" + node.path + "\"'";
    for (const CLI::App* subcommand :
         node.app->get_subcommands([](const CLI::App*) { return true; }))
      lines += when + " -f -a " + subcommand->get_name() + " -d " +
               Quoted(subcommand->get_description()) + "\n";
    for (const CLI::Option* option : node.app->get_options()) {
      const std::string choices = Choices(*option);
      const bool takes_path = option->get_type_name() == "FILE" || option->get_type_name() == "DIR";
      std::string value;
      if (!IsFlag(*option)) value = takes_path ? " -r -F" : " -x";
      if (!choices.empty()) value += " -a '" + choices + "'";
      if (option->get_positional()) {
        lines += when + (choices.empty() ? " -F" : " -f -a '" + choices + "'") + "\n";
        continue;
      }
      std::string names;
      for (const std::string& name : option->get_lnames()) names += " -l " + name;
      for (const std::string& name : option->get_snames()) names += " -s " + name;
      lines += when + names + value + " -d " + Quoted(option->get_description()) + "\n";
    }
  }
  std::string paths;
  for (const Node& node : nodes)
    if (!node.path.empty()) paths += " '" + node.path + "'";
  return "# fish completion of stepmill: stepmill completion fish | source\n"
         "function __stepmill_at\n"
         "  set -l at ''\n"
         "  for word in (commandline -opc)[2..-1]\n"
         "    set -l next (string trim \"$at $word\")\n"
         "    if contains -- \"$next\"" +
         paths +
         "\n"
         "      set at \"$next\"\n"
         "    end\n"
         "  end\n"
         "  test \"$at\" = \"$argv[1]\"\n"
         "end\n"
         "complete -c stepmill -f\n" +
         lines;
}

}  // namespace

std::string CompletionScript(const std::string& shell, const CLI::App& tree) {
  std::vector<Node> nodes;
  Collect(tree, "", nodes);
  if (shell == "bash") return BashScript(nodes);
  if (shell == "zsh") return ZshScript(nodes);
  if (shell == "fish") return FishScript(nodes);
  return "";
}

int CompletionCommand(const std::vector<std::string>& args) {
  const std::string script =
      args.size() == 1 ? CompletionScript(args[0], *CommandTree()) : std::string();
  if (script.empty()) {
    std::fputs("usage: stepmill completion bash|zsh|fish\n", stderr);
    return 2;
  }
  std::fputs(script.c_str(), stdout);
  return 0;
}

}  // namespace stepmill
