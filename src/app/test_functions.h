#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>

#include "app/test_jobs.h"
#include "base/strings.h"
#include "service/lambda/contract.h"
#include "service/lambda/lambda.h"

namespace stepmill::lambda {

/// What the process inside sends back.
struct Said {
  std::string body = "null";
  bool is_error = false;
  bool is_silent = false;  ///< it never answers
  std::string output;      ///< it writes
};

/// For tests: functions whose containers are scripted. `answer` says what the process inside does
/// with its work; it speaks the runtime API as a real one does.
class LambdaTest : public test::JobsTest {
 protected:
  static constexpr char kZip[] =  // app.py
      "UEsDBBQAAAAAAAAAIQB+qJWeAwAAAAMAAAAGAAAAYXBwLnB5eD0xUEsBAhQDFAAAAAAAAAAhAH6olZ4DAAAA"
      "AwAAAAYAAAAAAAAAAAAAAIABAAAAAGFwcC5weVBLBQYAAAAAAQABADQAAAAnAAAAAAA=";

  LambdaTest()
      : JobsTest("lambda", {&kService, &test::kLogs, &test::kS3},
                 [](const Json& pattern, const Json& event) {
                   return pattern["source"].At(0) == event["source"];
                 }) {
    program = [this](const JobSpec& spec) { return OnStart(spec); };
    Begin();
  }

  Json Must(const char* operation, const Json& input) { return Ask(operation, input); }
  static Json Definition(const char* name) {
    return Json::Object{{"FunctionName", name},
                        {"Runtime", "python3.12"},
                        {"Handler", "app.handler"},
                        {"Role", "arn:aws:iam::000000000000:role/f"},
                        {"Code", Json::Object{{"ZipFile", kZip}}}};
  }
  /// A function that is ready.
  Json Create(const Json& definition) {
    const Json made = Must("CreateFunction", definition);
    const Json name = Json::Object{{"FunctionName", definition["FunctionName"]}};
    EXPECT_TRUE(Settles(name));
    return made;
  }
  bool Settles(const Json& name) {
    return world.RunUntil([&] {
      const auto now = world.Ask("lambda", "GetFunctionConfiguration", name);
      return now && now->StringOr("LastUpdateStatus", "") == "Successful";
    });
  }
  static Json Event(const char* name, const char* payload) {
    return Json::Object{{"FunctionName", name}, {"Payload", Base64(payload)}};
  }
  /// "200 $LATEST Unhandled {...}"
  std::string Invoked(const Json& input) {
    const auto answer = world.Ask("lambda", "Invoke", input);
    if (!answer) return answer.error().name + ": " + answer.error().message;
    std::string text = std::to_string(answer->IntOr("StatusCode", 0));
    for (const char* member : {"ExecutedVersion", "FunctionError"})
      if (answer->Has(member)) text += " " + answer->StringOr(member, "");
    return text + " " + Unbase64(answer->StringOr("Payload", "")).value_or("?");
  }

  std::function<Said(const Json& work)> answer = [](const Json&) { return Said{}; };
  std::function<FakeRun(const JobSpec&)> start = [](const JobSpec&) { return Endless(); };
  int starts = 0;

 private:
  FakeRun OnStart(const JobSpec& spec) {
    ++starts;
    const FakeRun run = start(spec);
    if (run.is_endless) world.loop().spawner().Spawn("runtime", Serve(this, spec.id.value));
    return run;
  }
  static Task<Json> Api(LambdaTest* self, std::string operation, Json input) {
    Request request;
    request.service = "lambda";
    request.operation = std::move(operation);
    request.principal = ServicePrincipal("lambda.amazonaws.com", "000000000000");
    request.account = "000000000000";
    request.region = "us-east-1";
    request.input = std::move(input);
    request.is_internal = true;
    MILL_CO_TRY(const Answer given, co_await self->world.door().Ask(std::move(request)));
    co_return given.output;
  }
  /// The process inside an environment.
  static Task<> Serve(LambdaTest* self, std::string job) {
    for (;;) {
      Json ask = Json::Object{{"job", job}};
      const auto work = co_await Api(self, "RuntimeNext", std::move(ask));
      if (!work) co_return Result<>();
      const Said said = self->answer(*work);
      const std::string log = self->folder + "/jobs/" + job + kLogFile;
      std::filesystem::create_directories(std::filesystem::path(log).parent_path());
      std::ofstream(log, std::ios::app) << said.output;
      if (said.is_silent) co_return Result<>();
      Json reply = Json::Object{{"job", job},
                                {"requestId", (*work)["requestId"]},
                                {"body", Base64(said.body)},
                                {"memory", "31"}};
      const std::string operation = said.is_error ? "RuntimeError" : "RuntimeResponse";
      (void)co_await Api(self, operation, std::move(reply));
    }
  }
};

}  // namespace stepmill::lambda
