#include <filesystem>

#include "archive/archive.h"
#include "base/strings.h"
#include "json/each.h"
#include "lang/buildspec/glob.h"
#include "lang/report/limits.h"
#include "lang/report/report.h"
#include "service/codebuild/files.h"
#include "service/codebuild/reports.h"

namespace stepmill::codebuild {
namespace {

namespace fs = std::filesystem;

constexpr size_t kItemsOfPage = 100;

struct Found {
  Json::Array items;
  bool is_truncated = false, is_broken = false;
};

/// All files of one report together.
Found ReadFiles(const ReportSource& source, const Json& report,
                const std::vector<buildspec::Selected>& selected, std::vector<std::string>& lines) {
  const std::string format = report.StringOr("format", "");
  const bool is_test = report::Kind(format) == "TEST";
  const size_t most = is_test ? report::kCasesMax : report::kFilesMax;
  Found found;
  for (const auto& file : selected) {
    const auto read = report::Read(format, ReadHostFile(source.folder + "/" + file.path));
    if (!read) {
      lines.push_back("Unable to read report file " + file.path + ": " + read.error().message);
      found.is_broken = true;
      continue;
    }
    found.is_truncated = found.is_truncated || read->BoolOr("truncated", false);
    for (const Json& item : ItemsOf((*read)["items"])) {
      if (found.items.size() == most) {
        found.is_truncated = true;
        break;
      }
      found.items.push_back(is_test ? item.With("testRawDataPath", file.name) : item);
    }
  }
  return found;
}

std::string StatusOf(const Found& found, const Json& summary) {
  if (found.is_broken) return "INCOMPLETE";
  const Json& counts = summary["statusCounts"];
  return counts.IntOr("FAILED", 0) + counts.IntOr("ERROR", 0) > 0 ? "FAILED" : "SUCCEEDED";
}

/// The group's ARN; one that a name stands for is made when it is not there.
Task<std::string> GroupFor(Asker asker, Json build, Json report, std::string effect_id) {
  const std::string name = report.StringOr("name", "");
  if (name.starts_with("arn:")) co_return name;
  const std::string group = build.StringOr("projectName", "") + "-" + name;
  const Json plain = Json::Object{{"exportConfigType", "NO_EXPORT"}};
  const Json input =
      Json::Object{{"name", group},
                   {"type", std::string(report::Kind(report.StringOr("format", "")))},
                   {"exportConfig", plain}};
  const std::string build_arn = build.StringOr("arn", "");
  const std::string arn = build_arn.substr(0, build_arn.find(":build/")) + ":report-group/" + group;
  const auto made = co_await AskService(asker, "codebuild", "CreateReportGroup", input, effect_id);
  const bool is_there = made || made.error().name == "ResourceAlreadyExistsException";
  if (!is_there) co_return made.error();
  co_return arn;
}

Task<> Export(Asker asker, ReportSource source, Json report,
              std::vector<buildspec::Selected> selected) {
  const Json& place = report["exportConfig"]["s3Destination"];
  if (report["exportConfig"].StringOr("exportConfigType", "") != "S3") co_return Result<>();
  const std::string bucket = place.StringOr("bucket", "");
  std::string base = place.StringOr("path", "");
  while (base.ends_with('/')) base.pop_back();
  const std::string id =
      report.StringOr("arn", "").substr(report.StringOr("arn", "").rfind(':') + 1);
  base += (base.empty() ? "" : "/") + report.StringOr("name", "") + "/" + id;
  if (place.StringOr("packaging", "NONE") == "ZIP") {
    std::vector<Archive::Entry> entries;
    for (const auto& file : selected)
      entries.push_back({file.name, source.folder + "/" + file.path});
    const std::string zip = source.temporary + ".zip";
    MILL_CO_CHECK(
        co_await asker.ports.archive.Pack(Archive::Format::kZip, std::move(entries), zip));
    MILL_CO_CHECK(co_await StoreObject(asker, zip, bucket, base + ".zip", "application/zip",
                                       source.effect_id + ":zip"));
    co_return Result<>();
  }
  int number = 0;
  for (const auto& file : selected) {
    const std::string copy = source.temporary + ".file";
    if (!WriteHostFile(copy, ReadHostFile(source.folder + "/" + file.path))) continue;
    MILL_CO_CHECK(co_await StoreObject(asker, copy, bucket, base + "/" + file.name,
                                       "application/octet-stream",
                                       source.effect_id + ":file:" + std::to_string(++number)));
  }
  co_return Result<>();
}

/// The report's ARN.
Task<std::string> Keep(Asker asker, ReportSource source, Json report, std::string group,
                       std::vector<buildspec::Selected> selected, std::vector<std::string>& lines) {
  const std::string format = report.StringOr("format", "");
  const bool is_test = report::Kind(format) == "TEST";
  const Json asked = Json::Object{{"reportGroupArn", group},
                                  {"type", std::string(report::Kind(format))},
                                  {"executionId", source.build["arn"]}};
  MILL_CO_TRY(const Json created, co_await AskService(asker, "codebuild", "CreateReport", asked,
                                                      source.effect_id + ":report"));
  const Json& made = created["report"];
  const std::string arn = made.StringOr("arn", "");
  const Found found = ReadFiles(source, report, selected, lines);
  const char* put = is_test ? "BatchPutTestCases" : "BatchPutCodeCoverages";
  int64_t page = 0;
  for (size_t at = 0; at < found.items.size(); at += kItemsOfPage) {
    const auto begin = found.items.begin() + static_cast<std::ptrdiff_t>(at);
    const auto left = static_cast<std::ptrdiff_t>(std::min(kItemsOfPage, found.items.size() - at));
    const Json items = Json::Array(begin, begin + left);
    const Json input = Json::Object{
        {"reportGroupArn", group}, {"reportArn", arn}, {"page", ++page}, {"items", items}};
    MILL_CO_CHECK(co_await AskService(asker, "codebuild", put, input,
                                      source.effect_id + ":page:" + std::to_string(page)));
  }
  const Json summary =
      is_test ? report::TestSummary(found.items) : report::CoverageSummary(found.items);
  const Json update = Json::Object{{"reportGroupArn", group},
                                   {"reportArn", arn},
                                   {"status", StatusOf(found, summary)},
                                   {"truncated", found.is_truncated},
                                   {"summary", summary}};
  MILL_CO_CHECK(
      co_await AskService(asker, "codebuild", "UpdateReport", update, source.effect_id + ":end"));
  MILL_CO_CHECK(co_await Export(asker, source, made, std::move(selected)));
  co_return arn;
}

}  // namespace

Task<Collected> CollectReports(Asker asker, ReportSource source, std::vector<std::string>& lines) {
  Collected collected;
  const std::string effect_id = source.effect_id;
  int number = 0;
  for (const Json& report : ItemsOf(source.spec["reports"])) {
    source.effect_id = effect_id + ":" + std::to_string(++number);
    const std::string name = report.StringOr("name", "");
    std::string base = report.StringOr("baseDirectory", "");
    if (base.empty()) base = ".";
    lines.push_back("Expanding base directory path: " + base);
    lines.push_back("Assembling file list");
    for (const Json& pattern : ItemsOf(report["files"]))
      lines.push_back("Expanding " + pattern.AsString());
    lines.push_back("Expanding file paths for base directory " + base);
    const auto selected = buildspec::SelectArtifacts(report, source.files);
    if (selected.empty()) {
      collected.faults.push_back(name + ": [report files not found in build]");
      continue;
    }
    lines.push_back("Found " + std::to_string(selected.size()) + " file(s)");
    const auto group = co_await GroupFor(asker, source.build, report, source.effect_id + ":group");
    Result<std::string> kept = group;
    if (group) kept = co_await Keep(asker, source, report, *group, selected, lines);
    if (!kept && kept.error().code == Code::kUnavailable) co_return kept.error();
    if (kept)
      collected.arns.push_back(*kept);
    else
      collected.faults.push_back(name + ": [" + kept.error().name + ": " + kept.error().message +
                                 "]");
  }
  co_return collected;
}

}  // namespace stepmill::codebuild
