#include "service/states/http_request.h"

#include <gtest/gtest.h>

#include "app/test_web.h"

namespace stepmill::states {
namespace {

// As AWS merges and encodes; recorded there.
constexpr char kConnection[] = R"({"headers": [["Authorization", "Basic eA=="],
  ["x-shared", "connection-header"], ["x-secret", "s"]],
  "query": [["shared", "connection query"], ["connectionOnly", "query-only"]],
  "body": [["shared", "connection-body"], ["connectionOnly", "body-only"]]})";
constexpr char kEmpty[] = R"({"headers": [["x-key", "v"]], "query": [], "body": []})";

std::string Made(const std::string& parameters, const char* credentials = kEmpty) {
  const Json given = *ParseJson(parameters);
  const auto request = MakeHttpRequest(given, *ParseJson(credentials), "us-west-2");
  return request ? FakeWeb::Text(*request) : request.error().name + ": " + request.error().message;
}
std::string Form(const std::string& format) {
  const std::string text = Made(R"({"ApiEndpoint": "https://example.com/", "Method": "POST",
      "RequestBody": {"shared": "task-body", "items": ["red green", "blue+gold"], "nested":
      {"enabled": true, "count": 2}}, "Transform": {"RequestBodyEncoding": "URL_ENCODED",
      "RequestEncodingOptions": {"ArrayFormat": ")" +
                                    format + R"("}}})",
                                kConnection);
  return text.substr(text.find("\n\n") + 2);
}

TEST(HttpRequest, TheConnectionWinsOverTheDefinition) {
  EXPECT_EQ(Made(R"({"ApiEndpoint": "https://example.com/echo", "Method": "POST",
      "Headers": {"X-Shared": "task-case-header", "x-shared": "task-header", "x-task-only": "t",
                  "content-type": "application/json"},
      "QueryParameters": {"shared": "task query", "taskOnly": "a+b & c"},
      "RequestBody": {"shared": {"nested": "task-body"}, "taskOnly": [1, "two"]}})",
                 kConnection),
            "POST https://example.com/echo?taskOnly=a%2Bb%20%26%20c&shared=connection%20query&"
            "connectionOnly=query-only\n"
            "x-task-only: t\ncontent-type: application/json\nAuthorization: Basic eA==\n"
            "x-shared: connection-header\nx-secret: s\nX-Shared: task-case-header\n"
            "User-Agent: Amazon|StepFunctions|HttpInvoke|us-west-2\nRange: bytes=0-262144\n\n"
            R"({"shared":"connection-body","taskOnly":[1,"two"],"connectionOnly":"body-only"})");
}

TEST(HttpRequest, ABodyIsJsonUnlessItIsAText) {
  const std::string head = R"({"ApiEndpoint": "https://example.com/?a=1#x", "Method": "GET")";
  const std::string sent =
      "GET https://example.com/?a=1\nx-key: v\nUser-Agent: "
      "Amazon|StepFunctions|HttpInvoke|us-west-2\nRange: bytes=0-262144\n";
  EXPECT_EQ(Made(head + "}"), sent + "\n");
  EXPECT_EQ(Made(head + R"(, "RequestBody": {}})"),
            sent + "Content-Type: application/json; charset=UTF-8\n\n{}");
  EXPECT_EQ(Made(head + R"(, "RequestBody": "text"})"),
            sent + "Content-Type: application/json; charset=UTF-8\n\ntext");
  EXPECT_EQ(Made(head + R"(, "RequestBody": "text"})", kConnection),
            "States.Runtime: Cannot merge connection body authorization parameters with request "
            "body.");
}

TEST(HttpRequest, FormsAreEncodedAsTheirFormatSays) {
  const std::string rest = "&nested%5Benabled%5D=true&nested%5Bcount%5D=2&connectionOnly=body-only";
  const std::string first = "shared=connection-body&";
  EXPECT_EQ(Form("INDICES"), first + "items%5B0%5D=red%20green&items%5B1%5D=blue%2Bgold" + rest);
  EXPECT_EQ(Form("REPEAT"), first + "items=red%20green&items=blue%2Bgold" + rest);
  EXPECT_EQ(Form("COMMAS"), first + "items=red%20green%2Cblue%2Bgold" + rest);
  EXPECT_EQ(Form("BRACKETS"), first + "items%5B%5D=red%20green&items%5B%5D=blue%2Bgold" + rest);
}

