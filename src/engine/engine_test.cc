// The loop over a store that crashes: before or after any commit the process "ends" (everything in
// memory is dropped) and a new engine recovers from what the store holds.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include "engine/turns.h"
#include "store/memory/memory_store.h"
#include "task/fake_ports.h"

namespace stepmill {
namespace {

constexpr int kRounds = 3;

/// Calls "work" `kRounds` times with a pause of an hour between, and counts; then waits for the
/// event "Done" and finishes.
Step Worker(const std::string& id, const Json& state, const Event& event) {
  Step step;
  const int64_t round = state.IntOr("round", 0);
  const auto call = [&](int64_t number) {
    step.turn.effects.push_back(
        {"work" + std::to_string(number), "work", Json::Object{{"round", number}}});
    step.state = state.With("round", number);
  };
  const auto note = [&](const std::string& what) { step.turn.history = Json::Array{what}; };
  step.state = state;
  if (event.kind == "start") {
    call(1);
    note("start");
  } else if (event.kind == "effect") {
    note("worked " + std::to_string(round) + " " + event.data["output"].NumberText());
    if (round < kRounds) {
      step.turn.timers.push_back({"pause", event.at + std::chrono::hours(1)});
    } else {
      step.turn.subscriptions.push_back({"done", Json::Object{{"detail-type", "Done"}}});
      step.turn.writes.events.push_back(
          MakeEvent("test", "Done", "000000000000", "us-east-1", {}, Json::Object{}));
    }
  } else if (event.kind == "timer") {
    note("paused " + std::to_string(round));
    call(round + 1);
  } else if (event.kind == "event" && event.data["event"].StringOr("source", "") != kRecovered) {
    note("done");
    step.turn.writes.PutDocument("result/" + id, Json(round));
    step.turn.is_finished = true;
  }
  return step;
}

/// Passes on to the store that lives through crashes; ends the process at the commit it is told.
class CrashingStore : public Store {
 public:
  CrashingStore(MemoryStore& inner, int crash_at, bool is_after)
      : inner_(inner), crash_at_(crash_at), is_after_(is_after) {}
  Task<> Commit(Batch batch) override {
    const bool is_crash = ++commits_ == crash_at_;
    if (!is_crash || is_after_) {
      MILL_CO_CHECK(co_await inner_.Commit(std::move(batch)));
    }
    if (is_crash || has_crashed_) {
      has_crashed_ = true;
      co_await forever_.Wait();
    }
    co_return Result<>();
  }
  Task<> Settle() override { return inner_.Settle(); }
  Task<std::optional<Document>> Get(Key key) override { return inner_.Get(key); }
  Task<std::vector<Document>> Range(Key from, Key to, Direction direction, int limit) override {
    return inner_.Range(from, to, direction, limit);
  }
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction direction,
                                 int limit) override {
    return inner_.Read(stream, from, direction, limit);
  }
  Task<std::vector<Due>> FindDue(Time at, std::string id, int limit) override {
    return inner_.FindDue(at, id, limit);
  }
  bool has_crashed() const { return has_crashed_; }

