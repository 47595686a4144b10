#include <gtest/gtest.h>

#include "app/test_states.h"
#include "blob/memory/memory_blobs.h"
#include "service/objects.h"
#include "service/s3/s3.h"
#include "service/states/map_results.h"
#include "service/states/map_run_documents.h"

namespace stepmill::states {
namespace {

struct Counter : Random {
  uint64_t last = 0;
  uint64_t Next() override { return ++last * 0x9e3779b97f4a7c15u; }
};

/// Made before the world that keeps its blobs there.
struct MapRunBlobs {
  Counter counter;
  MemoryBlobs blobs{counter};
};

class MapRunTest : private MapRunBlobs, public StatesTest {
 protected:
  MapRunTest() : StatesTest({&kService, &s3::kService}, &blobs) {
    for (const char* bucket : {"bucket", "out"})
      EXPECT_TRUE(world.Ask("s3", "CreateBucket", Json::Object{{"Bucket", bucket}}).has_value());
  }
  ObjectCaller Caller() { return {world.ports(), TestWorld::Alice(), "000000000000", "us-east-1"}; }
  void Put(const std::string& key, std::string text) {
    const ObjectCaller caller = Caller();
    EXPECT_TRUE(world.Run(WriteObject(caller, {"bucket", key}, std::move(text))).has_value());
  }
  std::string Written(const std::string& key) {
    const ObjectCaller caller = Caller();
    const auto text = world.Run(ReadObject(caller, {"out", key}, 1 << 20));
    return text ? *text : text.error().name;
  }

  /// A machine of one Map with the members of `map` and a processor of the state `child`.
  std::string Start(const std::string& map, const std::string& input,
                    const std::string& child = R"({"Type": "Pass", "End": true})",
                    const std::string& type = "STANDARD") {
    const std::string name = "m" + std::to_string(++machines_);
    Create(name, R"({"StartAt": "M", "States": {"M": {"Type": "Map", "End": true,
          "ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": ")" +
                     type + R"("}, "StartAt": "C", "States": {"C": )" + child + "}}, " + map +
                     "}}}");
    return StatesTest::Start(name, input);
  }
  std::string RunOf(const std::string& arn) {
    const Json runs = Ask("ListMapRuns", Json::Object{{"executionArn", arn}});
    return runs["mapRuns"].size() == 1 ? runs["mapRuns"].At(0).StringOr("mapRunArn", "") : "";
  }
  Json DescribeRun(const std::string& arn) {
    return Ask("DescribeMapRun", Json::Object{{"mapRunArn", RunOf(arn)}});
  }
  Json Children(const std::string& arn, const char* status = nullptr) {
    Json input = Json::Object{{"mapRunArn", RunOf(arn)}};
    if (status) input = input.With("statusFilter", status);
    return Ask("ListExecutions", input)["executions"];
  }

  using MapRunBlobs::blobs;
  int machines_ = 0;
};

constexpr char kReader[] = R"("ItemReader": {"Resource": "arn:aws:states:::s3:getObject",
  "Parameters": {"Bucket": "bucket", "Key.$": "$.key"}, "ReaderConfig": )";

TEST_F(MapRunTest, RunsAChildForEachItemOfItsInput) {
  const std::string arn = Start(R"("ItemsPath": "$.items", "ItemSelector": {"n.$":
    "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.x"}, "Label": "L")",
                                R"({"items": [7, "x"], "x": 1})");
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("output", ""), R"([{"n":7,"i":0,"all":1},{"n":"x","i":1,"all":1}])")
      << described.Print();
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0MapStateEntered 3<2MapStateStarted 4<3MapRunStarted "
            "5<4MapRunSucceeded 6<5MapStateSucceeded 7<5MapStateExited 8<7ExecutionSucceeded ");
  EXPECT_TRUE(RunOf(arn).starts_with("arn:aws:states:us-east-1:000000000000:mapRun:m1/L:"));
  const Json run = DescribeRun(arn);
  EXPECT_EQ(run.StringOr("status", ""), "SUCCEEDED");
  EXPECT_EQ(run["itemCounts"].IntOr("succeeded", 0), 2);
  EXPECT_EQ(run["executionCounts"].IntOr("total", 0), 2);
  EXPECT_EQ(run["itemCounts"].IntOr("pending", 9), 0);
  const Json children = Children(arn);
  ASSERT_EQ(children.size(), 2u);
  const std::string child = children.At(0).StringOr("executionArn", "");  // newest first
  EXPECT_TRUE(child.starts_with("arn:aws:states:us-east-1:000000000000:execution:m1/L:"));
  EXPECT_EQ(Describe(child).StringOr("input", ""), R"({"n":"x","i":1,"all":1})");
  EXPECT_EQ(Describe(child).StringOr("mapRunArn", ""), RunOf(arn));
  EXPECT_EQ(Types(child),
            "1<0ExecutionStarted 2<0PassStateEntered 3<2PassStateExited 4<3ExecutionSucceeded ");
  const Json machine =
      Ask("DescribeStateMachineForExecution", Json::Object{{"executionArn", child}});
  EXPECT_EQ(machine.StringOr("label", ""), "L");
  EXPECT_EQ(machine.StringOr("mapRunArn", ""), RunOf(arn));
}

