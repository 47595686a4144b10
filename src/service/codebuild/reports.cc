#include "service/codebuild/reports.h"

#include <algorithm>

#include "json/each.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/records.h"
#include "service/counter.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr int kPagesMax = 1000;
constexpr double kKeptSeconds = 30 * 24 * 3600.0;  // "Test reports expire 30 days after creation"

Key ReportKey(const Call& call, const std::string& id) {
  return call.KeyFor({"codebuild", "report", id});
}
Json Shown(const Json& report) { return report.Without("own"); }

Task<Document> RequireReport(Call& call, std::string arn) {
  MILL_CO_TRY(std::optional<Document> found,
              co_await call.ports.store.Get(ReportKey(call, ReportTail(arn))));
  if (!found) co_return ReportNotFound(arn);
  co_return *std::move(found);
}

/// What the two indexes of reports are made from.
Json IndexRecord(const Json& report) {
  return Json::Object{{"id", ReportTail(report.StringOr("arn", ""))},
                      {"startTime", report["created"]},
                      {"own", report["own"]}};
}
std::string GroupOf(const Json& report) {
  return ReportTail(report.StringOr("reportGroupArn", ""));
}

Task<Json> ListArns(Call& call, Key prefix) {
  MILL_CO_TRY(const Json page, co_await ListIndex(call, prefix));
  const std::string status = call.input["filter"].StringOr("status", "");
  Json::Array arns;
  for (const Json& id : ItemsOf(page["ids"])) {
    const std::string arn = call.Arn("codebuild", "report/" + id.AsString());
    if (!status.empty()) {
      const auto report = co_await RequireReport(call, arn);
      if (!report || report->body.StringOr("status", "") != status) continue;
    }
    arns.push_back(arn);
  }
  co_return page.Without("ids").With("reports", std::move(arns));
}

/// All test cases or covered files of a report, each with what all of them have.
Task<Json::Array> ItemsOfReport(Call& call, Json report) {
  const std::string id = ReportTail(report.StringOr("arn", ""));
  const Key prefix = call.KeyFor({"codebuild", "report-items", id, ""});
  MILL_CO_TRY(const auto pages, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                                Direction::kForward, kPagesMax));
  Json::Array items;
  for (const Document& page : pages)
    for (const Json& item : ItemsOf(page.body["items"]))
      items.push_back(item.With("expired", report["expired"]));
  co_return items;
}

double LinePercent(const Json& file) { return file["lineCoveragePercentage"].AsDouble(); }

Json WithPercents(const Json& file) {
  Json out = file;
  const std::pair<const char*, const char*> kParts[] = {{"lines", "lineCoveragePercentage"},
                                                        {"branches", "branchCoveragePercentage"}};
  for (const auto& [part, percentage] : kParts) {
    const auto covered = static_cast<double>(file.IntOr(std::string(part) + "Covered", 0));
    const double all = covered + static_cast<double>(file.IntOr(std::string(part) + "Missed", 0));
    out = out.With(percentage, all > 0 ? covered * 100 / all : 0);
  }
  return out;
}

Task<Json> PageOfItems(Call& call, const char* list, Json::Array items) {
  const Json input = call.input.With("maxResults", call.input.IntOr("maxResults", 100));
  co_return PageOf(input, list, items, "maxResults", "nextToken",
                   InvalidInput("Invalid next token"));
}

}  // namespace

Task<Json> CreateReport(Call& call) {
  const std::string group_arn = call.input.StringOr("reportGroupArn", "");
  const std::string group_name = ReportTail(group_arn);
  const Key group_key = call.KeyFor({"codebuild", "report-group", group_name});
  MILL_CO_TRY(const auto group, co_await call.ports.store.Get(group_key));
  if (!group) co_return ReportGroupNotFound(group_arn);
  const std::string type = call.input.StringOr("type", "TEST");
  if (group->body.StringOr("type", "") != type)
    co_return InvalidInput("The report group " + group_arn + " is of type " +
                           group->body.StringOr("type", "") + ", the report of type " + type);
  const std::string id = group_name + ":" + call.ports.random.NewUuid();
  MILL_CO_TRY(const int64_t order, co_await NextOrder(call));
  const double now = SecondsSinceEpoch(call.Now());
  const Json report = Json::Object{{"arn", call.Arn("codebuild", "report/" + id)},
                                   {"type", type},
                                   {"name", group_name},
                                   {"reportGroupArn", group->body["arn"]},
                                   {"executionId", call.input["executionId"]},
                                   {"status", "GENERATING"},
                                   {"created", now},
                                   {"expired", now + kKeptSeconds},
                                   {"exportConfig", group->body["exportConfig"]},
                                   {"truncated", false},
                                   {"own", Json::Object{{"order", order}}}};
  call.batch.Create(ReportKey(call, id), report);
  const Json entry = Json::Object{{"id", id}};
  const Json record = IndexRecord(report);
  call.batch.PutDocument(StartedKey(call, "report-started", "", record), entry);
  call.batch.PutDocument(StartedKey(call, "report-started", group_name, record), entry);
  co_return Json::Object{{"report", Shown(report)}};
}

Task<Json> BatchPutTestCases(Call& call) {
  MILL_CO_TRY(const Document report,
              co_await RequireReport(call, call.input.StringOr("reportArn", "")));
  const std::string id = ReportTail(report.body.StringOr("arn", ""));
  const std::string page = PaddedNumber(call.input.IntOr("page", 0));
  call.batch.PutDocument(call.KeyFor({"codebuild", "report-items", id, page}),
                         Json::Object{{"items", call.input["items"]}});
  co_return Json::Object{};
}

