#include "scenarios.h"

// Stories about what is kept: one writer, who reads back what was promised.
namespace stepmill::sim {
namespace {

constexpr char kSink[] =
    R"json({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}})json";

constexpr char kTemplate[] = R"json({"Parameters": {"V": {"Type": "String"}}, "Resources": {
  "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "/stack/%s", "Type": "String",
        "Value": {"Ref": "V"}}},
  "R": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {"Version":
        "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal":
        {"Service": "states.amazonaws.com"}}]}}},
  "M": {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"StateMachineName": "of-%s",
        "RoleArn": {"Fn::GetAtt": ["R", "Arn"]}, "DefinitionString":
        "{\"StartAt\": \"A\", \"States\": {\"A\": {\"Type\": \"Pass\", \"End\": true}}}"}}}})json";

std::string Filled(std::string text, const std::string& with) {
  for (size_t at; (at = text.find("%s")) != std::string::npos;) text.replace(at, 2, with);
  return text;
}

}  // namespace

Task<> Parameter(Caller& caller, Book&, std::string id) {
  const std::string name = "/parameter/" + id;
  const Json get = Json::Object{{"Name", name}};
  int64_t least = 0, most = 0;
  const int64_t count = caller.chance().Between(1, 5);
  for (int64_t i = 0; i < count; ++i) {
    const std::string value = id + "-" + std::to_string(i);
    const Json put =
        Json::Object{{"Name", name}, {"Value", value}, {"Type", "String"}, {"Overwrite", true}};
    int attempts = 0;
    const auto reply = co_await caller.Ask("ssm", "PutParameter", put, "", &attempts);
    if (!reply) caller.findings().Fail("PutParameter " + name + ": " + reply.error().message);
    least += 1;
    most += attempts;
    MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 30'000))));
    MILL_CO_TRY(const Json got, co_await caller.Must("ssm", "GetParameter", get));
    const Json& seen = got["Parameter"];
    const int64_t version = seen.IntOr("Version", 0);
    if (seen.StringOr("Value", "") != value || version < least || version > most)
      caller.findings().Fail(name + " is " + seen.Print() + ", expected " + value +
                             " at a version from " + std::to_string(least) + " to " +
                             std::to_string(most));
    least = version;
    most = version;
  }
  if (caller.chance().OneIn(2)) co_return Result<>();
  int attempts = 0;
  const auto gone = co_await caller.Ask("ssm", "DeleteParameter", get, "", &attempts);
  if (!gone && attempts == 1) caller.findings().Fail("DeleteParameter: " + gone.error().message);
  MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 9'000))));
  const auto got = co_await caller.Ask("ssm", "GetParameter", get);
  if (got || got.error().name != "ParameterNotFound")
    caller.findings().Fail(name + " was deleted and is there");
  co_return Result<>();
}

Task<> Object(Caller& caller, Book&, std::string id) {
  MILL_CO_CHECK(co_await MakeBucket(caller));
  const Json name = Json::Object{{"Bucket", kBucket}, {"Key", id}};
  const int64_t count = caller.chance().Between(1, 4);
  for (int64_t i = 0; i < count; ++i) {
    const std::string text(static_cast<size_t>(caller.chance().Between(1, 3000)),
                           static_cast<char>('a' + caller.chance().Below(26)));
    (void)co_await caller.Must("s3", "PutObject", name, text);  // a refusal is a finding
    MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 30'000))));
    const auto got = co_await caller.Ask("s3", "GetObject", name);
    if (!got || got->body != text)
      caller.findings().Fail("object " + id + ": " + (got ? "other bytes" : got.error().name));
  }
  if (caller.chance().OneIn(2)) co_return Result<>();
  (void)co_await caller.Must("s3", "DeleteObject", name);  // a refusal is a finding
  const auto got = co_await caller.Ask("s3", "GetObject", name);
  if (got || got.error().name != "NoSuchKey")
    caller.findings().Fail("object " + id + " was deleted and is there");
  co_return Result<>();
}

Task<> HiddenValue(Caller& caller, Book&, std::string id) {
  const std::string name = "secret-" + id;
  const Json make = Json::Object{{"Name", name},
                                 {"SecretString", "first"},
                                 {"ClientRequestToken", "00000000-0000-0000-0000-00000000000a"}};
  int attempts = 0;
  const auto made = co_await caller.Ask("secretsmanager", "CreateSecret", make, "", &attempts);
  if (!made && (attempts == 1 || made.error().name != "ResourceExistsException"))
    caller.findings().Fail("CreateSecret: " + made.error().name + ": " + made.error().message);
  const Json put = Json::Object{{"SecretId", name},
                                {"SecretString", "second"},
                                {"ClientRequestToken", "00000000-0000-0000-0000-00000000000b"}};
  (void)co_await caller.Must("secretsmanager", "PutSecretValue", put);  // a refusal is a finding
  MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 30'000))));
  const Json get = Json::Object{{"SecretId", name}};
  MILL_CO_TRY(const Json got, co_await caller.Must("secretsmanager", "GetSecretValue", get));
  if (got.StringOr("SecretString", "") != "second")
    caller.findings().Fail("secret " + name + " is not what was put");
  co_return Result<>();
}