TEST_F(MapRunTest, NothingToDoIsDone) {
  const std::string arn = Start(R"("ItemsPath": "$")", "[]");
  EXPECT_EQ(WaitFor(arn).StringOr("output", ""), "[]");
}

TEST_F(MapRunTest, ReadsObjects) {
  Put("a.json", R"({"x": {"y": [1, [2]]}})");
  Put("a.csv", "h;k\n1;2\n3\n");
  Put("a.jsonl", "1\n\n2\n3\n");
  Put("p/1.json", "[1]");
  Put("p/2.json", "{\"k\": 2}");
  const auto read = [&](const std::string& config, const std::string& key) {
    return WaitFor(Start(kReader + config + "}", R"({"key": ")" + key + R"(", "n": 2})"));
  };
  EXPECT_EQ(
      read(R"({"InputType": "JSON", "ItemsPointer": "/x/y"})", "a.json").StringOr("output", ""),
      "[1,[2]]");
  EXPECT_EQ(read(R"({"InputType": "CSV", "CSVHeaderLocation": "FIRST_ROW", "CSVDelimiter":
      "SEMICOLON"})",
                 "a.csv")
                .StringOr("output", ""),
            R"([{"h":"1","k":"2"},{"h":"3","k":""}])");
  EXPECT_EQ(
      read(R"({"InputType": "JSONL", "MaxItemsPath": "$.n"})", "a.jsonl").StringOr("output", ""),
      "[1,2]");
  const Json missing = read(R"({"InputType": "JSON"})", "none");
  EXPECT_EQ(missing.StringOr("error", ""), "States.ItemReaderFailed");
  EXPECT_TRUE(missing.StringOr("cause", "")
                  .starts_with("The specified key does not exist. (Service: "
                               "Amazon S3; Status Code: 404; Error Code: "
                               "NoSuchKey; Request ID: "))
      << missing.Print();
  const std::string scalar = Start(std::string(kReader) + R"({"InputType": "JSON", "ItemsPointer":
      "/x/y/0"}}, "Catch": [{"ErrorEquals": ["States.ItemReaderFailed"], "Next": "M2"}]}, "M2":
      {"Type": "Succeed")",
                                   R"({"key": "a.json"})");
  EXPECT_EQ(
      WaitFor(scalar).StringOr("output", ""),
      R"({"Error":"States.ItemReaderFailed","Cause":"Attempting to map over non-iterable node."})");
  EXPECT_EQ(Types(scalar),
            "1<0ExecutionStarted 2<0MapStateEntered 3<2MapStateStarted 4<3MapRunStarted "
            "5<4MapRunFailed 6<5MapStateFailed 7<6MapStateExited 8<7SucceedStateEntered "
            "9<8SucceedStateExited 10<9ExecutionSucceeded ");
  const std::string listed = Start(R"("ItemReader": {"Resource":
      "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "bucket", "Prefix": "p/"}},
      "ItemSelector": {"k.$": "$$.Map.Item.Value.Key", "s.$": "$$.Map.Item.Source"})",
                                   "{}");
  EXPECT_EQ(WaitFor(listed).StringOr("output", ""),
            R"([{"k":"p/1.json","s":"S3://bucket"},{"k":"p/2.json","s":"S3://bucket"}])");
  const std::string flat = Start(R"("ItemReader": {"Resource":
      "arn:aws:states:::s3:listObjectsV2", "Parameters": {"Bucket": "bucket", "Prefix": "p/"},
      "ReaderConfig": {"InputType": "JSON", "Transformation": "LOAD_AND_FLATTEN"}})",
                                 "{}");
  EXPECT_EQ(WaitFor(flat).StringOr("output", ""), R"([1,{"Key":"k","Value":2}])");
}

