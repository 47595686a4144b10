// stepmill-xgboost: what AWS's image of the built-in XGBoost algorithm does.
//
//   stepmill-xgboost train       by SageMaker's training contract, below /opt/ml
//   stepmill-xgboost serve       by its inference contract, on port 8080
//
// STEPMILL_ML_ROOT names another folder than /opt/ml. Exit codes: 0 done, 1 a fault of the
// algorithm, 2 a mistake in hyperparameters or data; the reason stands in output/failure.

#include <cstdio>
#include <cstdlib>
#include <string>

#include "algorithm/xgboost/serve.h"
#include "algorithm/xgboost/train.h"
#include "base/strings.h"
#include "io/files.h"

namespace {

std::string Environment(const char* name, const char* other) {
  const char* value = std::getenv(name);
  return value ? value : other;
}

int Report(const stepmill::Result<>& result, const std::string& root) {
  constexpr int kFault = 1, kUserError = 2;
  constexpr size_t kReasonMax = 1024;
  if (result) return 0;
  const stepmill::Error& error = result.error();
  std::fflush(stdout);
  std::fprintf(stderr, "%s: %s\n", error.name.c_str(), error.message.c_str());
  const std::string reason(stepmill::TruncateUtf8(error.message, kReasonMax));
  constexpr mode_t kMode = 0644;
  if (!stepmill::io::MakeFolders(root + "/output") ||
      !stepmill::io::WriteFile(root + "/output/failure", reason, false, kMode))
    std::fprintf(stderr, "%s/output/failure cannot be written\n", root.c_str());
  return error.name == "UserError" ? kUserError : kFault;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 2 ? argv[1] : "";
  const std::string root = Environment("STEPMILL_ML_ROOT", "/opt/ml");
  if (what == "train") {
    const std::string version = Environment("STEPMILL_XGBOOST_VERSION", "1.7-1");
    return Report(stepmill::xgboost::Train(root, version), root);
  }
  if (what == "serve") {
    constexpr int kPort = 8080;
    const auto port = stepmill::ParseInt(Environment("SAGEMAKER_BIND_TO_PORT", "8080"));
    const bool is_batch = !Environment("SAGEMAKER_BATCH", "").empty();
    return Report(
        stepmill::xgboost::Serve(root + "/model", static_cast<int>(port.value_or(kPort)), is_batch),
        root);
  }
  std::fprintf(stderr, "usage: stepmill-xgboost train | serve\n");
  return 2;
}