Task<Json> UpdateReport(Call& call) {
  MILL_CO_TRY(const Document found,
              co_await RequireReport(call, call.input.StringOr("reportArn", "")));
  const bool is_test = found.body.StringOr("type", "") == "TEST";
  const Json report =
      found.body.With("status", call.input["status"])
          .With("truncated", call.input["truncated"])
          .With(is_test ? "testSummary" : "codeCoverageSummary", call.input["summary"]);
  call.batch.Replace(found, report);
  co_return Json::Object{{"report", Shown(report)}};
}

Task<> RemoveReport(Call& call, std::string id) {
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ReportKey(call, id)));
  if (!found) co_return Result<>();
  const Json record = IndexRecord(found->body);
  call.batch.Delete(found->key);
  call.batch.Delete(StartedKey(call, "report-started", "", record));
  call.batch.Delete(StartedKey(call, "report-started", GroupOf(found->body), record));
  const Key prefix = call.KeyFor({"codebuild", "report-items", id, ""});
  MILL_CO_TRY(const auto pages, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                                Direction::kForward, kPagesMax));
  for (const Document& page : pages) call.batch.Delete(page.key);
  co_return Result<>();
}

Task<Json> DeleteReport(Call& call) {
  MILL_CO_CHECK(co_await RemoveReport(call, ReportTail(call.input.StringOr("arn", ""))));
  co_return Json::Object{};
}

Task<Json> BatchGetReports(Call& call) {
  Json::Array reports, missing;
  for (const Json& arn : ItemsOf(call.input["reportArns"])) {
    const auto found = co_await RequireReport(call, arn.AsString());
    if (found)
      reports.push_back(Shown(found->body));
    else if (found.error().code == Code::kNotFound)
      missing.push_back(arn);
    else
      co_return found.error();
  }
  co_return Json::Object{{"reports", std::move(reports)}, {"reportsNotFound", std::move(missing)}};
}

Task<Json> ListReports(Call& call) {
  const Key prefix = call.KeyFor({"codebuild", "report-started", ""});
  co_return co_await ListArns(call, prefix);
}

Task<Json> ListReportsForReportGroup(Call& call) {
  const std::string arn = call.input.StringOr("reportGroupArn", "");
  const std::string name = ReportTail(arn);
  const Key group_key = call.KeyFor({"codebuild", "report-group", name});
  MILL_CO_TRY(const auto group, co_await call.ports.store.Get(group_key));
  if (!group) co_return ReportGroupNotFound(arn);
  const Key prefix = call.KeyFor({"codebuild", "report-started-of", name, ""});
  co_return co_await ListArns(call, prefix);
}

Task<Json> DescribeTestCases(Call& call) {
  MILL_CO_TRY(const Document report,
              co_await RequireReport(call, call.input.StringOr("reportArn", "")));
  if (report.body.StringOr("type", "") != "TEST")
    co_return InvalidInput("The report has no test cases: " + report.body.StringOr("arn", ""));
  MILL_CO_TRY(const Json::Array all, co_await ItemsOfReport(call, report.body));
  const Json& filter = call.input["filter"];
  const std::string status = filter.StringOr("status", "");
  const std::string keyword = filter.StringOr("keyword", "");
  Json::Array cases;
  for (const Json& one : all) {
    const std::string words = one.StringOr("prefix", "") + "\n" + one.StringOr("name", "") + "\n" +
                              one.StringOr("testSuiteName", "");
    const bool is_wanted = (status.empty() || one.StringOr("status", "") == status) &&
                           words.find(keyword) != std::string::npos;
    if (is_wanted) cases.push_back(one.With("reportArn", report.body["arn"]));
  }
  co_return co_await PageOfItems(call, "testCases", std::move(cases));
}

Task<Json> DescribeCodeCoverages(Call& call) {
  MILL_CO_TRY(const Document report,
              co_await RequireReport(call, call.input.StringOr("reportArn", "")));
  if (report.body.StringOr("type", "") != "CODE_COVERAGE")
    co_return InvalidInput("The report has no code coverage: " + report.body.StringOr("arn", ""));
  MILL_CO_TRY(const Json::Array all, co_await ItemsOfReport(call, report.body));
  const auto bound = [&](const char* name, double other) {
    return call.input[name].is_number() ? call.input[name].AsDouble() : other;
  };
  const double least = bound("minLineCoveragePercentage", 0);
  const double most = bound("maxLineCoveragePercentage", 100);
  Json::Array files;
  int64_t number = 0;
  for (const Json& one : all) {
    const Json file = WithPercents(one)
                          .With("id", ReportTail(report.body.StringOr("arn", "")) + ":" +
                                          std::to_string(++number))
                          .With("reportARN", report.body["arn"]);
    if (LinePercent(file) >= least && LinePercent(file) <= most) files.push_back(file);
  }
  const bool by_path = call.input.StringOr("sortBy", "FILE_PATH") == "FILE_PATH";
  std::stable_sort(files.begin(), files.end(), [&](const Json& a, const Json& b) {
    return by_path ? a.StringOr("filePath", "") < b.StringOr("filePath", "")
                   : LinePercent(a) < LinePercent(b);
  });
  if (call.input.StringOr("sortOrder", "ASCENDING") == "DESCENDING")
    std::reverse(files.begin(), files.end());
  co_return co_await PageOfItems(call, "codeCoverages", std::move(files));
}

}  // namespace stepmill::codebuild
