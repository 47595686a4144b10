#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "json/json.h"

namespace stepmill::cloudwatch {

/// What is known of a metric's values in a span of time: the figures, and the values themselves
/// with how often each came (percentiles come from these). Sums are right whatever was merged;
/// values are exact up to kDistinctMax different ones, beyond that neighbours are joined.
struct Bucket {
  double count = 0, sum = 0, min = 0, max = 0;
  std::map<double, double> values;  ///< value -> how often
  /// A set of statistics is among them, of which only the figures are known: no percentiles.
  bool has_unknown_values = false;

  static constexpr size_t kDistinctMax = 1000;

  void Add(double value, double times);
  /// Figures that a client made up itself. One sample, or samples that are all equal, are values.
  void AddSet(double samples, double total, double least, double most);
  void Merge(const Bucket& other);

  /// {"n", "s", "lo", "hi", "v": [value, times, ...], "u": true}; "v" is left out for one value.
  Json ToJson() const;
  static Bucket FromJson(const Json& json);

 private:
  void Widen(double least, double most);
  void Thin();
};

/// Which statistic is asked for: "Average", "p99.9", "tm90", "TM(10%:90%)", "PR(0:100)", "IQM", ...
/// (CloudWatch User Guide: "Statistics definitions").
class Statistic {
 public:
  /// nullopt: there is no such statistic.
  static std::optional<Statistic> Parse(std::string_view text);
  bool is_extended() const { return kind_ > Kind::kMaximum; }
  /// nullopt: the bucket cannot say (percentiles of sets, an empty range).
  std::optional<double> Of(const Bucket& bucket) const;

 private:
  enum class Kind {
    kSampleCount,
    kAverage,
    kSum,
    kMinimum,
    kMaximum,
    kPercentile,
    kTrimmedMean,
    kTrimmedCount,
    kTrimmedSum,
    kWinsorizedMean,
    kPercentileRank
  };
  static std::optional<Statistic> ParseRange(Kind kind, std::string_view text);
  std::optional<double> OfRange(const Bucket& bucket) const;

  Kind kind_ = Kind::kAverage;
  bool is_percent_ = true;           ///< the bounds are percent of the samples, else values
  std::optional<double> from_, to_;  ///< nullopt: open
};

}  // namespace stepmill::cloudwatch
