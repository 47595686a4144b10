#include "lang/report/report.h"

#include <gtest/gtest.h>

namespace stepmill::report {
namespace {

std::string Told(std::string_view format, std::string_view text) {
  const auto read = Read(format, text);
  if (!read) return read.error().message;
  std::string out;
  for (const Json& one : (*read)["items"].items()) {
    if (Kind(format) == "TEST")
      out += one.StringOr("prefix", "") + "|" + one.StringOr("name", "") + "|" +
             one.StringOr("testSuiteName", "") + "|" + one.StringOr("status", "") + "|" +
             std::to_string(one.IntOr("durationInNanoSeconds", 0)) + "|" +
             one.StringOr("message", "") + "\n";
    else
      out += one.StringOr("filePath", "") + " " + std::to_string(one.IntOr("linesCovered", 0)) +
             "/" + std::to_string(one.IntOr("linesMissed", 0)) + " " +
             std::to_string(one.IntOr("branchesCovered", 0)) + "/" +
             std::to_string(one.IntOr("branchesMissed", 0)) + "\n";
  }
  return out;
}

TEST(Report, JunitXml) {
  EXPECT_EQ(Told("JUNITXML", R"(<?xml version="1.0" encoding="utf-8"?><testsuites>
<testsuite name="pytest" tests="4"><properties/><testcase classname="tests.test_a" name="test_ok" time="0.0125"/>
<testcase classname="tests.test_a" name="test_数" time="1,000.5"><failure message="assert 1 == 2">long</failure></testcase>
<testcase classname="tests.test_b" name="broken"><error>boom</error><system-out>x</system-out></testcase>
<testsuite name="inner"><testcase name="later"><skipped message="not now"/></testcase></testsuite>
</testsuite></testsuites>)"),
            "tests.test_a|test_ok|pytest|SUCCEEDED|12500000|\n"
            "tests.test_a|test_数|pytest|FAILED|1000500000000|assert 1 == 2\n"
            "tests.test_b|broken|pytest|ERROR|0|boom\n"
            "|later|inner|SKIPPED|0|not now\n");
  EXPECT_EQ(Told("JUNITXML", "<html/>"), "expected <testsuites> or <testsuite>, not <html>");
  EXPECT_FALSE(Read("JUNITXML", "<testsuite"));
  EXPECT_FALSE(Read("JUNITXML", "<!DOCTYPE a [<!ENTITY b 'c'>]><testsuite>&b;</testsuite>"));
  std::string many = "<testsuite>";
  for (int i = 0; i < 501; ++i) many += "<testcase name='t'/>";
  const Json read = Read("JUNITXML", many + "</testsuite>").value();
  EXPECT_EQ(read["items"].size(), 500u);
  EXPECT_TRUE(read.BoolOr("truncated", false));
}

TEST(Report, OtherTests) {
  EXPECT_EQ(Told("CUCUMBERJSON", R"([{"name": "Buy", "uri": "buy.feature", "elements": [
    {"type": "background", "name": "", "steps": []},
    {"name": "pays", "steps": [{"result": {"status": "passed", "duration": 5}},
       {"result": {"status": "failed", "duration": 7, "error_message": "no"}},
       {"result": {"status": "skipped"}}]},
    {"name": "later", "steps": [{"result": {"status": "undefined"}}]}]}])"),
            "buy.feature|pays|Buy|FAILED|12|no\nbuy.feature|later|Buy|UNKNOWN|0|\n");
  EXPECT_EQ(Told("TESTNGXML", R"(<testng-results><suite name="S"><test name="T"><class name="a.B">
    <test-method is-config="true" status="PASS" name="setUp" duration-ms="1"/>
    <test-method status="FAIL" name="t" duration-ms="15"><exception><message> no </message></exception></test-method>
    </class></test></suite></testng-results>)"),
            "a.B|t|S|FAILED|15000000|no\n");
  EXPECT_EQ(Told("NUNIT3XML", R"(<test-run><test-suite><test-case name="t" fullname="a.B.t"
    classname="a.B" result="Passed" duration="0.5"/></test-suite></test-run>)"),
            "a.B|t|a.B|SUCCEEDED|500000000|\n");
  EXPECT_EQ(Told("NUNITXML", R"(<test-results><test-case name="a.B.t" executed="False"
    result="Ignored"/></test-results>)"),
            "a.B|a.B.t|a.B|SKIPPED|0|\n");
  EXPECT_EQ(Told("VISUALSTUDIOTRX", R"(<TestRun><Results><UnitTestResult testName="a.t"
    outcome="Failed" duration="00:01:01.5"><Output><ErrorInfo><Message>no</Message></ErrorInfo>
    </Output></UnitTestResult></Results></TestRun>)"),
            "a|a.t|a|FAILED|61500000000|no\n");
}

TEST(Report, Coverage) {
  EXPECT_EQ(Told("COBERTURAXML", R"xml(<?xml version="1.0"?>
<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>
<coverage><packages><package><classes><class filename="a.py"><lines><line number="1" hits="2"/>
<line number="2" hits="0" branch="true" condition-coverage="50% (1/2)"/></lines></class>
<class filename="a.py"><lines><line number="2" hits="1"/></lines></class></classes></package></packages></coverage>)xml"),
            "a.py 2/0 1/1\n");
  EXPECT_EQ(Told("CLOVERXML", R"(<coverage><project><file name="a.js" path="/s/a.js"><metrics
    statements="10" coveredstatements="7" methods="2" coveredmethods="2" conditionals="4"
    coveredconditionals="1"/></file></project></coverage>)"),
            "/s/a.js 9/3 1/3\n");
  EXPECT_EQ(Told("JACOCOXML", R"(<report name="r"><package name="com/x"><sourcefile name="A.java">
    <line nr="1"/><counter type="LINE" missed="3" covered="5"/><counter type="BRANCH" missed="1"
    covered="2"/></sourcefile></package></report>)"),
            "com/x/A.java 5/3 2/1\n");
  EXPECT_EQ(Told("SIMPLECOV",
                 R"({"RSpec": {"coverage": {"/a.rb": {"lines": [1, null, 0]}, "/b.rb": [0]}}})"),
            "/a.rb 1/1 0/0\n/b.rb 0/1 0/0\n");
  const Json files = Read("JACOCOXML", R"(<report><package name="p"><sourcefile name="A"><counter
    type="LINE" missed="1" covered="2"/></sourcefile></package></report>)")
                         .value()["items"];
  EXPECT_EQ(CoverageSummary(files.items())["lineCoveragePercentage"].NumberText(), "66.67");
}

}  // namespace
}  // namespace stepmill::report
