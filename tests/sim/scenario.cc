#include <algorithm>

#include "book.h"

namespace stepmill::sim {

std::string MachineArn(const std::string& name) {
  return "arn:aws:states:us-east-1:000000000000:stateMachine:" + name;
}

Task<> MakeMachine(Caller& caller, std::string name, std::string definition, std::string type) {
  const Json input =
      Json::Object{{"name", name}, {"definition", definition}, {"roleArn", kRole}, {"type", type}};
  (void)co_await caller.Must("states", "CreateStateMachine", input);  // a refusal is a finding
  co_return Result<>();
}

Task<> MakeBucket(Caller& caller) {
  const Json bucket = Json::Object{{"Bucket", kBucket}};
  const auto made = co_await caller.Ask("s3", "CreateBucket", bucket);
  if (!made && !made.error().name.starts_with("BucketAlready"))
    caller.findings().Fail("CreateBucket: " + made.error().name);
  co_return Result<>();
}

Task<std::string> Start(Caller& caller, std::string machine, std::string name, Json input) {
  const Json asked = Json::Object{
      {"stateMachineArn", MachineArn(machine)}, {"name", name}, {"input", input.Print()}};
  int attempts = 0;
  const auto reply = co_await caller.Ask("states", "StartExecution", asked, "", &attempts);
  // It may have been started, and have ended, before an answer came.
  const bool may_be_repeat = attempts > 1 || caller.network().repeats_requests();
  const bool is_there = !reply && may_be_repeat && reply.error().name == "ExecutionAlreadyExists";
  if (!reply && !is_there)
    caller.findings().Fail("StartExecution of " + name + ": " + reply.error().name + ": " +
                           reply.error().message);
  std::string arn = MachineArn(machine) + ":" + name;
  const size_t at = arn.find(":stateMachine:");
  arn.replace(at, 14, ":execution:");
  co_return arn;
}

Task<Json> Finish(Caller& caller, std::string arn) {
  constexpr int kLooksMax = 4000;
  const Json asked = Json::Object{{"executionArn", arn}};
  for (int i = 0; i < kLooksMax; ++i) {
    MILL_CO_TRY(const Json described, co_await caller.Must("states", "DescribeExecution", asked));
    if (described.is_null() || described.StringOr("status", "") != "RUNNING") co_return described;
    MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(100, 500 + i * 100))));
  }
  caller.findings().Fail(arn + " never ends");
  co_return Json();
}

Task<Expected*> Conclude(Caller& caller, Book& book, std::string arn, std::string status,
                         Json output) {
  MILL_CO_TRY(const Json described, co_await Finish(caller, arn));
  Expected expected;
  expected.arn = arn;
  expected.status = described.StringOr("status", "");
  expected.output = described.StringOr("output", "");
  if (expected.status != status)
    caller.findings().Fail(arn + " is " + described.Print() + ", expected " + status);
  if (status == "SUCCEEDED" && expected.status == status && !output.is_null() &&
      ParseJson(expected.output).value_or(Json()) != output)
    caller.findings().Fail(arn + " has the output " + expected.output + ", expected " +
                           output.Print());
  book.executions.push_back(std::move(expected));
  co_return &book.executions.back();
}

Task<Expected*> Run(Caller& caller, Book& book, std::string machine, std::string name, Json input,
                    std::string status, Json output) {
  MILL_CO_TRY(const std::string arn, co_await Start(caller, machine, name, input));
  co_return co_await Conclude(caller, book, arn, status, output);
}

}  // namespace stepmill::sim
