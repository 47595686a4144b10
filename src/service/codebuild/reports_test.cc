#include "app/test_codebuild.h"

namespace stepmill::codebuild {
namespace {

constexpr char kGroupArn[] = "arn:aws:codebuild:us-east-1:000000000000:report-group/demo-unit";

class ReportsTest : public CodeBuildTest {
 protected:
  Json Build(const std::string& reports, const std::string& script) {
    Ask("CreateProject", Project("demo", Inline("version: 0.2\n"), NoArtifacts()));
    const std::string spec = "version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        " +
                             script + "\nreports:\n  " + reports + "\n";
    return Finish(
        Ask("StartBuild", Json::Object{{"projectName", "demo"}, {"buildspecOverride", spec}}));
  }
  Json Report(const Json& build, size_t index = 0) {
    const Json arns = Json::Object{{"reportArns", Json::Array{build["reportArns"].At(index)}}};
    return Ask("BatchGetReports", arns)["reports"].At(0);
  }
};

TEST_F(ReportsTest, OfTests) {
  const Json build = Build(
      "unit: {files: ['*.xml'], base-directory: out}",
      "mkdir out; echo '<testsuite name=\"s\"><testcase classname=\"c\" name=\"good\" "
      "time=\"0.5\"/><testcase classname=\"c\" name=\"bad\" time=\"1\"><failure message=\"数\"/>"
      "</testcase></testsuite>' > out/a.xml; exit 1");
  // Reports are kept whatever the commands said.
  EXPECT_EQ(build.StringOr("buildStatus", ""), "FAILED");
  EXPECT_NE(Phases(build).find("UPLOAD_ARTIFACTS=SUCCEEDED"), std::string::npos) << Log(build);
  ASSERT_EQ(build["reportArns"].size(), 1u) << Log(build);
  const Json report = Report(build);
  EXPECT_EQ(report.StringOr("status", ""), "FAILED");
  EXPECT_EQ(report.StringOr("type", ""), "TEST");
  EXPECT_EQ(report.StringOr("name", ""), "demo-unit");
  EXPECT_EQ(report.StringOr("reportGroupArn", ""), kGroupArn);
  EXPECT_EQ(report["executionId"], build["arn"]);
  EXPECT_EQ(report["testSummary"].Print(),
            R"({"total":2,"statusCounts":{"SUCCEEDED":1,"FAILED":1,"ERROR":0,"SKIPPED":0,)"
            R"("UNKNOWN":0},"durationInNanoSeconds":1500000000})");
  const Json arn = Json::Object{{"reportArn", report["arn"]}};
  const Json cases = Ask("DescribeTestCases", arn)["testCases"];
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases.At(0).StringOr("testRawDataPath", ""), "a.xml");
  const Json filter = Json::Object{{"status", "FAILED"}, {"keyword", "ba"}};
  const Json failed = Ask("DescribeTestCases", arn.With("filter", filter))["testCases"];
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed.At(0).StringOr("message", ""), "数");
  const Json page = Ask("DescribeTestCases", arn.With("maxResults", 1));
  EXPECT_EQ(Ask("DescribeTestCases", arn.With("nextToken", page["nextToken"]))["testCases"].size(),
            1u);
  EXPECT_TRUE(Refused("DescribeCodeCoverages", arn).starts_with("InvalidInputException"));