TEST_F(MapRunTest, ManyItemsComeInPortions) {
  std::string text;
  for (int i = 0; i < 2500; ++i) text += std::to_string(i) + "\n";
  Put("many", text);
  const std::string arn = Start(std::string(kReader) + R"json({"InputType": "JSONL"}},
      "ItemBatcher": {"MaxItemsPerBatch": 400, "BatchInput": {"x.$": "$.key"}},
      "ItemSelector": {"v.$": "$$.Map.Item.Value"}, "ResultSelector": {"n.$":
      "States.ArrayLength($)", "first.$": "$[0].Items[0].v", "x.$": "$[6].BatchInput.x",
      "last.$": "$[6].Items[99].v"})json",
                                R"({"key": "many"})");
  EXPECT_EQ(WaitFor(arn).StringOr("output", ""), R"({"n":7,"first":0,"x":"many","last":2499})");
  const Json run = DescribeRun(arn);
  EXPECT_EQ(run["itemCounts"].IntOr("succeeded", 0), 2500);
  EXPECT_EQ(run["executionCounts"].IntOr("succeeded", 0), 7);
  EXPECT_EQ(world.Run(blobs.List())->size(), 1u) << "the items are not cleared";
}

TEST_F(MapRunTest, BatchesByBytes) {
  const std::string arn = Start(R"("ItemBatcher": {"MaxInputBytesPerBatch": 25})",
                                R"(["aaaa", "bbbb", "c", "dddddddddddddddddddddddddd"])");
  EXPECT_EQ(WaitFor(arn).StringOr("output", ""), R"([{"Items":["aaaa"]},{"Items":["bbbb","c"]},)"
                                                 R"({"Items":["dddddddddddddddddddddddddd"]}])");
}

constexpr char kFailsOnNull[] = R"({"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": true,
  "Next": "F"}], "Default": "S"}, "F": {"Type": "Fail", "Error": "E", "Cause": "c"}, "S": {"Type":
  "Succeed"})";

TEST_F(MapRunTest, TooManyFailuresEndIt) {
  const std::string arn = Start(R"("MaxConcurrency": 1)", "[1, null, 2]", kFailsOnNull);
  const Json described = WaitFor(arn);
  EXPECT_EQ(described.StringOr("error", ""), "States.ExceedToleratedFailureThreshold");
  EXPECT_EQ(described.StringOr("cause", ""),
            "The specified tolerated failure threshold was exceeded");
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0MapStateEntered 3<2MapStateStarted 4<3MapRunStarted "
            "5<4MapRunFailed 6<5MapStateFailed 7<6ExecutionFailed ");
  const Json counts = DescribeRun(arn)["itemCounts"];
  EXPECT_EQ(counts.IntOr("succeeded", 0), 1);
  EXPECT_EQ(counts.IntOr("failed", 0), 1);
  EXPECT_EQ(counts.IntOr("pending", 0), 1);
  EXPECT_EQ(Children(arn, "FAILED").size(), 1u);
}

TEST_F(MapRunTest, ToleratedFailuresAreResults) {
  const std::string arn = Start(R"("ToleratedFailurePercentage": 50)", "[1, null]", kFailsOnNull);
  const Json output = *ParseJson(WaitFor(arn).StringOr("output", ""));
  ASSERT_EQ(output.size(), 2u);
  EXPECT_EQ(output.At(0), Json(1));
  EXPECT_EQ(output.At(1).StringOr("Error", ""), "E");
  EXPECT_EQ(output.At(1).StringOr("Status", ""), "FAILED");
}

