#include "scenarios.h"

// Stories about tasks: what executions do outside, and what comes back.
namespace stepmill::sim {
namespace {

constexpr char kWrite[] = R"json({"StartAt": "T", "States": {
  "T": {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter",
        "Parameters": {"Name.$": "$.name", "Value.$": "$.value", "Type": "String",
                       "Overwrite": true}, "ResultPath": "$.r", "Next": "E"},
  "E": {"Type": "Pass", "InputPath": "$.r.Version", "End": true}}})json";

constexpr char kCallback[] = R"json({"StartAt": "T", "States": {
  "T": {"Type": "Task", "TimeoutSeconds": 864000, "End": true,
        "Resource": "arn:aws:states:::aws-sdk:ssm:putParameter.waitForTaskToken",
        "Parameters": {"Name.$": "$.name", "Value.$": "$$.Task.Token", "Type": "String",
                       "Overwrite": true},
        "Catch": [{"ErrorEquals": ["Sim.No"], "Next": "No"}]},
  "No": {"Type": "Pass", "InputPath": "$.Cause", "End": true}}})json";

/// %s: the activity's name.
constexpr char kActivity[] = R"json({"StartAt": "T", "States": {
  "T": {"Type": "Task", "TimeoutSeconds": 60, "HeartbeatSeconds": 40, "End": true,
        "Resource": "arn:aws:states:us-east-1:000000000000:activity:%s",
        "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "BackoffRate": 1,
                   "MaxAttempts": 99}]}}})json";

constexpr char kInner[] = R"json({"StartAt": "W", "States": {
  "W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "D"},
  "D": {"Type": "Pass", "Parameters": {"d.$": "States.MathAdd($.s, 1000)"}, "End": true}}})json";

constexpr char kOuter[] = R"json({"StartAt": "T", "States": {
  "T": {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "End": true,
        "Parameters": {"StateMachineArn":
            "arn:aws:states:us-east-1:000000000000:stateMachine:inner", "Input.$": "$"},
        "ResultSelector": {"o.$": "$.Output.d"}}}})json";

constexpr char kProcessing[] = R"json({"StartAt": "J", "States": {
  "J": {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Parameters": {"ProcessingJobName.$": "$.name",
          "RoleArn": "arn:aws:iam::000000000000:role/sim",
          "AppSpecification": {"ImageUri": "python:3"},
          "ProcessingResources": {"ClusterConfig": {"InstanceCount": 1,
            "InstanceType": "ml.t3.medium", "VolumeSizeInGB": 1}},
          "ProcessingOutputConfig": {"Outputs": [{"OutputName": "o", "S3Output": {
            "S3Uri.$": "States.Format('s3://sim-bucket/out/{}', $.name)", "S3UploadMode":
            "EndOfJob", "LocalPath": "/opt/ml/processing/output"}}]},
          "Environment.$": "$.env"},
        "ResultSelector": {"s.$": "$.ProcessingJobStatus"}, "End": true,
        "Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "F"}]},
  "F": {"Type": "Pass", "Result": {"s": "Failed"}, "End": true}}})json";

/// %s: STANDARD or EXPRESS.
constexpr char kDistributed[] = R"json({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
  "ItemsPath": "$.items", "MaxConcurrency": 3, "Label": "L", "ItemProcessor": {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "%s"}, "StartAt": "W", "States": {
    "W": {"Type": "Wait", "SecondsPath": "$.s", "Next": "D"},
    "D": {"Type": "Pass", "Parameters": {"v.$": "States.MathAdd($.v, 100)"}, "End": true}}}}}})json";

constexpr char kReader[] = R"json({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
  "ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"},
                 "Parameters": {"Bucket": "sim-bucket", "Key.$": "$.key"}},
  "MaxConcurrency": 3, "ItemProcessor": {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    "StartAt": "P", "States": {"P": {"Type": "Pass", "Result": 1, "End": true}}}}}})json";

std::string Filled(const char* text, const std::string& with) {
  std::string filled = text;
  filled.replace(filled.find("%s"), 2, with);
  return filled;
}

}  // namespace

Task<> WritesOnce(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "write", kWrite));
  const std::string name = "/once/" + id;
  book.written_once[name] = id;
  const Json input = Json::Object{{"name", name}, {"value", id}};
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "write", id, input, "SUCCEEDED", Json(1)));
  made->counts = {{"TaskScheduled", 1}, {"TaskSucceeded", 1}};
  co_return Result<>();
}

namespace {

/// The token that the task wrote, once it is there; empty: the execution has ended before.
Task<std::string> ReadToken(Caller& caller, std::string name) {
  const Json asked = Json::Object{{"Name", name}};
  for (int i = 0; i < 500; ++i) {
    const auto reply = co_await caller.Ask("ssm", "GetParameter", asked);
    if (reply) co_return reply->output["Parameter"].StringOr("Value", "");
    MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(50, 2000))));
  }
  caller.findings().Fail("no token is written to " + name);
  co_return std::string();
}

}  // namespace

