#include "service/sagemaker/search.h"

#include <algorithm>
#include <cstdlib>

#include "base/strings.h"
#include "base/time.h"
#include "json/each.h"
#include "service/sagemaker/errors.h"

namespace stepmill::sagemaker {

namespace {

constexpr int kDepthMax = 10;

void Collect(const Json& value, std::string_view path, std::vector<Json>& found) {
  if (value.is_array()) {
    for (const Json& item : ItemsOf(value)) Collect(item, path, found);
    return;
  }
  if (path.empty()) {
    found.push_back(value);
    return;
  }
  // A member may have dots in its name (a hyperparameter): the longest that fits.
  for (size_t end = path.size(); end != std::string_view::npos && end > 0;
       end = path.rfind('.', end - 1)) {
    const Json* member = value.Find(path.substr(0, end));
    if (member) return Collect(*member, end == path.size() ? "" : path.substr(end + 1), found);
  }
}

/// A list of {key, value} as a map.
void CollectPairs(const Json& list, std::string_view key, const char* name, const char* value,
                  std::vector<Json>& found) {
  for (const Json& item : ItemsOf(list))
    if (item.StringOr(name, "") == key) found.push_back(item[value]);
}

std::vector<Json> ValuesOf(const Json& document, std::string_view property) {
  constexpr std::string_view kTags = "Tags.", kMetrics = "Metrics.";
  std::vector<Json> found;
  if (property.starts_with(kTags))
    CollectPairs(document["Tags"], property.substr(kTags.size()), "Key", "Value", found);
  else if (property.starts_with(kMetrics))
    CollectPairs(document["FinalMetricDataList"], property.substr(kMetrics.size()), "MetricName",
                 "Value", found);
  else
    Collect(document, property, found);
  return found;
}

std::string TextOf(const Json& value) {
  if (value.is_string()) return value.AsString();
  if (value.is_bool()) return value.AsBool() ? "true" : "false";
  return value.Print();
}

std::optional<double> NumberOf(const Json& value) {
  if (value.is_number()) return value.AsDouble();
  if (!value.is_string()) return std::nullopt;
  const std::string& text = value.AsString();
  if (const auto time = ParseIso(text)) return SecondsSinceEpoch(*time);
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0') return std::nullopt;
  return number;
}

bool AreEqual(const Json& value, const std::string& wanted) {
  if (TextOf(value) == wanted) return true;
  const auto a = value.is_number() ? NumberOf(value) : std::nullopt;
  const auto b = NumberOf(Json(wanted));
  return a && b && *a == *b;
}

bool Compares(const std::string& op, const Json& value, const std::string& wanted) {
  const auto a = NumberOf(value), b = NumberOf(Json(wanted));
  if (!a || !b) return false;
  if (op == "GreaterThan") return *a > *b;
  if (op == "GreaterThanOrEqualTo") return *a >= *b;
  if (op == "LessThan") return *a < *b;
  return *a <= *b;
}

bool MatchesFilter(const Json& document, const Json& filter) {
  const auto values = ValuesOf(document, filter.StringOr("Name", ""));
  const std::string op = filter.StringOr("Operator", "Equals");
  const std::string wanted = filter.StringOr("Value", "");
  if (op == "Exists") return !values.empty();
  if (op == "NotExists") return values.empty();
  const auto any = [&](auto matches) { return std::any_of(values.begin(), values.end(), matches); };
  if (op == "Equals") return any([&](const Json& value) { return AreEqual(value, wanted); });
  if (op == "NotEquals") return !any([&](const Json& value) { return AreEqual(value, wanted); });
  if (op == "Contains") {
    return any([&](const Json& value) {
      return ToLower(TextOf(value)).find(ToLower(wanted)) != std::string::npos;
    });
  }
  if (op == "In") {
    return any([&](const Json& value) {
      for (const std::string_view one : Split(wanted, ','))
        if (AreEqual(value, std::string(Trim(one)))) return true;
      return false;
    });
  }
  return any([&](const Json& value) { return Compares(op, value, wanted); });
}

/// All filters hold for one and the same item of the list.
bool MatchesNested(const Json& document, const Json& nested) {
  const std::string property = nested.StringOr("NestedPropertyName", "");
  for (const Json& item : ValuesOf(document, property)) {
    bool holds = true;
    for (const Json& filter : ItemsOf(nested["Filters"])) {
      std::string name = filter.StringOr("Name", "");
      if (name.starts_with(property + ".")) name = name.substr(property.size() + 1);
      holds = holds && MatchesFilter(item, filter.With("Name", name));
    }
    if (holds) return true;
  }
  return false;
}

Result<> CheckAt(const Json& expression, int depth) {
  if (depth > kDepthMax) return Invalid("SearchExpression is nested too deeply");
  for (const Json& filter : ItemsOf(expression["Filters"])) {
    const std::string op = filter.StringOr("Operator", "Equals");
    if (!filter.Has("Value") && op != "Exists" && op != "NotExists")
      return Invalid("Value is required for operator " + op + " of filter " +
                     filter.StringOr("Name", ""));
  }
  for (const Json& part : ItemsOf(expression["SubExpressions"]))
    MILL_CHECK(CheckAt(part, depth + 1));
  return {};
}

}  // namespace

Result<> CheckSearchExpression(const Json& expression) { return CheckAt(expression, 0); }

bool MatchesSearch(const Json& document, const Json& expression) {
  std::vector<bool> parts;
  for (const Json& filter : ItemsOf(expression["Filters"]))
    parts.push_back(MatchesFilter(document, filter));
  for (const Json& nested : ItemsOf(expression["NestedFilters"]))
    parts.push_back(MatchesNested(document, nested));
  for (const Json& part : ItemsOf(expression["SubExpressions"]))
    parts.push_back(MatchesSearch(document, part));
  if (parts.empty()) return true;
  const bool is_any = expression.StringOr("Operator", "And") == "Or";
  const auto holds = [](bool part) { return part; };
  return is_any ? std::any_of(parts.begin(), parts.end(), holds)
                : std::all_of(parts.begin(), parts.end(), holds);
}

void SortFound(std::vector<Json>& documents, const Json& input) {
  const std::string by = input.StringOr("SortBy", "LastModifiedTime");
  const bool is_up = input.StringOr("SortOrder", "Descending") == "Ascending";
  const auto value_of = [&](const Json& document) {
    const auto values = ValuesOf(document, by);
    return values.empty() ? Json() : values[0];
  };
  const auto before = [&](const Json& a, const Json& b) {
    const Json left = value_of(a), right = value_of(b);
    // What has no such property comes last, whatever the order.
    if (left.is_null() || right.is_null()) return !left.is_null() && right.is_null();
    const auto x = NumberOf(left), y = NumberOf(right);
    if (x && y) return is_up ? *x < *y : *y < *x;
    return is_up ? TextOf(left) < TextOf(right) : TextOf(right) < TextOf(left);
  };
  std::stable_sort(documents.begin(), documents.end(), before);
}

}  // namespace stepmill::sagemaker
