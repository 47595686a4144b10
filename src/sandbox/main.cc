// stepmill-sandbox: what runs beside and inside sandboxes. Static: it needs nothing of the image.
//
//   stepmill-sandbox relay --pid N --job ID --socket PATH
//   stepmill-sandbox step-runner FOLDER
//   stepmill-sandbox write-to FILE PROGRAM [ARGUMENT...]
//                             becomes PROGRAM, whose output and errors are appended to FILE
//   stepmill ..., sam ..., stepmill-xgboost ...
//                             (by name) starts the real program from the folder above its own

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "sandbox/relay.h"
#include "sandbox/step_runner.h"

namespace {

constexpr char kHome[] = "/opt/stepmill";  ///< where this folder is mounted in every sandbox

/// The real program is dynamically linked: its loader and libraries stand beside it.
int StartProgram(const std::string& name, const std::vector<std::string>& arguments) {
  const std::string home = kHome;
  std::vector<std::string> line{home + "/lib/ld.so",
                                "--library-path",
                                home + "/lib",
                                "--argv0",
                                name,
                                home + "/lib/" + (name == "sam" ? "stepmill" : name)};
  if (name == "sam") line.push_back("sam");
  line.insert(line.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (const auto& text : line) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  std::fprintf(stderr, "%s: %s: %s\n", name.c_str(), argv[0], std::strerror(errno));
  return 127;
}

constexpr int kCannotRun = 127;

/// Both streams go to one file, so that what was written is in it before the program goes on.
int WriteTo(const std::string& file, const std::vector<std::string>& line) {
  std::vector<char*> argv;
  for (const auto& text : line) argv.push_back(const_cast<char*>(text.c_str()));
  argv.push_back(nullptr);
  const int fd = ::open(file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0 || ::dup2(fd, STDOUT_FILENO) < 0 || ::dup2(fd, STDERR_FILENO) < 0) {
    std::fprintf(stderr, "stepmill-sandbox: %s: %s\n", file.c_str(), std::strerror(errno));
    return kCannotRun;
  }
  ::execvp(argv[0], argv.data());
  std::fprintf(stderr, "%s: %s\n", argv[0], std::strerror(errno));
  return kCannotRun;
}

}  // namespace

int main(int argc, char** argv) {
  std::string name = argc > 0 ? argv[0] : "";
  name = name.substr(name.rfind('/') + 1);
  std::vector<std::string> arguments(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (name == "stepmill" || name == "sam" || name == "stepmill-xgboost")
    return StartProgram(name, arguments);
  const std::string what = arguments.empty() ? "" : arguments[0];
  if (what == "relay") {
    arguments.erase(arguments.begin());
    return stepmill::sandbox::RelayCommand(arguments);
  }
  if (what == "step-runner" && arguments.size() == 2)
    return stepmill::sandbox::RunSteps(arguments[1]);
  if (what == "write-to" && arguments.size() >= 3)
    return WriteTo(arguments[1], {arguments.begin() + 2, arguments.end()});
  std::fprintf(
      stderr,
      "usage: stepmill-sandbox relay ... | step-runner FOLDER | write-to FILE PROGRAM...\n");
  return 2;
}
