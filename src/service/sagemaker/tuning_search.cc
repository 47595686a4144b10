#include "service/sagemaker/tuning_search.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/mix_seed.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kFirstTrials = 5;   ///< drawn before the results are looked at
constexpr int kCandidates = 48;      ///< of which the likeliest is taken
constexpr double kGoodShare = 0.25;  ///< of the results
constexpr double kWidthMin = 0.05;   ///< of an estimator, of the range's length

/// A stream of numbers.
class Chance {
 public:
  explicit Chance(uint64_t seed) : state_(seed) {}
  uint64_t Next() { return MixSeed(state_, ++count_); }
  /// In [0, 1).
  double Unit() {
    constexpr int kBits = 53;
    return static_cast<double>(Next() >> (64 - kBits)) / static_cast<double>(1ULL << kBits);
  }
  /// Of the normal distribution.
  double Normal() {
    constexpr double kTwoPi = 6.283185307179586;
    const double radius = std::sqrt(-2 * std::log(1 - Unit()));
    return radius * std::cos(kTwoPi * Unit());
  }

 private:
  uint64_t state_, count_ = 0;
};

enum class Kind { kInteger, kContinuous, kCategorical };

/// One parameter. Numbers are looked at as places in [0, 1], by their scale.
struct Range {
  Kind kind = Kind::kContinuous;
  std::string name;
  double low = 0, high = 0;
  std::string scaling;
  std::vector<std::string> values;

  double ToScale(double value) const {
    if (scaling == "Logarithmic") return std::log(value);
    if (scaling == "ReverseLogarithmic") return -std::log(1 - value);
    return value;
  }
  double FromScale(double value) const {
    if (scaling == "Logarithmic") return std::exp(value);
    if (scaling == "ReverseLogarithmic") return 1 - std::exp(-value);
    return value;
  }
  double PlaceOf(const std::string& text) const {
    const double from = ToScale(low), to = ToScale(high);
    if (to == from) return 0;
    return (ToScale(std::strtod(text.c_str(), nullptr)) - from) / (to - from);
  }
  std::string At(double place) const {
    const double from = ToScale(low), to = ToScale(high);
    const double value =
        std::clamp(FromScale(from + std::clamp(place, 0.0, 1.0) * (to - from)), low, high);
    if (kind == Kind::kInteger) return std::to_string(std::llround(value));
    char buffer[40];
    const auto [end, ignored] = std::to_chars(buffer, buffer + sizeof buffer, value);
    return std::string(buffer, end);
  }
  size_t IndexOf(const std::string& text) const {
    return static_cast<size_t>(std::find(values.begin(), values.end(), text) - values.begin());
  }
};

/// "Auto" follows the range: over some orders of magnitude the logarithm.
std::string ScalingOf(const Json& range, double low, double high) {
  const std::string scaling = range.StringOr("ScalingType", "Auto");
  constexpr double kWide = 1000;
  if (scaling != "Auto") return scaling;
  return low > 0 && high / low >= kWide ? "Logarithmic" : "Linear";
}

std::vector<Range> RangesOf(const Json& ranges) {
  std::vector<Range> all;
  const auto add = [&](const char* list, Kind kind) {
    for (const Json& one : ItemsOf(ranges[list])) {
      Range range;
      range.kind = kind;
      range.name = one.StringOr("Name", "");
      for (const Json& value : ItemsOf(one["Values"])) range.values.push_back(value.AsString());
      range.low = std::strtod(one.StringOr("MinValue", "0").c_str(), nullptr);
      range.high = std::strtod(one.StringOr("MaxValue", "0").c_str(), nullptr);
      range.scaling = ScalingOf(one, range.low, range.high);
      all.push_back(std::move(range));
    }
  };
  add("IntegerParameterRanges", Kind::kInteger);
  add("ContinuousParameterRanges", Kind::kContinuous);
  add("CategoricalParameterRanges", Kind::kCategorical);
  return all;
}

std::string Draw(const Range& range, Chance& chance) {
  if (range.kind == Kind::kCategorical) return range.values[chance.Next() % range.values.size()];
  return range.At(chance.Unit());
}

/// How likely `place` is by estimators around `places`, with one over the whole range.
double Likelihood(const std::vector<double>& places, double width, double place) {
  double sum = 1;
  for (const double one : places) {
    const double distance = (place - one) / width;
    sum += std::exp(-distance * distance / 2) / width;
  }
  return sum / static_cast<double>(places.size() + 1);
}

