#include "app/test_states.h"
#include "app/test_web.h"
#include "service/events/events.h"
#include "service/secretsmanager/secretsmanager.h"

namespace stepmill::states {
namespace {

struct HttpTaskWeb {
  FakeWeb web;
};

class HttpTaskTest : private HttpTaskWeb, public StatesTest {
 protected:
  HttpTaskTest()
      : StatesTest({&kService, &events::kService, &secretsmanager::kService}, nullptr, &web) {}

  std::string Connect(const std::string& type, const std::string& auth) {
    const auto answer = world.Ask("events", "CreateConnection",
                                  *ParseJson(R"({"Name": "c", "AuthorizationType": ")" + type +
                                             R"(", "AuthParameters": {)" + auth + "}}"));
    EXPECT_TRUE(answer) << answer.error().message;
    return answer ? answer->StringOr("ConnectionArn", "") : "";
  }
  std::string ConnectByKey() {
    return Connect("API_KEY",
                   R"("ApiKeyAuthParameters": {"ApiKeyName": "x-key", "ApiKeyValue": "hidden"})");
  }
  std::string TaskState(const std::string& connection, const std::string& more = "") {
    return R"({"Type": "Task", "Resource": "arn:aws:states:::http:invoke", "End": true,
        "Parameters": {"ApiEndpoint": "https://example.com/a", "Method": "GET",
        "Authentication": {"ConnectionArn": ")" +
           connection + R"("}})" + more + "}";
  }
  Json Finished(const std::string& connection, const std::string& more = "") {
    Create("m", R"({"StartAt": "A", "States": {"A": )" + TaskState(connection, more) + "}}");
    arn = Start("m", "{}");
    return WaitFor(arn);
  }
  Json Test(const std::string& connection, bool reveals) {
    return Ask("TestState", Json::Object{{"definition", TaskState(connection)},
                                         {"roleArn", kRole},
                                         {"inspectionLevel", "TRACE"},
                                         {"revealSecrets", reveals}});
  }
  std::string State() {
    return world.Ask("events", "DescribeConnection", Json::Object{{"Name", "c"}})
        ->StringOr("ConnectionState", "");
  }

  using HttpTaskWeb::web;
  std::string arn;
};

TEST_F(HttpTaskTest, TheAnswerIsTheTasksResult) {
  web.Answer(200, "OK", R"({"b": 1})");
  const Json described = Finished(ConnectByKey());
  EXPECT_EQ(described.StringOr("output", described.Print()),
            R"({"Headers":{"Content-Type":["application/json"],"X-A":["1","2"]},)"
            R"("ResponseBody":{"b":1},"StatusCode":200,"StatusText":"OK"})");
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0TaskStateEntered 3<2TaskScheduled 4<3TaskStarted "
            "5<4TaskSucceeded 6<5TaskStateExited 7<6ExecutionSucceeded ");
  EXPECT_EQ(FakeWeb::Text(web.sent.at(0)),
            "GET https://example.com/a\nx-key: hidden\nUser-Agent: "
            "Amazon|StepFunctions|HttpInvoke|us-east-1\nRange: bytes=0-262144\n\n");
  const Json history = Ask("GetExecutionHistory", Json::Object{{"executionArn", arn}});
  EXPECT_EQ(history.Print().find("hidden"), std::string::npos);
}

TEST_F(HttpTaskTest, AStatusIsAnErrorThatCanBeRetried) {
  web.Answer(503, "Service Unavailable", "busy", "text/plain");
  web.Answer(404, "Not Found", "{}");
  const Json described = Finished(ConnectByKey(), R"(, "Retry": [{"ErrorEquals":
      ["States.Http.StatusCode.503"], "IntervalSeconds": 1}])");
  EXPECT_EQ(described.StringOr("error", ""), "States.Http.StatusCode.404");
  EXPECT_EQ(described.StringOr("cause", ""), "Not Found");
  EXPECT_EQ(web.sent.size(), 2u);
}

TEST_F(HttpTaskTest, NoAnswerIsASocketError) {
  const Json described = Finished(ConnectByKey());
  EXPECT_EQ(described.StringOr("error", ""), "States.Http.Socket");
  EXPECT_EQ(described.StringOr("cause", ""), "no answer is left");
}

TEST_F(HttpTaskTest, RefusedCredentialsDeauthorizeTheConnection) {
  web.Answer(401, "Unauthorized", "");
  const std::string connection = ConnectByKey();
  EXPECT_EQ(Finished(connection).StringOr("error", ""), "States.Http.StatusCode.401");
  EXPECT_EQ(State(), "DEAUTHORIZED");
  const Json again = WaitFor(Start("m", "{}"));
  EXPECT_EQ(again.StringOr("error", ""), "Events.ConnectionResource.InvalidConnectionState");
  EXPECT_EQ(web.sent.size(), 1u);
}