TEST(HttpRequest, QueryParametersAreTextsListsOrAQuery) {
  const auto url = [](const std::string& query) {
    const std::string text = Made(R"({"ApiEndpoint": "https://example.com/日 本?x=1",
        "Method": "GET", "QueryParameters": )" +
                                  query + "}");
    return text.substr(0, text.find('\n'));
  };
  const std::string place = "GET https://example.com/%E6%97%A5%20%E6%9C%AC?x=1";
  EXPECT_EQ(url(R"({"a": ["1", 2], "b": true, "c": null})"), place + "&a=1&a=2&b=true&c=");
  EXPECT_EQ(url(R"("a=1&b=c d")"), place + "&a=1&b=c%20d");
  EXPECT_EQ(url("{}"), place);
}

TEST(HttpRequest, WhatTheConnectionAddsIsShownOnlyWhenItIsRevealed) {
  const Json given = *ParseJson(R"({"ApiEndpoint": "https://example.com/", "Method": "GET",
      "Headers": {"h": "1", "x-shared": "t"}, "QueryParameters": {"q": "1", "shared": "t"},
      "RequestBody": {"m": 1, "shared": 2}})");
  const Json connection = *ParseJson(kConnection);
  const Json hidden = ShownHttpRequest(given, connection, "r", false);
  EXPECT_EQ(hidden.Print(),
            R"({"protocol":"https","method":"GET","url":"https://example.com/?q=1","headers":)"
            R"("[h: 1, User-Agent: Amazon|StepFunctions|HttpInvoke|r, Range: bytes=0-262144]",)"
            R"("body":"{\"m\":1}"})");
  const Json revealed = ShownHttpRequest(given, connection, "r", true);
  EXPECT_EQ(revealed.StringOr("url", ""),
            "https://example.com/?q=1&shared=connection%20query&connectionOnly=query-only");
  EXPECT_EQ(revealed.StringOr("body", ""),
            R"({"m":1,"shared":"connection-body","connectionOnly":"body-only"})");
}

std::string Taken(int status, std::string reason, std::string body, std::string type) {
  FakeWeb web;
  web.Answer(status, std::move(reason), std::move(body), std::move(type));
  const auto result = HttpTaskResult(*web.answers[0]);
  return result ? result->Print() : result.error().name + ": " + result.error().message;
}

TEST(HttpRequest, AnAnswerIsJsonTextOrAnError) {
  EXPECT_EQ(Taken(200, "OK", R"({"a": 1})", "application/json; charset=utf-8"),
            R"({"Headers":{"Content-Type":["application/json; charset=utf-8"],"X-A":["1","2"]},)"
            R"("ResponseBody":{"a":1},"StatusCode":200,"StatusText":"OK"})");
  EXPECT_EQ(Taken(201, "Created", "{", "application/problem+json"),
            R"({"Headers":{"Content-Type":["application/problem+json"],"X-A":["1","2"]},)"
            R"("ResponseBody":"{","StatusCode":201,"StatusText":"Created"})");
  EXPECT_EQ(Taken(204, "No Content", "", "image/png"),
            R"({"Headers":{"Content-Type":["image/png"],"X-A":["1","2"]},"StatusCode":204,)"
            R"("StatusText":"No Content"})");
  EXPECT_EQ(Taken(404, "Not Found", "{}", "application/json"),
            "States.Http.StatusCode.404: Not Found");
  EXPECT_EQ(Taken(302, "Found", "", "text/html"), "States.Http.StatusCode.302: Found");
  EXPECT_EQ(Taken(200, "OK", "x", "Image/PNG; q=1"),
            "States.Runtime: Unsupported response content-type 'image/png'. Please see "
            "documentation for list of unsupported content-types.");
  EXPECT_EQ(Taken(200, "OK", "\xff", "text/plain"),
            "States.Runtime: The response body is not a valid string.");
  EXPECT_EQ(HttpTaskError({Code::kTimeout, "x", "m"}).name, "States.Http.Socket");
  EXPECT_EQ(HttpTaskError({Code::kLimit, "x", "m"}).name, "States.DataLimitExceeded");
}

}  // namespace
}  // namespace stepmill::states
