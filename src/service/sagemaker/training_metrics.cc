#include "service/sagemaker/training_metrics.h"

#include <re2/re2.h>

#include <cmath>
#include <cstdlib>

#include "json/each.h"
#include "service/sagemaker/errors.h"

namespace stepmill::sagemaker {

namespace {

RE2::Options Quiet() {
  RE2::Options options;
  options.set_log_errors(false);
  return options;
}

}  // namespace

struct MetricMatcher::Definition {
  Definition(std::string metric, const std::string& regex)
      : name(std::move(metric)), expression(regex, Quiet()) {}
  std::string name;
  RE2 expression;
};

Result<> CheckMetricDefinitions(const Json& definitions) {
  for (const Json& definition : ItemsOf(definitions)) {
    const std::string regex = definition.StringOr("Regex", "");
    const RE2 expression(regex, Quiet());
    if (!expression.ok())
      return Invalid("Regex '" + regex + "' of metric " + definition.StringOr("Name", "") +
                     " cannot be read: " + expression.error());
  }
  return {};
}

Json XgboostMetricDefinitions() {
  Json::Array definitions;
  for (const char* metric : {"accuracy",
                             "auc",
                             "balanced_accuracy",
                             "error",
                             "f1",
                             "f1_binary",
                             "f1_macro",
                             "gamma-nloglik",
                             "logloss",
                             "mae",
                             "map",
                             "merror",
                             "mlogloss",
                             "mse",
                             "ndcg",
                             "poisson-nloglik",
                             "precision",
                             "r2",
                             "recall",
                             "rmse",
                             "tweedie-nloglik"}) {
    for (const char* channel : {"train", "validation"}) {
      const std::string name = std::string(channel) + "-" + metric;
      definitions.push_back(Json::Object{{"Name", std::string(channel) + ":" + metric},
                                         {"Regex", ".*\\[[0-9]+\\].*#011" + name +
                                                       ":([-+]?[0-9]*\\.?[0-9]+(?:[eE]"
                                                       "[-+]?[0-9]+)?).*"}});
    }
  }
  return definitions;
}

std::string EscapeLogLine(const std::string& line) {
  std::string out;
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    constexpr unsigned char kDelete = 0x7f;
    if (byte >= ' ' && byte != kDelete) {
      out += c;
      continue;
    }
    out += '#';
    out += static_cast<char>('0' + (byte >> 6));
    out += static_cast<char>('0' + ((byte >> 3) & 7));
    out += static_cast<char>('0' + (byte & 7));
  }
  return out;
}

MetricMatcher::MetricMatcher(const Json& definitions) {
  for (const Json& definition : ItemsOf(definitions)) {
    definitions_.push_back(std::make_unique<Definition>(definition.StringOr("Name", ""),
                                                        definition.StringOr("Regex", "")));
  }
}
MetricMatcher::~MetricMatcher() = default;

std::vector<MetricPoint> MetricMatcher::Find(const std::string& line) const {
  std::vector<MetricPoint> points;
  for (const auto& definition : definitions_) {
    std::string text;
    if (definition->expression.NumberOfCapturingGroups() < 1 ||
        !RE2::PartialMatch(line, definition->expression, &text))
      continue;
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(value)) continue;
    points.push_back({definition->name, value});
  }
  return points;
}

}  // namespace stepmill::sagemaker
