#include <algorithm>
#include <cmath>
#include <optional>

#include "lang/metric_math/node.h"

namespace stepmill::metric_math {

namespace {

using Kind = Value::Kind;

std::optional<double> Apply(const std::string& op, double a, double b) {
  double out = 0;
  if (op == "+") out = a + b;
  if (op == "-") out = a - b;
  if (op == "*") out = a * b;
  if (op == "/") out = a / b;
  if (op == "%") out = std::fmod(a, b);
  if (op == "^") out = std::pow(a, b);
  if (op == "<") out = a < b;
  if (op == "<=") out = a <= b;
  if (op == ">") out = a > b;
  if (op == ">=") out = a >= b;
  if (op == "==") out = a == b;
  if (op == "!=") out = a != b;
  if (op == "&&") out = a != 0 && b != 0;
  if (op == "||") out = a != 0 || b != 0;
  if (!std::isfinite(out)) return std::nullopt;  // a division by zero gives no data point
  return out;
}

Series Combine(const std::string& op, const Series* a, double a_number, const Series* b,
               double b_number) {
  const Series& shape = a ? *a : *b;
  Series out{shape.label, shape.period_s, {}};
  for (const auto& [at, value] : shape.points) {
    double left = a_number, right = b_number;
    if (a) left = value;
    if (b) {
      const auto found = b->points.find(at);
      if (found == b->points.end()) continue;  // only where both have data
      right = found->second;
    }
    if (const auto result = Apply(op, left, right)) out.points[at] = *result;
  }
  return out;
}

Result<Value> Operate(const std::string& op, const Value& a, const Value& b) {
  if (a.kind == Kind::kScalar && b.kind == Kind::kScalar) {
    const auto result = Apply(op, a.scalar, b.scalar);
    if (!result) return Invalid("Division by zero");
    return Value::Of(*result);
  }
  if (a.kind == Kind::kList && b.kind == Kind::kList)
    return Invalid("Unsupported operand types for " + op + ": two lists of time series");
  std::vector<Series> out;
  const Value& longer = a.kind == Kind::kList || b.kind == Kind::kScalar ? a : b;
  for (size_t i = 0; i < longer.series.size(); ++i) {
    const auto part = [i](const Value& value) -> const Series* {
      if (value.kind == Kind::kScalar) return nullptr;
      return &value.series[value.kind == Kind::kList ? i : 0];
    };
    out.push_back(Combine(op, part(a), a.scalar, part(b), b.scalar));
  }
  if (a.kind != Kind::kList && b.kind != Kind::kList) return Value::Of(std::move(out.front()));
  return Value::Of(std::move(out));
}

std::optional<double> Reduce(const std::string& name, const std::vector<double>& values) {
  if (values.empty()) return std::nullopt;
  if (name == "MIN") return *std::min_element(values.begin(), values.end());
  if (name == "MAX") return *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += value;
  if (name == "SUM") return sum;
  const double mean = sum / static_cast<double>(values.size());
  if (name == "AVG") return mean;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

/// SUM, AVG, MIN, MAX, STDDEV: of a series a number, of a list a series.
Result<Value> ReduceValue(const std::string& name, const Value& value) {
  if (value.kind == Kind::kScalar) return value;
  if (value.kind == Kind::kSeries) {
    std::vector<double> all;
    for (const auto& [at, number] : value.series.front().points) all.push_back(number);
    return Value::Of(Reduce(name, all).value_or(0));
  }
  std::map<int64_t, std::vector<double>> by_time;
  Series out;
  out.label = name;
  for (const Series& series : value.series) {
    out.period_s = std::max(out.period_s, series.period_s);
    for (const auto& [at, number] : series.points) by_time[at].push_back(number);
  }
  for (const auto& [at, numbers] : by_time) out.points[at] = *Reduce(name, numbers);
  return Value::Of(std::move(out));
}

/// Functions of each point on its own.
std::optional<double> PointWise(const std::string& name, double value) {
  double out = 0;
  if (name == "ABS") out = std::fabs(value);
  if (name == "CEIL") out = std::ceil(value);
  if (name == "FLOOR") out = std::floor(value);
  if (name == "LOG") out = std::log(value);
  if (name == "LOG10") out = std::log10(value);
  if (!std::isfinite(out)) return std::nullopt;
  return out;
}

/// Functions of each point and the one before it.
Series Along(const std::string& name, const Series& series) {
  Series out{series.label, series.period_s, {}};
  double sum = 0;
  std::optional<std::pair<int64_t, double>> before;
  for (const auto& [at, value] : series.points) {
    sum += value;
    const double seconds = before ? static_cast<double>(at - before->first) / 1000 : 0;
    if (name == "RUNNING_SUM") out.points[at] = sum;
    if (name == "DIFF" && before) out.points[at] = value - before->second;
    if (name == "DIFF_TIME" && before) out.points[at] = seconds;
    if (name == "RATE" && before) out.points[at] = (value - before->second) / seconds;
    before = {at, value};
  }
  return out;
}

Value EachSeries(Value value, const std::function<Series(const Series&)>& change) {
  for (Series& series : value.series) series = change(series);
  return value;
}

class Evaluator {
 public:
  explicit Evaluator(const Scope& scope) : scope_(scope) {}

  Result<Value> Of(const Node& node) {
    switch (node.kind) {
      case Node::Kind::kNumber: return Value::Of(node.number);
      case Node::Kind::kText: return Invalid("A text is not a value: '" + node.text + "'");
      case Node::Kind::kName: return scope_.find(node.text);
      case Node::Kind::kList: return List(node);
      case Node::Kind::kCall: return Call(node);
      case Node::Kind::kNegate: {
        MILL_TRY(const Value inner, Of(*node.parts[0]));
        return Operate("-", Value::Of(0.0), inner);
      }
      case Node::Kind::kOperator: break;
    }
    MILL_TRY(const Value left, Of(*node.parts[0]));
    MILL_TRY(const Value right, Of(*node.parts[1]));
    return Operate(node.text, left, right);
  }

 private:
  Result<Value> List(const Node& node) {
    std::vector<Series> out;
    for (const Expression& part : node.parts) {
      MILL_TRY(Value value, Of(*part));
      if (value.kind == Kind::kScalar) return Invalid("A list holds time series only");
      for (Series& series : value.series) out.push_back(std::move(series));
    }
    return Value::Of(std::move(out));
  }

  Result<Value> Metrics(const Node& node) {
    if (node.parts.size() > 1 ||
        (node.parts.size() == 1 && node.parts[0]->kind != Node::Kind::kText))
      return Invalid("METRICS takes one text at most");
    std::vector<Series> out;
    for (const std::string& id : scope_.metric_ids) {
      if (!node.parts.empty() && id.find(node.parts[0]->text) == std::string::npos) continue;
      MILL_TRY(Value value, scope_.find(id));
      for (Series& series : value.series) out.push_back(std::move(series));
    }
    return Value::Of(std::move(out));
  }

  Result<Value> Call(const Node& node) {
    const std::string& name = node.text;
    if (name == "METRICS") return Metrics(node);
    if (name == "FILL") return Fill(node);
    if (name == "IF") return If(node);
    if (node.parts.size() != 1)
      return Invalid("The function " + name + " takes one argument, not " +
                     std::to_string(node.parts.size()));
    MILL_TRY(const Value value, Of(*node.parts[0]));
    if (name == "SUM" || name == "AVG" || name == "MIN" || name == "MAX" || name == "STDDEV")
      return ReduceValue(name, value);
    if (name == "METRIC_COUNT") return Value::Of(static_cast<double>(value.series.size()));
    if (name == "ABS" || name == "CEIL" || name == "FLOOR" || name == "LOG" || name == "LOG10") {
      if (value.kind == Kind::kScalar) return Value::Of(PointWise(name, value.scalar).value_or(0));
      return EachSeries(value, [&name](const Series& series) {
        Series out{series.label, series.period_s, {}};
        for (const auto& [at, number] : series.points)
          if (const auto result = PointWise(name, number)) out.points[at] = *result;
        return out;
      });
    }
    if (value.kind == Kind::kScalar)
      return Invalid("The function " + name + " takes a time series, not a number");
    if (name == "FIRST" || name == "LAST") {
      if (value.series.empty()) return Invalid(name + " of an empty list");
      return Value::Of(name == "FIRST" ? value.series.front() : value.series.back());
    }
    if (name == "DATAPOINT_COUNT" || name == "PERIOD") {
      if (value.kind != Kind::kSeries)
        return Invalid("The function " + name + " takes one time series, not a list");
      const Series& series = value.series.front();
      return Value::Of(static_cast<double>(
          name == "PERIOD" ? series.period_s : static_cast<int64_t>(series.points.size())));
    }
    return EachSeries(value, [&name](const Series& series) { return Along(name, series); });
  }

  Result<Value> Fill(const Node& node) {
    if (node.parts.size() != 2) return Invalid("FILL takes a time series and what to fill with");
    MILL_TRY(Value value, Of(*node.parts[0]));
    if (value.kind == Kind::kScalar) return Invalid("FILL takes a time series, not a number");
    const Node& how = *node.parts[1];
    const bool repeats = how.kind == Node::Kind::kName && how.text == "REPEAT";
    const bool is_linear = how.kind == Node::Kind::kName && how.text == "LINEAR";
    Value with = Value::Of(0.0);
    if (!repeats && !is_linear) {
      MILL_TRY(with, Of(how));
      if (with.kind == Kind::kList) return Invalid("FILL takes no list to fill with");
    }
    for (Series& series : value.series) {
      const int64_t step = std::max<int64_t>(1, series.period_s) * 1000;
      if (scope_.end_ms > scope_.start_ms &&
          static_cast<size_t>((scope_.end_ms - scope_.start_ms) / step) > kPointsMax)
        return Invalid("FILL would make too many data points");
      const std::map<int64_t, double> known = series.points;
      for (int64_t at = scope_.start_ms; at < scope_.end_ms; at += step) {
        if (known.contains(at)) continue;
        const auto next = known.upper_bound(at);
        const bool has_before = next != known.begin();
        if (repeats) {
          if (has_before) series.points[at] = std::prev(next)->second;
        } else if (is_linear) {
          if (!has_before || next == known.end()) continue;
          const auto before = std::prev(next);
          const double part = static_cast<double>(at - before->first) /
                              static_cast<double>(next->first - before->first);
          series.points[at] = before->second + (next->second - before->second) * part;
        } else if (with.kind == Kind::kScalar) {
          series.points[at] = with.scalar;
        } else if (const auto found = with.series.front().points.find(at);
                   found != with.series.front().points.end()) {
          series.points[at] = found->second;
        }
      }
    }
    return value;
  }

  Result<Value> If(const Node& node) {
    if (node.parts.size() < 2 || node.parts.size() > 3)
      return Invalid("IF takes a condition and one or two values");
    MILL_TRY(const Value condition, Of(*node.parts[0]));
    MILL_TRY(const Value yes, Of(*node.parts[1]));
    std::optional<Value> no;
    if (node.parts.size() == 3) {
      MILL_TRY(no, Of(*node.parts[2]));
    }
    if (condition.kind == Kind::kScalar) {
      if (condition.scalar != 0) return yes;
      if (!no) return Invalid("IF has no value for a condition that is false");
      return *no;
    }
    if (condition.kind == Kind::kList || yes.kind == Kind::kList || (no && no->kind == Kind::kList))
      return Invalid("IF takes no lists");
    Series out{condition.series.front().label, condition.series.front().period_s, {}};
    for (const auto& [at, truth] : condition.series.front().points) {
      if (truth == 0 && !no) continue;
      const Value& chosen = truth != 0 ? yes : *no;
      if (chosen.kind == Kind::kScalar) {
        out.points[at] = chosen.scalar;
        continue;
      }
      const auto found = chosen.series.front().points.find(at);
      if (found != chosen.series.front().points.end()) out.points[at] = found->second;
    }
    return Value::Of(std::move(out));
  }

  const Scope& scope_;
};

}  // namespace

std::vector<std::string_view> Functions() {
  return {"ABS",    "AVG",       "CEIL",    "DATAPOINT_COUNT",
          "DIFF",   "DIFF_TIME", "FILL",    "FIRST",
          "FLOOR",  "IF",        "LAST",    "LOG",
          "LOG10",  "MAX",       "METRICS", "METRIC_COUNT",
          "MIN",    "PERIOD",    "RATE",    "RUNNING_SUM",
          "STDDEV", "SUM"};
}

bool IsFunction(std::string_view name) {
  const auto all = Functions();
  return std::find(all.begin(), all.end(), name) != all.end();
}

Result<Value> Evaluate(const Expression& expression, const Scope& scope) {
  return Evaluator(scope).Of(*expression);
}

}  // namespace stepmill::metric_math
