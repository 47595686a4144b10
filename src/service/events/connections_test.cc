#include "service/events/connections.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"
#include "app/test_blobs.h"
#include "app/test_web.h"
#include "service/events/events.h"
#include "service/secretsmanager/secretsmanager.h"

namespace stepmill::events {
namespace {

bool MatchNothing(const Json&, const Json&) { return false; }

class ConnectionsTest : public testing::Test {
 protected:
  ConnectionsTest() { EXPECT_TRUE(world.Run(world.engine().Recover())); }
  Json Ask(const char* service, const char* operation, const std::string& input,
           bool is_internal = false) {
    const Result<Json> answer = world.Ask(service, operation, *ParseJson(input), is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refused(const char* service, const char* operation, const std::string& input,
                      bool is_internal = false) {
    const Result<Json> answer = world.Ask(service, operation, *ParseJson(input), is_internal);
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  }
  Json Describe() { return Ask("events", "DescribeConnection", R"({"Name": "c"})"); }
  bool WaitForState(const std::string& state) {
    return world.RunUntil([&] { return Describe().StringOr("ConnectionState", "") == state; });
  }
  std::string Named(const char* member) {
    return std::string(R"({")") + member + R"(": ")" + Describe().StringOr("ConnectionArn", "") +
           R"("})";
  }
  void CreateOAuth(const std::string& method = "POST") {
    const Json answer = Ask("events", "CreateConnection",
                            R"({"Name": "c",
        "AuthorizationType": "OAUTH_CLIENT_CREDENTIALS", "AuthParameters": {"OAuthParameters": {
        "ClientParameters": {"ClientID": "me", "ClientSecret": "hidden-5"},
        "AuthorizationEndpoint": "https://example.com/oauth", "HttpMethod": ")" +
                                method + R"(",
        "OAuthHttpParameters": {"HeaderParameters": [{"Key": "x-h", "Value": "1"}],
        "BodyParameters": [{"Key": "grant_type", "Value": "client_credentials"}],
        "QueryStringParameters": [{"Key": "q", "Value": "a b"}]}}}})");
    EXPECT_EQ(answer.StringOr("ConnectionState", ""), "AUTHORIZING");
    EXPECT_FALSE(answer.Has("LastAuthorizedTime"));
  }

  NoBlobs blobs;
  FakeWeb web;
  TestWorld world{
      {&kService, &secretsmanager::kService}, &blobs, nullptr, MatchNothing, nullptr, &web};
};

TEST_F(ConnectionsTest, AnswersAsTheCasesSay) {
  RunServiceCases(world, "events", "service/events/cases/connections.case");
}

TEST_F(ConnectionsTest, KeepsTheSecretInSecretsManagerAndNowhereElse) {
  Ask("events", "CreateConnection", R"({"Name": "c", "AuthorizationType": "API_KEY",
      "AuthParameters": {"ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "hidden-6"},
      "InvocationHttpParameters": {}}})");
  const std::string arn = Describe().StringOr("SecretArn", "");
  EXPECT_TRUE(
      arn.starts_with("arn:aws:secretsmanager:us-east-1:000000000000:secret:events!connection/c/"))
      << arn;
  const std::string id = R"({"SecretId": ")" + arn + R"("})";
  EXPECT_EQ(
      Ask("secretsmanager", "GetSecretValue", id).StringOr("SecretString", ""),
      R"({"api_key_name":"x-key","api_key_value":"hidden-6","invocation_http_parameters":{}})");
  const Json described = Ask("secretsmanager", "DescribeSecret", id);
  EXPECT_EQ(described.StringOr("OwningService", ""), "events");
  EXPECT_EQ(described["Tags"].Print(),
            R"([{"Key":"aws:secretsmanager:owningService","Value":"events"}])");
  EXPECT_EQ(Refused("secretsmanager", "PutSecretValue",
                    R"({"SecretString": "x", "SecretId": ")" + arn + R"("})"),
            "InvalidRequestException: Operation is not allowed on secret owned by events");
  const auto all =
      world.Run(world.unopened_store().Range("", "~", Direction::kForward, 100)).value();
  EXPECT_GT(all.size(), 2u);
  for (const Document& document : all)
    EXPECT_EQ(document.body.Print().find("hidden-6"), std::string::npos) << document.key;
  Ask("events", "DeleteConnection", R"({"Name": "c"})");
  EXPECT_EQ(Refused("secretsmanager", "DescribeSecret", id),
            "ResourceNotFoundException: Secrets Manager can't find the specified secret.");
}

