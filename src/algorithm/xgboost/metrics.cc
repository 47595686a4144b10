#include "algorithm/xgboost/metrics.h"

#include <algorithm>
#include <map>

namespace stepmill::xgboost {

namespace {

/// How often each class was right, said and true.
struct Counts {
  double right = 0, said = 0, is = 0;
  double Precision() const { return said > 0 ? right / said : 0; }
  double Recall() const { return is > 0 ? right / is : 0; }
  double F1() const { return said + is > 0 ? 2 * right / (said + is) : 0; }
};

template <class Of>
double Mean(const std::map<int, Counts>& classes, Of of) {
  double sum = 0;
  for (const auto& [label, counts] : classes) sum += of(counts);
  return classes.empty() ? 0 : sum / static_cast<double>(classes.size());
}

double MeanSquaredError(std::span<const float> predictions, std::span<const float> labels) {
  double sum = 0;
  for (size_t i = 0; i < labels.size(); ++i) {
    const double difference = static_cast<double>(predictions[i]) - labels[i];
    sum += difference * difference;
  }
  return labels.empty() ? 0 : sum / static_cast<double>(labels.size());
}

double R2(std::span<const float> predictions, std::span<const float> labels) {
  double mean = 0, total = 0;
  for (const float label : labels) mean += label;
  mean /= static_cast<double>(std::max<size_t>(labels.size(), 1));
  for (const float label : labels) total += (label - mean) * (label - mean);
  const double residual =
      MeanSquaredError(predictions, labels) * static_cast<double>(labels.size());
  return total > 0 ? 1 - residual / total : 0;
}

}  // namespace

const std::vector<std::string>& OwnMetrics() {
  static const std::vector<std::string> names = {
      "accuracy", "balanced_accuracy", "f1",          "f1_binary",       "f1_macro",
      "mse",      "precision",         "r2",          "precision_macro", "precision_micro",
      "recall",   "recall_macro",      "recall_micro"};
  return names;
}

bool IsOwnMetric(const std::string& name) {
  return std::find(OwnMetrics().begin(), OwnMetrics().end(), name) != OwnMetrics().end();
}

double OwnMetric(const std::string& name, std::span<const float> predictions, size_t rows,
                 bool is_class, std::span<const float> labels) {
  if (name == "mse") return MeanSquaredError(predictions, labels);
  if (name == "r2") return R2(predictions, labels);
  const size_t width = rows == 0 ? 1 : predictions.size() / rows;
  std::map<int, Counts> classes;
  double right = 0;
  for (size_t row = 0; row < rows; ++row) {
    const float* values = predictions.data() + row * width;
    int said = 0;
    if (width > 1)
      said = static_cast<int>(std::max_element(values, values + width) - values);
    else
      said = is_class ? static_cast<int>(*values) : (*values > 0.5F ? 1 : 0);
    const int label = static_cast<int>(labels[row]);
    ++classes[said].said;
    ++classes[label].is;
    if (said == label) ++classes[said].right, ++right;
  }
  const double accuracy = rows == 0 ? 0 : right / static_cast<double>(rows);
  // Micro averages of single-label classes are the accuracy.
  if (name == "accuracy" || name == "precision_micro" || name == "recall_micro") return accuracy;
  if (name == "precision") return classes[1].Precision();
  if (name == "recall") return classes[1].Recall();
  if (name == "f1_binary") return classes[1].F1();
  if (name == "precision_macro")
    return Mean(classes, [](const Counts& counts) { return counts.Precision(); });
  if (name == "f1" || name == "f1_macro")
    return Mean(classes, [](const Counts& counts) { return counts.F1(); });
  if (name == "balanced_accuracy") {
    // Over the classes that there are.
    std::erase_if(classes, [](const auto& one) { return one.second.is == 0; });
  }
  return Mean(classes, [](const Counts& counts) { return counts.Recall(); });
}

}  // namespace stepmill::xgboost