 private:
  MemoryStore& inner_;
  int crash_at_;
  bool is_after_;
  int commits_ = 0;
  bool has_crashed_ = false;
  Signal forever_;
};

bool SameDetailType(const Json& pattern, const Json& event) {
  return pattern["detail-type"] == event["detail-type"];
}

struct Outcome {
  std::vector<std::string> history;
  std::map<std::string, int> performed;  // effect id -> times
  int seen_by_subscriber = 0;
  bool is_finished = false;
  int commits = 0;
};

Task<Json> Value(Json value) { co_return value; }

/// What all turns kept, one after the other.
std::vector<std::string> HistoryOf(FakeWorld& world, Engine& engine, const std::string& id) {
  std::vector<std::string> lines;
  const auto turns = world.Await(engine.ReadHistory(id, 1, Direction::kForward, 1000));
  for (const KeptHistory& turn : *turns)
    for (const Json& line : turn.history.items()) lines.push_back(line.AsString());
  return lines;
}

/// Runs the worker to its end; the process ends at commit `crash_at` (0: never).
Outcome RunWorker(int crash_at, bool is_after) {
  MemoryStore disk;
  FakeWorld world;
  Outcome outcome;
  bool has_crashed = false;
  for (int life = 0; life == 0 || (life == 1 && has_crashed); ++life) {
    {
      CrashingStore store(disk, life == 0 ? crash_at : 0, is_after);
      Engine engine(store, world, world, world, SameDetailType);
      engine.AddMachine("worker", JsonMachine(Worker));
      engine.AddPerformer("work", [&outcome](Engine::Performance p) -> Task<Json> {
        ++outcome.performed[p.effect_id];
        return Value(p.what["round"]);
      });
      engine.AddPerformer("see", [&outcome](Engine::Performance) -> Task<Json> {
        ++outcome.seen_by_subscriber;
        return Value(Json());
      });
      engine.AddSubscriber("watcher", Json::Object{{"detail-type", "Done"}}, "see", Json::Object{});
      world.Spawn("recover", engine.Recover());
      world.RunReady();
      if (life == 0) {
        Batch batch;
        engine.Start(batch, "w1", "worker", Json());
        world.Spawn("start", engine.Commit(std::move(batch)));
      }
      world.Run();
      has_crashed = store.has_crashed();
    }
    world.DropAll();
  }
  Engine reader(disk, world, world, world, SameDetailType);
  outcome.history = HistoryOf(world, reader, "w1");
  outcome.is_finished = world.Await(disk.Get("result/w1")).value().has_value();
  EXPECT_TRUE(world.Await(disk.FindDue(Time(Millis(INT64_MIN)), "", 100))->empty())
      << "something is still due";
  EXPECT_TRUE(world.errors.empty()) << world.errors[0];
  return outcome;
}

const std::vector<std::string> kExpected = {"start",    "worked 1 1", "paused 1", "worked 2 2",
                                            "paused 2", "worked 3 3", "done"};

TEST(Engine, RunsToTheEnd) {
  const Outcome outcome = RunWorker(0, false);
  EXPECT_EQ(outcome.history, kExpected);
  EXPECT_TRUE(outcome.is_finished);
  EXPECT_EQ(outcome.seen_by_subscriber, 1);
  for (const auto& [id, times] : outcome.performed) EXPECT_EQ(times, 1) << id;
}

TEST(Engine, LosesNothingAndDecidesOnceWhereverItCrashes) {
  int finished = 0;
  for (int crash_at = 2; crash_at < 14; ++crash_at) {  // commit 1 is the start itself
    for (const bool is_after : {false, true}) {
      const Outcome outcome = RunWorker(crash_at, is_after);
      EXPECT_EQ(outcome.history, kExpected)
          << "crash at commit " << crash_at << (is_after ? " after" : " before");
      EXPECT_TRUE(outcome.is_finished);
      EXPECT_GE(outcome.seen_by_subscriber, 1);
      EXPECT_EQ(outcome.performed.size(), static_cast<size_t>(kRounds));
      for (const auto& [id, times] : outcome.performed) EXPECT_LE(times, 2) << id;
      ++finished;
    }
  }
  EXPECT_EQ(finished, 24);
}

TEST(Engine, AStartThatCrashedBeforeItsCommitNeverWas) {
  const Outcome outcome = RunWorker(1, false);
  EXPECT_TRUE(outcome.history.empty());
  EXPECT_FALSE(outcome.is_finished);
}

/// Waits for an event and notes what it got; ends with "Done".
Step Waiter(const std::string&, const Json&, const Event& event) {
  Step step;
  if (event.kind == "start")
    step.turn.subscriptions.push_back({"done", Json::Object{{"detail-type", "Done"}}});
  if (event.kind != "event") return step;
  const std::string type = event.data["event"].StringOr("detail-type", "");
  step.turn.history = Json::Array{type};
  step.turn.is_finished = type == "Done";
  return step;
}

class EngineLives : public testing::Test {
 protected:
  /// A new process over the same disk.
  void Restart() {
    world_.DropAll();
    engine_ = std::make_unique<Engine>(disk_, world_, world_, world_, SameDetailType);
    engine_->AddMachine("waiter", JsonMachine(Waiter));
    engine_->AddPerformer("see", [this](Engine::Performance p) -> Task<Json> {
      seen_.push_back(p.what.StringOr("rule", ""));
      return Value(Json());
    });
    world_.Spawn("recover", engine_->Recover());
    world_.Run();
  }
  void Commit(Batch batch) {
    world_.Spawn("commit", engine_->Commit(std::move(batch)));
    world_.Run();
  }
  void Tell(const char* type) {
    Batch batch;
    batch.events.push_back(
        MakeEvent("test", type, "000000000000", "us-east-1", {}, Json::Object{}));
    Commit(std::move(batch));
  }
  std::string History(const std::string& id) {
    std::string text;
    for (const std::string& line : HistoryOf(world_, *engine_, id)) text += line + " ";
    return text;
  }