Task<> FiredRule(Caller& caller, Book& book, std::string id) {
  const std::string sink = "sink-" + id;
  MILL_CO_CHECK(co_await MakeMachine(caller, sink, kSink));
  const Json rule = Json::Object{{"Name", "rule-" + id},
                                 {"EventPattern", R"({"source": ["sim.)" + id + R"("]})"}};
  (void)co_await caller.Must("events", "PutRule", rule);  // a refusal is a finding
  const Json target = Json::Object{{"Id", "t"}, {"Arn", MachineArn(sink)}, {"RoleArn", kRole}};
  const Json targets = Json::Object{{"Rule", "rule-" + id}, {"Targets", Json::Array{target}}};
  (void)co_await caller.Must("events", "PutTargets", targets);  // a refusal is a finding
  Book::Fired fired;
  fired.machine_arn = MachineArn(sink);
  const int64_t count = caller.chance().Between(1, 4);
  for (int64_t i = 0; i < count; ++i) {
    const std::string detail = std::to_string(i);
    const Json entry = Json::Object{
        {"Source", "sim." + id}, {"DetailType", "Go"}, {"Detail", R"({"i": ")" + detail + R"("})"}};
    const Json put = Json::Object{{"Entries", Json::Array{entry}}};
    const auto reply = co_await caller.Ask("events", "PutEvents", put, "", &fired.attempts[detail]);
    if (reply && reply->output.IntOr("FailedEntryCount", 0) == 0) fired.acknowledged.insert(detail);
    MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 10'000))));
  }
  book.fired.push_back(std::move(fired));
  co_return Result<>();
}

namespace {

/// Waits until the stack is at rest: its status; empty: there is none.
Task<std::string> Settled(Caller& caller, std::string stack) {
  const Json asked = Json::Object{{"StackName", stack}};
  for (int i = 0; i < 1000; ++i) {
    const auto reply = co_await caller.Ask("cloudformation", "DescribeStacks", asked);
    if (!reply) co_return std::string();
    const std::string status = reply->output["Stacks"].At(0).StringOr("StackStatus", "");
    if (!status.ends_with("_IN_PROGRESS")) co_return status;
    MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(200, 4000))));
  }
  caller.findings().Fail("stack " + stack + " is never at rest");
  co_return std::string();
}

Task<> ChangeStack(Caller& caller, std::string operation, std::string id, std::string value,
                   std::string wanted) {
  const Json parameter = Json::Object{{"ParameterKey", "V"}, {"ParameterValue", value}};
  const Json asked = Json::Object{{"StackName", "stack-" + id},
                                  {"TemplateBody", Filled(kTemplate, id)},
                                  {"Parameters", Json::Array{parameter}},
                                  {"Capabilities", Json::Array{Json("CAPABILITY_IAM")}}};
  int attempts = 0;
  const auto reply = co_await caller.Ask("cloudformation", operation, asked, "", &attempts);
  if (!reply && attempts == 1)  // a repeat finds that there is nothing more to do
    caller.findings().Fail(operation + " " + id + ": " + reply.error().message);
  MILL_CO_TRY(const std::string status, co_await Settled(caller, "stack-" + id));
  if (status != wanted)
    caller.findings().Fail("stack " + id + " is " + status + " after " + operation);
  const Json get = Json::Object{{"Name", "/stack/" + id}};
  MILL_CO_TRY(const Json got, co_await caller.Must("ssm", "GetParameter", get));
  if (got["Parameter"].StringOr("Value", "") != value)
    caller.findings().Fail("stack " + id + " has the parameter " + got.Print());
  co_return Result<>();
}

}  // namespace

Task<> Stack(Caller& caller, Book&, std::string id) {
  MILL_CO_CHECK(co_await ChangeStack(caller, "CreateStack", id, "one", "CREATE_COMPLETE"));
  if (caller.chance().OneIn(2))
    MILL_CO_CHECK(co_await ChangeStack(caller, "UpdateStack", id, "two", "UPDATE_COMPLETE"));
  if (caller.chance().OneIn(2)) co_return Result<>();
  const Json asked = Json::Object{{"StackName", "stack-" + id}};
  (void)co_await caller.Must("cloudformation", "DeleteStack", asked);  // a refusal is a finding
  MILL_CO_TRY(const std::string status, co_await Settled(caller, "stack-" + id));
  if (!status.empty()) caller.findings().Fail("stack " + id + " is deleted and " + status);
  const Json get = Json::Object{{"Name", "/stack/" + id}};
  if (co_await caller.Ask("ssm", "GetParameter", get))
    caller.findings().Fail("stack " + id + " is deleted, its parameter is there");
  co_return Result<>();
}

}  // namespace stepmill::sim