TEST_F(ConnectionsTest, GetsATokenAndAnotherWhenItIsRefused) {
  web.Answer(200, "OK", R"({"access_token": "t1", "expires_in": 3600, "token_type": "Bearer"})");
  CreateOAuth();
  ASSERT_TRUE(WaitForState("AUTHORIZED"));
  ASSERT_EQ(web.sent.size(), 1u);
  EXPECT_EQ(FakeWeb::Text(web.sent[0]),
            "POST https://example.com/oauth?q=a%20b\nContent-Type: "
            "application/x-www-form-urlencoded\nx-h: 1\n\n"
            "grant_type=client_credentials&client_secret=hidden-5&client_id=me");
  const std::string arn = Named("ConnectionArn");
  Json read = Ask("events", "RetrieveConnectionCredentials", arn, true);
  EXPECT_EQ(read["headers"].Print(), R"([["Authorization","Bearer t1"]])");
  web.Answer(200, "OK", R"({"access_token": "t2", "expires_in": "10"})");
  EXPECT_EQ(Ask("events", "RenewConnectionCredentials", arn, true).Print(),
            R"({"isRenewed":true})");
  // One that is about to end is not used.
  web.Answer(200, "OK", R"({"access_token": "t3"})");
  for (int i = 0; i < 2; ++i) {
    read = Ask("events", "RetrieveConnectionCredentials", arn, true);
    EXPECT_EQ(read["headers"].Print(), R"([["Authorization","Bearer t3"]])");
  }
  EXPECT_EQ(web.sent.size(), 3u);
  const auto all =
      world.Run(world.unopened_store().Range("", "~", Direction::kForward, 100)).value();
  for (const Document& document : all)
    EXPECT_EQ(document.body.Print().find("\"t3\""), std::string::npos) << document.key;
}

TEST_F(ConnectionsTest, WithoutATokenItIsDeauthorized) {
  web.Answer(403, "Forbidden", "no");
  CreateOAuth("GET");
  ASSERT_TRUE(WaitForState("DEAUTHORIZED"));
  EXPECT_EQ(Describe().StringOr("StateReason", ""),
            "The authorization endpoint answered with the status code 403.");
  EXPECT_EQ(FakeWeb::Text(web.sent.at(0)),
            "GET https://example.com/oauth?q=a%20b&grant_type=client_credentials&"
            "client_secret=hidden-5&client_id=me\nx-h: 1\n\n");
  EXPECT_EQ(Refused("events", "RetrieveConnectionCredentials", Named("ConnectionArn"), true),
            "Events.ConnectionResource.InvalidConnectionState: The connection is in the state "
            "DEAUTHORIZED.");
  EXPECT_EQ(
      Refused("events", "RetrieveConnectionCredentials", R"({"ConnectionArn": "arn:x/c/y"})", true),
      "Events.ConnectionResource.ResourceNotFound: The connection arn:x/c/y does not exist.");
}

TEST_F(ConnectionsTest, RefusedCredentialsThatCannotBeRenewedAreNotUsedAgain) {
  Ask("events", "CreateConnection", R"({"Name": "c", "AuthorizationType": "BASIC",
      "AuthParameters": {"BasicAuthParameters": {"Username": "u", "Password": "p"}}})");
  const std::string arn = Named("ConnectionArn");
  EXPECT_EQ(Ask("events", "RetrieveConnectionCredentials", arn, true)["headers"].Print(),
            R"([["Authorization","Basic dTpw"]])");
  EXPECT_EQ(Ask("events", "RenewConnectionCredentials", arn, true).Print(),
            R"({"isRenewed":false})");
  EXPECT_EQ(Describe().StringOr("ConnectionState", ""), "DEAUTHORIZED");
}

}  // namespace
}  // namespace stepmill::events
