#include "algorithm/xgboost/hyperparameters.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <set>

#include "algorithm/xgboost/metrics.h"
#include "algorithm/xgboost/numbers.h"
#include "base/strings.h"
#include "json/each.h"

namespace stepmill::xgboost {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

enum class Type { kInteger, kNumber, kOneOf, kText };

/// A row: bounds that are kNone do not bind.
struct Row {
  const char* name;
  Type type;
  double low = kNone;
  bool is_low_open = false;
  double high = kNone;
  bool is_high_open = false;
  std::vector<std::string> values = {};  ///< kOneOf
};

constexpr double kSeedLow = -2147483648.0, kSeedHigh = 2147483647.0;

const std::vector<Row>& Rows() {
  using enum Type;
  static const std::vector<Row> rows = {
      {"num_round", kInteger, 1},
      {"csv_weights", kInteger, 0, false, 1},
      {"early_stopping_rounds", kInteger, 1},
      {"booster", kOneOf, kNone, false, kNone, false, {"gbtree", "gblinear", "dart"}},
      {"verbosity", kInteger, 0, false, 3},
      {"nthread", kInteger, 1},
      {"eta", kNumber, 0, false, 1},
      {"gamma", kNumber, 0},
      {"max_depth", kInteger, 0},
      {"min_child_weight", kNumber, 0},
      {"max_delta_step", kNumber, 0},
      {"subsample", kNumber, 0, true, 1},
      {"colsample_bytree", kNumber, 0, true, 1},
      {"colsample_bylevel", kNumber, 0, true, 1},
      {"colsample_bynode", kNumber, 0, true, 1},
      {"lambda", kNumber, 0},
      {"alpha", kNumber, 0},
      {"tree_method",
       kOneOf,
       kNone,
       false,
       kNone,
       false,
       {"auto", "exact", "approx", "hist", "gpu_hist"}},
      {"sketch_eps", kNumber, 0, true, 1, true},
      {"scale_pos_weight", kNumber, 0, true},
      {"updater", kText},
      {"dsplit", kOneOf, kNone, false, kNone, false, {"row", "col"}},
      {"refresh_leaf", kInteger, 0, false, 1},
      {"process_type", kOneOf, kNone, false, kNone, false, {"default", "update"}},
      {"grow_policy", kOneOf, kNone, false, kNone, false, {"depthwise", "lossguide"}},
      {"max_leaves", kInteger, 0},
      {"max_bin", kInteger, 0},
      {"predictor", kOneOf, kNone, false, kNone, false, {"auto", "cpu_predictor", "gpu_predictor"}},
      {"monotone_constraints", kText},
      {"interaction_constraints", kText},
      {"sample_type", kOneOf, kNone, false, kNone, false, {"uniform", "weighted"}},
      {"normalize_type", kOneOf, kNone, false, kNone, false, {"tree", "forest"}},
      {"rate_drop", kNumber, 0, false, 1},
      {"one_drop", kInteger, 0, false, 1},
      {"skip_drop", kNumber, 0, false, 1},
      {"lambda_bias", kNumber, 0, false, 1},
      {"tweedie_variance_power", kNumber, 1, true, 2, true},
      {"objective",
       kOneOf,
       kNone,
       false,
       kNone,
       false,
       {"aft_loss_distribution",
        "binary:logistic",
        "binary:logitraw",
        "binary:hinge",
        "count:poisson",
        "multi:softmax",
        "multi:softprob",
        "rank:pairwise",
        "rank:ndcg",
        "rank:map",
        "reg:linear",
        "reg:squarederror",
        "reg:logistic",
        "reg:gamma",
        "reg:pseudohubererror",
        "reg:squaredlogerror",
        "reg:absoluteerror",
        "reg:tweedie",
        "survival:aft",
        "survival:cox"}},
      {"num_class", kInteger, 2},
      {"base_score", kNumber, 0},
      {"_kfold", kInteger, 2},
      {"_num_cv_round", kInteger, 1},
      {"_tuning_objective_metric", kText},
      {"eval_metric", kText},
      {"seed", kInteger, kSeedLow, true, kSeedHigh, true},
      {"num_parallel_tree", kInteger, 1},
      {"save_model_on_termination", kOneOf, kNone, false, kNone, false, {"true", "false"}},
      {"aft_loss_distribution",
       kOneOf,
       kNone,
       false,
       kNone,
       false,
       {"normal", "logistic", "extreme"}},
      {"aft_loss_distribution_scale", kNumber, 0},
      {"single_precision_histogram", kOneOf, kNone, false, kNone, false, {"true", "false"}},
      {"deterministic_histogram", kOneOf, kNone, false, kNone, false, {"true", "false"}},
      {"sampling_method", kOneOf, kNone, false, kNone, false, {"uniform", "gradient_based"}},
      {"prob_buffer_row", kInteger, 1, true},
  };
  return rows;
}

const std::set<std::string_view>& LibraryMetrics() {
  static const std::set<std::string_view> names = {"auc",
                                                   "aucpr",
                                                   "map",
                                                   "ndcg",
                                                   "aft-nloglik",
                                                   "cox-nloglik",
                                                   "error",
                                                   "gamma-deviance",
                                                   "gamma-nloglik",
                                                   "interval-regression-accuracy",
                                                   "logloss",
                                                   "mae",
                                                   "mape",
                                                   "merror",
                                                   "mlogloss",
                                                   "mphe",
                                                   "poisson-nloglik",
                                                   "rmse",
                                                   "rmsle",
                                                   "tweedie-nloglik"};
  return names;
}

std::string IntervalText(const Row& row) {
  const auto number = [](double value) { return std::to_string(static_cast<int64_t>(value)); };
  const std::string low =
      std::isnan(row.low) ? "(-inf" : (row.is_low_open ? "(" : "[") + number(row.low);
  const std::string high =
      std::isnan(row.high) ? "+inf)" : number(row.high) + (row.is_high_open ? ")" : "]");
  return low + ", " + high;
}

std::string ListText(const std::vector<std::string>& values) {
  return "['" + Join(values, "', '") + "']";
}

bool IsIn(const Row& row, double value) {
  if (std::isnan(value)) return false;
  if (!std::isnan(row.low) && (row.is_low_open ? value <= row.low : value < row.low)) return false;
  if (!std::isnan(row.high) && (row.is_high_open ? value >= row.high : value > row.high))
    return false;
  return true;
}

Error NotInRange(const Row& row, const std::string& value, const std::string& range) {
  return UserError("Hyperparameter " + std::string(row.name) + ": " + value + " is not in " +
                   range);
}

Result<> Check(const Row& row, const std::string& text) {
  const Error unreadable = UserError("Hyperparameter " + std::string(row.name) +
                                     ": could not parse value (caused by ValueError)");
  if (row.type == Type::kInteger) {
    std::string_view digits = Trim(text);
    if (digits.starts_with('+')) digits.remove_prefix(1);
    const auto value = ParseInt(digits);
    if (!value) return unreadable;
    if (!IsIn(row, static_cast<double>(*value)))
      return NotInRange(row, std::to_string(*value), IntervalText(row));
  }
  if (row.type == Type::kNumber) {
    const auto value = ParseNumber(Trim(text));
    if (!value) return unreadable;
    if (!IsIn(row, *value)) return NotInRange(row, PythonFloat(*value), IntervalText(row));
  }
  if (row.type == Type::kOneOf &&
      std::find(row.values.begin(), row.values.end(), text) == row.values.end())
    return NotInRange(row, text, ListText(row.values));
  return {};
}

std::vector<std::string> CommaList(const std::string& text) {
  std::vector<std::string> items;
  for (const std::string_view item : Split(text, ',')) items.emplace_back(Trim(item));
  return items;
}

/// "error@0.7", "ndcg@3-", "map".
Result<> CheckMetric(const std::string& metric, const std::string& all) {
  const size_t at = metric.find('@');
  if (at == std::string::npos) {
    if (LibraryMetrics().contains(metric) || IsOwnMetric(metric)) return {};
    std::vector<std::string> items;
    for (const std::string& item : CommaList(all)) items.push_back(item);
    std::vector<std::string> known(LibraryMetrics().begin(), LibraryMetrics().end());
    for (const std::string& own : OwnMetrics()) known.push_back(own);
    std::sort(known.begin(), known.end());
    return UserError("Hyperparameter eval_metric: value " + ListText(items) + " not in range " +
                     ListText(known));
  }
  const std::string name(Trim(metric.substr(0, at)));
  if (name != "error" && name != "ndcg" && name != "map") {
    return UserError("Metric '" + metric +
                     "' is not supported. Parameter 'eval_metric' with customized threshold should "
                     "be one of these options: 'error', 'ndcg', 'map'.");
  }
  if (!ParseNumber(Trim(metric.substr(at + 1))))
    return UserError("Threshold value 't' in '" + name + "@t' expects float input.");
  return {};
}

Result<> CheckDependencies(const Config& config, const Json& values) {
  const std::string objective = config.objective;
  if (objective.starts_with("multi:") && !values.Has("num_class"))
    return UserError("Require input for parameter 'num_class' for multi-classification");
  for (const std::string& metric : config.eval_metrics) {
    if (metric == "auc" && !objective.starts_with("binary:") && !objective.starts_with("rank:"))
      return UserError("Metric 'auc' can only be applied for classification and ranking problems.");
    if (metric == "aft-nloglik" && objective != "survival:aft")
      return UserError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.");
  }
  const std::string method = values.StringOr("tree_method", "");
  if (values.Has("monotone_constraints") && method != "exact" && method != "hist") {
    return UserError(
        "monotone_constraints can be used only when the tree_method parameter is set to either "
        "'exact' or 'hist'.");
  }
  if (values.Has("interaction_constraints") && method != "exact" && method != "hist" &&
      method != "approx") {
    return UserError(
        "interaction_constraints can be used only when the tree_method parameter is set to either "
        "'exact', 'hist' or 'approx'.");
  }
  return {};
}

void AddMetric(Config& config, const std::string& metric) {
  auto& list = IsOwnMetric(metric) ? config.own_metrics : config.eval_metrics;
  if (std::find(list.begin(), list.end(), metric) == list.end()) list.push_back(metric);
}

Result<> AddMetrics(Config& config, const Json& values) {
  const std::string asked = values.StringOr("eval_metric", "");
  if (!asked.empty()) {
    for (const std::string& metric : CommaList(asked)) {
      MILL_CHECK(CheckMetric(metric, asked));
      AddMetric(config, metric);
      config.stopping_metric = metric;
    }
  }
  // "validation:rmse": what a tuning job looks at is reported too.
  const std::string tuned = values.StringOr("_tuning_objective_metric", "");
  if (!tuned.empty()) {
    const std::string metric = tuned.substr(tuned.find(':') + 1);
    MILL_CHECK(CheckMetric(metric, metric));
    AddMetric(config, metric);
    if (config.stopping_metric.empty()) config.stopping_metric = metric;
  }
  return {};
}

}  // namespace