Task<> Callback(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "callback", kCallback));
  const std::string name = "/token/" + id;
  const Json input = Json::Object{{"name", name}};
  MILL_CO_TRY(const std::string arn, co_await Start(caller, "callback", id, input));
  MILL_CO_TRY(const std::string token, co_await ReadToken(caller, name));
  const bool is_yes = !caller.chance().OneIn(3);
  const Json beat = Json::Object{{"taskToken", token}};
  if (caller.chance().OneIn(2))
    (void)co_await caller.Must("states", "SendTaskHeartbeat", beat);  // a refusal is a finding
  const std::string output = Json(Json::Object{{"yes", id}}).Print();
  Json answer = Json::Object{{"taskToken", token}, {"output", output}};
  if (!is_yes) answer = Json::Object{{"taskToken", token}, {"error", "Sim.No"}, {"cause", id}};
  const std::string operation = is_yes ? "SendTaskSuccess" : "SendTaskFailure";
  int attempts = 0;
  const auto reply = co_await caller.Ask("states", operation, answer, "", &attempts);
  // A repeat of one that was taken finds the task over.
  if (!reply && (attempts == 1 || reply.error().name != "TaskTimedOut"))
    caller.findings().Fail(operation + " of " + id + ": " + reply.error().name);
  const Json wanted = is_yes ? Json(Json::Object{{"yes", id}}) : Json(id);
  MILL_CO_TRY(Expected * made, co_await Conclude(caller, book, arn, "SUCCEEDED", wanted));
  made->counts = {{is_yes ? "TaskSucceeded" : "TaskFailed", 1}, {"TaskSubmitted", 1}};
  co_return Result<>();
}

namespace {

struct Worker {
  std::string activity_arn, id;
  std::set<std::string> tried;  ///< outputs that were sent
  std::string acknowledged;     ///< the one that was taken
  bool is_over = false;         ///< the execution has ended
};

/// What a worker does with a task: it works, fails, or is never heard of again.
Task<> WorkOn(Caller& caller, Worker& worker, std::string token) {
  const uint64_t choice = caller.chance().Below(4);
  if (choice == 0) co_return Result<>();
  MILL_CO_CHECK(co_await caller.Sleep(Millis(caller.chance().Between(0, 15'000))));
  if (choice == 1) {
    const Json failure = Json::Object{{"taskToken", token}, {"error", "Sim.No"}};
    (void)co_await caller.Ask("states", "SendTaskFailure", failure);  // it may be over
    co_return Result<>();
  }
  const std::string output =
      Json(Json::Object{{"of", worker.id}, {"n", static_cast<int64_t>(worker.tried.size())}})
          .Print();
  worker.tried.insert(output);
  const Json success = Json::Object{{"taskToken", token}, {"output", output}};
  const auto reply = co_await caller.Ask("states", "SendTaskSuccess", success);
  if (reply) worker.acknowledged = output;
  co_return Result<>();
}

Task<> PollActivity(Caller& caller, Worker& worker, std::string arn) {
  const Json asked = Json::Object{{"activityArn", worker.activity_arn}, {"workerName", "w"}};
  const Json execution = Json::Object{{"executionArn", arn}};
  for (int i = 0; i < 500; ++i) {
    const auto reply = co_await caller.Ask("states", "GetActivityTask", asked);
    const std::string token = reply ? reply->output.StringOr("taskToken", "") : "";
    if (!token.empty()) MILL_CO_CHECK(co_await WorkOn(caller, worker, token));
    MILL_CO_TRY(const Json seen, co_await caller.Must("states", "DescribeExecution", execution));
    if (seen.StringOr("status", "RUNNING") != "RUNNING") co_return Result<>();
  }
  co_return Result<>();
}

}  // namespace

Task<> ActivityWorker(Caller& caller, Book& book, std::string id) {
  const Json make = Json::Object{{"name", "activity-" + id}};
  MILL_CO_TRY(const Json made, co_await caller.Must("states", "CreateActivity", make));
  const std::string machine = "work-" + id;
  MILL_CO_CHECK(co_await MakeMachine(caller, machine, Filled(kActivity, "activity-" + id)));
  const Json input = Json::Object{{"id", id}};
  MILL_CO_TRY(const std::string arn, co_await Start(caller, machine, id, input));
  Worker worker;
  worker.activity_arn = made.StringOr("activityArn", "");
  worker.id = id;
  MILL_CO_CHECK(co_await PollActivity(caller, worker, arn));
  MILL_CO_TRY(Expected * ended, co_await Conclude(caller, book, arn, "SUCCEEDED", Json()));
  if (!worker.tried.contains(ended->output))
    caller.findings().Fail(arn + " has an output that no worker sent: " + ended->output);
  if (!worker.acknowledged.empty() && worker.acknowledged != ended->output)
    caller.findings().Fail(arn + " has the output " + ended->output + ", but " +
                           worker.acknowledged + " was accepted");
  co_return Result<>();
}

Task<> Nested(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "inner", kInner));
  MILL_CO_CHECK(co_await MakeMachine(caller, "outer", kOuter));
  const int64_t s = caller.chance().Between(1, 30);
  const Json input = Json::Object{{"s", s}};
  const Json output = Json::Object{{"o", s + 1000}};
  MILL_CO_TRY(Expected * made, co_await Run(caller, book, "outer", id, input, "SUCCEEDED", output));
  made->lasts = Seconds(s);
  made->counts = {{"TaskSubmitted", 1}, {"TaskSucceeded", 1}};
  co_return Result<>();
}

Task<> Processing(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeBucket(caller));
  MILL_CO_CHECK(co_await MakeMachine(caller, "processing", kProcessing));
  const std::string name = "job-" + id;
  book.processing_jobs.insert(name);
  const Json env = Json::Object{{"SIM_EXIT", caller.chance().OneIn(4) ? "1" : "0"},
                                {"SIM_LINES", std::to_string(caller.chance().Between(0, 12))},
                                {"SIM_SECONDS", std::to_string(caller.chance().Between(0, 120))}};
  const Json input = Json::Object{{"name", name}, {"env", env}};
  // Whether it fails is the job's: the check at the end compares both.
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "processing", id, input, "SUCCEEDED", Json()));
  made->counts = {{"TaskSubmitted", 1}};
  co_return Result<>();
}

