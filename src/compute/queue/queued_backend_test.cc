#include "compute/queue/queued_backend.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "compute/contract/backend_contract.h"
#include "compute/fake/fake_backend.h"
#include "io/files.h"

namespace stepmill {
namespace {

class Queue : public ::testing::Test {
 protected:
  Queue() {
    std::string pattern = ::testing::TempDir() + "/queue-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    Restart();
  }
  ~Queue() override { (void)io::RemoveTree(folder_); }

  /// As after a restart of the server: jobs go on.
  void Restart() {
    queue_ = std::make_unique<QueuedBackend>(inner_, loop_.spawner(), folder_ + "/queue",
                                             Capacity{4, 16 * 1024});
    ASSERT_TRUE(io::RunOn(loop_, queue_->Recover()));
  }
  static JobSpec Job(const std::string& id, double cpus, int64_t memory_gib = 0) {
    JobSpec spec = ShellJob(id, "endless");
    spec.line = JobSpec::Line::kJobs;
    spec.cpus = cpus;
    spec.memory_mib = memory_gib * 1024;
    return spec;
  }
  static Task<> Keep(Backend& backend, JobSpec spec, std::map<std::string, std::string>& ends) {
    const std::string id = spec.id.value;
    const auto started = co_await backend.Start(std::move(spec));
    ends[id] = started ? "started" : started.error().name;
    co_return Result<>();
  }
  static Task<> Nothing() { co_return Result<>(); }
  /// Until nothing can go on by itself.
  void Settle() {
    for (int i = 0; i < 50; ++i) ASSERT_TRUE(io::RunOn(loop_, Nothing()));
  }
  void Start(JobSpec spec) {
    loop_.spawner().Spawn("start", Keep(*queue_, std::move(spec), ends_));
    Settle();
  }
  void End(const std::string& id) {
    inner_.End(JobId{id}, 0);
    Settle();
  }
  std::string Running() {
    std::string text;
    const auto ids = io::RunOn(loop_, inner_.List()).value();
    for (const JobId& id : ids) text += id.value + " ";
    return text;
  }
  size_t Files() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder_ + "/queue"))
      count += entry.is_regular_file();
    return count;
  }

  io::Loop loop_{1};
  std::string folder_;
  FakeBackend inner_{::testing::TempDir() + "/queue-jobs",
                     [](const JobSpec&) {
                       FakeRun run;
                       run.is_endless = true;
                       return run;
                     },
                     [](const JobSpec&, const StepSpec&) { return FakeRun{}; }};
  std::unique_ptr<QueuedBackend> queue_;
  std::map<std::string, std::string> ends_;
};

TEST_F(Queue, JobsWaitInTheirOrder) {
  Start(Job("a", 3));
  Start(Job("b", 2));
  Start(Job("c", 1));  // would fit, and does not overtake
  EXPECT_EQ(Running(), "a ");
  EXPECT_EQ(queue_->WaitsFor(JobId{"a"}), "");
  EXPECT_EQ(queue_->WaitsFor(JobId{"c"}),
            "The machine is full: 1 vCPUs and 0 GiB are needed, 1 of 4 vCPUs and 16 of 16 GiB are "
            "free; 1 before it in the queue.");
  End("a");
  EXPECT_EQ(Running(), "a b c ");
  EXPECT_EQ(queue_->WaitsFor(JobId{"c"}), "");
  End("b");
  End("c");
  EXPECT_EQ(Files(), 0u);
}

TEST_F(Queue, MemoryCountsAndWhatIsLargerThanTheMachineRunsAlone) {
  Start(Job("a", 1, 10));
  Start(Job("b", 1, 6));
  Start(Job("large", 96, 384));
  EXPECT_EQ(Running(), "a b ");
  End("a");
  EXPECT_EQ(Running(), "a b ");
  End("b");
  EXPECT_EQ(Running(), "a b large ");
  Start(Job("c", 1));
  EXPECT_EQ(ends_.count("c"), 0u);
  End("large");
  EXPECT_EQ(ends_["c"], "started");
}