  MemoryStore disk_;
  FakeWorld world_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> seen_;
};

TEST_F(EngineLives, AWaiterIsAskedToLookOnceAfterEachRecovery) {
  Restart();
  Batch batch;
  engine_->Start(batch, "w", "waiter", Json());
  Commit(std::move(batch));
  Restart();
  EXPECT_EQ(History("w"), "Recovered ");
  Restart();
  Tell("Done");
  EXPECT_EQ(History("w"), "Recovered Recovered Done ");
  Restart();
  EXPECT_EQ(History("w"), "Recovered Recovered Done ");
}

TEST_F(EngineLives, DurableSubscriptionsComeAndGoWithTheirBatch) {
  Restart();
  const Json pattern = Json::Object{{"detail-type", "Go"}};
  Tell("Go");
  EXPECT_EQ(seen_.size(), 0U);
  Batch batch;
  engine_->Subscribe(batch, "a", pattern, "see", Json::Object{{"rule", "first"}});
  Commit(std::move(batch));
  Tell("Go");
  Tell("Stay");
  EXPECT_EQ(seen_, std::vector<std::string>({"first"}));
  Restart();
  Tell("Go");
  EXPECT_EQ(seen_.size(), 2U);
  Batch change;
  engine_->Subscribe(change, "a", pattern, "see", Json::Object{{"rule", "second"}});
  Commit(std::move(change));
  Tell("Go");
  EXPECT_EQ(seen_.back(), "second");
  EXPECT_EQ(seen_.size(), 3U);
  Batch removal;
  engine_->Unsubscribe(removal, "a");
  Commit(std::move(removal));
  Tell("Go");
  Restart();
  Tell("Go");
  EXPECT_EQ(seen_.size(), 3U);
  EXPECT_TRUE(world_.Await(disk_.FindDue(Time(Millis(INT64_MIN)), "", 100))->empty());
}

TEST_F(EngineLives, WhatFinishedLongAgoIsCollected) {
  Restart();
  EXPECT_EQ(*world_.Await(engine_->Collect(world_.Now())), 0);  // remembers the first day
  for (const char* id : {"old", "open"}) {
    Batch batch;
    engine_->Start(batch, id, "waiter", Json());
    if (std::string(id) == "old") {
      Commit(std::move(batch));
      Tell("Done");
    } else {
      Commit(std::move(batch));
    }
  }
  const Time ended = world_.Now();
  EXPECT_EQ(*world_.Await(engine_->Collect(ended)), 0) << "the day is not over";
  EXPECT_EQ(History("old"), "Done ");
  EXPECT_EQ(*world_.Await(engine_->Collect(ended + std::chrono::hours(24))), 1);
  EXPECT_EQ(History("old"), "");
  EXPECT_FALSE(*world_.Await(disk_.Get(MakeKey({"engine", "instance", "old"}))));
  EXPECT_EQ(*world_.Await(engine_->Collect(ended + std::chrono::hours(48))), 0);
  Tell("Done");
  EXPECT_EQ(History("open"), "Done ");
}

/// Finishes at once; opened again it works once more and finishes again.
Step Phoenix(const std::string&, const Json& state, const Event& event) {
  Step step;
  step.state = state.With(event.kind, true);
  if (event.kind == "start") {
    step.turn.history = Json::Array{"start " + event.shared.StringOr("name", ""), "finish"};
    step.turn.is_finished = true;
  } else if (event.kind == "again") {
    EXPECT_TRUE(state.Has("start")) << "what it has seen is replayed";
    step.turn.history = Json::Array{"again"};
    step.turn.effects.push_back({"work", "work", Json::Object{}});
  } else if (event.kind == "effect") {
    step.turn.history = Json::Array{"worked"};
    step.turn.is_finished = true;
  }
  return step;
}

Task<> StartPhoenix(Engine& engine) {
  Batch batch;
  batch.Create("shared", Json::Object{{"name", "x"}});
  engine.Start(batch, "p1", "phoenix", Json(), "shared");
  co_return co_await engine.Commit(std::move(batch));
}

Task<> ReopenPhoenix(Engine& engine) {
  Batch batch;
  MILL_CO_CHECK(co_await engine.Reopen(batch, "p1", "again", Json()));
  co_return co_await engine.Commit(std::move(batch));
}

/// The history after a life that ends at commit `crash_at` (0: never) and one that follows.
std::vector<std::string> RunPhoenix(int crash_at, bool is_after) {
  MemoryStore disk;
  FakeWorld world;
  bool has_crashed = false;
  for (int life = 0; life == 0 || (life == 1 && has_crashed); ++life) {
    {
      CrashingStore store(disk, life == 0 ? crash_at : 0, is_after);
      Engine engine(store, world, world, world, SameDetailType);
      engine.AddMachine("phoenix", JsonMachine(Phoenix));
      engine.AddPerformer("work", [](Engine::Performance) -> Task<Json> { return Value(Json()); });
      world.Spawn("recover", engine.Recover());
      world.RunReady();
      if (life == 0) {
        world.Spawn("start", StartPhoenix(engine));
        world.Run();
        if (!store.has_crashed()) world.Spawn("reopen", ReopenPhoenix(engine));
      }
      world.Run();
      has_crashed = store.has_crashed();
    }
    world.DropAll();
  }
  EXPECT_TRUE(world.Await(disk.FindDue(Time(Millis(INT64_MIN)), "", 100))->empty());
  EXPECT_TRUE(world.errors.empty()) << world.errors[0];
  Engine reader(disk, world, world, world, SameDetailType);
  return HistoryOf(world, reader, "p1");
}

TEST(Engine, OpensAFinishedInstanceAgainWhereverItCrashes) {
  const std::vector<std::string> once = {"start x", "finish"};
  const std::vector<std::string> twice = {"start x", "finish", "again", "worked"};
  EXPECT_EQ(RunPhoenix(0, false), twice);
  for (const bool is_after : {false, true}) {
    EXPECT_EQ(RunPhoenix(2, is_after), is_after ? twice : once) << "reopening";
    EXPECT_EQ(RunPhoenix(3, is_after), twice) << "the event that reopened it";
    EXPECT_EQ(RunPhoenix(4, is_after), twice) << "finishing again";
    EXPECT_EQ(RunPhoenix(5, is_after), twice) << "answers to its effects go";
  }
}

/// A world with phoenixes in it.
class EngineReopens : public testing::Test {
 protected:
  EngineReopens() : engine_(disk_, world_, world_, world_, SameDetailType) {
    engine_.AddMachine("phoenix", JsonMachine(Phoenix));
    engine_.AddPerformer("work", [](Engine::Performance) -> Task<Json> { return Value(Json()); });
    world_.Spawn("recover", engine_.Recover());
    world_.Run();
  }
  ~EngineReopens() override {
    EXPECT_TRUE(world_.errors.empty()) << world_.errors[0];
    world_.DropAll();
  }
  int Collect(Time until) { return *world_.Await(engine_.Collect(until)); }
  size_t HistorySize() { return HistoryOf(world_, engine_, "p1").size(); }

