#include "lang/metric_math/metric_math.h"

#include <gtest/gtest.h>

namespace stepmill::metric_math {
namespace {

/// "1000=2 2000=3", a number, "[...; ...]", or the error's message; m1 and m2 are given.
std::string Show(const Series& series) {
  std::string out;
  for (const auto& [at, value] : series.points) {
    char text[64];
    std::snprintf(text, sizeof text, "%s%lld=%.6g", out.empty() ? "" : " ",
                  static_cast<long long>(at), value);
    out += text;
  }
  return out;
}

std::string ResultOf(std::string_view text) {
  Scope scope;
  scope.metric_ids = {"m1", "m2"};
  scope.start_ms = 0;
  scope.end_ms = 240'000;
  scope.find = [](const std::string& id) -> Result<Value> {
    if (id == "m1") return Value::Of(Series{"m1", 60, {{0, 1}, {60'000, 2}, {180'000, 8}}});
    if (id == "m2") return Value::Of(Series{"m2", 60, {{0, 4}, {60'000, 0}, {120'000, 6}}});
    return Error{Code::kInvalid, "InvalidExpression", "no " + id};
  };
  const auto expression = Parse(text);
  if (!expression) return expression.error().message;
  const auto value = Evaluate(*expression, scope);
  if (!value) return value.error().message;
  if (value->kind == Value::Kind::kScalar) {
    char number[64];
    std::snprintf(number, sizeof number, "%.6g", value->scalar);
    return number;
  }
  if (value->kind == Value::Kind::kSeries) return Show(value->series.front());
  std::string out = "[";
  for (const Series& series : value->series) out += (out == "[" ? "" : "; ") + Show(series);
  return out + "]";
}

TEST(MetricMathTest, Arithmetic) {
  EXPECT_EQ(ResultOf("1 + 2 * 3 - 4 / 2"), "5");
  EXPECT_EQ(ResultOf("-(2 ^ 3) % 3"), "-2");
  EXPECT_EQ(ResultOf("m1 * 100"), "0=100 60000=200 180000=800");
  EXPECT_EQ(ResultOf("m1+m2"), "0=5 60000=2");
  EXPECT_EQ(ResultOf("m1 / m2"), "0=0.25");  // no data point for a division by zero
  EXPECT_EQ(ResultOf("100 - m2"), "0=96 60000=100 120000=94");
  EXPECT_EQ(ResultOf("m1 >= 2 AND m1 < 8"), "0=0 60000=1 180000=0");
  EXPECT_EQ(ResultOf("m1 == 1 || m1 == 8"), "0=1 60000=0 180000=1");
}

TEST(MetricMathTest, Functions) {
  EXPECT_EQ(ResultOf("SUM(METRICS())"), "0=5 60000=2 120000=6 180000=8");
  EXPECT_EQ(ResultOf("AVG([m1, m2])"), "0=2.5 60000=1 120000=6 180000=8");
  EXPECT_EQ(ResultOf("METRICS(\"m2\")"), "[0=4 60000=0 120000=6]");
  EXPECT_EQ(ResultOf("METRICS() * 2"), "[0=2 60000=4 180000=16; 0=8 60000=0 120000=12]");
  EXPECT_EQ(ResultOf("SUM(m1)"), "11");
  EXPECT_EQ(ResultOf("m1 / SUM(m1) * 11"), "0=1 60000=2 180000=8");
  EXPECT_EQ(ResultOf("MAX(m1) - MIN(m1)"), "7");
  EXPECT_EQ(ResultOf("STDDEV([m1,m2])"), "0=1.5 60000=1 120000=0 180000=0");
  EXPECT_EQ(ResultOf("DATAPOINT_COUNT(m1) + METRIC_COUNT(METRICS())"), "5");
  EXPECT_EQ(ResultOf("FILL(m1, 0)"), "0=1 60000=2 120000=0 180000=8");
  EXPECT_EQ(ResultOf("FILL(m1, REPEAT)"), "0=1 60000=2 120000=2 180000=8");
  EXPECT_EQ(ResultOf("FILL(m1, LINEAR)"), "0=1 60000=2 120000=5 180000=8");
  EXPECT_EQ(ResultOf("RATE(m1)"), "60000=0.0166667 180000=0.05");
  EXPECT_EQ(ResultOf("DIFF(m1)"), "60000=1 180000=6");
  EXPECT_EQ(ResultOf("RUNNING_SUM(m1)"), "0=1 60000=3 180000=11");
  EXPECT_EQ(ResultOf("m1 / PERIOD(m1)"), "0=0.0166667 60000=0.0333333 180000=0.133333");
  EXPECT_EQ(ResultOf("IF(m1 > 1, m1, 0)"), "0=0 60000=2 180000=8");
  EXPECT_EQ(ResultOf("CEIL(m1 / 3)"), "0=1 60000=1 180000=3");
  EXPECT_EQ(ResultOf("FIRST(METRICS())"), "0=1 60000=2 180000=8");
}

TEST(MetricMathTest, Errors) {
  EXPECT_EQ(ResultOf("m1 +"), "Unexpected end of the expression");
  EXPECT_EQ(ResultOf("m1 ) 2"), "Unexpected ') 2' at position 4");
  EXPECT_EQ(ResultOf("m3"), "no m3");
  EXPECT_EQ(ResultOf("SEARCH('x', 'Sum', 300)"),
            "The function SEARCH is not supported by stepmill");
  EXPECT_EQ(ResultOf("ANOMALY_DETECTION_BAND(m1)"),
            "The function ANOMALY_DETECTION_BAND is not supported by stepmill");
  EXPECT_EQ(ResultOf("SELECT AVG(x) FROM y"),
            "Metrics Insights (SELECT) is not supported by stepmill");
  EXPECT_EQ(ResultOf("METRICS() + METRICS()"),
            "Unsupported operand types for +: two lists of time series");
  EXPECT_EQ(ResultOf("SUM(m1, m2)"), "The function SUM takes one argument, not 2");
  EXPECT_EQ(ResultOf("1 / 0"), "Division by zero");
  EXPECT_EQ(ResultOf(std::string(2000, '(')), "The expression is nested too deeply");
  EXPECT_EQ(ResultOf(std::string(2000, '-') + "1"), "The expression is nested too deeply");
}

}  // namespace
}  // namespace stepmill::metric_math
