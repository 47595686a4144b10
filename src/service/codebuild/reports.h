#pragma once

#include <string>
#include <vector>

#include "gate/operation.h"
#include "service/ask.h"

/// Test and coverage reports, below `<account>/<region>/codebuild/`:
///
///     report-group/NAME                  as BatchGetReportGroups gives it
///     report/GROUP:UUID                  as BatchGetReports gives it, and "own" {"order"}
///     report-started/..., report-started-of/GROUP/...   as of builds (records.h)
///     report-items/GROUP:UUID/PAGE       {"items"}: test cases or covered files, 100 a page
namespace stepmill::codebuild {

Task<Json> CreateReportGroup(Call& call);
Task<Json> UpdateReportGroup(Call& call);
Task<Json> DeleteReportGroup(Call& call);
Task<Json> BatchGetReportGroups(Call& call);
Task<Json> ListReportGroups(Call& call);
Task<Json> ListReports(Call& call);
Task<Json> ListReportsForReportGroup(Call& call);
Task<Json> BatchGetReports(Call& call);
Task<Json> DescribeTestCases(Call& call);
Task<Json> DescribeCodeCoverages(Call& call);
Task<Json> DeleteReport(Call& call);

// Asked by builds as their role, under the actions of AWS's own policies for reports. Each input
// has "reportGroupArn".
/// {"type", "executionId"} -> {"report"}, which is GENERATING.
Task<Json> CreateReport(Call& call);
/// {"reportArn", "page", "items"}
Task<Json> BatchPutTestCases(Call& call);
/// {"reportArn", "status", "truncated", "summary"}
Task<Json> UpdateReport(Call& call);

/// "arn:...:report-group/NAME" or ":report/GROUP:UUID" -> what stands behind the slash.
std::string ReportTail(const std::string& arn);
/// Writes of a report that goes away.
Task<> RemoveReport(Call& call, std::string id);

/// What a build collected.
struct Collected {
  Json::Array arns;                 ///< of the reports
  std::vector<std::string> faults;  ///< "NAME: [why]"
};
/// Reads the report files of the buildspec among `files` (of `folder`, on this machine) and keeps
/// them as reports. kUnavailable: worth another try.
struct ReportSource {
  Json build, spec;
  std::string folder, temporary, effect_id;
  std::vector<std::string> files;
};
Task<Collected> CollectReports(Asker asker, ReportSource source, std::vector<std::string>& lines);

}  // namespace stepmill::codebuild
