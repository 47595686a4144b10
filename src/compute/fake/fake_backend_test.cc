#include "compute/fake/fake_backend.h"

#include <gtest/gtest.h>

#include "compute/contract/backend_contract.h"
#include "io/files.h"

namespace stepmill {
namespace {

/// Plays the scripts of the contract.
FakeRun PlayScript(const std::string& script) {
  FakeRun run;
  if (script.starts_with("echo 日本語")) {
    run.output = "日本語\ntail";
    run.exit_code = 3;
  } else if (script.starts_with("cat /srv/in/word.txt")) {
    run.output = "kiwi\n";
    run.files["/srv/out/file"] = "made\n";
  } else if (script.starts_with("exit 4")) {
    run.exit_code = 4;
  } else {
    run.is_endless = true;
  }
  return run;
}

class FakeWorld : public BackendWorld {
 public:
  io::Loop& loop() override { return loop_; }
  Backend& backend() override { return backend_; }
  void Restart() override {}

 private:
  io::Loop loop_{1};
  FakeBackend backend_{
      ::testing::TempDir() + "/fake",
      [](const JobSpec& spec) { return PlayScript(spec.arguments.back()); },
      [](const JobSpec&, const StepSpec& step) { return PlayScript(step.argv.back()); }};
};

TEST(FakeBackend, Contract) {
  FakeWorld world;
  CheckBackendContract(world);
}

}  // namespace
}  // namespace stepmill
