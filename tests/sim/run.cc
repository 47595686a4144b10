#include "run.h"

#include <filesystem>

#include "base/strings.h"
#include "checks.h"
#include "scenarios.h"

namespace stepmill::sim {
namespace {

constexpr uint64_t kStepsMax = 20'000'000;   // of one run: then it never ends
constexpr Seconds kTimeMax{30 * 24 * 3600};  // of the simulated clock
constexpr uint64_t kWorldSalt = 21, kNetworkSalt = 22, kJobsSalt = 23, kServerSalt = 24;

Faults ChooseFaults(Chance& chance) {
  Faults faults;
  faults.crashes = static_cast<int>(chance.Below(7));
  faults.has_disk_errors = chance.OneIn(3);
  faults.loses_power = chance.OneIn(4);
  const auto maybe = [&chance](uint64_t from, uint64_t to) -> uint64_t {
    return chance.OneIn(2) ? from + chance.Below(to - from) : 0;
  };
  faults.lose_request = maybe(10, 60);
  faults.lose_answer = maybe(10, 60);
  faults.fail_backend = maybe(5, 40);
  faults.repeat_effect = maybe(3, 20);
  faults.repeat_event = maybe(3, 20);
  return faults;
}

/// A folder for the few files that services keep for a moment.
struct Folder {
  Folder() {
    std::string pattern = std::filesystem::temp_directory_path() / "stepmill-sim-XXXXXX";
    path = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(path + "/tmp");
  }
  ~Folder() {
    std::error_code ignored;  // what stays is in the folder for temporary files
    std::filesystem::remove_all(path, ignored);
  }
  std::string path;
};

class Simulation {
 public:
  explicit Simulation(const RunOptions& options)
      : options_(options),
        trace_(options.is_printed),
        chance_(options.seed),
        faults_(ChooseFaults(chance_)),
        loop_(options.seed ^ kWorldSalt),
        network_(loop_, trace_, faults_, options.seed ^ kNetworkSalt) {
    machine_.blobs = std::make_unique<MemoryBlobs>(loop_.outside());
    machine_.jobs = std::make_unique<SimJobs>(loop_, trace_, options.seed ^ kJobsSalt);
  }
  ~Simulation() {
    network_.Connect(nullptr);
    DropServer();
  }

  RunResult Go() {
    Boot();
    StartStories();
    PlanCrash();
    if (!RunUntil([this] { return book_.unfinished == 0; }, "the stories do not end")) return End();
    crashes_left_ = 0;
    if (!Settle()) return End();
    const auto before = OnServer(DumpDocuments(server_->store()));
    Crash("restart");
    if (!Settle()) return End();
    const auto after = OnServer(DumpDocuments(server_->store()));
    CompareDumps(before, after);
    CheckAll();
    return End();
  }

 private:
  // ---- lives of the server

