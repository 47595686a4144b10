#include <algorithm>

#include "json/each.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/records.h"
#include "service/codebuild/reports.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr int kGroupsMax = 10'000;
constexpr int kReportsMax = 10'000;  // of one group that goes away

Task<Document> RequireGroup(Call& call, std::string arn) {
  const Key key = call.KeyFor({"codebuild", "report-group", ReportTail(arn)});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return ReportGroupNotFound(arn);
  co_return *std::move(found);
}

Result<> CheckExport(const Json& config) {
  const std::string type = config.StringOr("exportConfigType", "NO_EXPORT");
  const Json& place = config["s3Destination"];
  if (type == "S3" && place.StringOr("bucket", "").empty())
    return InvalidInput("Invalid export config: an S3 bucket is required");
  if (place.Has("bucketOwner"))
    return InvalidInput("exportConfig.s3Destination.bucketOwner is not available here");
  return {};
}

}  // namespace

std::string ReportTail(const std::string& arn) {
  const size_t at = arn.rfind('/');
  return at == std::string::npos ? arn : arn.substr(at + 1);
}

Task<Json> CreateReportGroup(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  const std::string arn = call.Arn("codebuild", "report-group/" + name);
  const Key key = call.KeyFor({"codebuild", "report-group", name});
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return ReportGroupExists(arn);
  MILL_CO_CHECK(CheckExport(call.input["exportConfig"]));
  const double now = SecondsSinceEpoch(call.Now());
  const Json tags = call.input.Has("tags") ? call.input["tags"] : Json(Json::Array{});
  const Json group = Json::Object{{"arn", arn},
                                  {"name", name},
                                  {"type", call.input["type"]},
                                  {"exportConfig", call.input["exportConfig"]},
                                  {"created", now},
                                  {"lastModified", now},
                                  {"tags", tags},
                                  {"status", "ACTIVE"}};
  call.batch.Create(key, group);
  co_return Json::Object{{"reportGroup", group}};
}

Task<Json> UpdateReportGroup(Call& call) {
  MILL_CO_TRY(const Document found, co_await RequireGroup(call, call.input.StringOr("arn", "")));
  Json group = found.body.With("lastModified", SecondsSinceEpoch(call.Now()));
  if (call.input.Has("exportConfig")) {
    MILL_CO_CHECK(CheckExport(call.input["exportConfig"]));
    group = group.With("exportConfig", call.input["exportConfig"]);
  }
  if (call.input.Has("tags")) group = group.With("tags", call.input["tags"]);
  call.batch.Replace(found, group);
  co_return Json::Object{{"reportGroup", group}};
}

Task<Json> DeleteReportGroup(Call& call) {
  const auto found = co_await RequireGroup(call, call.input.StringOr("arn", ""));
  if (!found && found.error().code == Code::kNotFound) co_return Json::Object{};
  if (!found) co_return found.error();
  const std::string name = found->body.StringOr("name", "");
  const Key prefix = call.KeyFor({"codebuild", "report-started-of", name, ""});
  MILL_CO_TRY(const auto reports, co_await call.ports.store.Range(
                                      prefix, PrefixEnd(prefix), Direction::kForward, kReportsMax));
  if (!reports.empty() && !call.input.BoolOr("deleteReports", false))
    co_return InvalidInput("The report group has reports: set deleteReports to delete them too");
  for (const Document& report : reports)
    MILL_CO_CHECK(co_await RemoveReport(call, report.body.StringOr("id", "")));
  call.batch.Delete(found->key);
  co_return Json::Object{};
}

Task<Json> BatchGetReportGroups(Call& call) {
  Json::Array groups, missing;
  for (const Json& arn : ItemsOf(call.input["reportGroupArns"])) {
    const auto found = co_await RequireGroup(call, arn.AsString());
    if (found)
      groups.push_back(found->body);
    else if (found.error().code == Code::kNotFound)
      missing.push_back(arn);
    else
      co_return found.error();
  }
  co_return Json::Object{{"reportGroups", std::move(groups)},
                         {"reportGroupsNotFound", std::move(missing)}};
}

Task<Json> ListReportGroups(Call& call) {
  const Key prefix = call.KeyFor({"codebuild", "report-group", ""});
  MILL_CO_TRY(auto groups, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                           Direction::kForward, kGroupsMax));
  const std::string by = call.input.StringOr("sortBy", "NAME");
  const char* member = by == "CREATED_TIME" ? "created" : "lastModified";
  if (by != "NAME")
    std::stable_sort(groups.begin(), groups.end(), [&](const Document& a, const Document& b) {
      return a.body[member].AsDouble() < b.body[member].AsDouble();
    });
  if (call.input.StringOr("sortOrder", "ASCENDING") == "DESCENDING")
    std::reverse(groups.begin(), groups.end());
  Json::Array arns;
  for (const Document& group : groups) arns.push_back(group.body["arn"]);
  const Json input = call.input.With("maxResults", call.input.IntOr("maxResults", 100));
  co_return PageOf(input, "reportGroups", arns, "maxResults", "nextToken",
                   InvalidInput("Invalid next token"));
}

}  // namespace stepmill::codebuild
