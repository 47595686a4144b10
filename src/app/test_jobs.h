#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "app/test_services.h"
#include "app/test_world.h"
#include "archive/libarchive/libarchive.h"
#include "blob/memory/memory_blobs.h"
#include "compute/fake/fake_backend.h"

namespace stepmill::test {

inline Json Parsed(const char* text) { return ParseJson(text).value(); }

/// The text of a spec's input file.
inline std::string TextOf(const JobSpec& spec, const std::string& path) {
  for (const JobInput& input : spec.inputs)
    if (input.path == path) return input.text;
  return "no " + path;
}

/// For tests of services that run jobs: a world with blobs in memory, real archives, and containers
/// that are functions. What other services keep is empty at first. The fixture that derives from it
/// calls Begin() once all is wired.
class JobsTest : public testing::Test {
 protected:
  /// `service`: the one under test, which Ask and Refused ask.
  JobsTest(const char* service, std::vector<const Service*> services, Engine::Matcher matcher)
      : service_(service),
        folder(MakeFolder()),
        archive(pool),
        backend(
            folder + "/jobs", [this](const JobSpec& spec) { return program(spec); },
            [](const JobSpec&, const StepSpec&) { return FakeRun{}; }),
        world(std::move(services), &blobs, &archive, std::move(matcher), &backend) {
    kept() = {};
  }
  ~JobsTest() override {
    std::error_code ignored;  // a temporary folder
    std::filesystem::remove_all(folder, ignored);
  }
  void Begin() { ASSERT_TRUE(world.Run(world.engine().Recover())); }

  Json Ask(const char* operation, const Json& input, const char* service = nullptr) {
    const auto answer = world.Ask(service ? service : service_, operation, input);
    EXPECT_TRUE(answer) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  /// "NAME: message" of the error, or "accepted".
  std::string Refused(const char* operation, const Json& input, const char* service = nullptr) {
    const auto answer = world.Ask(service ? service : service_, operation, input);
    return answer ? "accepted" : answer.error().name + ": " + answer.error().message;
  }
  /// What `operation` answers once its `member` is none of the states of a thing under way.
  Json Finish(const char* operation, const Json& input, const char* member) {
    Json answer;
    EXPECT_TRUE(world.RunUntil([&] {
      answer = Ask(operation, input);
      const std::string status = answer.StringOr(member, "");
      return status != "InProgress" && status != "Stopping";
    })) << answer.Print();
    return answer;
  }
  /// A file of an archive that lies in S3.
  std::string FileOf(const char* object, const char* member) {
    const std::string path = folder + "/archive";
    MILL_ASSERT(world.Run(WriteTo(path, kept().objects[object])).has_value());
    const auto text = world.Run(archive.ReadEntry(path, member, 1 << 20));
    return text ? *text : text.error().message;
  }
  static FakeRun Endless() {
    FakeRun run;
    run.is_endless = true;
    return run;
  }
  static FakeRun Exits(int code) {
    FakeRun run;
    run.exit_code = code;
    return run;
  }

 private:
  static std::string MakeFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "jobs-test-XXXXXX").string();
    return ::mkdtemp(pattern.data());
  }
  Task<> WriteTo(std::string path, std::string bytes) {
    MILL_CO_TRY(const BlobInfo blob, co_await WriteBlob(blobs, bytes));
    co_return co_await blobs.Export(blob.id, path);
  }
  struct Counter : Random {
    uint64_t state = 1;
    uint64_t Next() override { return state++; }
  } chance_;
  const char* service_;

 protected:
  std::string folder;
  std::function<FakeRun(const JobSpec&)> program = [](const JobSpec&) { return FakeRun{}; };
  MemoryBlobs blobs{chance_};
  asio::thread_pool pool{1};
  Libarchive archive;
  FakeBackend backend;
  TestWorld world;
};

}  // namespace stepmill::test
