// PutMetricData: what it takes and what it refuses (API reference: "PutMetricData", MetricDatum).
#include <cmath>

#include "json/each.h"
#include "service/cloudwatch/errors.h"
#include "service/cloudwatch/metrics.h"
#include "service/cloudwatch/operations.h"

namespace stepmill::cloudwatch {

namespace {

constexpr size_t kDataMax = 1000, kValuesMax = 150;
constexpr int64_t kFutureMs = 2 * kHourMs, kPastMs = 14 * kDayMs;
const double kValueMax = std::ldexp(1.0, 360);

/// A number of the input, within -2^360 and 2^360. What is no finite number came as a text.
Result<double> NumberAt(const Json& value, const std::string& where) {
  if (!value.is_number())
    return InvalidValue("The value " + value.AsString() + " for parameter " + where +
                        " is invalid.");
  const double number = value.AsDouble();
  if (std::fabs(number) > kValueMax)
    return InvalidValue("The value " + value.NumberText() + " for parameter " + where +
                        " is invalid.");
  return number;
}

Result<> CheckForms(const Json& datum, const std::string& where) {
  constexpr std::pair<const char*, const char*> kExclusive[] = {
      {"Value", "Values"}, {"Value", "StatisticValues"}, {"Values", "StatisticValues"}};
  for (const auto& [one, other] : kExclusive)
    if (datum.Has(one) && datum.Has(other))
      return InvalidCombination("The parameters " + where + "." + one + " and " + where + "." +
                                other + " are mutually exclusive and you have specified both.");
  if (!datum.Has("Value") && !datum.Has("Values") && !datum.Has("StatisticValues"))
    return MissingParameter("At least one of the parameters must be specified.");
  const size_t values = datum["Values"].size();
  if (values > kValuesMax)
    return InvalidValue("The collection " + where + ".Values must not have a size greater than " +
                        std::to_string(kValuesMax) + ".");
  if (datum.Has("Counts") && datum["Counts"].size() != values)
    return InvalidValue("The parameters " + where + ".Values and " + where +
                        ".Counts must be of the same size.");
  const int64_t resolution = datum.IntOr("StorageResolution", 60);
  if (resolution != 1 && resolution != 60)
    return InvalidValue("The parameter " + where + ".StorageResolution must be 1 or 60.");
  return Result<>();
}

Result<Bucket> BucketOf(const Json& datum, const std::string& where) {
  Bucket bucket;
  if (datum.Has("Value")) {
    MILL_TRY(const double value, NumberAt(datum["Value"], where + ".Value"));
    bucket.Add(value, 1);
  }
  const Json values = datum["Values"], counts = datum["Counts"];
  for (size_t i = 0; i < values.size(); ++i) {
    const std::string at = ".member." + std::to_string(i + 1);
    MILL_TRY(const double value, NumberAt(values.At(i), where + ".Values" + at));
    double times = 1;
    if (counts.is_array()) {
      MILL_TRY(times, NumberAt(counts.At(i), where + ".Counts" + at));
      if (times < 0)
        return InvalidValue("The value " + counts.At(i).NumberText() + " for parameter " + where +
                            ".Counts" + at + " is invalid.");
    }
    if (times > 0) bucket.Add(value, times);
  }
  const Json set = datum["StatisticValues"];
  if (set.is_object()) {
    const std::string at = where + ".StatisticValues.";
    MILL_TRY(const double samples, NumberAt(set["SampleCount"], at + "SampleCount"));
    MILL_TRY(const double sum, NumberAt(set["Sum"], at + "Sum"));
    MILL_TRY(const double least, NumberAt(set["Minimum"], at + "Minimum"));
    MILL_TRY(const double most, NumberAt(set["Maximum"], at + "Maximum"));
    if (samples < 0 || least > most)
      return InvalidValue(samples < 0
                              ? "The parameter " + at + "SampleCount must be greater than 0."
                              : "The parameter " + at + "Minimum must be less than or equal to " +
                                    at + "Maximum.");
    if (samples > 0) bucket.AddSet(samples, sum, least, most);
  }
  return bucket;
}

Result<std::vector<Sample>> SamplesOf(const Call& call, const Json& data) {
  const std::string space = call.input.StringOr("Namespace", "");
  const int64_t now = MillisSinceEpoch(call.now);
  std::vector<Sample> samples;
  std::string out_of_time;
  for (size_t i = 0; i < data.size(); ++i) {
    const Json& datum = data.At(i);
    const std::string where = "MetricData.member." + std::to_string(i + 1);
    MILL_CHECK(CheckForms(datum, where));
    Sample sample;
    MILL_TRY(sample.bucket, BucketOf(datum, where));
    MILL_TRY(sample.metric,
             MakeMetricId(space, datum.StringOr("MetricName", ""), datum["Dimensions"]));
    const Json& stamp = datum["Timestamp"];
    sample.at_ms = stamp.is_number() ? MillisSinceEpoch(TimeFromSeconds(stamp.AsDouble())) : now;
    if (sample.at_ms < now - kPastMs || sample.at_ms > now + kFutureMs)
      out_of_time += std::string(out_of_time.empty() ? "" : "\n") + "The parameter " + where +
                     ".Timestamp must specify a time " +
                     (sample.at_ms > now ? "no more than two hours in the future."
                                         : "within the past two weeks.");
    sample.is_high_resolution = datum.IntOr("StorageResolution", 60) == 1;
    sample.unit = datum.StringOr("Unit", "None");
    if (sample.bucket.count > 0) samples.push_back(std::move(sample));
  }
  if (!out_of_time.empty()) return InvalidValue(std::move(out_of_time));
  return samples;
}

}  // namespace

Task<Json> PutMetricData(Call& call) {
  const std::string space = call.input.StringOr("Namespace", "");
  if (space.starts_with("AWS/") && call.principal.kind != Principal::Kind::kService)
    co_return InvalidValue("The value AWS/ for parameter Namespace is invalid.");
  const Json data = call.input["MetricData"];
  if (data.size() == 0) co_return MissingParameter("The parameter MetricData is required.");
  if (data.size() > kDataMax)
    co_return InvalidValue("The collection MetricData must not have a size greater than " +
                           std::to_string(kDataMax) + ".");
  MILL_CO_TRY(std::vector<Sample> samples, SamplesOf(call, data));
  MILL_CO_CHECK(co_await AddSamples(call, std::move(samples)));
  co_return Json();
}

}  // namespace stepmill::cloudwatch
