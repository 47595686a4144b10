#include "service/sns/sns.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"
#include "app/test_web.h"
#include "service/sqs/sqs.h"

namespace stepmill::sns {
namespace {

constexpr char kTopic[] = "arn:aws:sns:us-east-1:000000000000:news";

class SnsTest : public testing::Test {
 protected:
  static bool MatchNothing(const Json&, const Json&) { return false; }
  Json Ask(const char* service, const char* operation, Json input) {
    const Result<Json> answer = world.Ask(service, operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  void SetUp() override {
    ASSERT_TRUE(world.Run(world.engine().Recover()));
    Ask("sns", "CreateTopic", Json::Object{{"Name", "news"}});
    Ask("sqs", "CreateQueue", Json::Object{{"QueueName", "q"}});
  }
  Json Subscribe(const std::string& queue, Json attributes) {
    return Ask("sns", "Subscribe",
               Json::Object{{"TopicArn", kTopic},
                            {"Protocol", "sqs"},
                            {"Endpoint", "arn:aws:sqs:us-east-1:000000000000:" + queue},
                            {"Attributes", std::move(attributes)}});
  }
  Json Publish(Json input) { return Ask("sns", "Publish", input.With("TopicArn", kTopic)); }
  /// The next message of a queue, within the time of a long poll.
  Json Receive(const std::string& queue) {
    const Json got = Ask("sqs", "ReceiveMessage",
                         Json::Object{{"QueueUrl", queue},
                                      {"WaitTimeSeconds", 20},
                                      {"MessageAttributeNames", Json::Array{"All"}}});
    return got["Messages"].size() == 1 ? got["Messages"].At(0) : Json();
  }
  CaseBlobs blobs;
  FakeWeb web;
  TestWorld world{{&kService, &sqs::kService}, &blobs, nullptr, MatchNothing, nullptr, &web};
};

TEST(Sns, TopicsAreAsTheCasesSay) {
  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, [](const Json&, const Json&) { return false; }};
  RunServiceCases(world, "sns", "service/sns/cases/topics.case");
}

TEST_F(SnsTest, AQueueGetsTheMessageInItsEnvelope) {
  Subscribe("q", Json(Json::Object{}));
  const Json attribute = Json::Object{{"DataType", "String"}, {"StringValue", "v"}};
  const Json published =
      Publish(Json::Object{{"Message", "日本"},
                           {"Subject", "s"},
                           {"MessageAttributes", Json::Object{{"a", attribute}}}});
  const std::string body = Receive("q").StringOr("Body", "");
  const auto envelope = ParseJson(body);
  ASSERT_TRUE(envelope) << body;
  EXPECT_EQ(envelope->StringOr("Type", ""), "Notification");
  EXPECT_EQ((*envelope)["MessageId"], published["MessageId"]);
  EXPECT_EQ(envelope->StringOr("Message", ""), "日本");
  EXPECT_EQ(envelope->StringOr("Subject", ""), "s");
  EXPECT_EQ(envelope->StringOr("TopicArn", ""), kTopic);
  EXPECT_EQ((*envelope)["MessageAttributes"]["a"].StringOr("Value", ""), "v");
  EXPECT_TRUE(body.starts_with("{\n  \"Type\" : \"Notification\",\n")) << body;
}

TEST_F(SnsTest, RawMessagesAndFilters) {
  Subscribe("q", Json::Object{{"RawMessageDelivery", "true"},
                              {"FilterPolicy", R"({"n": [{"numeric": [">", 5]}]})"}});
  const auto message = [](const char* text, const char* number) {
    const Json attribute = Json::Object{{"DataType", "Number"}, {"StringValue", number}};
    return Json(
        Json::Object{{"Message", text}, {"MessageAttributes", Json::Object{{"n", attribute}}}});
  };
  Publish(message("small", "5"));
  Publish(message("large", "6"));
  const Json got = Receive("q");
  EXPECT_EQ(got.StringOr("Body", ""), "large");
  EXPECT_EQ(got["MessageAttributes"]["n"].StringOr("StringValue", ""), "6");
}

TEST_F(SnsTest, ALostQueueLeavesTheMessageToTheDeadLetterQueue) {
  Subscribe("gone",
            Json::Object{{"RedrivePolicy",
                          R"({"deadLetterTargetArn": "arn:aws:sqs:us-east-1:000000000000:q"})"}});
  Publish(Json::Object{{"Message", "kept"}});
  EXPECT_NE(Receive("q").StringOr("Body", "").find("kept"), std::string::npos);
}

TEST_F(SnsTest, FifoTopicsKeepTheOrder) {
  Ask("sns", "CreateTopic", *ParseJson(R"({"Name": "l.fifo", "Attributes": {"FifoTopic": "true",
                     "ContentBasedDeduplication": "true"}})"));
  Ask("sqs", "CreateQueue",
      *ParseJson(R"({"QueueName": "l.fifo", "Attributes": {"FifoQueue": "true"}})"));
  const std::string topic = "arn:aws:sns:us-east-1:000000000000:l.fifo";
  Ask("sns", "Subscribe",
      Json::Object{{"TopicArn", topic},
                   {"Protocol", "sqs"},
                   {"Endpoint", "arn:aws:sqs:us-east-1:000000000000:l.fifo"},
                   {"Attributes", Json::Object{{"RawMessageDelivery", "true"}}}});
  for (int i = 0; i < 5; ++i)
    Ask("sns", "Publish",
        Json::Object{{"TopicArn", topic}, {"Message", std::to_string(i)}, {"MessageGroupId", "g"}});
  const Json got = Ask("sqs", "ReceiveMessage",
                       Json::Object{{"QueueUrl", "l.fifo"}, {"MaxNumberOfMessages", 10}});
  ASSERT_EQ(got["Messages"].size(), 5u);
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(got["Messages"].At(i).StringOr("Body", ""), std::to_string(i));
}

TEST_F(SnsTest, AnHttpsEndpointIsAskedAndThenTold) {
  web.Answer(200, "OK", "");
  Ask("sns", "Subscribe",
      Json::Object{
          {"TopicArn", kTopic}, {"Protocol", "https"}, {"Endpoint", "https://example.com/in"}});
  ASSERT_TRUE(world.RunUntil([&] { return web.sent.size() == 1; }));
  const auto asked = ParseJson(web.sent[0].body);
  ASSERT_TRUE(asked);
  EXPECT_EQ(asked->StringOr("Type", ""), "SubscriptionConfirmation");
  Publish(Json::Object{{"Message", "too early"}});
  Ask("sns", "ConfirmSubscription",
      Json::Object{{"TopicArn", kTopic}, {"Token", (*asked)["Token"]}});
  web.Answer(503, "Unavailable", "");  // it is told again
  web.Answer(200, "OK", "");
  Publish(Json::Object{{"Message", "now"}});
  ASSERT_TRUE(world.RunUntil([&] { return web.sent.size() == 3; }));
  for (const size_t i : {1, 2})
    EXPECT_EQ(ParseJson(web.sent[i].body).value_or(Json()).StringOr("Message", ""), "now");
}

}  // namespace
}  // namespace stepmill::sns