  EXPECT_EQ(Ask("ListReportGroups", Json::Object{})["reportGroups"].Print(),
            "[\"" + std::string(kGroupArn) + "\"]");
  const Json groups = Json::Object{{"reportGroupArns", Json::Array{kGroupArn, "arn:x/none"}}};
  const Json got = Ask("BatchGetReportGroups", groups);
  EXPECT_EQ(got["reportGroups"].At(0)["exportConfig"].StringOr("exportConfigType", ""),
            "NO_EXPORT");
  EXPECT_EQ(got["reportGroupsNotFound"].size(), 1u);
  const Json group = Json::Object{{"reportGroupArn", kGroupArn}};
  EXPECT_EQ(Ask("ListReportsForReportGroup", group)["reports"].At(0), report["arn"]);
  const Json wanted = Json::Object{{"filter", Json::Object{{"status", "SUCCEEDED"}}}};
  EXPECT_EQ(Ask("ListReports", wanted)["reports"].size(), 0u);
  EXPECT_EQ(Ask("ListReports", Json::Object{})["reports"].size(), 1u);
  EXPECT_TRUE(Refused("DeleteReportGroup", Json::Object{{"arn", kGroupArn}})
                  .starts_with("InvalidInputException: The report group has reports"));
  Ask("DeleteReport", Json::Object{{"arn", report["arn"]}});
  EXPECT_EQ(Ask("ListReportsForReportGroup", group)["reports"].size(), 0u);
  EXPECT_TRUE(Refused("DescribeTestCases", arn).starts_with("ResourceNotFoundException"));
  Ask("DeleteReportGroup", Json::Object{{"arn", kGroupArn}});
  EXPECT_EQ(Ask("ListReportGroups", Json::Object{})["reportGroups"].size(), 0u);
}

TEST_F(ReportsTest, OfCoverageToTheGroupThatIsNamed) {
  const std::string arn = "arn:aws:codebuild:us-east-1:000000000000:report-group/cover";
  const Json s3 = Json::Object{{"bucket", "bucket"}, {"path", "raw"}, {"packaging", "NONE"}};
  Ask("CreateReportGroup", Json::Object{{"name", "cover"},
                                        {"type", "CODE_COVERAGE"},
                                        {"exportConfig", Json::Object{{"exportConfigType", "S3"},
                                                                      {"s3Destination", s3}}}});
  const Json build = Build(arn + ": {files: [c.json], file-format: SIMPLECOV}",
                           "echo '{\"t\": {\"coverage\": {\"a.rb\": [1, 0, null, 2], \"b.rb\": "
                           "[0]}}}' > c.json");
  EXPECT_EQ(build.StringOr("buildStatus", ""), "SUCCEEDED") << Log(build);
  const Json report = Report(build);
  EXPECT_EQ(report["codeCoverageSummary"].IntOr("linesCovered", 0), 2);
  const Json asked = Json::Object{{"reportArn", report["arn"]},
                                  {"sortBy", "LINE_COVERAGE_PERCENTAGE"},
                                  {"sortOrder", "DESCENDING"},
                                  {"minLineCoveragePercentage", 1}};
  const Json files = Ask("DescribeCodeCoverages", asked)["codeCoverages"];
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(files.At(0).StringOr("filePath", ""), "a.rb");
  ASSERT_EQ(test::kept().objects.size(), 1u);
  EXPECT_TRUE(test::kept().objects.begin()->first.starts_with("bucket/raw/cover/"));
  EXPECT_TRUE(test::kept().objects.begin()->first.ends_with("/c.json"));
}

TEST_F(ReportsTest, FilesThatAreMissingOrBroken) {
  Json build = Build("unit: {files: ['*.xml']}", "true");
  EXPECT_EQ(build.StringOr("buildStatus", ""), "FAILED");
  EXPECT_EQ(build["phases"].At(8)["contexts"].At(0).StringOr("message", ""),
            "Error in UPLOAD_ARTIFACTS phase: [unit: [report files not found in build]]");
  Ask("DeleteProject", Json::Object{{"name", "demo"}});
  build = Build("unit: {files: ['*.xml']}", "echo '<testsuite>' > a.xml");
  EXPECT_EQ(build.StringOr("buildStatus", ""), "SUCCEEDED") << Log(build);
  EXPECT_EQ(Report(build).StringOr("status", ""), "INCOMPLETE");
  EXPECT_NE(Log(build).find("> Unable to read report file a.xml: "), std::string::npos);
  Ask("DeleteProject", Json::Object{{"name", "demo"}});
  build = Build("unit: {files: [a], file-format: HTML}", "true");
  EXPECT_EQ(build["phases"].At(3)["contexts"].At(0)["statusCode"], Json("YAML_FILE_ERROR"));
}

}  // namespace
}  // namespace stepmill::codebuild
