#include "lang/buildspec/script.h"

#include "base/strings.h"

namespace stepmill::buildspec {
namespace {

/// Reads the state back without starting any program: an image may have none.
std::string Restore(std::string_view folder) {
  const std::string env = ShellQuote(std::string(folder) + "/env");
  const std::string dir = ShellQuote(std::string(folder) + "/dir");
  return "if [ -f " + env + " ]; then . " + env + " 2>/dev/null; fi\n" +  //
         "if [ -f " + dir + " ]; then IFS= read -r MILL_DIR <" + dir +
         " && cd -- \"$MILL_DIR\"; unset MILL_DIR; fi\n";
}

}  // namespace

std::string ShellQuote(std::string_view text) { return "'" + ReplaceAll(text, "'", "'\\''") + "'"; }

std::string ScriptOf(const CommandScript& command) {
  std::string script;
  if (!command.is_isolated) script += Restore(command.state_folder);
  for (const auto& [name, value] : command.overrides)
    script += "export " + name + "=" + ShellQuote(value) + "\n";
  if (!command.is_isolated) {
    // The trap also sees `exit 3`, `set -e` and a syntax error; the command stands last, so that an
    // open quote in it swallows nothing of ours.
    const std::string save = "MILL_STATUS=$?; set +aeu; trap - EXIT; export -p >" +
                             ShellQuote(command.state_folder + "/env") + "; pwd >" +
                             ShellQuote(command.state_folder + "/dir") + "; exit $MILL_STATUS";
    script += "trap " + ShellQuote(save) + " EXIT\nset -a\n";
  }
  return script + command.command + "\n";
}

std::string ReadBackScript(const std::vector<std::string>& names,
                           const std::vector<std::string>& texts, std::string_view state_folder) {
  std::string script = Restore(state_folder);
  for (const std::string& name : names) script += "printf '%s\\0' \"${" + name + "-}\"\n";
  for (const std::string& text : texts) script += "printf '%s\\0' \"" + text + "\"\n";
  return script;
}

}  // namespace stepmill::buildspec
