#include "service/cloudwatch/cloudwatch.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"

namespace stepmill::cloudwatch {
namespace {

class CloudWatchTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }

  Json Ask(const char* operation, Json input, bool is_internal = false) {
    const Result<Json> answer = world.Ask("cloudwatch", operation, std::move(input), is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refusal(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("cloudwatch", operation, std::move(input));
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  }
  /// Seconds since the epoch, `minutes` behind the first minute of an hour that is over.
  int64_t At(int minutes, int seconds = 0) const { return base + minutes * 60 + seconds; }
  static Json Datum(const std::string& name, Json more) {
    Json datum = Json::Object{{"MetricName", name}};
    for (const Json::Member& member : more.members()) datum = datum.With(member.name, member.value);
    return datum;
  }
  void Put(Json::Array data) {
    Ask("PutMetricData", Json::Object{{"Namespace", "test"}, {"MetricData", std::move(data)}});
  }
  void PutValue(const std::string& name, int64_t at, double value) {
    Put({Datum(name, Json::Object{{"Timestamp", at}, {"Value", value}})});
  }
  std::string PutRefusal(Json datum) {
    return Refusal("PutMetricData", Json::Object{{"Namespace", "test"},
                                                 {"MetricData", Json::Array{std::move(datum)}}});
  }
  Json Statistics(const std::string& name, int from, int to, int period, Json more) {
    Json input = Json::Object{{"Namespace", "test"},
                              {"MetricName", name},
                              {"StartTime", At(from)},
                              {"EndTime", At(to)},
                              {"Period", period}};
    for (const Json::Member& member : more.members()) input = input.With(member.name, member.value);
    return Ask("GetMetricStatistics", input)["Datapoints"];
  }
  Json Stat(const char* id, const char* name, const char* stat, int period = 60) const {
    return Json::Object{
        {"Id", id},
        {"MetricStat",
         Json::Object{{"Metric", Json::Object{{"Namespace", "test"}, {"MetricName", name}}},
                      {"Period", period},
                      {"Stat", stat}}}};
  }
  Json Query(Json::Array queries, Json more = Json::Object{}) {
    Json input = Json::Object{{"MetricDataQueries", std::move(queries)},
                              {"StartTime", At(0)},
                              {"EndTime", At(60)},
                              {"ScanBy", "TimestampAscending"}};
    for (const Json::Member& member : more.members()) input = input.With(member.name, member.value);
    return Ask("GetMetricData", input);
  }

  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, MatchNothing};
  const int64_t now = MillisSinceEpoch(world.loop().clock().Now()) / 1000;
  const int64_t base = now - now % 3600 - 7200;
};

TEST_F(CloudWatchTest, ValuesBecomeStatistics) {
  PutValue("m", At(0, 5), 1);
  PutValue("m", At(0, 59), 3);
  Put({Datum("m", Json::Object{{"Timestamp", At(1)},
                               {"Values", Json::Array{10, 20}},
                               {"Counts", Json::Array{3, 1}}}),
       Datum("m", Json::Object{
                      {"Timestamp", At(3)},
                      {"StatisticValues",
                       Json::Object{
                           {"SampleCount", 5}, {"Sum", 50}, {"Minimum", 2}, {"Maximum", 30}}}})});
  const Json wanted = Json::Object{
      {"Statistics", Json::Array{"SampleCount", "Average", "Sum", "Minimum", "Maximum"}}};
  const Json points = Statistics("m", 0, 60, 60, wanted);
  ASSERT_EQ(points.size(), 3u);
  EXPECT_EQ(points.At(0)["Timestamp"], Json(At(0)));
  EXPECT_EQ(points.At(0)["Sum"], Json(4.0));
  EXPECT_EQ(points.At(0)["Average"], Json(2.0));
  EXPECT_EQ(points.At(0)["Unit"], Json("None"));
  EXPECT_EQ(points.At(1)["SampleCount"], Json(4.0));
  EXPECT_EQ(points.At(1)["Average"], Json(12.5));
  EXPECT_EQ(points.At(2)["Maximum"], Json(30.0));
  const Json hour = Statistics("m", 0, 60, 3600, wanted);
  ASSERT_EQ(hour.size(), 1u);
  EXPECT_EQ(hour.At(0)["SampleCount"], Json(11.0));
  EXPECT_EQ(hour.At(0)["Sum"], Json(104.0));
  EXPECT_EQ(hour.At(0)["Minimum"], Json(1.0));
  // EndTime is not in the range, StartTime is; percentiles only where values are known.
  EXPECT_EQ(Statistics("m", 0, 1, 60, wanted).size(), 1u);
  const Json extended =
      Statistics("m", 0, 60, 60, Json::Object{{"ExtendedStatistics", Json::Array{"p50", "p99"}}});
  EXPECT_EQ(extended.At(1)["ExtendedStatistics"].Print(), R"({"p50":10,"p99":20})");
  EXPECT_FALSE(extended.At(2).Has("ExtendedStatistics"));
}

TEST_F(CloudWatchTest, DimensionsAndUnitsAreApart) {
  const Json dimensions = Json::Array{Json::Object{{"Name", "b"}, {"Value", "2"}},
                                      Json::Object{{"Name", "a"}, {"Value", "1"}}};
  const Json turned = Json::Array{dimensions.At(1), dimensions.At(0)};
  Put({Datum("m", Json::Object{{"Timestamp", At(0)},
                               {"Value", 7},
                               {"Dimensions", dimensions},
                               {"Unit", "Seconds"}}),
       Datum("m", Json::Object{{"Timestamp", At(0)}, {"Value", 9}, {"Dimensions", turned}})});
  const Json sum = Json::Object{{"Statistics", Json::Array{"Sum"}}};
  EXPECT_EQ(Statistics("m", 0, 60, 60, sum).size(), 0u);
  const Json both = Statistics("m", 0, 60, 60, sum.With("Dimensions", turned));
  ASSERT_EQ(both.size(), 2u);
  EXPECT_EQ(both.At(0)["Unit"], Json("None"));
  EXPECT_EQ(both.At(1)["Sum"], Json(7.0));
  EXPECT_EQ(Statistics("m", 0, 60, 60, sum.With("Dimensions", turned).With("Unit", "Bytes")).size(),
            0u);
  const auto listed = [this](Json filter) {
    return Ask("ListMetrics", std::move(filter))["Metrics"].size();
  };
  EXPECT_EQ(listed(Json::Object{{"Namespace", "test"}, {"MetricName", "m"}}), 1u);
  EXPECT_EQ(listed(Json::Object{{"MetricName", "m"}, {"RecentlyActive", "PT3H"}}), 1u);
  EXPECT_EQ(listed(Json::Object{{"Namespace", "tes"}}), 0u);
  EXPECT_EQ(listed(Json::Object{{"Dimensions", Json::Array{Json::Object{{"Name", "a"}}}}}), 1u);
  EXPECT_EQ(listed(Json::Object{
                {"Dimensions", Json::Array{Json::Object{{"Name", "a"}, {"Value", "2"}}}}}),
            0u);
}

TEST_F(CloudWatchTest, ListsComeInPages) {
  for (int part = 0; part < 2; ++part) {
    Json::Array data;
    for (int i = 0; i < 300; ++i)
      data.push_back(Datum("m" + std::to_string(part * 300 + i), Json::Object{{"Value", i}}));
    Put(std::move(data));
  }
  const Json first = Ask("ListMetrics", Json::Object{{"Namespace", "test"}});
  EXPECT_EQ(first["Metrics"].size(), 500u);
  const Json second =
      Ask("ListMetrics", Json::Object{{"Namespace", "test"}, {"NextToken", first["NextToken"]}});
  EXPECT_EQ(second["Metrics"].size(), 100u);
  EXPECT_FALSE(second.Has("NextToken"));
}

TEST_F(CloudWatchTest, WhatIsRefused) {
  const std::string invalid = "InvalidParameterValueException: ";
  const std::string combination = "InvalidParameterCombinationException: ";
  EXPECT_EQ(PutRefusal(Datum("m", Json::Object{{"Value", "NaN"}})),
            invalid + "The value NaN for parameter MetricData.member.1.Value is invalid.");
  EXPECT_EQ(PutRefusal(Datum("m", Json::Object{{"Value", 1e200}})),
            invalid + "The value 1e+200 for parameter MetricData.member.1.Value is invalid.");
  EXPECT_EQ(PutRefusal(Datum("m", Json::Object{{"Value", 1}, {"Values", Json::Array{1}}})),
            combination +
                "The parameters MetricData.member.1.Value and MetricData.member.1.Values are "
                "mutually exclusive and you have specified both.");
  EXPECT_EQ(PutRefusal(Datum(
                "m", Json::Object{{"Values", Json::Array{1, 2}}, {"Counts", Json::Array{1}}})),
            invalid +
                "The parameters MetricData.member.1.Values and MetricData.member.1.Counts "
                "must be of the same size.");
  EXPECT_EQ(PutRefusal(Datum("m", Json::Object{{"Value", 1}, {"Timestamp", now - 15 * 86400}})),
            invalid +
                "The parameter MetricData.member.1.Timestamp must specify a time within the "
                "past two weeks.");
  EXPECT_EQ(PutRefusal(Datum("m", Json::Object{})),
            "MissingRequiredParameterException: At least one of the parameters must be specified.");
  EXPECT_EQ(
      Refusal("PutMetricData",
              Json::Object{{"Namespace", "AWS/X"},
                           {"MetricData", Json::Array{Datum("m", Json::Object{{"Value", 1}})}}}),
      invalid + "The value AWS/ for parameter Namespace is invalid.");
  EXPECT_EQ(PutRefusal(Datum("m", Json::Object{{"Value", 1}, {"Unit", "Metres"}})).substr(0, 40),
            "ValidationException: 1 validation error ");
  Json wide = Json::Object{{"Namespace", "test"}, {"MetricName", "m"},
                           {"Period", 60},        {"StartTime", now - 2 * 86400},
                           {"EndTime", now},      {"Statistics", Json::Array{"Sum"}}};
  EXPECT_EQ(Refusal("GetMetricStatistics", wide).substr(0, combination.size() + 41),
            combination + "You have requested up to 2881 datapoints,");
  EXPECT_EQ(Refusal("GetMetricStatistics", wide.With("EndTime", now - 3 * 86400)),
            invalid + "The parameter StartTime must be less than the parameter EndTime.");
  EXPECT_EQ(
      Refusal("GetMetricData",
              Json::Object{
                  {"StartTime", 1},
                  {"EndTime", 2},
                  {"MetricDataQueries",
                   Json::Array{Json::Object{{"Id", "e1"}, {"Expression", "SEARCH('a', 'Sum')"}}}}}),
      "ValidationException: Error in expression 'e1': The function SEARCH is not supported "
      "by stepmill");
}

TEST_F(CloudWatchTest, DataByQueriesAndExpressions) {
  for (int minute = 0; minute < 5; ++minute) {
    PutValue("errors", At(minute), minute);
    PutValue("calls", At(minute), 10);
  }
  const Json hidden = Stat("m1", "errors", "Sum").With("ReturnData", false);
  const Json answer =
      Query({hidden, Stat("m2", "calls", "Sum"),
             Json::Object{{"Id", "e1"}, {"Expression", "100*m1/m2"}, {"Label", "rate"}},
             Json::Object{{"Id", "e2"}, {"Expression", "SUM(METRICS())+e1"}}});
  const Json results = answer["MetricDataResults"];
  ASSERT_EQ(results.size(), 3u);
  EXPECT_EQ(results.At(0)["Label"], Json("calls"));
  EXPECT_EQ(results.At(1)["Label"], Json("rate"));
  EXPECT_EQ(results.At(1)["Values"].Print(), "[0,10,20,30,40]");
  EXPECT_EQ(results.At(1)["Timestamps"].At(4), Json(At(4)));
  EXPECT_EQ(results.At(1)["StatusCode"], Json("Complete"));
  EXPECT_EQ(results.At(2)["Values"].Print(), "[10,21,32,43,54]");
  const Json reversed = Query({Stat("m1", "errors", "Maximum", 120)},
                              Json::Object{{"ScanBy", "TimestampDescending"}});
  EXPECT_EQ(reversed["MetricDataResults"].At(0)["Values"].Print(), "[4,3,1]");
}

TEST_F(CloudWatchTest, DataComeInPages) {
  for (int minute = 0; minute < 5; ++minute) PutValue("m", At(minute), minute);
  const Json::Array queries = {Stat("a", "m", "Sum"), Stat("none", "nothing", "Sum"),
                               Stat("b", "m", "Sum")};
  Json more = Json::Object{{"MaxDatapoints", 3}};
  std::string seen;
  for (int page = 0; page < 4; ++page) {
    const Json answer = Query(queries, more);
    for (const Json& line : answer["MetricDataResults"].items())
      seen += line.StringOr("Id", "") + line["Values"].Print() +
              (line["StatusCode"] == Json("Complete") ? " " : "+ ");
    seen += "| ";
    if (!answer.Has("NextToken")) break;
    more = more.With("NextToken", answer["NextToken"]);
  }
  EXPECT_EQ(seen, "a[0,1,2]+ none[] | a[3,4] b[0]+ | b[1,2,3]+ | b[4] | ");
}

TEST_F(CloudWatchTest, SecondsGoAfterThreeHoursAndMinutesStay) {
  const int64_t at = now - now % 60 - 4 * 3600;
  Put({Datum("m", Json::Object{{"Timestamp", at + 1}, {"Value", 1}, {"StorageResolution", 1}}),
       Datum("m", Json::Object{{"Timestamp", at + 2}, {"Value", 2}, {"StorageResolution", 1}})});
  const auto count = [&](int period) {
    return Ask("GetMetricStatistics",
               Json::Object{{"Namespace", "test"},
                            {"MetricName", "m"},
                            {"StartTime", at},
                            {"EndTime", at + 60},
                            {"Period", period},
                            {"Statistics", Json::Array{"Sum"}}})["Datapoints"]
        .size();
  };
  EXPECT_EQ(count(1), 2u);
  EXPECT_EQ(count(60), 1u);
  Ask("SweepMetrics", Json::Object{}, true);
  EXPECT_EQ(count(1), 0u);
  EXPECT_EQ(count(60), 1u);
}

TEST_F(CloudWatchTest, AnAlarmFollowsItsMetric) {
  ASSERT_TRUE(world.Run(world.ports().engine.Recover()));
  const Json alarm =
      Json::Object{{"AlarmName", "hot"}, {"Namespace", "test"},
                   {"MetricName", "m"},  {"Statistic", "Maximum"},
                   {"Period", 60},       {"EvaluationPeriods", 1},
                   {"Threshold", 5},     {"ComparisonOperator", "GreaterThanThreshold"}};
  Ask("PutMetricAlarm", alarm);
  const auto shown = [this] {
    return Ask("DescribeAlarms", Json::Object{{"AlarmNames", Json::Array{"hot"}}})["MetricAlarms"]
        .At(0);
  };
  EXPECT_EQ(shown()["StateValue"], Json("INSUFFICIENT_DATA"));
  EXPECT_EQ(shown()["StateReason"], Json("Unchecked: Initial alarm creation"));
  const int64_t minute = now - now % 60 - 60;
  PutValue("m", minute, 9);
  ASSERT_TRUE(world.RunUntil([&] { return shown()["StateValue"] == Json("ALARM"); }));
  EXPECT_EQ(shown().StringOr("StateReason", "").substr(0, 64),
            "Threshold Crossed: 1 out of the last 1 datapoints [9.0 (" +
                FormatTime(TimeFromMillis(minute * 1000), "%d/%m/%y"));
  const Json event = world.events.back();
  EXPECT_EQ(event["source"], Json("aws.cloudwatch"));
  EXPECT_EQ(event["detail-type"], Json("CloudWatch Alarm State Change"));
  EXPECT_EQ(event["detail"]["state"]["value"], Json("ALARM"));
  EXPECT_EQ(event["detail"]["previousState"]["value"], Json("INSUFFICIENT_DATA"));
  EXPECT_EQ(event["detail"]["configuration"]["metrics"].At(0)["metricStat"]["stat"],
            Json("Maximum"));
  EXPECT_EQ(Refusal("SetAlarmState",
                    Json::Object{{"AlarmName", "no"}, {"StateValue", "OK"}, {"StateReason", "x"}})
                .substr(0, 16),
            "ResourceNotFound");
  Ask("SetAlarmState",
      Json::Object{{"AlarmName", "hot"}, {"StateValue", "OK"}, {"StateReason", "by hand"}});
  EXPECT_EQ(world.events.back()["detail"]["state"]["reason"], Json("by hand"));
  Ask("TagResource",
      Json::Object{{"ResourceARN", shown()["AlarmArn"]},
                   {"Tags", Json::Array{Json::Object{{"Key", "k"}, {"Value", "v"}}}}});
  EXPECT_EQ(Ask("ListTagsForResource", Json::Object{{"ResourceARN", shown()["AlarmArn"]}}).Print(),
            R"({"Tags":[{"Key":"k","Value":"v"}]})");
  Ask("DeleteAlarms", Json::Object{{"AlarmNames", Json::Array{"hot"}}});
  EXPECT_EQ(Ask("DescribeAlarms", Json::Object{})["MetricAlarms"].size(), 0u);
}

TEST_F(CloudWatchTest, BuildsAreCounted) {
  const Json build = Json::Object{
      {"time", FormatIso(TimeFromMillis(At(2) * 1000))},
      {"detail",
       Json::Object{
           {"project-name", "p"},
           {"build-status", "FAILED"},
           {"additional-information",
            Json::Object{{"phases", Json::Array{Json::Object{{"phaseType", "BUILD"},
                                                             {"durationInSeconds", 7}},
                                                Json::Object{{"phaseType", "INSTALL"},
                                                             {"durationInSeconds", 3}}}}}}}}};
  Ask("OnBuildEvent", Json::Object{{"event", build}}, true);
  const auto sum = [this](const char* name, Json dimensions) {
    const Json points =
        Ask("GetMetricStatistics", Json::Object{{"Namespace", "AWS/CodeBuild"},
                                                {"MetricName", name},
                                                {"StartTime", At(0)},
                                                {"EndTime", At(60)},
                                                {"Period", 3600},
                                                {"Dimensions", std::move(dimensions)},
                                                {"Statistics", Json::Array{"Sum"}}})["Datapoints"];
    return points.size() == 1 ? points.At(0)["Sum"].AsDouble() : -1;
  };
  const Json project = Json::Array{Json::Object{{"Name", "ProjectName"}, {"Value", "p"}}};
  EXPECT_EQ(sum("FailedBuilds", project), 1);
  EXPECT_EQ(sum("FailedBuilds", Json::Array{}), 1);
  EXPECT_EQ(sum("Duration", project), 10);
  EXPECT_EQ(sum("BuildDuration", project), 7);
  EXPECT_EQ(sum("SucceededBuilds", project), -1);
}

}  // namespace
}  // namespace stepmill::cloudwatch
