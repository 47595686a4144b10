#include "algorithm/xgboost/train.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <thread>

#include "algorithm/xgboost/booster.h"
#include "algorithm/xgboost/data.h"
#include "algorithm/xgboost/hyperparameters.h"
#include "algorithm/xgboost/metrics.h"
#include "algorithm/xgboost/tracker.h"
#include "base/strings.h"
#include "io/files.h"
#include "json/each.h"
#include "json/json.h"

namespace stepmill::xgboost {

namespace {

namespace fs = std::filesystem;

volatile sig_atomic_t is_told_to_end = 0;
void TellToEnd(int) { is_told_to_end = 1; }

constexpr char kCheckpoint[] = "xgboost-checkpoint.";
constexpr int kCheckpointsKept = 5;

Result<Json> ReadConfig(const std::string& root, const char* name, bool is_needed) {
  const std::string path = root + "/input/config/" + name;
  if (!io::Exists(path) && !is_needed) return Json(Json::Object{});
  const Result<std::string> text = io::ReadFile(path);
  if (!text) return AlgorithmError(text.error().message);
  const Result<Json> json = ParseJson(*text);
  if (!json) return AlgorithmError(path + ": " + json.error().message);
  return *json;
}

Result<> CheckChannels(const Json& channels) {
  if (!channels.Has("train")) return UserError("Missing required channel: train");
  for (const auto& channel : MembersOf(channels)) {
    if (channel.name != "train" && channel.name != "validation" && channel.name != "code")
      return UserError("Extraneous channel found: " + channel.name);
    if (channel.value.StringOr("TrainingInputMode", "File") == "Pipe")
      return UserError("Pipe mode is not available here for channel " + channel.name);
  }
  return {};
}

int ThreadCount(const Config& config) {
  const auto asked = config.parameters.find("nthread");
  if (asked != config.parameters.end())
    return static_cast<int>(ParseInt(Trim(asked->second)).value_or(1));
  const int cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  const char* limit = std::getenv("OMP_NUM_THREADS");  // what the sandbox may use
  const auto most = limit ? ParseInt(limit) : std::nullopt;
  return most && *most > 0 ? std::min(cores, static_cast<int>(*most)) : cores;
}

struct Sets {
  std::vector<Matrix> matrices;
  std::vector<std::string> names;
  std::vector<std::vector<float>> labels;
};

Result<> AddSet(Sets& sets, const std::string& root, const std::string& name, const Json& channel,
                const Config& config, int threads, size_t& columns) {
  MILL_TRY(const Format format, FormatOf(channel.StringOr("ContentType", "")));
  const std::string folder = root + "/input/data/" + name;
  const bool has_weight = config.has_csv_weights && name == "train";
  MILL_TRY(Table table, ReadFolder(folder, format, has_weight));
  if (table.rows == 0) {
    return UserError("No data in " + std::string(name == "train" ? "training" : name) +
                     " channel path " + folder);
  }
  if (!table.is_sparse && columns != 0 && table.columns != columns) {
    return UserError("feature_names mismatch: the " + name + " channel has " +
                     std::to_string(table.columns) + " features, the train channel " +
                     std::to_string(columns));
  }
  MILL_TRY(const Matrix matrix, Matrix::Make(table, columns, threads));
  columns = std::max(columns, table.columns);
  std::printf("%s matrix has %zu rows and %zu columns\n", name == "train" ? "Train" : "Validation",
              table.rows, table.columns);
  sets.matrices.push_back(matrix);
  sets.names.push_back(name);
  sets.labels.push_back(std::move(table.labels));
  return {};
}

// ---- checkpoints

struct Checkpointing {
  std::string folder;  ///< "": none
  int first_round = 0;
  std::string newest;
};

Checkpointing FindCheckpoint(const Json& config) {
  Checkpointing found;
  found.folder = config.StringOr("LocalPath", "");
  if (found.folder.empty()) return found;
  std::error_code error;  // no folder: no checkpoint yet
  for (const auto& entry : fs::directory_iterator(found.folder, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kCheckpoint)) continue;
    const auto round = ParseInt(name.substr(sizeof(kCheckpoint) - 1));
    if (!round || *round < found.first_round) continue;
    found.first_round = static_cast<int>(*round) + 1;
    found.newest = entry.path().string();
  }
  return found;
}

Result<> SaveCheckpoint(const Booster& booster, const Checkpointing& checkpoints, int round) {
  if (checkpoints.folder.empty()) return {};
  const std::string path = checkpoints.folder + "/" + kCheckpoint;
  MILL_CHECK(booster.Save(path + std::to_string(round)));
  if (round >= kCheckpointsKept)
    MILL_CHECK(io::RemoveTree(path + std::to_string(round - kCheckpointsKept)));
  return {};
}

// ---- rounds

using Metrics = std::vector<std::pair<std::string, double>>;

Result<> AddOwnMetrics(const Booster& booster, const Config& config, const Sets& sets,
                       Metrics& metrics) {
  const bool is_class = config.objective == "multi:softmax" || config.objective == "binary:hinge";
  for (size_t i = 0; i < sets.matrices.size() && !config.own_metrics.empty(); ++i) {
    MILL_TRY(const Predictions predictions, booster.Predict(sets.matrices[i]));
    for (const std::string& name : config.own_metrics) {
      metrics.emplace_back(
          sets.names[i] + "-" + name,
          OwnMetric(name, predictions.values, predictions.rows, is_class, sets.labels[i]));
    }
  }
  return {};
}

/// Says when a metric has not become better for some rounds. Of the last set (validation, when
/// there is one) the metric that was asked for last.
class Stopper {
 public:
  Stopper(const Config& config, const Sets& sets)
      : rounds_(config.early_stopping_rounds),
        prefix_(sets.names.back() + "-"),
        metric_(config.stopping_metric) {}

