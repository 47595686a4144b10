#include "lang/buildspec/script.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace stepmill::buildspec {
namespace {

/// Runs scripts one after another as builds do: a fresh shell each, state carried in files.
class Shell {
 public:
  explicit Shell(std::string program) : program_(std::move(program)) {
    std::string name = (std::filesystem::temp_directory_path() / "script.XXXXXX").string();
    folder_ = mkdtemp(name.data());
  }
  ~Shell() { std::filesystem::remove_all(folder_); }

  /// What the command printed, then "[status]".
  std::string Run(const std::string& command) {
    CommandScript script{command, folder_};
    return RunText(ScriptOf(script));
  }
  std::string RunText(const std::string& text) {
    const std::string file = folder_ + "/script.sh";
    std::ofstream(file) << text;
    FILE* pipe = popen((program_ + " " + file + " 2>&1").c_str(), "r");
    std::string out;
    std::array<char, 4096> buffer;
    for (size_t n; (n = fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      out.append(buffer.data(), n);
    const int status = pclose(pipe);
    return out + "[" + std::to_string(WEXITSTATUS(status)) + "]";
  }
  const std::string& folder() const { return folder_; }

 private:
  std::string program_, folder_;
};

class Script : public ::testing::TestWithParam<const char*> {};

TEST_P(Script, CarriesAssignmentsAndDirectory) {
  Shell shell(GetParam());
  EXPECT_EQ(shell.Run("cd / && X='it'\\''s \"a\" $1 日本'"), "[0]");
  EXPECT_EQ(shell.Run("pwd; sh -c 'printf %s \"$X\"'"), "/\nit's \"a\" $1 日本[0]");
  EXPECT_EQ(shell.Run("Y='two\nlines'"), "[0]");
  EXPECT_EQ(shell.Run("echo \"$Y\""), "two\nlines\n[0]");
  EXPECT_EQ(shell.Run("unset X"), "[0]");
  EXPECT_EQ(shell.Run("echo \"<$X>\""), "<>\n[0]");
}

TEST_P(Script, EndsOnlyTheCommand) {
  Shell shell(GetParam());
  EXPECT_EQ(shell.Run("A=1; exit 3"), "[3]");
  EXPECT_EQ(shell.Run("echo $A; false; true"), "1\n[0]");
  EXPECT_EQ(shell.Run("set -e; B=2; false; echo never"), "[1]");
  EXPECT_EQ(shell.Run("false; echo $B"), "2\n[0]");
  EXPECT_EQ(shell.Run("false | true"), "[0]");
  EXPECT_EQ(shell.Run("f() { echo f; }; f"), "f\n[0]");
  EXPECT_NE(shell.Run("f").find("[127]"), std::string::npos);
  EXPECT_NE(shell.Run("C=3; echo 'open"), "[0]");
  EXPECT_EQ(shell.Run("echo $B"), "2\n[0]");
}

TEST_P(Script, SourcedFilesChangeTheEnvironment) {
  Shell shell(GetParam());
  std::ofstream(shell.folder() + "/setenv.sh") << "TRAIN_URL=s3://b/t\ncd /usr\n";
  EXPECT_EQ(shell.Run(". " + shell.folder() + "/setenv.sh"), "[0]");
  EXPECT_EQ(shell.Run("env | grep ^TRAIN_URL; pwd"), "TRAIN_URL=s3://b/t\n/usr\n[0]");
}

TEST_P(Script, ReadsValuesBack) {
  Shell shell(GetParam());
  EXPECT_EQ(shell.Run("TAG='a b'"), "[0]");
  EXPECT_EQ(
      shell.RunText(ReadBackScript({"TAG", "NONE"}, {"out-$TAG-$(echo \"x\")"}, shell.folder())),
      std::string("a b\0\0out-a b-x\0[0]", 18));
}

INSTANTIATE_TEST_SUITE_P(Shells, Script, ::testing::Values("sh", "bash"));

}  // namespace
}  // namespace stepmill::buildspec
