#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <regex>
#include <set>

#include "app/commands.h"
#include "app/completion_command.h"
#include "app/open_command.h"
#include "base/strings.h"
#include "io/files.h"

namespace stepmill {
namespace {

/// What bash would offer after these words, sorted.
std::string Offered(const std::vector<std::string>& words) {
  std::string folder = (std::filesystem::temp_directory_path() / "completion-XXXXXX").string();
  if (!::mkdtemp(folder.data())) return "no folder";
  std::string script = CompletionScript("bash", *CommandTree()) + "COMP_WORDS=(";
  for (const std::string& word : words) script += " '" + word + "'";
  script += ")\nCOMP_CWORD=" + std::to_string(words.size() - 1) +
            "\n_stepmill\nprintf '%s\\n' \"${COMPREPLY[@]}\" | sort | tr '\\n' ' '\n";
  const std::string path = folder + "/script";
  EXPECT_TRUE(io::WriteFile(path, script, false).has_value());
  std::string out;
  FILE* pipe = ::popen(("cd " + folder + " && bash " + path + " 2>&1").c_str(), "r");
  std::array<char, 256> buffer;
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe)) out += buffer.data();
  if (pipe) ::pclose(pipe);
  std::filesystem::remove_all(folder);
  return std::string(Trim(out));
}

TEST(Completion, BashOffersWhatFits) {
  EXPECT_EQ(Offered({"stepmill", "co"}), "completion");
  EXPECT_EQ(Offered({"stepmill", "run", "--"}),
            "--fast-forward --help --history --input --mocks --test-case");
  EXPECT_EQ(Offered({"stepmill", "run", "scr"}), "script");
  EXPECT_EQ(Offered({"stepmill", "run", "--mocks", "s"}), "script");
  EXPECT_EQ(Offered({"stepmill", "run", "--test-case", ""}), "");
  EXPECT_EQ(Offered({"stepmill", "sam", "de"}), "delete deploy");
  EXPECT_EQ(Offered({"stepmill", "sam", "deploy", "--capabilities", "CAPABILITY_N"}),
            "CAPABILITY_NAMED_IAM");
  EXPECT_EQ(Offered({"stepmill", "completion", ""}), "--help bash fish zsh");
  EXPECT_EQ(Offered({"stepmill", "serve", "--data", "/x", "--lis"}), "--listen");
}

TEST(Completion, EveryShellKnowsEveryCommand) {
  const auto tree = CommandTree();
  for (const char* shell : {"bash", "zsh", "fish"}) {
    const std::string script = CompletionScript(shell, *tree);
    for (const Command& command : Commands())
      EXPECT_NE(script.find(command.name), std::string::npos) << shell << " " << command.name;
  }
  EXPECT_EQ(CompletionScript("csh", *tree), "");
  EXPECT_EQ(CompletionCommand({}), 2);
}

/// The long options that a command's help names.
std::set<std::string> HelpOf(const Command& command, const std::vector<std::string>& args) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  (void)command.run(args);
  const std::string text =
      testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
  std::set<std::string> options;
  const std::regex option("--[a-z][a-z0-9-]*");
  for (std::sregex_iterator at(text.begin(), text.end(), option), end; at != end; ++at)
    options.insert(at->str());
  return options;
}

TEST(Completion, TheTreeHasTheOptionsOfTheHelp) {
  const auto tree = CommandTree();
  for (const char* name : {"serve", "env", "run", "jsonata", "open"}) {
    for (const Command& command : Commands()) {
      if (command.name != name) continue;
      std::set<std::string> known;
      const CLI::App* app = tree->get_subcommand(name);
      for (const CLI::Option* option : app->get_options())
        for (const std::string& each : option->get_lnames()) known.insert("--" + each);
      std::set<std::string> shown = HelpOf(command, {"--help"});
      shown.insert("--help");
      EXPECT_EQ(shown, known) << name;
    }
  }
}

TEST(Open, SaysWhatIsMissing) {
  const char* before = std::getenv("AWS_ENDPOINT_URL");
  const std::string kept = before ? before : "";
  const auto said = [](const char* url) {
    ::setenv("AWS_ENDPOINT_URL", url, 1);
    testing::internal::CaptureStderr();
    const int code = OpenCommand({"--data", "/nowhere"});
    return std::to_string(code) + " " + testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(said("http://127.0.0.1:1"),
            "1 stepmill open: no server answers at http://127.0.0.1:1: start `stepmill serve "
            "--data /nowhere`\n");
  EXPECT_EQ(said("ftp://x"),
            "1 stepmill open: the server's address must be http://ADDRESS:PORT, not 'ftp://x'\n");
  if (before)
    ::setenv("AWS_ENDPOINT_URL", kept.c_str(), 1);
  else
    ::unsetenv("AWS_ENDPOINT_URL");
}

}  // namespace
}  // namespace stepmill