  bool IsEnough(int round, const Metrics& metrics) {
    if (rounds_ == 0) return false;
    std::string name;
    double value = 0;
    for (const auto& [key, one] : metrics) {
      if (!key.starts_with(prefix_)) continue;
      if (!metric_.empty() && key.substr(prefix_.size()) != metric_) continue;
      name = key.substr(prefix_.size());
      value = one;
    }
    if (name.empty()) return false;
    const bool is_better = best_round_ < 0 || (IsMaximized(name) ? value > best_ : value < best_);
    if (is_better) {
      best_ = value;
      best_round_ = round;
    }
    return round - best_round_ >= rounds_;
  }
  int best_round() const { return best_round_; }

 private:
  int rounds_;
  std::string prefix_, metric_;
  double best_ = 0;
  int best_round_ = -1;
};

void PrintRound(int round, const Metrics& metrics) {
  std::string line = "[" + std::to_string(round) + "]";
  for (const auto& [name, value] : metrics) {
    char text[64];
    std::snprintf(text, sizeof text, "%.5f", value);
    line += "\t" + name + ":" + text;
  }
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

Result<> SetParameters(Booster& booster, const Config& config, int threads) {
  for (const auto& [name, value] : config.parameters) MILL_CHECK(booster.Set(name, value));
  MILL_CHECK(booster.Set("nthread", std::to_string(threads)));
  for (const std::string& metric : config.eval_metrics)
    MILL_CHECK(booster.Set("eval_metric", metric));
  // Only metrics of our own: the library need not add its default one.
  if (config.eval_metrics.empty() && !config.own_metrics.empty())
    MILL_CHECK(booster.Set("disable_default_eval_metric", "1"));
  return {};
}

/// Where the model goes; of several hosts the first one prints and saves.
struct Place {
  std::string model;
  const Together* together = nullptr;
  bool is_first() const { return !together || together->is_first(); }
  bool AnyOf(bool is_so) const { return together ? together->AnyOf(is_so) : is_so; }
  Result<> Save(const Booster& booster) const {
    return is_first() ? booster.Save(model) : Result<>();
  }
};

Result<> Boost(Booster& booster, const Config& config, const Sets& sets,
               const Checkpointing& checkpoints, const Place& place) {
  Stopper stopper(config, sets);
  for (int round = checkpoints.first_round; round < config.num_round; ++round) {
    MILL_CHECK(booster.Update(round, sets.matrices.front()));
    MILL_TRY(Metrics metrics, booster.Evaluate(round, sets.matrices, sets.names));
    MILL_CHECK(AddOwnMetrics(booster, config, sets, metrics));
    if (place.is_first()) {
      PrintRound(round, metrics);
      MILL_CHECK(SaveCheckpoint(booster, checkpoints, round));
    }
    if (place.AnyOf(is_told_to_end != 0)) {
      if (config.saves_on_termination) MILL_CHECK(place.Save(booster));
      return {};
    }
    if (!stopper.IsEnough(round, metrics)) continue;
    std::printf("Stopping. Best iteration: [%d]\n", stopper.best_round());
    break;
  }
  if (config.early_stopping_rounds == 0 || stopper.best_round() < 0) return place.Save(booster);
  MILL_TRY(const Booster best, booster.First(stopper.best_round() + 1));
  return place.Save(best);
}

}  // namespace

Result<> Train(const std::string& root, const std::string& version) {
  ::signal(SIGTERM, TellToEnd);
  MILL_TRY(const Json values, ReadConfig(root, "hyperparameters.json", true));
  MILL_TRY(const Config config, ReadHyperparameters(values, version));
  MILL_TRY(const Json channels, ReadConfig(root, "inputdataconfig.json", true));
  MILL_CHECK(CheckChannels(channels));
  MILL_TRY(const Json resources, ReadConfig(root, "resourceconfig.json", false));
  std::unique_ptr<Together> together;
  if (resources["hosts"].size() > 1) {
    if (!config.own_metrics.empty())
      return UserError("Metric " + config.own_metrics.front() +
                       " is not available here in distributed training");
    MILL_TRY(together, Together::Join(resources));
  }
  MILL_TRY(const Json checkpoint_config, ReadConfig(root, "checkpointconfig.json", false));
  std::printf("Running XGBoost Sagemaker in algorithm mode\n");
  const int threads = ThreadCount(config);
  Sets sets;
  size_t columns = 0;
  MILL_CHECK(AddSet(sets, root, "train", channels["train"], config, threads, columns));
  if (channels.Has("validation"))
    MILL_CHECK(AddSet(sets, root, "validation", channels["validation"], config, threads, columns));
  if (together)
    std::printf("Distributed node training with %d hosts.\n", together->count());
  else
    std::printf("Single node training.\n");
  const Checkpointing checkpoints = FindCheckpoint(checkpoint_config);
  MILL_TRY(Booster booster, Booster::Make(sets.matrices));
  if (!checkpoints.newest.empty()) {
    std::printf("Checkpoint loaded from %s\nResuming from iteration %d\n",
                checkpoints.newest.c_str(), checkpoints.first_round);
    MILL_TRY(booster, Booster::Load(checkpoints.newest));
  }
  std::fflush(stdout);
  MILL_CHECK(SetParameters(booster, config, threads));
  MILL_CHECK(io::MakeFolders(root + "/model"));
  const Place place{root + "/model/xgboost-model", together.get()};
  return Boost(booster, config, sets, checkpoints, place);
}

}  // namespace stepmill::xgboost
