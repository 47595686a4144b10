#include "service/sagemaker/tuning_stop.h"

#include <algorithm>
#include <cmath>

#include "base/strings.h"
#include "service/sagemaker/errors.h"

namespace stepmill::sagemaker {

namespace {

constexpr int64_t kEta = 3;  ///< of a rung's jobs one in so many goes on
constexpr int64_t kMaxResource = 20'000;
constexpr size_t kPeersMin = 3;  ///< whose median is worth a decision

bool IsHyperband(const Json& config) { return config.StringOr("Strategy", "") == "Hyperband"; }
const Json& BandOf(const Json& config) {
  return config["StrategyConfig"]["HyperbandStrategyConfig"];
}
int64_t MinResourceOf(const Json& config) { return BandOf(config).IntOr("MinResource", 1); }

/// The first rung of a job: Hyperband's brackets, from the one that stops most to the one that
/// stops none, each with its number of jobs, over and over.
int64_t FirstRung(int64_t number, int64_t least, int64_t most) {
  int64_t brackets = 0;
  for (int64_t rung = least; rung * kEta <= most; rung *= kEta) ++brackets;
  std::vector<int64_t> sizes;
  int64_t round = 0;
  for (int64_t s = brackets; s >= 0; --s) {
    const double share = static_cast<double>(brackets + 1) / static_cast<double>(s + 1);
    const double wide = std::pow(static_cast<double>(kEta), static_cast<double>(s));
    sizes.push_back(static_cast<int64_t>(std::ceil(share * wide)));
    round += sizes.back();
  }
  int64_t place = number % round, rung = least;
  for (const int64_t size : sizes) {
    if (place < size) break;
    place -= size;
    rung *= kEta;
  }
  return rung;
}

bool IsRung(int64_t epoch, int64_t first, int64_t most) {
  for (int64_t rung = first; rung < most; rung *= kEta)
    if (rung == epoch) return true;
  return false;
}

bool IsWorseThanMedian(const std::vector<Reports>& all, size_t index, bool is_up) {
  const size_t epoch = all[index].values.size();
  std::vector<double> averages;
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == index || all[i].values.size() < epoch) continue;
    double sum = 0;
    for (size_t k = 0; k < epoch; ++k) sum += all[i].values[k];
    averages.push_back(sum / static_cast<double>(epoch));
  }
  if (averages.size() < kPeersMin) return false;
  std::sort(averages.begin(), averages.end());
  const size_t half = averages.size() / 2;
  const double median =
      averages.size() % 2 == 1 ? averages[half] : (averages[half - 1] + averages[half]) / 2;
  const double value = all[index].values.back();
  return is_up ? value < median : value > median;
}

}  // namespace

int64_t MaxResourceOf(const Json& config, const Json& static_words) {
  if (BandOf(config).Has("MaxResource")) return BandOf(config).IntOr("MaxResource", 0);
  for (const char* name : {"epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs"})
    if (const auto number = ParseInt(static_words.StringOr(name, ""))) return *number;
  return 0;
}

Result<> CheckEarlyStopping(const Json& config, const Json& static_words) {
  if (!IsHyperband(config)) {
    if (config.Has("StrategyConfig"))
      return Invalid(
          "StrategyConfig can be provided only if Hyperband is selected as the strategy");
    return {};
  }
  if (config.StringOr("TrainingJobEarlyStoppingType", "Off") != "Off")
    return Invalid("TrainingJobEarlyStoppingType must be Off to use the Hyperband strategy");
  const int64_t least = MinResourceOf(config), most = MaxResourceOf(config, static_words);
  if (most <= 0)
    return Invalid(
        "MaxResource of HyperbandStrategyConfig must be specified: it cannot be inferred from the "
        "static hyperparameters epochs, numepochs, n-epochs, n_epochs or num_epochs");
  if (most > kMaxResource)
    return Invalid("MaxResource of HyperbandStrategyConfig must be at most 20000, not " +
                   std::to_string(most));
  if (least > most)
    return Invalid("MinResource of HyperbandStrategyConfig must not be larger than MaxResource");
  return {};
}

bool EndsJobsEarly(const Json& config) {
  return IsHyperband(config) || config.StringOr("TrainingJobEarlyStoppingType", "Off") == "Auto";
}

bool EndsEarly(const Json& config, int64_t max_resource, const std::vector<Reports>& all,
               size_t index, bool is_up) {
  if (!IsHyperband(config)) return IsWorseThanMedian(all, index, is_up);
  const auto epoch = static_cast<int64_t>(all[index].values.size());
  if (epoch >= max_resource) return true;
  const int64_t least = MinResourceOf(config);
  const int64_t first = FirstRung(all[index].number, least, max_resource);
  if (!IsRung(epoch, first, max_resource)) return false;
  int64_t reached = 1, better = 0;
  const double mine = all[index].values.back();
  for (size_t i = 0; i < all.size(); ++i) {
    if (i == index || static_cast<int64_t>(all[i].values.size()) < epoch) continue;
    if (FirstRung(all[i].number, least, max_resource) != first) continue;
    const double other = all[i].values[static_cast<size_t>(epoch - 1)];
    ++reached;
    better += is_up ? other > mine : other < mine;
  }
  return better >= (reached + kEta - 1) / kEta;
}

}  // namespace stepmill::sagemaker
