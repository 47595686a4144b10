#include "lang/report/report.h"

#include <cmath>

#include "base/strings.h"
#include "json/each.h"
#include "lang/report/limits.h"
#include "lang/report/walk.h"

namespace stepmill::report {
namespace {

/// The text without its document type, as far as that declares nothing itself.
std::string WithoutDocumentType(std::string_view text) {
  const size_t at = text.find("<!DOCTYPE");
  const size_t end = at == text.npos ? at : text.find_first_of("[>", at);
  if (end == text.npos || text[end] == '[') return std::string(text);
  std::string out(text);
  for (size_t i = at; i <= end; ++i)  // lines keep their numbers
    if (out[i] != '\n') out[i] = ' ';
  return out;
}

double Percent(int64_t covered, int64_t missed) {
  const int64_t total = covered + missed;
  if (total == 0) return 0;
  return std::round(static_cast<double>(covered) * 10'000 / static_cast<double>(total)) / 100;
}

}  // namespace

std::string_view Kind(std::string_view format) {
  for (const std::string_view one :
       {"JUNITXML", "CUCUMBERJSON", "TESTNGXML", "NUNITXML", "NUNIT3XML", "VISUALSTUDIOTRX"})
    if (one == format) return "TEST";
  for (const std::string_view one : {"CLOVERXML", "COBERTURAXML", "JACOCOXML", "SIMPLECOV"})
    if (one == format) return "CODE_COVERAGE";
  return "";
}

std::string Attribute(const xml::Element& element, std::string_view name) {
  for (const auto& [key, value] : element.attributes)
    if (key == name) return value;
  return "";
}

int64_t Count(const xml::Element& element, std::string_view name) {
  return std::max<int64_t>(0, ParseInt(Attribute(element, name)).value_or(0));
}

void Each(const xml::Element& root, std::string_view name,
          const std::function<void(const xml::Element&)>& visit) {
  if (root.name == name) visit(root);
  for (const xml::Element& child : root.children) Each(child, name, visit);  // depth: lang/xml's
}

int64_t NanosOfSeconds(std::string_view seconds) {
  const std::string plain = ReplaceAll(std::string(Trim(seconds)), ",", "");
  char* end = nullptr;
  const double value = std::strtod(plain.c_str(), &end);
  const bool is_number = end != plain.c_str() && *end == '\0' && std::isfinite(value);
  if (!is_number || value < 0 || value > 1e9) return 0;
  return static_cast<int64_t>(std::llround(value * 1e9));
}

Result<Json> Read(std::string_view format, std::string_view text) {
  Result<Items> items = Error{Code::kInvalid, "InvalidReport",
                              "reports of the format " + std::string(format) + " are not read"};
  if (format == "CUCUMBERJSON" || format == "SIMPLECOV") {
    MILL_TRY(const Json document, ParseJson(text));
    items = format == "SIMPLECOV" ? ReadSimpleCov(document) : ReadCucumber(document);
  } else if (!Kind(format).empty()) {
    MILL_TRY(const xml::Element root, xml::Parse(WithoutDocumentType(text)));
    items = Kind(format) == "TEST" ? ReadTests(format, root) : ReadCoverage(format, root);
  }
  if (!items) return items.error();
  return Json(Json::Object{{"items", std::move(items->list)}, {"truncated", items->is_truncated}});
}

Json TestSummary(const Json::Array& cases) {
  const char* const kStatuses[] = {"SUCCEEDED", "FAILED", "ERROR", "SKIPPED", "UNKNOWN"};
  int64_t nanos = 0;
  Json::Object counts;
  for (const char* status : kStatuses) {
    int64_t count = 0;
    for (const Json& one : cases) count += one["status"] == Json(status) ? 1 : 0;
    counts.Set(status, count);
  }
  for (const Json& one : cases) nanos += one.IntOr("durationInNanoSeconds", 0);
  return Json::Object{{"total", static_cast<int64_t>(cases.size())},
                      {"statusCounts", std::move(counts)},
                      {"durationInNanoSeconds", nanos}};
}

Json CoverageSummary(const Json::Array& files) {
  int64_t lines = 0, lines_missed = 0, branches = 0, branches_missed = 0;
  for (const Json& file : files) {
    lines += file.IntOr("linesCovered", 0);
    lines_missed += file.IntOr("linesMissed", 0);
    branches += file.IntOr("branchesCovered", 0);
    branches_missed += file.IntOr("branchesMissed", 0);
  }
  return Json::Object{{"lineCoveragePercentage", Percent(lines, lines_missed)},
                      {"linesCovered", lines},
                      {"linesMissed", lines_missed},
                      {"branchCoveragePercentage", Percent(branches, branches_missed)},
                      {"branchesCovered", branches},
                      {"branchesMissed", branches_missed}};
}

}  // namespace stepmill::report
