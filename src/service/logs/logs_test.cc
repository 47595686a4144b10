#include "service/logs/logs.h"

#include <gtest/gtest.h>

#include <set>

#include "app/service_cases.h"
#include "service/logs/filter.h"

namespace stepmill::logs {
namespace {

class LogsTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }
  Json Ask(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("logs", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  void MakeStream(const std::string& stream) {
    (void)world.Ask("logs", "CreateLogGroup", Json::Object{{"logGroupName", "g"}});
    Ask("CreateLogStream", Json::Object{{"logGroupName", "g"}, {"logStreamName", stream}});
  }
  /// Events "1", "2", ... one millisecond apart, from `first` on.
  void Put(const std::string& stream, int first, int count, size_t padding = 0, int step = 1) {
    Json::Array events;
    for (int i = 0; i < count; ++i)
      events.push_back(
          Json::Object{{"timestamp", start + first + i * step},
                       {"message", std::to_string(first + i * step) + std::string(padding, '.')}});
    Ask("PutLogEvents",
        Json::Object{
            {"logGroupName", "g"}, {"logStreamName", stream}, {"logEvents", std::move(events)}});
  }
  static std::string Messages(const Json& answer) {
    std::string text;
    for (const Json& event : answer["events"].items())
      text += std::to_string(std::atoi(event.StringOr("message", "").c_str())) + " ";
    return text;
  }
  Json Get(Json more) {
    Json::Object input{{"logGroupName", "g"}, {"logStreamName", "s"}};
    for (const Json::Member& member : more.members()) input.Set(member.name, member.value);
    return Ask("GetLogEvents", std::move(input));
  }

  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, MatchNothing};
  const int64_t start = MillisSinceEpoch(world.loop().clock().Now()) - 60'000;
};

TEST(LogsFilter, MatchesAsTheCasesSay) {
  std::ifstream file(SourceDir() + "/src/service/logs/cases/filter.case");
  ASSERT_TRUE(file.is_open());
  int count = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    ++count;
    const size_t first = line.find(" => "), second = line.rfind(" => ");
    ASSERT_LT(first, second) << line;
    const auto filter = Filter::Compile(line.substr(0, first));
    const std::string wanted = line.substr(second + 4);
    if (wanted == "invalid") {
      ASSERT_FALSE(filter) << line;
      EXPECT_EQ(filter.error().name, "InvalidParameterException");
      continue;
    }
    ASSERT_TRUE(filter) << line << ": " << filter.error().message;
    EXPECT_EQ(filter->Matches(line.substr(first + 4, second - first - 4)), wanted == "yes") << line;
  }
  EXPECT_GT(count, 50);
}

TEST_F(LogsTest, AnswersAsTheCasesSay) {
  RunServiceCases(world, "logs", "service/logs/cases/logs.case");
}

TEST_F(LogsTest, ReadsForwardAndBackwardWithTokensThatStayGood) {
  MakeStream("s");
  Put("s", 1, 5);
  Put("s", 6, 5);
  EXPECT_EQ(Messages(Get(Json::Object{})), "1 2 3 4 5 6 7 8 9 10 ");
  Json page = Get(Json::Object{{"limit", 4}});
  EXPECT_EQ(Messages(page), "7 8 9 10 ");
  page = Get(Json::Object{{"limit", 4}, {"nextToken", page["nextBackwardToken"]}});
  EXPECT_EQ(Messages(page), "3 4 5 6 ");
  page = Get(Json::Object{{"limit", 4}, {"nextToken", page["nextBackwardToken"]}});
  EXPECT_EQ(Messages(page), "1 2 ");
  const Json begin = Get(Json::Object{{"nextToken", page["nextBackwardToken"]}});
  EXPECT_EQ(Messages(begin), "");
  EXPECT_EQ(begin["nextBackwardToken"], page["nextBackwardToken"]) << "the beginning is reached";

  page = Get(Json::Object{{"limit", 7}, {"startFromHead", true}});
  EXPECT_EQ(Messages(page), "1 2 3 4 5 6 7 ");
  page = Get(Json::Object{{"nextToken", page["nextForwardToken"]}});
  EXPECT_EQ(Messages(page), "8 9 10 ");
  const Json end = Get(Json::Object{{"nextToken", page["nextForwardToken"]}});
  EXPECT_EQ(Messages(end), "");
  EXPECT_EQ(end["nextForwardToken"], page["nextForwardToken"]) << "the end is reached";
  Put("s", 11, 1);
  EXPECT_EQ(Messages(Get(Json::Object{{"nextToken", end["nextForwardToken"]}})), "11 ");
  EXPECT_EQ(Messages(Get(Json::Object{{"startTime", start + 4}, {"endTime", start + 7}})),
            "4 5 6 ");
}

