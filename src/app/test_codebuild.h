#pragma once

#include <gtest/gtest.h>

#include "app/test_backend.h"
#include "app/test_services.h"
#include "app/test_world.h"
#include "archive/libarchive/libarchive.h"
#include "blob/memory/memory_blobs.h"
#include "service/codebuild/codebuild.h"

namespace stepmill::codebuild {
inline constexpr char kRole[] = "arn:aws:iam::000000000000:role/build";

class CodeBuildTest : public testing::Test {
 protected:
  CodeBuildTest()
      : folder(Folder()),
        steps(folder + "/jobs"),
        archive(pool),
        world(
            {&kService, &test::kLogs, &test::kSsm, &test::kSecrets, &test::kS3}, &blobs, &archive,
            [](const Json&, const Json&) { return false; }, &steps) {
    test::kept() = {};
    EXPECT_TRUE(world.Run(world.engine().Recover()));
  }
  ~CodeBuildTest() override { std::filesystem::remove_all(folder); }
  static std::string Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "codebuild-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }

  Json Ask(const char* operation, Json input, bool is_internal = false) {
    const Result<Json> answer = world.Ask("codebuild", operation, std::move(input), is_internal);
    EXPECT_TRUE(answer.has_value()) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  std::string Refused(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("codebuild", operation, std::move(input));
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  }
  static Json Project(const char* name, Json source, Json artifacts) {
    const Json variable = Json::Object{{"name", "FROM_PROJECT"}, {"value", "p"}};
    return Json::Object{
        {"name", name},
        {"source", std::move(source)},
        {"artifacts", std::move(artifacts)},
        {"environment", Json::Object{{"type", "LINUX_CONTAINER"},
                                     {"image", "aws/codebuild/standard:7.0"},
                                     {"computeType", "BUILD_GENERAL1_SMALL"},
                                     {"environmentVariables", Json(Json::Array{variable})}}},
        {"serviceRole", kRole}};
  }
  static Json Inline(const char* buildspec) {
    return Json::Object{{"type", "NO_SOURCE"}, {"buildspec", buildspec}};
  }
  static Json NoArtifacts() { return Json::Object{{"type", "NO_ARTIFACTS"}}; }

  /// Waits for the end of a build; its record.
  Json Finish(const Json& started) {
    const std::string id = started["build"].StringOr("id", "");
    Json build;
    EXPECT_TRUE(world.RunUntil([&] {
      for (const Json& event : states)
        if (event["detail"].StringOr("build-id", "").ends_with(id) &&
            event["detail"].StringOr("build-status", "") != "IN_PROGRESS")
          return true;
      return IsDone(id, build);
    }));
    return build;
  }
  bool IsDone(const std::string& id, Json& build) {
    const Key key = MakeKey({"000000000000", "us-east-1", "codebuild", "build", id});
    const auto document = world.Run(world.ports().store.Get(key));
    if (document && *document) build = (*document)->body;
    return build.BoolOr("buildComplete", false);
  }
  static std::string Phases(const Json& build) {
    std::string out;
    for (const Json& phase : build["phases"].items())
      out += phase.StringOr("phaseType", "") + "=" + phase.StringOr("phaseStatus", "") + " ";
    return out;
  }
  /// The build's log without stamps.
  std::string Log(const Json& build) {
    std::string out;
    const Json& logs = build["logs"];
    for (std::string line :
         test::kept()
             .logs[logs.StringOr("groupName", "") + " " + logs.StringOr("streamName", "")]) {
      if (line.starts_with("[Container] ")) line = "> " + line.substr(39);
      out += line + "\n";
    }
    return ReplaceAll(out, folder, "");
  }

  std::string folder;
  struct Chance : Random {
    uint64_t Next() override { return ++next; }
    uint64_t next = 0;
  } chance;
  MemoryBlobs blobs{chance};
  LocalSteps steps;
  asio::thread_pool pool{1};
  Libarchive archive;
  TestWorld world;
  std::vector<Json> states;
};

}  // namespace stepmill::codebuild