TEST_F(Queue, ThePlacesSurviveARestart) {
  Start(Job("a", 4));
  Start(Job("b", 4));
  Start(Job("c", 4));
  Restart();
  // The starts are repeated, in any order, and a new one comes before them.
  ends_.clear();
  Start(Job("d", 4));
  Start(Job("c", 4));
  Start(Job("b", 4));
  Start(Job("a", 4));  // it has begun
  EXPECT_EQ(ends_["a"], "started");
  EXPECT_EQ(inner_.StartCount(JobId{"a"}), 1);
  EXPECT_EQ(Running(), "a ");
  End("a");
  EXPECT_EQ(Running(), "a b ");
  End("b");
  EXPECT_EQ(Running(), "a b c ");
  End("c");
  EXPECT_EQ(Running(), "a b c d ");
  EXPECT_EQ(inner_.StartCount(JobId{"b"}), 1);
}

TEST_F(Queue, WhatEndedWhileTheServerWasAwayLeavesItsRoom) {
  JobSpec first = Job("a1", 2), second = Job("a2", 2);
  for (JobSpec* host : {&first, &second}) {
    host->group = "a";
    host->group_hosts = 2;
  }
  Start(std::move(first));
  Start(std::move(second));
  Start(Job("b", 4));
  EXPECT_EQ(Running(), "a1 a2 ");
  queue_.reset();
  End("a1");
  End("a2");
  Restart();
  Settle();
  EXPECT_EQ(Files(), 1u);
  ends_.clear();
  Start(Job("b", 4));
  EXPECT_EQ(ends_["b"], "started");
}

TEST_F(Queue, WhatWaitsCanBeStopped) {
  Start(Job("a", 4));
  Start(Job("b", 4));
  Start(Job("c", 4));
  ASSERT_TRUE(io::RunOn(loop_, queue_->Stop(JobId{"b"}, std::chrono::seconds(1))));
  Settle();
  EXPECT_EQ(ends_["b"], "JobStopped");
  // Also when its start comes again after a restart.
  Restart();
  ends_.clear();
  Start(Job("b", 4));
  EXPECT_EQ(ends_["b"], "JobStopped");
  Start(Job("c", 4));
  End("a");
  EXPECT_EQ(Running(), "a c ");
  ASSERT_TRUE(io::RunOn(loop_, queue_->Remove(JobId{"b"})));
  ASSERT_TRUE(io::RunOn(loop_, queue_->Remove(JobId{"c"})));
  EXPECT_EQ(Files(), 0u);
}

TEST_F(Queue, HostsOfAGroupGetRoomTogether) {
  const auto host = [](const std::string& id, const std::string& group) {
    JobSpec spec = Job(id, 2);
    spec.group = group;
    spec.group_hosts = 2;
    return spec;
  };
  Start(host("a-1", "a"));
  Start(host("b-1", "b"));
  Start(host("a-2", "a"));
  Start(host("b-2", "b"));
  EXPECT_EQ(Running(), "a-1 a-2 ");
  End("a-1");
  EXPECT_EQ(Running(), "a-1 a-2 ");
  End("a-2");
  EXPECT_EQ(Running(), "a-1 a-2 b-1 b-2 ");
}

TEST_F(Queue, BuildsHaveALineOfTheirOwn) {
  JobSpec build = Job("build", 4);
  build.line = JobSpec::Line::kBuilds;
  Start(build);
  Start(Job("job", 4));  // which the build waits for
  JobSpec other = Job("other", 4);
  other.line = JobSpec::Line::kNone;
  Start(other);
  EXPECT_EQ(Running(), "build job other ");
}

TEST_F(Queue, ThisMachineHasRoom) {
  EXPECT_GE(MachineCapacity().cpus, 1);
  EXPECT_GT(MachineCapacity().memory_mib, 64);
}

}  // namespace
}  // namespace stepmill