TEST_F(LogsTest, KeepsAnswersBelowAMegabyte) {
  MakeStream("s");
  for (int i = 0; i < 30; ++i) Put("s", 1 + i * 10, 10, 10'000);
  std::string all;
  Json page = Get(Json::Object{{"startFromHead", true}});
  for (int pages = 1; page["events"].size() > 0; ++pages) {
    ASSERT_LT(pages, 10);
    EXPECT_LT(page["events"].size(), 110u);
    all += Messages(page);
    page = Get(Json::Object{{"nextToken", page["nextForwardToken"]}});
  }
  std::string wanted;
  for (int i = 1; i <= 300; ++i) wanted += std::to_string(i) + " ";
  EXPECT_EQ(all, wanted);
  EXPECT_EQ(Messages(Get(Json::Object{{"startFromHead", true}, {"startTime", start + 299}})),
            "299 300 ");
}

TEST_F(LogsTest, FiltersStreamsSideBySide) {
  MakeStream("s");
  MakeStream("t");
  Put("s", 1, 50, 0, 2);  // 1 3 5 ...
  Put("t", 2, 50, 0, 2);  // 2 4 6 ...
  std::string all, wanted;
  Json input = Json::Object{{"logGroupName", "g"}, {"limit", 7}};
  std::set<std::string> ids;
  for (int pages = 0;; ++pages) {
    ASSERT_LT(pages, 20);
    const Json page = Ask("FilterLogEvents", input);
    all += Messages(page);
    for (const Json& event : page["events"].items()) {
      EXPECT_EQ(event.StringOr("eventId", "").size(), 56u);
      ids.insert(event.StringOr("eventId", ""));
    }
    if (!page.Has("nextToken")) break;
    input = input.With("nextToken", page["nextToken"]);
  }
  for (int i = 1; i <= 100; ++i) wanted += std::to_string(i) + " ";
  EXPECT_EQ(all, wanted);
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_EQ(Messages(Ask("FilterLogEvents",
                         Json::Object{{"logGroupName", "g"}, {"filterPattern", "?17 ?18"}})),
            "17 18 ");
  EXPECT_EQ(Messages(Ask("FilterLogEvents", Json::Object{{"logGroupName", "g"},
                                                         {"logStreamNames", Json::Array{"t"}},
                                                         {"startTime", start + 97}})),
            "98 100 ");
  const Json described =
      Ask("DescribeLogStreams",
          Json::Object{{"logGroupName", "g"}, {"orderBy", "LastEventTime"}, {"descending", true}});
  EXPECT_EQ(described["logStreams"].At(0).StringOr("logStreamName", ""), "t");
  EXPECT_EQ(described["logStreams"].At(0).IntOr("lastEventTimestamp", 0), start + 100);
}

TEST_F(LogsTest, HidesAndDropsWhatIsPastItsRetention) {
  MakeStream("s");
  const int64_t day = 86'400'000;
  const int64_t now = start + 60'000;
  const auto put = [&](int64_t at, const char* text) {
    const Json event = Json::Object{{"timestamp", at}, {"message", text}};
    Ask("PutLogEvents",
        Json::Object{
            {"logGroupName", "g"}, {"logStreamName", "s"}, {"logEvents", Json::Array{event}}});
  };
  put(now - 10 * day, "1");
  put(now, "2");
  EXPECT_EQ(Messages(Get(Json::Object{})), "1 2 ");
  Ask("PutRetentionPolicy", Json::Object{{"logGroupName", "g"}, {"retentionInDays", 7}});
  EXPECT_EQ(Messages(Get(Json::Object{})), "2 ");
  put(now, "3");
  Ask("DeleteRetentionPolicy", Json::Object{{"logGroupName", "g"}});
  EXPECT_EQ(Messages(Get(Json::Object{{"startFromHead", true}})), "2 3 ") << "really gone";
}

}  // namespace
}  // namespace stepmill::logs