  MemoryStore disk_;
  FakeWorld world_;
  Engine engine_;
};

TEST_F(EngineReopens, WhatReopensIsNotDroppedByTheEndBeforeIt) {
  Batch batch;
  engine_.Start(batch, "p1", "phoenix", Json());
  engine_.Post(batch, "p1", "again", Json());  // dropped: it has finished by then
  AddReopen(batch, "p1", "again", Json(), world_.Now(), "z");
  world_.Spawn("start", engine_.Commit(std::move(batch)));
  world_.Run();
  EXPECT_EQ(HistorySize(), 4u) << "start, finish, again, worked";
  EXPECT_TRUE(world_.Await(disk_.FindDue(Time(Millis(INT64_MIN)), "", 100))->empty());
}

TEST_F(EngineReopens, WhatWasOpenedAgainIsCollectedByItsLastEnd) {
  constexpr auto kDay = std::chrono::hours(24);
  EXPECT_EQ(Collect(world_.Now()), 0);  // remembers the first day
  const Time first = world_.Now();
  world_.Spawn("start", StartPhoenix(engine_));
  world_.Run();
  (void)world_.Await(world_.SleepUntil(first + kDay));
  world_.Spawn("reopen", ReopenPhoenix(engine_));
  world_.Run();
  EXPECT_EQ(Collect(first + kDay), 0) << "its first end was that day, its last one was not";
  EXPECT_EQ(HistorySize(), 4u);
  EXPECT_EQ(Collect(first + 2 * kDay), 1);
  EXPECT_EQ(HistorySize(), 0u);
}

TEST(Engine, AnInstanceThatNeverWasIsNotReopened) {
  MemoryStore disk;
  FakeWorld world;
  Engine engine(disk, world, world, world, SameDetailType);
  const auto reopened = world.Await(ReopenPhoenix(engine));
  ASSERT_FALSE(reopened.has_value());
  EXPECT_EQ(reopened.error().code, Code::kNotFound);
}

Step Diary(const std::string&, const Json&, const Event& event) {
  Step step;
  step.turn.history = event.data["lines"];
  return step;
}

/// Pages of `limit` turns from one end to the other, joined.
std::string Pages(FakeWorld& world, Engine& engine, Direction direction, int limit) {
  std::string text;
  uint64_t at = direction == Direction::kForward ? 1 : 0;
  do {
    const auto page = world.Await(engine.ReadHistory("d1", at, direction, limit, &at));
    for (const KeptHistory& turn : *page)
      text += std::to_string(turn.turn) + turn.history.At(0).AsString();
    text += "|";
  } while (at != 0);
  return text;
}

TEST(Engine, ReadsHistoryInPagesFromBothEnds) {
  MemoryStore disk;
  FakeWorld world;
  Engine engine(disk, world, world, world, SameDetailType);
  engine.AddMachine("diary", JsonMachine(Diary));
  world.Spawn("recover", engine.Recover());
  world.RunReady();
  const auto write = [&](bool is_first, Json lines) {
    Batch batch;
    const Json data = Json::Object{{"lines", std::move(lines)}};
    if (is_first)
      engine.Start(batch, "d1", "diary", data);
    else
      engine.Post(batch, "d1", "more", data);
    world.Spawn("write", engine.Commit(std::move(batch)));
    world.Run();
  };
  write(true, Json::Array{"a"});
  write(false, Json());  // a turn that keeps nothing
  write(false, Json::Array{"b"});
  EXPECT_EQ(Pages(world, engine, Direction::kForward, 1), "1a||3b||");
  EXPECT_EQ(Pages(world, engine, Direction::kForward, 5), "1a3b|");
  EXPECT_EQ(Pages(world, engine, Direction::kBackward, 2), "3b|1a|");
}

/// A million that wait: here as many as memory keeps, and more.
TEST(Engine, TimersBeyondWhatMemoryKeepsFireInTime) {
  MemoryStore disk;
  FakeWorld world;
  const auto sleeper = [](const std::string&, const Json&, const Event& event) {
    Step step;
    if (event.kind == "start")
      step.turn.timers.push_back({"t", event.at + Seconds(event.data.IntOr("seconds", 0))});
    step.turn.is_finished = event.kind == "timer";
    step.turn.history = Json(MillisSinceEpoch(event.at));
    return step;
  };
  const EngineBounds bounds{.dues_ahead = 64, .idle_instances = 4};
  constexpr int kCount = 300;
  const Time begin = world.Now();
  for (int life = 0; life < 2; ++life) {
    Engine engine(disk, world, world, world, SameDetailType, bounds);
    engine.AddMachine("sleeper", JsonMachine(sleeper));
    world.Spawn("recover", engine.Recover());
    world.RunReady();
    // The latest first, so that the soonest push others out.
    for (int i = kCount; life == 0 && i > 0; --i) {
      Batch batch;
      engine.Start(batch, "s" + std::to_string(i), "sleeper", Json::Object{{"seconds", i}});
      world.Spawn("start", engine.Commit(std::move(batch)));
      world.RunReady();
    }
    world.Run(begin + Seconds(life == 0 ? 100 : kCount));
    world.DropAll();
  }
  Engine reader(disk, world, world, world, SameDetailType);
  for (int i = 1; i <= kCount; ++i) {
    const auto turns =
        world.Await(reader.ReadHistory("s" + std::to_string(i), 1, Direction::kForward, 10));
    ASSERT_EQ(turns->size(), 2U) << i;
    EXPECT_EQ(turns->at(1).history.AsInteger(), MillisSinceEpoch(begin + Seconds(i)));
  }
  EXPECT_TRUE(world.Await(disk.FindDue(Time(Millis(INT64_MIN)), "", 100))->empty());
}

/// A commit of what is due with an id of "w/late" is durable when Catch says so; it can be read at
/// once.
class LateStore : public CrashingStore {
 public:
  explicit LateStore(MemoryStore& inner) : CrashingStore(inner, 0, false) {}
  Task<> Commit(Batch batch) override {
    const bool is_late = !batch.dues.empty() && batch.dues[0].id == "w/late";
    is_late_ = is_late_ || is_late;
    MILL_CO_CHECK(co_await CrashingStore::Commit(std::move(batch)));
    if (is_late) co_await durable_.Wait();
    co_return Result<>();
  }
  Task<> Settle() override {
    if (is_late_) co_await durable_.Wait();
    co_return Result<>();
  }
  void Catch() { durable_.Set(); }
  bool is_late() const { return is_late_ && !durable_.is_set(); }