  void Boot() {
    ++lives_;
    server_ = std::make_unique<SimServer>(machine_, loop_, trace_, faults_, folder_.path,
                                          options_.seed * 1000 + kServerSalt + lives_,
                                          [this] { has_failed_ = true; });
    loop_.server().Spawn("recover", Recover(*this));
  }
  static Task<> Recover(Simulation& run) {
    MILL_CO_CHECK(co_await run.server_->Recover());
    run.network_.Connect(run.server_.get());
    run.is_up_ = true;
    co_return Result<>();
  }
  void DropServer() {
    loop_.DropServer([this] {
      if (server_) survivors_ = server_->disk().TakeSurvivors();
      server_.reset();
    });
  }
  /// The process is gone, and comes back after a while.
  void Crash(const std::string& why) {
    trace_.Add(loop_.now(), "crash", why);
    ++crashes_;
    is_up_ = false;
    has_failed_ = false;
    network_.Connect(nullptr);
    for (const std::string& error : loop_.server().errors) trace_.Add(loop_.now(), "error", error);
    loop_.server().errors.clear();
    DropServer();
    if (faults_.loses_power && chance_.OneIn(2)) machine_.jobs->LoseAll();
    loop_.server().Spawn("survivors", Restore(*this));
    while (loop_.Step(loop_.now())) {
    }
    const Time at = loop_.now() + Millis(chance_.Between(100, 20'000));
    loop_.outside().WakeAt(at, [this] { Boot(); });
  }
  static Task<> Restore(Simulation& run) {
    for (Batch& batch : run.survivors_) {
      const auto kept = co_await run.machine_.disk.Commit(std::move(batch));
      MILL_ASSERT(kept.has_value());  // it was checked in this order
    }
    run.survivors_.clear();
    co_return Result<>();
  }
  void PlanCrash() {
    steps_to_crash_ = crashes_left_ > 0 ? chance_.Between(1, chance_.OneIn(3) ? 300 : 2500) : -1;
  }

  // ---- the loop

  template <class IsDone>
  bool RunUntil(IsDone is_done, const char* otherwise) {
    const Time until = Time(Millis(1'767'225'600'000)) + kTimeMax;
    while (!is_done()) {
      if (++steps_ > kStepsMax || !loop_.Step(until)) {
        findings_.Fail(std::string(otherwise) + " (at " + FormatIso(loop_.now()) + ")");
        return false;
      }
      if (has_failed_) {
        Crash("disk error");
      } else if (crashes_left_ > 0 && server_ && --steps_to_crash_ <= 0) {
        --crashes_left_;
        Crash("kill");
        PlanCrash();
      }
    }
    return true;
  }
  /// Runs `task` as the server's own and returns its result.
  template <class T>
  T OnServer(Task<T> task) {
    std::optional<Result<T>> result;
    loop_.server().Spawn("look", Keep<T>(std::move(task), result));
    while (!result && loop_.Step(Time::max())) {
    }
    MILL_ASSERT(result && result->has_value());
    return **std::move(result);
  }
  template <class T>
  static Task<> Keep(Task<T> task, std::optional<Result<T>>& result) {
    result.emplace(co_await std::move(task));
    co_return Result<>();
  }

  // ---- the stories

  void StartStories() {
    crashes_left_ = faults_.crashes;
    const auto& all = Scenarios();
    const int64_t count = chance_.Between(4, 28);
    for (int64_t i = 0; i < count; ++i) {
      const NamedScenario* chosen = &all[chance_.Below(all.size())];
      if (!options_.only.empty())
        for (const NamedScenario& each : all)
          if (each.name == options_.only) chosen = &each;
      const std::string id = std::string(chosen->name) + "-" + std::to_string(i);
      callers_.push_back(
          std::make_unique<Caller>(loop_, network_, findings_, options_.seed * 100 + i));
      ++book_.unfinished;
      story_ += (i ? " " : "") + std::string(chosen->name);
      loop_.outside().Spawn(
          id, Live(*callers_.back(), book_, chosen->run, id, Millis(chance_.Between(0, 20'000))));
    }
  }
  static Task<> Live(Caller& caller, Book& book, Scenario run, std::string id, Millis later) {
    MILL_CO_CHECK(co_await caller.Sleep(later));
    const auto lived = co_await run(caller, book, id);
    if (!lived) caller.findings().Fail(id + " ends with " + lived.error().message);
    --book.unfinished;
    co_return Result<>();
  }

  // ---- the end

  /// Until the server has nothing under way.
  bool Settle() {
    for (int i = 0; i < 2000; ++i) {
      bool is_later = false;
      loop_.outside().WakeAt(loop_.now() + Seconds(60), [&is_later] { is_later = true; });
      if (!RunUntil([&] { return is_later && is_up_; }, "the server does not come up"))
        return false;
      last_dues_ = OnServer(OpenDues(server_->store()));
      if (last_dues_.empty()) return true;
    }
    for (const std::string& due : last_dues_) findings_.Fail("never done: " + due);
    return false;
  }
  void CompareDumps(const std::vector<std::string>& before, const std::vector<std::string>& after) {
    if (before == after) return;
    for (size_t i = 0; i < std::max(before.size(), after.size()); ++i) {
      const std::string was = i < before.size() ? before[i] : "nothing";
      const std::string is = i < after.size() ? after[i] : "nothing";
      if (was == is) continue;
      findings_.Fail("a restart at rest changes " + was + " to " + is);
      return;
    }
  }
  void CheckAll() {
    Caller judge(loop_, network_, findings_, options_.seed);
    bool is_done = false;
    loop_.outside().Spawn("check", Judge(*this, judge, is_done));
    (void)RunUntil([&] { return is_done; }, "the last look does not end");  // it is a finding
    if (!findings_.reasons.empty() || !is_up_) return;
    loop_.server().Spawn("leftovers", CheckLeftovers(server_->store(), *machine_.blobs, findings_));
    const Time until = loop_.now() + Seconds(5);
    while (loop_.Step(until)) {
    }
  }
  static Task<> Judge(Simulation& run, Caller& judge, bool& is_done) {
    const auto checked = co_await CheckPromises(judge, run.book_, *run.machine_.jobs);
    if (!checked) run.findings_.Fail("the last look ends with " + checked.error().message);
    is_done = true;
    co_return Result<>();
  }

  RunResult End() {
    RunResult result;
    result.reasons = findings_.reasons;
    result.lines = trace_.count();
    result.hash = trace_.Finish();
    result.story = PrintFaults(faults_) + "; " + story_ + "; " + std::to_string(steps_) + " steps";
    result.executions = static_cast<int>(book_.executions.size());
    result.calls = static_cast<int>(network_.asked());
    result.crashes = crashes_;
    result.scenarios = static_cast<int>(callers_.size());
    return result;
  }

  const RunOptions options_;
  Folder folder_;
  Trace trace_;
  Chance chance_;
  const Faults faults_;
  SimLoop loop_;
  Machine machine_;
  Findings findings_;
  Book book_;
  std::unique_ptr<SimServer> server_;
  std::vector<Batch> survivors_;
  std::vector<std::unique_ptr<Caller>> callers_;
  Network network_;
  std::string story_;
  std::vector<std::string> last_dues_;
  int lives_ = 0, crashes_ = 0, crashes_left_ = 0;
  int64_t steps_to_crash_ = -1;
  uint64_t steps_ = 0;
  bool has_failed_ = false, is_up_ = false;
};

}  // namespace

RunResult RunSeed(const RunOptions& options) { return Simulation(options).Go(); }

}  // namespace stepmill::sim