/// The value of one parameter that is likeliest among the good results and not among the others.
std::string Likeliest(const Range& range, const std::vector<Trial>& good,
                      const std::vector<Trial>& others, Chance& chance) {
  if (range.kind == Kind::kCategorical) {
    // By their counts, one more for each.
    std::vector<double> weights(range.values.size(), 1);
    for (const Trial& trial : good) {
      const size_t index = range.IndexOf(trial.parameters.StringOr(range.name, ""));
      if (index < weights.size()) weights[index] += 1;
    }
    double total = 0;
    for (const double weight : weights) total += weight;
    double at = chance.Unit() * total;
    for (size_t i = 0; i < weights.size(); ++i)
      if ((at -= weights[i]) < 0) return range.values[i];
    return range.values.back();
  }
  std::vector<double> near, far;
  for (const Trial& trial : good)
    near.push_back(range.PlaceOf(trial.parameters.StringOr(range.name, "0")));
  for (const Trial& trial : others)
    far.push_back(range.PlaceOf(trial.parameters.StringOr(range.name, "0")));
  const double width =
      std::max(kWidthMin, 1.0 / std::sqrt(static_cast<double>(near.size() + far.size() + 1)) / 2);
  double best = 0, best_ratio = -1;
  for (int i = 0; i < kCandidates; ++i) {
    const double around = near[chance.Next() % near.size()];
    const double place = std::clamp(around + chance.Normal() * width, 0.0, 1.0);
    const double ratio = Likelihood(near, width, place) / Likelihood(far, width, place);
    if (ratio <= best_ratio) continue;
    best = place;
    best_ratio = ratio;
  }
  return range.At(best);
}

bool IsNumber(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return !text.empty() && *end == '\0' && std::isfinite(value);
}

}  // namespace

Result<> CheckTuningRanges(const Json& config, const Json& ranges) {
  const std::string strategy = config.StringOr("Strategy", "");
  const bool has_numbers =
      ranges["IntegerParameterRanges"].size() > 0 || ranges["ContinuousParameterRanges"].size() > 0;
  if (strategy == "Grid" && has_numbers)
    return Invalid("Grid search supports only CategoricalParameterRanges");
  if (RangesOf(ranges).empty()) return Invalid("At least one parameter range must be specified");
  for (const char* list : {"IntegerParameterRanges", "ContinuousParameterRanges"}) {
    for (const Json& range : ItemsOf(ranges[list])) {
      const std::string low = range.StringOr("MinValue", ""), high = range.StringOr("MaxValue", "");
      const std::string name = range.StringOr("Name", "");
      if (!IsNumber(low) || !IsNumber(high))
        return Invalid("MinValue and MaxValue of parameter " + name + " must be numbers");
      const double from = std::strtod(low.c_str(), nullptr);
      const double to = std::strtod(high.c_str(), nullptr);
      if (from > to)
        return Invalid("MinValue of parameter " + name + " is larger than its MaxValue");
      const std::string scaling = range.StringOr("ScalingType", "Auto");
      if (scaling == "Logarithmic" && from <= 0)
        return Invalid("Logarithmic scaling of parameter " + name + " needs a MinValue above 0");
      if (scaling == "ReverseLogarithmic" && (from < 0 || to >= 1))
        return Invalid("ReverseLogarithmic scaling of parameter " + name +
                       " needs a range within [0, 1)");
    }
  }
  return {};
}

int64_t TrialsMax(const Json& config, const Json& ranges) {
  constexpr int64_t kMost = 100'000;
  int64_t combinations = 1;
  for (const Range& range : RangesOf(ranges))
    combinations = std::min(kMost, combinations * static_cast<int64_t>(range.values.size()));
  const int64_t asked = config["ResourceLimits"].IntOr("MaxNumberOfTrainingJobs", combinations);
  return config.StringOr("Strategy", "") == "Grid" ? std::min(asked, combinations) : asked;
}

Json NextParameters(const Json& config, const Json& ranges, const std::vector<Trial>& trials,
                    uint64_t seed, int64_t index) {
  const std::string strategy = config.StringOr("Strategy", "");
  const std::vector<Range> all = RangesOf(ranges);
  Chance chance(MixSeed(seed, static_cast<uint64_t>(index) + 1));
  Json::Object chosen;
  if (strategy == "Grid") {
    auto rest = static_cast<size_t>(index);
    for (const Range& range : all) {
      chosen.Set(range.name, range.values[rest % range.values.size()]);
      rest /= range.values.size();
    }
    return chosen;
  }
  std::vector<Trial> known;
  for (const Trial& trial : trials)
    if (trial.objective) known.push_back(trial);
  if (strategy != "Bayesian" || known.size() < kFirstTrials) {
    for (const Range& range : all) chosen.Set(range.name, Draw(range, chance));
    return chosen;
  }
  const bool is_up =
      config["HyperParameterTuningJobObjective"].StringOr("Type", "Minimize") == "Maximize";
  std::stable_sort(known.begin(), known.end(), [&](const Trial& a, const Trial& b) {
    return is_up ? *a.objective > *b.objective : *a.objective < *b.objective;
  });
  const auto count = static_cast<std::ptrdiff_t>(
      std::max(2.0, std::ceil(kGoodShare * static_cast<double>(known.size()))));
  const std::vector<Trial> good(known.begin(), known.begin() + count);
  const std::vector<Trial> others(known.begin() + count, known.end());
  for (const Range& range : all) chosen.Set(range.name, Likeliest(range, good, others, chance));
  return chosen;
}

}  // namespace stepmill::sagemaker
