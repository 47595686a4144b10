#pragma once

#include <gtest/gtest.h>

#include <string>

#include "compute/backend.h"
#include "io/run_on.h"

// What every Backend promises. Included by the tests of each home only.

namespace stepmill {

/// One backend under test. Its image "test" has a shell; or plays one (see compute/fake).
class BackendWorld {
 public:
  virtual ~BackendWorld() = default;
  virtual io::Loop& loop() = 0;
  virtual Backend& backend() = 0;
  /// A new backend on the same data, as after a restart of the server.
  virtual void Restart() = 0;
};

inline JobSpec ShellJob(const std::string& id, const std::string& script) {
  JobSpec spec;
  spec.id = JobId{id};
  spec.image = "test";
  spec.entrypoint = std::vector<std::string>{"sh"};
  spec.arguments = {"-c", script};
  spec.account = "000000000000";
  spec.region = "us-east-1";
  return spec;
}

inline Task<std::string> ReadToEnd(Backend& backend, JobId id) {
  std::string log;
  for (;;) {
    MILL_CO_TRY(const LogChunk chunk, co_await backend.ReadLog(id, log.size()));
    if (chunk.is_end) co_return log;
    log += chunk.bytes;
  }
}

inline std::string ReadWholeLog(BackendWorld& world, const JobId& id) {
  return io::RunOn(world.loop(), ReadToEnd(world.backend(), id)).value();
}

inline void CheckPlainJob(BackendWorld& world) {
  JobSpec spec = ShellJob("plain-1", "echo 日本語; printf tail; exit 3");
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));  // repeated: the same job
  const auto result = io::RunOn(world.loop(), world.backend().Wait(spec.id));
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->start_error, "");
  EXPECT_EQ(result->exit_code, 3);
  EXPECT_FALSE(result->was_stopped);
  const std::string log = ReadWholeLog(world, spec.id);
  EXPECT_EQ(log, "日本語\ntail");
  const auto middle = io::RunOn(world.loop(), world.backend().ReadLog(spec.id, 10));
  EXPECT_EQ(middle.value().bytes, log.substr(10));
  world.Restart();
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().exit_code, 3);
  EXPECT_EQ(ReadWholeLog(world, spec.id), log);
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().List()).value().size(), 1u);
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Remove(spec.id)));
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Remove(spec.id)));
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(spec.id)).error().code, Code::kNotFound);
}

inline void CheckSteps(BackendWorld& world) {
  JobSpec spec = ShellJob("steps-1", "");
  spec.entrypoint.reset();
  spec.arguments.clear();
  spec.is_stepped = true;
  spec.output_paths = {"/srv/out"};
  JobInput text;
  text.path = "/srv/in/word.txt";
  text.text = "kiwi\n";
  spec.inputs = {text};
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  StepSpec step;
  step.sequence = 1;
  step.argv = {"sh", "-c", "cat /srv/in/word.txt; echo made > /srv/out/file"};
  const auto first = io::RunOn(world.loop(), world.backend().RunStep(spec.id, step));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(first->exit_code, 0);
  EXPECT_EQ(first->log_end, 5u);
  world.Restart();
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().RunStep(spec.id, step)).value().log_end, 5u);
  const auto host = world.backend().HostPath(spec.id, "/srv/out/file");
  ASSERT_TRUE(host) << host.error().message;
  EXPECT_FALSE(world.backend().HostPath(spec.id, "/etc/passwd"));
  step.sequence = 2;
  step.argv = {"sh", "-c", "exit 4"};
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().RunStep(spec.id, step)).value().exit_code, 4);
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Stop(spec.id, std::chrono::seconds(5))));
  EXPECT_TRUE(io::RunOn(world.loop(), world.backend().Wait(spec.id)).value().was_stopped);
  step.sequence = 3;
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().RunStep(spec.id, step)).error().name,
            "JobEnded");
  EXPECT_EQ(ReadWholeLog(world, spec.id), "kiwi\n");
}

inline void CheckStop(BackendWorld& world) {
  const JobSpec spec = ShellJob("stop-1", "exec sleep 1000");
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Start(spec)));
  ASSERT_TRUE(io::RunOn(world.loop(), world.backend().Stop(spec.id, std::chrono::seconds(0))));
  const auto result = io::RunOn(world.loop(), world.backend().Wait(spec.id));
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->was_stopped);
  EXPECT_FALSE(result->is_out_of_memory);
}

inline void CheckBackendContract(BackendWorld& world) {
  EXPECT_EQ(io::RunOn(world.loop(), world.backend().Wait(JobId{"none"})).error().code,
            Code::kNotFound);
  CheckPlainJob(world);
  CheckSteps(world);
  CheckStop(world);
}

}  // namespace stepmill
