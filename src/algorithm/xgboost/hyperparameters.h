#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "json/json.h"

/// Hyperparameters of the built-in XGBoost algorithm: which there are, what they may be.
/// Documentation: "XGBoost hyperparameters"; texts as AWS's container writes them. Pure.
namespace stepmill::xgboost {

/// A mistake of the user's (exit code 2), and anything else (exit code 1).
inline Error UserError(std::string message) {
  return {Code::kInvalid, "UserError", std::move(message)};
}
inline Error AlgorithmError(std::string message) {
  return {Code::kInternal, "AlgorithmError", std::move(message)};
}

struct Config {
  int num_round = 0;
  int early_stopping_rounds = 0;  ///< 0: none
  bool has_csv_weights = false;
  bool saves_on_termination = false;
  std::string objective = "reg:squarederror";
  std::vector<std::string> eval_metrics;  ///< libxgboost's own; empty: the objective's default
  std::vector<std::string> own_metrics;   ///< see metrics.h
  std::string stopping_metric;            ///< of early stopping; "": the last one
  std::map<std::string, std::string> parameters;  ///< for libxgboost as they are
};

/// `values`: hyperparameters.json. `version`: the image's tag; the oldest take more.
Result<Config> ReadHyperparameters(const Json& values, const std::string& version);

bool IsMaximized(const std::string& metric);

}  // namespace stepmill::xgboost