namespace {

Task<> RunMap(Caller& caller, Book& book, std::string id, std::string type) {
  const std::string machine = type == "EXPRESS" ? "express-map" : "standard-map";
  MILL_CO_CHECK(co_await MakeMachine(caller, machine, Filled(kDistributed, type)));
  Json::Array items, results;
  const int64_t count = caller.chance().Between(0, 7);
  for (int64_t i = 0; i < count; ++i) {
    items.push_back(Json::Object{{"v", i}, {"s", caller.chance().Between(1, 8)}});
    results.push_back(Json::Object{{"v", i + 100}});
  }
  const Json input = Json::Object{{"items", std::move(items)}};
  const Json output = std::move(results);
  MILL_CO_TRY(Expected * made, co_await Run(caller, book, machine, id, input, "SUCCEEDED", output));
  made->counts = {{"MapRunStarted", 1}, {"MapRunSucceeded", 1}};
  co_return Result<>();
}

}  // namespace

Task<> StandardMap(Caller& caller, Book& book, std::string id) {
  co_return co_await RunMap(caller, book, std::move(id), "STANDARD");
}
Task<> ExpressMap(Caller& caller, Book& book, std::string id) {
  co_return co_await RunMap(caller, book, std::move(id), "EXPRESS");
}

/// So many bytes of items that they stand in a blob of their own.
Task<> ReaderMap(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeBucket(caller));
  MILL_CO_CHECK(co_await MakeMachine(caller, "reader-map", kReader));
  constexpr size_t kItemBytes = 50'000;
  const int64_t count = caller.chance().Between(4, 8);
  Json::Array items, results;
  for (int64_t i = 0; i < count; ++i) {
    items.push_back(Json(std::string(kItemBytes, static_cast<char>('a' + i))));
    results.push_back(Json(1));
  }
  const Json name = Json::Object{{"Bucket", kBucket}, {"Key", "items-" + id}};
  const std::string text = Json(std::move(items)).Print();
  (void)co_await caller.Must("s3", "PutObject", name, text);  // a refusal is a finding
  const Json input = Json::Object{{"key", "items-" + id}};
  const Json output = std::move(results);
  MILL_CO_TRY(Expected * made,
              co_await Run(caller, book, "reader-map", id, input, "SUCCEEDED", output));
  made->counts = {{"MapRunStarted", 1}, {"MapRunSucceeded", 1}};
  co_return Result<>();
}

Task<> ExpressSync(Caller& caller, Book&, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "inner-express", kInner, "EXPRESS"));
  const int64_t s = caller.chance().Between(1, 20);
  const Json asked = Json::Object{{"stateMachineArn", MachineArn("inner-express")},
                                  {"name", id},
                                  {"input", Json(Json::Object{{"s", s}}).Print()}};
  MILL_CO_TRY(const Json answer, co_await caller.Must("states", "StartSyncExecution", asked));
  if (answer.StringOr("output", "") != Json(Json::Object{{"d", s + 1000}}).Print())
    caller.findings().Fail("StartSyncExecution answers " + answer.Print());
  co_return Result<>();
}

Task<> ExpressAsync(Caller& caller, Book& book, std::string id) {
  MILL_CO_CHECK(co_await MakeMachine(caller, "write-express", kWrite, "EXPRESS"));
  const std::string name = "/often/" + id;
  const Json input = Json::Object{{"name", name}, {"value", id}};
  const Json asked = Json::Object{
      {"stateMachineArn", MachineArn("write-express")}, {"name", id}, {"input", input.Print()}};
  (void)co_await caller.Must("states", "StartExecution", asked);  // a refusal is a finding
  book.written_at_least_once.insert(name);
  co_return Result<>();
}

}  // namespace stepmill::sim