TEST_F(HttpTaskTest, ARefusedTokenIsRenewedOnce) {
  web.Answer(200, "OK", R"({"access_token": "t1", "expires_in": 3600})");
  const std::string connection = Connect("OAUTH_CLIENT_CREDENTIALS", R"("OAuthParameters": {
      "ClientParameters": {"ClientID": "me", "ClientSecret": "hidden"},
      "AuthorizationEndpoint": "https://example.com/oauth", "HttpMethod": "POST"})");
  ASSERT_TRUE(world.RunUntil([&] { return State() == "AUTHORIZED"; }));
  web.Answer(401, "Unauthorized", "");
  web.Answer(200, "OK", R"({"access_token": "t2"})");
  web.Answer(200, "OK", "fine", "text/plain");
  const Json output = *ParseJson(Finished(connection).StringOr("output", "null"));
  EXPECT_EQ(output.StringOr("ResponseBody", ""), "fine");
  ASSERT_EQ(web.sent.size(), 4u);
  EXPECT_EQ(web.sent[1].headers[0].value, "Bearer t1");
  EXPECT_EQ(web.sent[3].headers[0].value, "Bearer t2");
}

TEST_F(HttpTaskTest, AConnectionThatIsNotThereIsNamed) {
  const Json described = Finished("arn:aws:events:us-east-1:000000000000:connection/none/00000000");
  EXPECT_EQ(described.StringOr("error", ""), "Events.ConnectionResource.ResourceNotFound");
  EXPECT_TRUE(web.sent.empty());
}

TEST_F(HttpTaskTest, AForbiddenHeaderFailsBeforeTheTaskIsScheduled) {
  const std::string connection = ConnectByKey();
  Create("m", R"({"StartAt": "A", "States": {"A": {"Type": "Task", "Resource":
      "arn:aws:states:::http:invoke", "End": true, "Parameters": {"ApiEndpoint":
      "https://example.com", "Method": "GET", "Headers": {"Authorization": "x"},
      "Authentication": {"ConnectionArn": ")" +
                  connection + R"("}}}}})");
  arn = Start("m", "{}");
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("error", ""), "States.Runtime");
  const std::string cause = described.StringOr("cause", "");
  EXPECT_TRUE(
      cause.starts_with("An error occurred while executing the state 'A' (entered at the "
                        "event id #2). The Parameters '{\"ApiEndpoint\":"))
      << cause;
  EXPECT_TRUE(
      cause.ends_with("' could not be used to start the Task: [The 'Headers' field "
                      "contains unsupported values: [authorization]]"))
      << cause;
  EXPECT_EQ(Types(arn), "1<0ExecutionStarted 2<0TaskStateEntered 3<2ExecutionFailed ");
}

TEST_F(HttpTaskTest, AnAnswerThatCannotBeTakenIsNeverCaught) {
  web.Answer(200, "OK", "x", "image/png");
  const Json described =
      Finished(ConnectByKey(), R"(, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"}])");
  EXPECT_EQ(described.StringOr("error", ""), "States.Runtime");
  EXPECT_EQ(described.StringOr("cause", ""),
            "Unsupported response content-type 'image/png'. Please see documentation for list of "
            "unsupported content-types.");
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0TaskStateEntered 3<2TaskScheduled 4<3TaskStarted 5<4TaskFailed "
            "6<5ExecutionFailed ");
}

TEST_F(HttpTaskTest, TraceShowsRequestAndAnswer) {
  const std::string connection = ConnectByKey();
  web.Answer(200, "OK", R"({"b": 1})");
  const Json hidden = Test(connection, false)["inspectionData"];
  EXPECT_EQ(hidden["request"].Print(),
            R"({"protocol":"https","method":"GET","url":"https://example.com/a","headers":)"
            R"("[User-Agent: Amazon|StepFunctions|HttpInvoke|us-east-1, Range: bytes=0-262144]"})");
  EXPECT_EQ(hidden["response"].Print(),
            R"({"protocol":"https","statusCode":"200","statusMessage":"OK","headers":)"
            R"("[Content-Type: application/json, X-A: 1, X-A: 2]","body":"{\"b\": 1}"})");
  web.Answer(404, "Not Found", "");
  const Json revealed = Test(connection, true);
  EXPECT_EQ(revealed.StringOr("error", ""), "States.Http.StatusCode.404");
  EXPECT_EQ(revealed["inspectionData"]["request"].StringOr("headers", ""),
            "[x-key: hidden, User-Agent: Amazon|StepFunctions|HttpInvoke|us-east-1, Range: "
            "bytes=0-262144]");
  EXPECT_EQ(revealed["inspectionData"]["response"].StringOr("statusCode", ""), "404");
}

}  // namespace
}  // namespace stepmill::states