 private:
  bool is_late_ = false;
  Signal durable_;
};

/// What is due is read from the store while its commit is on its way: it is done once, and not
/// before it is durable.
TEST(Engine, WhatIsReadBeforeItIsDurableIsDoneOnce) {
  MemoryStore disk;
  LateStore store(disk);
  FakeWorld world;
  std::map<std::string, int> performed;
  constexpr size_t kAhead = 16, kCrowd = 40;
  Engine engine(store, world, world, world, SameDetailType, EngineBounds{.dues_ahead = kAhead});
  engine.AddPerformer("work", [&](Engine::Performance performance) -> Task<Json> {
    EXPECT_FALSE(store.is_late() && performance.effect_id == "w/late");
    ++performed[performance.effect_id];
    return Value(Json());
  });
  world.Spawn("recover", engine.Recover());
  world.RunReady();
  Batch crowd, late;  // more than memory keeps, so that the rest is read, and what came behind it
  for (size_t i = 0; i < kCrowd; ++i)
    engine.Deliver(crowd, "crowd" + std::to_string(i), "work", Json::Object{});
  engine.Deliver(late, "late", "work", Json::Object{});
  world.Spawn("commit", engine.Commit(std::move(late)));
  world.Spawn("commit", engine.Commit(std::move(crowd)));
  world.RunReady();
  EXPECT_TRUE(store.is_late());
  store.Catch();
  world.Run();
  EXPECT_EQ(performed.size(), kCrowd + 1);
  for (const auto& [id, times] : performed) EXPECT_EQ(times, 1) << id;
}

TEST(Engine, DeliversWorkWithoutAnInstance) {
  MemoryStore disk;
  FakeWorld world;
  int done = 0;
  Engine engine(disk, world, world, world, SameDetailType);
  engine.AddPerformer("work", [&done](Engine::Performance performance) -> Task<Json> {
    if (++done == 1) {
      return [](Engine::Performance) -> Task<Json> {
        co_return Error{Code::kInternal, "Boom", "the first attempt fails"};
      }(performance);
    }
    EXPECT_EQ(performance.effect_id, "w/x");
    return Value(Json());
  });
  world.Spawn("recover", engine.Recover());
  world.RunReady();
  Batch batch;
  engine.Deliver(batch, "x", "work", Json::Object{});
  world.Spawn("commit", engine.Commit(std::move(batch)));
  world.Run();
  EXPECT_EQ(done, 2);
  EXPECT_TRUE(world.Await(disk.FindDue(Time(Millis(INT64_MIN)), "", 100))->empty());
}

}  // namespace
}  // namespace stepmill
