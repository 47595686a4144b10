// GetMetricData (API reference: "GetMetricData").
#include "base/strings.h"
#include "json/each.h"
#include "service/cloudwatch/errors.h"
#include "service/cloudwatch/operations.h"
#include "service/cloudwatch/query.h"

namespace stepmill::cloudwatch {

namespace {

constexpr size_t kQueriesMax = 500;
constexpr int64_t kDatapointsMax = 100'800;

int64_t MillisAt(const Json& stamp) {
  return MillisSinceEpoch(TimeFromSeconds(stamp.is_number() ? stamp.AsDouble() : 0));
}

Result<> Check(const Json& input) {
  const Json& queries = input["MetricDataQueries"];
  if (queries.size() == 0) return ValidationError("The parameter MetricDataQueries is required.");
  if (queries.size() > kQueriesMax)
    return ValidationError("The collection MetricDataQueries must not have a size greater than " +
                           std::to_string(kQueriesMax) + ".");
  if (MillisAt(input["StartTime"]) >= MillisAt(input["EndTime"]))
    return ValidationError("The parameter StartTime must be less than the parameter EndTime.");
  const int64_t wanted = input.IntOr("MaxDatapoints", kDatapointsMax);
  if (wanted < 1 || wanted > kDatapointsMax)
    return ValidationError("The parameter MaxDatapoints must be between 1 and 100800.");
  return CheckQueries(queries, "MetricDataQueries");
}

/// One page: `skip` data points of all lines, in their order, have been given before.
Json PageOfLines(const std::vector<QueryResult>& results, bool is_ascending, int64_t skip,
                 int64_t limit) {
  Json::Array lines;
  int64_t passed = 0, given = 0;
  bool has_more = false;
  for (const QueryResult& result : results) {
    if (!result.is_returned) continue;
    for (const metric_math::Series& series : result.lines) {
      const auto size = static_cast<int64_t>(series.points.size());
      const int64_t from = std::clamp<int64_t>(skip - passed, 0, size);
      const int64_t to = std::min(size, from + limit - given);
      passed += size;
      if (from == size && size > 0) continue;  // given before
      if (skip > 0 && size == 0) continue;
      Json::Array timestamps, values;
      const auto add = [&](const std::pair<const int64_t, double>& point) {
        timestamps.emplace_back(point.first / 1000);
        values.emplace_back(point.second);
      };
      if (is_ascending)
        for (auto at = std::next(series.points.begin(), from);
             static_cast<int64_t>(values.size()) < to - from; ++at)
          add(*at);
      else
        for (auto at = std::next(series.points.rbegin(), from);
             static_cast<int64_t>(values.size()) < to - from; ++at)
          add(*at);
      given += to - from;
      has_more |= to < size;
      if (to == from && size > 0) continue;  // of a later page
      lines.push_back(Json::Object{{"Id", result.id},
                                   {"Label", series.label},
                                   {"Timestamps", std::move(timestamps)},
                                   {"Values", std::move(values)},
                                   {"StatusCode", to < size ? "PartialData" : "Complete"}});
    }
    if (result.lines.empty() && skip == 0)
      lines.push_back(Json::Object{{"Id", result.id},
                                   {"Label", result.id},
                                   {"Timestamps", Json::Array{}},
                                   {"Values", Json::Array{}},
                                   {"StatusCode", "Complete"}});
  }
  Json::Object out{{"MetricDataResults", std::move(lines)}, {"Messages", Json::Array{}}};
  if (has_more) out.Set("NextToken", Base64(std::to_string(skip + given)));
  return Json(std::move(out));
}

}  // namespace

Task<Json> GetMetricData(Call& call) {
  MILL_CO_CHECK(Check(call.input));
  int64_t skip = 0;
  const std::string token = call.input.StringOr("NextToken", "");
  if (!token.empty()) {
    const auto number = ParseInt(Unbase64(token).value_or(""));
    if (!number || *number < 0)
      co_return Error{Code::kInvalid, "InvalidNextToken", "The NextToken is invalid."};
    skip = *number;
  }
  MILL_CO_TRY(
      const std::vector<QueryResult> results,
      co_await RunQueries(call, call.input["MetricDataQueries"], MillisAt(call.input["StartTime"]),
                          MillisAt(call.input["EndTime"]), false));
  const bool is_ascending = call.input.StringOr("ScanBy", "") == "TimestampAscending";
  co_return PageOfLines(results, is_ascending, skip,
                        call.input.IntOr("MaxDatapoints", kDatapointsMax));
}

}  // namespace stepmill::cloudwatch
