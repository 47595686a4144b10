#include "service/cloudwatch/bucket.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "base/strings.h"

namespace stepmill::cloudwatch {

namespace {

std::optional<double> NumberOf(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value == value))
    return std::nullopt;
  return value;
}

/// The lowest value that at least `percent` of the samples do not exceed.
double PercentileOf(const Bucket& bucket, double samples, double percent) {
  const double wanted = samples * percent / 100;
  double seen = 0;
  for (const auto& [value, times] : bucket.values) {
    seen += times;
    if (seen >= wanted * (1 - 1e-12)) return value;
  }
  return bucket.values.rbegin()->first;
}

}  // namespace

void Bucket::Widen(double least, double most) {
  min = count == 0 ? least : std::min(min, least);
  max = count == 0 ? most : std::max(max, most);
}

void Bucket::Add(double value, double times) {
  Widen(value, value);
  count += times;
  sum += value * times;
  values[value] += times;
  Thin();
}

void Bucket::AddSet(double samples, double total, double least, double most) {
  Widen(least, most);
  count += samples;
  sum += total;
  if (samples == 1 || least == most)
    values[samples == 1 ? total : least] += samples;
  else
    has_unknown_values = true;
  Thin();
}

void Bucket::Merge(const Bucket& other) {
  if (other.count == 0) return;
  Widen(other.min, other.max);
  count += other.count;
  sum += other.sum;
  has_unknown_values |= other.has_unknown_values;
  for (const auto& [value, times] : other.values) values[value] += times;
  Thin();
}

/// Joins neighbours in pairs, each at their mean, when there are too many.
void Bucket::Thin() {
  if (values.size() <= kDistinctMax) return;
  std::map<double, double> joined;
  for (auto at = values.begin(); at != values.end();) {
    const auto [first, first_times] = *at++;
    if (at == values.end()) {
      joined[first] += first_times;
      break;
    }
    const auto [second, second_times] = *at++;
    const double times = first_times + second_times;
    joined[(first * first_times + second * second_times) / times] += times;
  }
  values = std::move(joined);
}

Json Bucket::ToJson() const {
  Json::Object out{{"n", count}, {"s", sum}, {"lo", min}, {"hi", max}};
  if (has_unknown_values) out.Add("u", true);
  if (values.size() == 1 && !has_unknown_values && min == max) return Json(std::move(out));
  Json::Array pairs;
  pairs.reserve(values.size() * 2);
  for (const auto& [value, times] : values) {
    pairs.emplace_back(value);
    pairs.emplace_back(times);
  }
  out.Add("v", std::move(pairs));
  return Json(std::move(out));
}

Bucket Bucket::FromJson(const Json& json) {
  const auto number = [&json](std::string_view name) {
    const Json& found = json[name];
    return found.is_number() ? found.AsDouble() : 0;
  };
  Bucket out;
  out.count = number("n");
  out.sum = number("s");
  out.min = number("lo");
  out.max = number("hi");
  out.has_unknown_values = json.BoolOr("u", false);
  const Json& pairs = json["v"];
  if (!pairs.is_array()) {
    if (out.count > 0) out.values[out.min] = out.count;
    return out;
  }
  for (size_t i = 0; i + 1 < pairs.size(); i += 2)
    out.values[pairs.At(i).AsDouble()] = pairs.At(i + 1).AsDouble();
  return out;
}

std::optional<Statistic> Statistic::ParseRange(Kind kind, std::string_view text) {
  Statistic out;
  out.kind_ = kind;
  const size_t colon = text.find(':');
  if (text.size() < 3 || text.front() != '(' || text.back() != ')' ||
      colon == std::string_view::npos)
    return std::nullopt;
  std::string_view from = Trim(text.substr(1, colon - 1));
  std::string_view to = Trim(text.substr(colon + 1, text.size() - colon - 2));
  const bool is_percent = from.ends_with('%') || to.ends_with('%');
  for (auto [part, bound] : {std::pair{from, &out.from_}, std::pair{to, &out.to_}}) {
    if (part.empty()) continue;
    if (is_percent != part.ends_with('%')) return std::nullopt;
    *bound = NumberOf(is_percent ? part.substr(0, part.size() - 1) : part);
    if (!*bound) return std::nullopt;
    if (is_percent && (**bound < 0 || **bound > 100)) return std::nullopt;
  }
  if (!out.from_ && !out.to_) return std::nullopt;
  if (out.from_ && out.to_ && *out.from_ > *out.to_) return std::nullopt;
  if (kind == Kind::kPercentileRank && is_percent) return std::nullopt;
  out.is_percent_ = is_percent;
  return out;
}

