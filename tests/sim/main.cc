#include <openssl/rand.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "base/log.h"
#include "base/strings.h"
#include "chance.h"
#include "run.h"

// stepmill_sim [--seeds N] [--seed S] [--jobs N] [--trace] [--only STORY]
// Runs N seeds from S on (200 from 1), or only S; prints a line for each that is wrong. Some seeds
// run twice, and must give the same hash. Exit code 1: something was wrong.
namespace {

using namespace stepmill;
using namespace stepmill::sim;

constexpr uint64_t kSeedsUsual = 200, kRepeatedOneIn = 20;

// OpenSSL's chance, and SQLite's, come from the seed: sealed values are the same in each run.
Chance g_chance(0);

int FillWithChance(unsigned char* bytes, int count) {
  for (int i = 0; i < count; ++i) bytes[i] = static_cast<unsigned char>(g_chance.Next());
  return 1;
}
int AlwaysReady() { return 1; }
const RAND_METHOD kSeededMethod = {nullptr, FillWithChance, nullptr,
                                   nullptr, FillWithChance, AlwaysReady};

bool g_is_loud = false;
void PrintLog(LogLevel level, std::string_view line) {
  if (g_is_loud)
    std::printf("log %d: %.*s\n", static_cast<int>(level), static_cast<int>(line.size()),
                line.data());
}

RunResult RunOnce(const RunOptions& options) {
  g_chance = Chance(options.seed);
  sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, static_cast<int>(options.seed | 1), nullptr);
  return RunSeed(options);
}

struct Arguments {
  uint64_t seeds = 0, from = 1;
  int jobs = 0;  ///< processes; 0: as many as there are processors
  RunOptions run;
  bool is_one = false;
};

bool Read(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (name == "--trace") {
      arguments.run.is_printed = true;
      continue;
    }
    if (++i >= argc) return false;
    const std::string value = argv[i];
    const auto number = ParseInt(value);
    if (name == "--only") {
      arguments.run.only = value;
    } else if (!number) {
      return false;
    } else if (name == "--seeds") {
      arguments.seeds = static_cast<uint64_t>(*number);
    } else if (name == "--seed") {
      arguments.from = static_cast<uint64_t>(*number);
      arguments.is_one = true;
    } else if (name == "--jobs") {
      arguments.jobs = static_cast<int>(*number);
    } else {
      return false;
    }
  }
  arguments.is_one = arguments.is_one && arguments.seeds == 0;
  if (arguments.seeds == 0) arguments.seeds = arguments.is_one ? 1 : kSeedsUsual;
  if (arguments.jobs <= 0) arguments.jobs = static_cast<int>(std::thread::hardware_concurrency());
  return arguments.jobs > 0;
}

/// What many runs came to. Goes through a pipe as it is.
struct Totals {
  uint64_t passed = 0, failed = 0, scenarios = 0, executions = 0, calls = 0, crashes = 0,
           commits = 0;
  void Add(const Totals& other) {
    passed += other.passed;
    failed += other.failed;
    scenarios += other.scenarios;
    executions += other.executions;
    calls += other.calls;
    crashes += other.crashes;
    commits += other.commits;
  }
};

void PrintResult(const RunResult& result) {
  std::printf("hash %s, %llu lines, %d scenarios, %d executions, %d calls, %d crashes\n%s\n",
              result.hash.c_str(), static_cast<unsigned long long>(result.lines), result.scenarios,
              result.executions, result.calls, result.crashes, result.story.c_str());
}

Totals RunOne(const Arguments& arguments, uint64_t seed, bool is_repeated) {
  RunOptions options = arguments.run;
  options.seed = seed;
  RunResult result = RunOnce(options);
  if (is_repeated) {
    options.is_printed = false;
    const RunResult again = RunOnce(options);
    if (again.hash != result.hash)
      result.reasons.push_back("a second run has another hash: " + again.hash + ", not " +
                               result.hash);
  }
  if (arguments.is_one) PrintResult(result);
  for (size_t i = 0; i < result.reasons.size() && (i == 0 || arguments.is_one); ++i)
    std::printf("%s: %s\n",
                i == 0 ? ("./dev sim --seed " + std::to_string(seed)).c_str() : "  also",
                result.reasons[i].c_str());
  std::fflush(stdout);
  return {.passed = result.reasons.empty(),
          .failed = !result.reasons.empty(),
          .scenarios = static_cast<uint64_t>(result.scenarios),
          .executions = static_cast<uint64_t>(result.executions),
          .calls = static_cast<uint64_t>(result.calls),
          .crashes = static_cast<uint64_t>(result.crashes),
          .commits = result.lines};
}

Totals RunShare(const Arguments& arguments, uint64_t share) {
  Totals totals;
  for (uint64_t i = share; i < arguments.seeds; i += static_cast<uint64_t>(arguments.jobs))
    totals.Add(RunOne(arguments, arguments.from + i, i % kRepeatedOneIn == 0));
  return totals;
}

/// Each process takes every n-th seed. One that dies counts as a failure of all it had.
Totals RunShares(const Arguments& arguments) {
  Totals totals;
  std::vector<std::pair<pid_t, int>> children;
  for (int share = 0; share < arguments.jobs; ++share) {
    int ends[2];
    if (::pipe(ends) != 0) std::abort();
    const pid_t child = ::fork();
    if (child == 0) {
      const Totals mine = RunShare(arguments, static_cast<uint64_t>(share));
      const bool is_told = ::write(ends[1], &mine, sizeof mine) == sizeof mine;
      ::_exit(is_told ? 0 : 1);
    }
    ::close(ends[1]);
    children.push_back({child, ends[0]});
  }
  for (const auto& [child, end] : children) {
    Totals mine;
    if (::read(end, &mine, sizeof mine) != sizeof mine) {
      std::printf("a process of the simulation died\n");
      mine = Totals{.failed = 1};
    }
    totals.Add(mine);
    ::close(end);
    ::waitpid(child, nullptr, 0);
  }
  return totals;
}

void PrintTable(const Arguments& arguments, const Totals& totals) {
  const std::pair<const char*, uint64_t> rows[] = {{"seeds", arguments.seeds},
                                                   {"stories", totals.scenarios},
                                                   {"executions checked", totals.executions},
                                                   {"calls", totals.calls},
                                                   {"crashes", totals.crashes},
                                                   {"commits, answers, faults", totals.commits}};
  for (const auto& [name, count] : rows)
    std::printf("%-26s %10llu\n", name, static_cast<unsigned long long>(count));
  std::printf("%llu passed, %llu failed\n", static_cast<unsigned long long>(totals.passed),
              static_cast<unsigned long long>(totals.failed));
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!Read(argc, argv, arguments)) {
    std::fprintf(stderr,
                 "stepmill_sim [--seeds N] [--seed S] [--jobs N] [--trace] [--only STORY]\n");
    return 2;
  }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"  // there is no newer way this short
  RAND_set_rand_method(&kSeededMethod);
#pragma GCC diagnostic pop
  SetLogSink(PrintLog);
  g_is_loud = arguments.run.is_printed;
  if (arguments.is_one) {
    const Totals totals = RunOne(arguments, arguments.from, true);
    return totals.failed == 0 ? 0 : 1;
  }
  const Totals totals = RunShares(arguments);
  PrintTable(arguments, totals);
  return totals.failed == 0 ? 0 : 1;
}
