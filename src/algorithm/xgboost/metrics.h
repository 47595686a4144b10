#pragma once

#include <span>
#include <string>
#include <vector>

/// Metrics that AWS's container computes itself, beside those of libxgboost. Pure.
namespace stepmill::xgboost {

const std::vector<std::string>& OwnMetrics();
bool IsOwnMetric(const std::string& name);
/// `predictions`: one row after the other; several values a row are the classes' probabilities. For
/// one value a row the class is 1 when it is above 0.5, or the value itself when `is_class`.
double OwnMetric(const std::string& name, std::span<const float> predictions, size_t rows,
                 bool is_class, std::span<const float> labels);

}  // namespace stepmill::xgboost