std::optional<Statistic> Statistic::Parse(std::string_view text) {
  struct Plain {
    std::string_view name;
    Kind kind;
  };
  constexpr Plain kPlain[] = {{"SampleCount", Kind::kSampleCount},
                              {"Average", Kind::kAverage},
                              {"Sum", Kind::kSum},
                              {"Minimum", Kind::kMinimum},
                              {"Maximum", Kind::kMaximum}};
  Statistic out;
  for (const Plain& row : kPlain)
    if (row.name == text) {
      out.kind_ = row.kind;
      return out;
    }
  constexpr Plain kRanges[] = {{"tm", Kind::kTrimmedMean},
                               {"tc", Kind::kTrimmedCount},
                               {"ts", Kind::kTrimmedSum},
                               {"wm", Kind::kWinsorizedMean},
                               {"pr", Kind::kPercentileRank}};
  if (text == "IQM") return ParseRange(Kind::kTrimmedMean, "(25%:75%)");
  for (const Plain& row : kRanges) {
    if (text.size() < 3) break;
    const std::string_view rest = text.substr(2);
    if (text.starts_with(ToUpper(row.name))) return ParseRange(row.kind, rest);
    const auto number = text.starts_with(row.name) && row.kind != Kind::kPercentileRank
                            ? NumberOf(rest)
                            : std::nullopt;
    if (!number || *number < 0 || *number > 100) continue;
    out.kind_ = row.kind;
    out.to_ = number;
    return out;
  }
  if (text.size() < 2 || text.front() != 'p') return std::nullopt;
  const auto percent = NumberOf(text.substr(1));
  if (!percent || *percent < 0 || *percent > 100) return std::nullopt;
  out.kind_ = Kind::kPercentile;
  out.to_ = percent;
  return out;
}

std::optional<double> Statistic::Of(const Bucket& bucket) const {
  if (bucket.count == 0) return std::nullopt;
  switch (kind_) {
    case Kind::kSampleCount: return bucket.count;
    case Kind::kAverage: return bucket.sum / bucket.count;
    case Kind::kSum: return bucket.sum;
    case Kind::kMinimum: return bucket.min;
    case Kind::kMaximum: return bucket.max;
    default: break;
  }
  if (bucket.has_unknown_values || bucket.values.empty()) return std::nullopt;
  return OfRange(bucket);
}

std::optional<double> Statistic::OfRange(const Bucket& bucket) const {
  double samples = 0;
  for (const auto& [value, times] : bucket.values) samples += times;
  if (kind_ == Kind::kPercentile) return PercentileOf(bucket, samples, *to_);
  // The samples within the bounds: by rank, a value that straddles one counts in part.
  const double first = is_percent_ ? samples * from_.value_or(0) / 100 : 0;
  const double last = is_percent_ ? samples * to_.value_or(100) / 100 : samples;
  double seen = 0, count = 0, sum = 0, below = 0, above = 0;
  std::optional<double> lowest, highest;
  for (const auto& [value, times] : bucket.values) {
    double inside = times;
    if (is_percent_) {
      inside = std::max(0.0, std::min(last, seen + times) - std::max(first, seen));
      below += std::max(0.0, std::min(first, seen + times) - seen);
      above += std::max(0.0, seen + times - std::max(last, seen));
    } else {
      if (from_ && value <= *from_) inside = 0;
      if (to_ && value > *to_) inside = 0;
      if (inside == 0) (from_ && value <= *from_ ? below : above) += times;
    }
    seen += times;
    if (inside <= 0) continue;
    if (!lowest) lowest = value;
    highest = value;
    count += inside;
    sum += value * inside;
  }
  switch (kind_) {
    case Kind::kPercentileRank: return 100 * count / samples;
    case Kind::kTrimmedCount: return count;
    case Kind::kTrimmedSum: return sum;
    case Kind::kTrimmedMean:
      if (count == 0) return std::nullopt;
      return sum / count;
    default:  // winsorized: what is cut off counts as the last that is not
      if (count == 0) return std::nullopt;
      return (sum + below * *lowest + above * *highest) / samples;
  }
}

}  // namespace stepmill::cloudwatch
