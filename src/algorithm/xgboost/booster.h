#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "algorithm/xgboost/data.h"
#include "base/result.h"

/// libxgboost's handles. Errors are values: UserError for what AWS's container blames on the data
/// (labels out of range and the like), AlgorithmError for the rest.
///
/// Threads: one at a time for each object.
namespace stepmill::xgboost {

class Matrix {
 public:
  /// `columns`: at least so many (a validation set has those of the training set).
  static Result<Matrix> Make(const Table& table, size_t columns, int threads);
  size_t rows() const { return rows_; }
  void* handle() const { return handle_.get(); }

 private:
  std::shared_ptr<void> handle_;
  size_t rows_ = 0;
};

/// Predictions, one row after the other.
struct Predictions {
  size_t rows = 0, width = 1;
  std::vector<float> values;
};

class Booster {
 public:
  static Result<Booster> Make(const std::vector<Matrix>& matrices);
  /// From a model file of any of XGBoost's formats. UserError: it is none.
  static Result<Booster> Load(const std::string& path);

  Result<> Set(const std::string& name, const std::string& value);
  Result<> Update(int round, const Matrix& train);
  /// {"train-rmse", 0.5}, ... in order.
  Result<std::vector<std::pair<std::string, double>>> Evaluate(
      int round, const std::vector<Matrix>& matrices, const std::vector<std::string>& names);
  Result<Predictions> Predict(const Matrix& matrix) const;
  Result<> Save(const std::string& path) const;  ///< UBJSON, by rename
  /// The first `rounds` rounds only.
  Result<Booster> First(int rounds) const;
  Result<int> Rounds() const;
  Result<size_t> Features() const;

 private:
  std::shared_ptr<void> handle_;
};

}  // namespace stepmill::xgboost
