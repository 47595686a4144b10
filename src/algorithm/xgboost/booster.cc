#include "algorithm/xgboost/booster.h"

#include <xgboost/c_api.h>

#include <cstdlib>
#include <limits>

#include "algorithm/xgboost/hyperparameters.h"
#include "base/strings.h"
#include "io/files.h"

namespace stepmill::xgboost {

namespace {

/// What libxgboost said last. AWS's container blames these on the user.
Error LastError() {
  static constexpr const char* kUserErrors[] = {"label must be in [0,1] for logistic regression",
                                                "label must be in [0, num_class)",
                                                "Check failed: preds.size() == info.labels",
                                                "AUC: the dataset only contains pos or neg samples",
                                                "base_score must be in (0,1) for logistic loss",
                                                "PoissonRegression: label must be nonnegative",
                                                "TweedieRegression: label must be nonnegative",
                                                "label must be positive",
                                                "Parameter reg_lambda should be greater equal to 0",
                                                "Label contains NaN, infinity or a value too large",
                                                "Weights must be positive values",
                                                "Invalid Parameter format",
                                                "feature_names mismatch",
                                                "Input data contains `inf`"};
  std::string text = XGBGetLastError();
  // "[12:00:00] file.cc:12: message\nStack trace: ..."
  text = text.substr(0, text.find("\nStack trace"));
  if (text.starts_with('[')) {
    const size_t place = text.find("] ");
    const size_t message = place == std::string::npos ? place : text.find(": ", place);
    if (message != std::string::npos) text = text.substr(message + 2);
  }
  text = std::string(Trim(text));
  for (const char* known : kUserErrors)
    if (text.find(known) != std::string::npos) return UserError(text);
  return AlgorithmError("XGB train call failed with exception:\n " + text);
}

Result<> Check(int status) {
  if (status == 0) return {};
  return LastError();
}

std::shared_ptr<void> OwnMatrix(DMatrixHandle handle) {
  return std::shared_ptr<void>(handle, [](void* old) { (void)XGDMatrixFree(old); });  // no recourse
}
std::shared_ptr<void> OwnBooster(BoosterHandle handle) {
  return std::shared_ptr<void>(handle, [](void* old) { (void)XGBoosterFree(old); });
}

Result<> SetFloats(void* handle, const char* name, const std::vector<float>& values) {
  if (values.empty()) return {};
  return Check(XGDMatrixSetFloatInfo(handle, name, values.data(), values.size()));
}

}  // namespace

Result<Matrix> Matrix::Make(const Table& table, size_t columns, int threads) {
  Matrix matrix;
  matrix.rows_ = table.rows;
  DMatrixHandle handle = nullptr;
  if (table.is_sparse) {
    MILL_CHECK(Check(XGDMatrixCreateFromCSREx(
        table.row_ends.data(), table.indices.data(), table.values.data(), table.row_ends.size(),
        table.values.size(), std::max(columns, table.columns), &handle)));
  } else {
    MILL_CHECK(Check(XGDMatrixCreateFromMat_omp(table.values.data(), table.rows, table.columns,
                                                std::numeric_limits<float>::quiet_NaN(), &handle,
                                                threads)));
  }
  matrix.handle_ = OwnMatrix(handle);
  MILL_CHECK(SetFloats(handle, "label", table.labels));
  MILL_CHECK(SetFloats(handle, "weight", table.weights));
  if (!table.groups.empty())
    MILL_CHECK(
        Check(XGDMatrixSetUIntInfo(handle, "qid", table.groups.data(), table.groups.size())));
  return matrix;
}

Result<Booster> Booster::Make(const std::vector<Matrix>& matrices) {
  std::vector<DMatrixHandle> handles;
  for (const Matrix& matrix : matrices) handles.push_back(matrix.handle());
  BoosterHandle handle = nullptr;
  MILL_CHECK(Check(XGBoosterCreate(handles.data(), handles.size(), &handle)));
  Booster booster;
  booster.handle_ = OwnBooster(handle);
  return booster;
}

Result<Booster> Booster::Load(const std::string& path) {
  MILL_TRY(Booster booster, Make({}));
  if (XGBoosterLoadModel(booster.handle_.get(), path.c_str()) != 0) {
    const Error error = LastError();
    return UserError("Unable to load model: " + path + ": " + error.message);
  }
  return booster;
}

Result<> Booster::Set(const std::string& name, const std::string& value) {
  return Check(XGBoosterSetParam(handle_.get(), name.c_str(), value.c_str()));
}

Result<> Booster::Update(int round, const Matrix& train) {
  return Check(XGBoosterUpdateOneIter(handle_.get(), round, train.handle()));
}

Result<std::vector<std::pair<std::string, double>>> Booster::Evaluate(
    int round, const std::vector<Matrix>& matrices, const std::vector<std::string>& names) {
  std::vector<DMatrixHandle> handles;
  std::vector<const char*> texts;
  for (const Matrix& matrix : matrices) handles.push_back(matrix.handle());
  for (const std::string& name : names) texts.push_back(name.c_str());
  const char* line = nullptr;
  MILL_CHECK(Check(XGBoosterEvalOneIter(handle_.get(), round, handles.data(), texts.data(),
                                        handles.size(), &line)));
  std::vector<std::pair<std::string, double>> metrics;
  // "[0]\ttrain-rmse:0.5\tvalidation-rmse:0.6"
  bool is_first = true;
  for (const std::string_view part : Split(line, '\t')) {
    if (std::exchange(is_first, false)) continue;
    const size_t colon = part.rfind(':');
    if (colon == std::string_view::npos) continue;
    metrics.emplace_back(std::string(part.substr(0, colon)),
                         std::strtod(std::string(part.substr(colon + 1)).c_str(), nullptr));
  }
  return metrics;
}

Result<Predictions> Booster::Predict(const Matrix& matrix) const {
  constexpr char kConfig[] =
      R"({"type": 0, "training": false, "iteration_begin": 0, "iteration_end": 0,
          "strict_shape": true})";
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  MILL_CHECK(Check(XGBoosterPredictFromDMatrix(handle_.get(), matrix.handle(), kConfig, &shape,
                                               &dimensions, &values)));
  Predictions out;
  size_t count = 1;
  for (bst_ulong i = 0; i < dimensions; ++i) count *= shape[i];
  out.rows = matrix.rows();
  out.width = out.rows == 0 ? 1 : count / out.rows;
  out.values.assign(values, values + count);
  return out;
}

Result<> Booster::Save(const std::string& path) const {
  bst_ulong size = 0;
  const char* bytes = nullptr;
  MILL_CHECK(
      Check(XGBoosterSaveModelToBuffer(handle_.get(), R"({"format": "ubj"})", &size, &bytes)));
  constexpr mode_t kMode = 0644;
  return io::WriteFile(path, std::string(bytes, size), false, kMode);
}

Result<Booster> Booster::First(int rounds) const {
  BoosterHandle handle = nullptr;
  MILL_CHECK(Check(XGBoosterSlice(handle_.get(), 0, rounds, 1, &handle)));
  Booster booster;
  booster.handle_ = OwnBooster(handle);
  return booster;
}

Result<int> Booster::Rounds() const {
  int rounds = 0;
  MILL_CHECK(Check(XGBoosterBoostedRounds(handle_.get(), &rounds)));
  return rounds;
}

Result<size_t> Booster::Features() const {
  bst_ulong count = 0;
  MILL_CHECK(Check(XGBoosterGetNumFeature(handle_.get(), &count)));
  return static_cast<size_t>(count);
}

}  // namespace stepmill::xgboost