Result<Config> ReadHyperparameters(const Json& values, const std::string& version) {
  static const std::map<std::string_view, std::string_view> kAliases = {{"learning_rate", "eta"},
                                                                        {"min_split_loss", "gamma"},
                                                                        {"reg_lambda", "lambda"},
                                                                        {"reg_alpha", "alpha"}};
  const bool is_oldest = version == "1" || version == "latest";
  if (values.Has("sagemaker_program"))
    return UserError("script mode (sagemaker_program) needs AWS's own image");
  if (!values.Has("num_round")) return UserError("Missing required hyperparameter: num_round");
  Config config;
  Json::Object known;
  for (const auto& member : MembersOf(values)) {
    if (member.name == "silent" && is_oldest) continue;
    const auto alias = kAliases.find(member.name);
    const std::string name(alias == kAliases.end() ? member.name : alias->second);
    const auto row = std::find_if(Rows().begin(), Rows().end(),
                                  [&](const Row& one) { return one.name == name; });
    if (row == Rows().end()) return UserError("Extraneous hyperparameter found: " + member.name);
    const std::string text =
        member.value.is_string() ? member.value.AsString() : member.value.Print();
    MILL_CHECK(Check(*row, text));
    known.Set(name, text);
  }
  const Json checked = std::move(known);
  if (checked.Has("_kfold")) return UserError("Hyperparameter _kfold is not available here");
  static const std::set<std::string_view> kOurs = {"num_round",
                                                   "csv_weights",
                                                   "early_stopping_rounds",
                                                   "_num_cv_round",
                                                   "eval_metric",
                                                   "dsplit",
                                                   "sketch_eps",
                                                   "_tuning_objective_metric",
                                                   "prob_buffer_row",
                                                   "single_precision_histogram",
                                                   "deterministic_histogram",
                                                   "save_model_on_termination"};
  for (const auto& member : MembersOf(checked))
    if (!kOurs.contains(member.name)) config.parameters[member.name] = member.value.AsString();
  const auto integer = [&](const char* name) {
    return static_cast<int>(ParseInt(Trim(checked.StringOr(name, "0"))).value_or(0));
  };
  config.num_round = integer("num_round");
  config.early_stopping_rounds = integer("early_stopping_rounds");
  config.has_csv_weights = integer("csv_weights") == 1;
  config.saves_on_termination = checked.StringOr("save_model_on_termination", "") == "true";
  config.objective = checked.StringOr("objective", config.objective);
  MILL_CHECK(AddMetrics(config, checked));
  MILL_CHECK(CheckDependencies(config, checked));
  return config;
}

bool IsMaximized(const std::string& metric) {
  static const std::set<std::string_view> names = {"auc", "aucpr", "map", "ndcg"};
  return names.contains(metric.substr(0, metric.find('@'))) ||
         (IsOwnMetric(metric) && metric != "mse");
}

}  // namespace stepmill::xgboost
