#include "run.h"

#include <filesystem>

#include "base/strings.h"
#include "checks.h"
#include "scenarios.h"

namespace stepmill::sim {
namespace {

constexpr uint64_t kStepsMax = 500'000;      // of one run: then it never ends
constexpr Seconds kTimeMax{30 * 24 * 3600};  // of the simulated clock
constexpr uint64_t kWorldSalt = 21, kNetworkSalt = 22, kJobsSalt = 23, kServerSalt = 24,
                   kDiskSalt = 25;

constexpr uint64_t kCrowdOneIn = 100;
constexpr NamedScenario kCrowd = {"crowd", Crowd};

Faults ChooseFaults(Chance& chance) {
  Faults faults;
  faults.crashes = static_cast<int>(chance.Below(7));
  faults.accidents = static_cast<int>(chance.Below(5));
  faults.loses_power = chance.OneIn(2);
  const auto maybe = [&chance](uint64_t from, uint64_t to) -> uint64_t {
    return chance.OneIn(2) ? from + chance.Below(to - from) : 0;
  };
  faults.lose_request = maybe(10, 60);
  faults.lose_answer = maybe(10, 60);
  faults.repeat_request = maybe(3, 20);
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
        machine_(options.seed ^ kDiskSalt),
        network_(loop_, trace_, faults_, options.seed ^ kNetworkSalt) {
    MountVfs(&machine_.disk);
    machine_.blobs = std::make_unique<MemoryBlobs>(loop_.outside());
    machine_.jobs = std::make_unique<SimJobs>(loop_, trace_, options.seed ^ kJobsSalt);
  }
  ~Simulation() {
    machine_.disk.Kill();
    network_.Connect(nullptr);
    loop_.DropServer([this] { server_.reset(); });
    MountVfs(nullptr);
  }

  RunResult Go() {
    crashes_left_ = faults_.crashes;
    accidents_left_ = faults_.accidents;
    Boot();
    StartStories();
    PlanCrash();
    if (!RunUntil([this] { return book_.unfinished == 0; }, "the stories do not end")) return End();
    crashes_left_ = accidents_left_ = 0;
    machine_.disk.Arm(SimDisk::Accident::kNone, 0, false);
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
    const uint64_t seed = options_.seed * 1000 + kServerSalt + static_cast<uint64_t>(lives_);
    machine_.disk.Revive();
    PlanAccident();
    auto store = SimServer::OpenStore(machine_, loop_, seed,
                                      [this](const Error& error) { failure_ = error.message; });
    if (!store) {
      // The cause goes away with the next life; without one it is the store's fault.
      is_broken_ = !machine_.disk.has_met();
      if (is_broken_) findings_.Fail("the store does not open: " + store.error().message);
      failure_ = store.error().message;
      return;
    }
    server_ = std::make_unique<SimServer>(std::move(*store), machine_, loop_, trace_, faults_,
                                          folder_.path, seed);
    loop_.server().Spawn("recover", Recover(*this));
  }
  static Task<> Recover(Simulation& run) {
    const auto recovered = co_await run.server_->Recover();
    if (!recovered) {
      run.failure_ = recovered.error().message;
      co_return recovered;
    }
    run.network_.Connect(run.server_.get());
    run.is_up_ = true;
    co_return Result<>();
  }
  /// The process is gone, and comes back after a while.
  void Crash(const std::string& why) {
    const bool is_power_lost = faults_.loses_power && chance_.OneIn(2);
    trace_.Add(loop_.now(), is_power_lost ? "power lost" : "crash", why);
    ++crashes_;
    is_up_ = false;
    failure_.clear();
    machine_.disk.Kill();
    network_.Connect(nullptr);
    for (const std::string& error : loop_.server().errors) trace_.Add(loop_.now(), "error", error);
    loop_.server().errors.clear();
    loop_.DropServer([this] { server_.reset(); });
    if (is_power_lost) {
      machine_.disk.LosePower();
      machine_.jobs->LoseAll();
    }
    const Time at = loop_.now() + Millis(chance_.Between(100, 20'000));
    loop_.outside().WakeAt(at, [this] { Boot(); });
  }
  void PlanAccident() {
    if (accidents_left_ == 0) return;
    --accidents_left_;
    using Accident = SimDisk::Accident;
    constexpr Accident kKinds[] = {Accident::kDeath, Accident::kDeath, Accident::kError,
                                   Accident::kFull};
    constexpr uint64_t kRanges[] = {10, 100, 1000};
    const Accident kind = kKinds[chance_.Below(4)];
    const uint64_t operations = 1 + chance_.Below(kRanges[chance_.Below(3)]);
    machine_.disk.Arm(kind, operations, chance_.OneIn(2));
  }
  void PlanCrash() {
    steps_to_crash_ = crashes_left_ > 0 ? chance_.Between(1, chance_.OneIn(3) ? 300 : 2500) : -1;
  }

  // ---- the loop

  template <class IsDone>
  bool RunUntil(IsDone is_done, const char* otherwise) {
    const Time until = Time(Millis(1'767'225'600'000)) + kTimeMax;
    while (!is_done()) {
      if (is_broken_) return false;
      if (++steps_ > kStepsMax || !loop_.Step(until)) {
        findings_.Fail(std::string(otherwise) + " (at " + FormatIso(loop_.now()) + ")");
        return false;
      }
      if (machine_.disk.is_dead() && server_) {
        Crash("in the middle of a write");
      } else if (!failure_.empty()) {
        Crash(failure_);
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
    const auto& all = Scenarios();
    const int64_t count = chance_.Between(4, 28);
    for (int64_t i = 0; i < count; ++i) {
      const NamedScenario* chosen = &all[chance_.Below(all.size())];
      if (!options_.only.empty())
        for (const NamedScenario& each : all)
          if (each.name == options_.only) chosen = &each;
      const std::string id = std::string(chosen->name) + "-" + std::to_string(i);
      if (i == 0 && options_.only.empty() && chance_.OneIn(kCrowdOneIn)) chosen = &kCrowd;
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
      for (const std::string& due : OnServer(DuesOfTheEnded(server_->store())))
        findings_.Fail("left over: " + due + " of an instance that has ended");
      if (!findings_.reasons.empty()) return false;
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
  std::vector<std::unique_ptr<Caller>> callers_;
  Network network_;
  std::string story_;
  std::vector<std::string> last_dues_;
  int lives_ = 0, crashes_ = 0, crashes_left_ = 0, accidents_left_ = 0;
  int64_t steps_to_crash_ = -1;
  uint64_t steps_ = 0;
  std::string failure_;  ///< of the store, or of its opening
  bool is_up_ = false, is_broken_ = false;
};

}  // namespace

RunResult RunSeed(const RunOptions& options) { return Simulation(options).Go(); }

}  // namespace stepmill::sim