TEST_F(MapRunTest, WritesResults) {
  const std::string arn = Start(R"("ToleratedFailureCount": 1, "ResultWriter": {"Resource":
      "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out", "Prefix": "p"}})",
                                "[1, null, 2]", kFailsOnNull);
  const Json output = *ParseJson(WaitFor(arn).StringOr("output", ""));
  EXPECT_EQ(output.StringOr("MapRunArn", ""), RunOf(arn)) << output.Print();
  const std::string uuid = ParseMapRunArn(RunOf(arn))->uuid;
  EXPECT_EQ(output["ResultWriterDetails"].Print(),
            R"({"Bucket":"out","Key":"p/)" + uuid + R"(/manifest.json"})");
  const std::string folder = "p/" + uuid + "/";
  const Json manifest = *ParseJson(Written(folder + "manifest.json"));
  EXPECT_EQ(manifest["ResultFiles"]["PENDING"].size(), 0u);
  ASSERT_EQ(manifest["ResultFiles"]["SUCCEEDED"].size(), 1u);
  const std::string succeeded = Written(folder + "SUCCEEDED_0.json");
  EXPECT_EQ(manifest["ResultFiles"]["SUCCEEDED"].At(0).IntOr("Size", 0),
            static_cast<int64_t>(succeeded.size()));
  const Json records = *ParseJson(succeeded);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records.At(1).StringOr("Output", ""), "2");
  EXPECT_EQ(ParseJson(Written(folder + "FAILED_0.json"))->At(0).StringOr("Cause", ""), "c");
  EXPECT_EQ(DescribeRun(arn)["itemCounts"].IntOr("resultsWritten", 0), 3);
}

TEST_F(MapRunTest, WritesWhatIsLeftOfAFailedRun) {
  const std::string arn = Start(R"("MaxConcurrency": 1, "ResultWriter": {"Resource":
      "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "out"}, "WriterConfig":
      {"Transformation": "COMPACT", "OutputType": "JSONL"}})",
                                "[[1], null, 2]", kFailsOnNull);
  EXPECT_EQ(WaitFor(arn).StringOr("status", ""), "FAILED");
  const std::string folder = ParseMapRunArn(RunOf(arn))->uuid + "/";
  EXPECT_EQ(Written(folder + "SUCCEEDED_0.json"), "[1]\n");
  EXPECT_EQ(Written(folder + "PENDING_0.json"), "{\"Input\":\"2\"}\n");
}

TEST_F(MapRunTest, StopsWithItsExecution) {
  const std::string arn = Start(R"("MaxConcurrency": 2)", "[1, 2, 3]",
                                R"({"Type": "Wait", "Seconds": 1000, "End": true})");
  ASSERT_TRUE(world.RunUntil([&] {
    const std::string run = RunOf(arn);
    return !run.empty() && DescribeRun(arn)["itemCounts"].IntOr("running", 0) == 2;
  }));
  Ask("UpdateMapRun", Json::Object{{"mapRunArn", RunOf(arn)}, {"maxConcurrency", 3}});
  EXPECT_EQ(DescribeRun(arn).IntOr("maxConcurrency", 0), 3);
  ASSERT_TRUE(
      world.RunUntil([&] { return DescribeRun(arn)["itemCounts"].IntOr("running", 0) == 3; }));
  Ask("StopExecution", Json::Object{{"executionArn", arn}});
  ASSERT_TRUE(world.RunUntil([&] { return DescribeRun(arn).StringOr("status", "") == "ABORTED"; }));
  EXPECT_EQ(DescribeRun(arn)["itemCounts"].IntOr("aborted", 0), 3);
  EXPECT_EQ(Children(arn, "ABORTED").size(), 3u);
  const Result<Json> late = world.Ask(
      "states", "UpdateMapRun", Json::Object{{"mapRunArn", RunOf(arn)}, {"maxConcurrency", 1}});
  EXPECT_EQ(late.error().name, "ValidationException");
}

TEST_F(MapRunTest, ExpressChildren) {
  const std::string arn =
      Start(R"("ToleratedFailureCount": 1)", "[1, null]", kFailsOnNull, "EXPRESS");
  const Json output = *ParseJson(WaitFor(arn).StringOr("output", "null"));
  ASSERT_EQ(output.size(), 2u) << output.Print();
  EXPECT_EQ(output.At(0), Json(1));
  EXPECT_EQ(output.At(1).StringOr("RedriveStatus", ""), "REDRIVABLE_BY_MAP_RUN");
  const Json children = Children(arn, "SUCCEEDED");
  ASSERT_EQ(children.size(), 1u);
  EXPECT_NE(children.At(0).StringOr("executionArn", "").find(":express:"), std::string::npos);
}

TEST_F(MapRunTest, ARedriveBeginsAgainWhatDidNotSucceed) {
  // The object decides: children read it by a task.
  const std::string arn =
      Start(R"("MaxConcurrency": 1)", R"(["a", "b", "c"])",
            R"({"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:s3:headObject", "Parameters":
            {"Bucket": "bucket", "Key.$": "$"}, "ResultPath": null, "End": true})");
  EXPECT_EQ(WaitFor(arn).StringOr("error", ""), "States.ExceedToleratedFailureThreshold");
  for (const char* key : {"a", "b", "c"}) Put(key, "x");
  Ask("RedriveExecution", Json::Object{{"executionArn", arn}});
  EXPECT_EQ(WaitFor(arn).StringOr("output", ""), R"(["a","b","c"])");
  EXPECT_EQ(Types(arn),
            "1<0ExecutionStarted 2<0MapStateEntered 3<2MapStateStarted 4<3MapRunStarted "
            "5<4MapRunFailed 6<5MapStateFailed 7<6ExecutionFailed 8<7ExecutionRedriven "
            "9<8MapRunRedriven 10<9MapRunSucceeded 11<10MapStateSucceeded 12<10MapStateExited "
            "13<12ExecutionSucceeded ");
  const Json run = DescribeRun(arn);
  EXPECT_EQ(run.StringOr("status", ""), "SUCCEEDED");
  EXPECT_EQ(run.IntOr("redriveCount", 0), 1);
  EXPECT_EQ(run["itemCounts"].IntOr("succeeded", 0), 3);
  EXPECT_EQ(run["itemCounts"].IntOr("failed", 9), 0);
  EXPECT_EQ(Children(arn).size(), 3u);
  EXPECT_EQ(Ask("ListExecutions", Json::Object{{"mapRunArn", RunOf(arn)},
                                               {"redriveFilter", "REDRIVEN"}})["executions"]
                .size(),
            1u);
}

TEST_F(MapRunTest, NumbersByPathAreChecked) {
  const auto cause = [&](const std::string& map, const std::string& input) {
    return WaitFor(Start(map, input)).StringOr("cause", "");
  };
  const std::string prefix =
      "An error occurred while executing the state 'M' (entered at the event id #2). ";
  EXPECT_EQ(cause(std::string(kReader) + R"({"InputType": "JSON", "MaxItemsPath": "$.n"}})",
                  R"({"key": "k", "n": 1.5})"),
            prefix +
                "The MaxItemsPath field refers to value \"1.5\" which is not a valid integer: "
                "$.n");
  EXPECT_EQ(cause(std::string(kReader) + R"({"InputType": "JSON", "MaxItemsPath": "$.n"}})",
                  R"({"key": "k", "n": -1})"),
            "field MaxItems must be positive");
  EXPECT_EQ(cause(R"("ItemsPath": "$.i", "MaxConcurrencyPath": "$.n")", R"({"i": [], "n": {}})"),
            prefix +
                "The MaxConcurrencyPath field refers to value \"{}\" which is not a valid "
                "integer: $.n");
}

TEST(MapResults, Transformations) {
  const Json failed = Json::Object{{"status", "FAILED"}, {"error", "E"}};
  EXPECT_EQ(TransformResult(failed, "COMPACT")[0].StringOr("Error", ""), "E");
  const Json done = Json::Object{{"status", "SUCCEEDED"}, {"output", "[1,[2]]"}};
  EXPECT_EQ(Json(TransformResult(done, "FLATTEN")).Print(), "[1,[2]]");
  EXPECT_EQ(Json(TransformResult(done, "COMPACT")).Print(), "[[1,[2]]]");
  EXPECT_EQ(TransformResult(done, "NONE")[0].StringOr("Output", ""), "[1,[2]]");
}

}  // namespace
}  // namespace stepmill::states
