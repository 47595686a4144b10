// State transitions a second of durable executions, with the store, the engine and the services of
// the server in this process, beside a bare log on the same disk, taken alternately. Every
// execution is started by states:StartExecution through the door, its history is durable before its
// end is told, and its output is compared. Prints one JSON object.
//
//   stepmill_loop_bench DIR ASL_FOLDER WORKLOAD [--in-flight 64] [--seconds 2] [--runs 5]
//   [--no-floor] [--budget TRANSITIONS]
//
// DIR is a fresh folder on the disk that is measured; TRANSITIONS the most that a turn makes.
//
//   stepmill_loop_bench DIR ASL_FOLDER WORKLOAD --park COUNT
//
// starts COUNT executions of a workload that waits, with an input of {"seconds": a day}, and ends
// when all of them wait: a server on DIR/data goes on with them.

#include <sys/resource.h>

#include "bench_world.h"
#include "floor.h"
#include "service/ports.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::bench {
namespace {

constexpr size_t kRecordBytes = 300;    // of the bare log
constexpr size_t kLargeBytes = 20'000;  // a workload with such an input is compared by its bytes
constexpr Seconds kEndMax{120};         // for one execution
constexpr char kDayInput[] = "{\"seconds\":86400}";
constexpr int kLeftMax = 1000;  // dues counted at once

struct Options {
  std::string folder, asl, workload;
  int in_flight = 64;
  double seconds = 2;
  int runs = 5;
  bool with_floor = true;
  int budget = 0;    ///< transitions a turn; 0: as the server has it
  int64_t park = 0;  ///< executions that are left waiting
};

struct Figures {
  double transitions_per_s = 0, executions_per_s = 0;
  double cpu_us = 0;          // processor time of this process for a transition
  double written_bytes = 0;   // by this process, for a transition
  double behind_seconds = 0;  // from the last end that was seen until nothing more was due
};

double ProcessorSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/// Bytes that this process caused to be written to the disk.
double WrittenBytes() {
  std::ifstream file("/proc/self/io");
  for (std::string word; file >> word;)
    if (word == "write_bytes:" && file >> word) return std::strtod(word.c_str(), nullptr);
  return 0;
}

struct Load {
  BenchWorld& world;
  const Workload& workload;
  std::string machine_arn;
  std::string output;  ///< the right one, as text
  Steady::time_point end{};
  int64_t started = 0, ended = 0;
  int open_chains = 0;
  Signal* done = nullptr;
};

Task<std::string> RunOne(Load& load) {
  Engine& engine = load.world.engine();
  const std::string name = "e" + std::to_string(++load.started);
  const std::string topic = EndTopic(ExecutionArnOf(load.machine_arn, name));
  const uint64_t moment = engine.Moment();
  const Json start = Json::Object{
      {"stateMachineArn", load.machine_arn}, {"name", name}, {"input", load.workload.input}};
  MILL_CO_TRY(const Json started, co_await load.world.Ask("StartExecution", start));
  const Time until = load.world.ports().clock.Now() + kEndMax;
  MILL_CO_CHECK(co_await engine.WaitFor(topic, moment, until));
  engine.Forget(topic);
  const Json which = Json::Object{{"executionArn", started["executionArn"]}};
  MILL_CO_TRY(const Json described, co_await load.world.Ask("DescribeExecution", which));
  if (described.StringOr("status", "") != "SUCCEEDED")
    co_return Error{Code::kInternal, "WrongStatus", described.Print().substr(0, 1000)};
  ++load.ended;
  co_return described.StringOr("output", "");
}

Task<> Chain(Load& load) {
  while (Steady::now() < load.end) {
    MILL_CO_TRY(const std::string output, co_await RunOne(load));
    if (output != load.output)
      co_return Error{Code::kInternal, "WrongOutput", output.substr(0, 1000)};
  }
  if (--load.open_chains == 0) load.done->Set();
  co_return Result<>();
}

void EndProgramOnError(std::exception_ptr thrown, const Result<>& result) {
  if (thrown) std::rethrow_exception(thrown);
  if (!result) Fail(result.error().name + ": " + result.error().message);
}

/// Returns when nothing is due any more: events have reached who wanted them.
Task<> WaitUntilIdle(BenchWorld& world) {
  for (;;) {
    MILL_CO_CHECK(co_await world.ports().store.Settle());
    MILL_CO_TRY(const auto dues,
                co_await world.ports().store.FindDue(Time{Millis(INT64_MIN)}, "", kLeftMax));
    const Time now = world.ports().clock.Now();
    bool is_idle = true;
    for (const Due& due : dues) is_idle = is_idle && (due.kind == "subscription" || due.at > now);
    if (is_idle) co_return Result<>();
    const Time soon = now + Millis(1);
    MILL_CO_CHECK(co_await world.ports().clock.SleepUntil(soon));
  }
}

Task<> Measure(Load& load, const Options& options, Figures& figures) {
  Signal done;
  load.done = &done;
  load.ended = 0;
  const double cpu = ProcessorSeconds(), written = WrittenBytes();
  const auto start = Steady::now();
  load.end = start + std::chrono::duration_cast<Steady::duration>(
                         std::chrono::duration<double>(options.seconds));
  load.open_chains = options.in_flight;
  for (int chain = 0; chain < options.in_flight; ++chain)
    asio::co_spawn(load.world.loop().context(), Chain(load), EndProgramOnError);
  MILL_CO_CHECK(co_await done.Wait());
  const double seconds = SecondsSince(start);
  MILL_CO_CHECK(co_await WaitUntilIdle(load.world));
  const auto executions = static_cast<double>(load.ended);
  const double transitions = executions * static_cast<double>(load.workload.transitions);
  figures.transitions_per_s = transitions / seconds;
  figures.executions_per_s = executions / seconds;
  figures.cpu_us = (ProcessorSeconds() - cpu) / transitions * 1e6;
  figures.written_bytes = (WrittenBytes() - written) / transitions;
  figures.behind_seconds = SecondsSince(start) - seconds;
  co_return Result<>();
}

/// What an execution's history says that it carried: its input and the output of every state.
Task<double> PayloadBytes(Load& load, std::string arn, int64_t& states) {
  Json input = Json::Object{{"executionArn", arn}, {"maxResults", 1000}};
  double bytes = 0;
  for (;;) {
    MILL_CO_TRY(const Json page, co_await load.world.Ask("GetExecutionHistory", input));
    for (const Json& event : page["events"].items()) {
      const std::string type = event.StringOr("type", "");
      if (type == "ExecutionStarted")
        bytes +=
            static_cast<double>(event["executionStartedEventDetails"].StringOr("input", "").size());
      if (type.ends_with("StateEntered")) ++states;
      if (type.ends_with("StateExited"))
        bytes +=
            static_cast<double>(event["stateExitedEventDetails"].StringOr("output", "").size());
    }
    const std::string next = page.StringOr("nextToken", "");
    if (next.empty()) co_return bytes;
    input = input.With("nextToken", next);
  }
}

double MedianOf(const std::vector<Figures>& all, double Figures::*member) {
  std::vector<double> values;
  for (const Figures& figures : all) values.push_back(figures.*member);
  return Median(std::move(values));
}

Task<> RunAll(BenchWorld& world, const Options& options, const Workload& workload) {
  MILL_CO_CHECK(co_await world.Recover());
  Load load{world, workload, "", "", {}};
  MILL_CO_TRY(load.machine_arn,
              co_await world.CreateStateMachine(workload.name, workload.definition));
  MILL_CO_TRY(load.output, co_await RunOne(load));
  if (!workload.IsRight(load.output))
    co_return Error{Code::kInternal, "WrongOutput", load.output.substr(0, 1000)};
  int64_t states = 0;
  MILL_CO_TRY(const double payload,
              co_await PayloadBytes(load, ExecutionArnOf(load.machine_arn, "e1"), states));
  if (states != workload.transitions)
    co_return Error{Code::kInternal, "WrongHistory", std::to_string(states) + " states entered"};

  const bool is_large = workload.input.size() > kLargeBytes && workload.transitions > 1;
  const size_t record_bytes = is_large ? workload.input.size() : kRecordBytes;
  std::vector<Figures> all;
  std::vector<double> log_records, log_bytes;
  for (int run = 0; run < options.runs; ++run) {
    if (options.with_floor) {
      const BareLogFigures log =
          BareLog(options.folder, record_bytes, static_cast<size_t>(options.in_flight), 1);
      log_records.push_back(log.records_per_s);
      log_bytes.push_back(log.bytes_per_s);
    }
    SettleDisk(options.folder);
    Figures figures;
    MILL_CO_CHECK(co_await Measure(load, options, figures));
    all.push_back(figures);
  }
  const double executions = MedianOf(all, &Figures::executions_per_s);
  const double written = MedianOf(all, &Figures::written_bytes);
  const Json out = Json::Object{
      {"workload", workload.name},
      {"in_flight", options.in_flight},
      {"budget", options.budget},
      {"transitions_per_s", MedianOf(all, &Figures::transitions_per_s)},
      {"executions_per_s", executions},
      {"bare_log_records_per_s", Median(log_records)},
      {"bare_log_record_bytes", static_cast<int64_t>(record_bytes)},
      {"bare_log_bytes_per_s", Median(log_bytes)},
      {"payload_bytes", payload},
      {"payload_bytes_per_s", payload * executions},
      {"written_bytes_per_transition", written},
      {"written_per_payload", written * static_cast<double>(workload.transitions) / payload},
      {"cpu_us_per_transition", MedianOf(all, &Figures::cpu_us)},
      {"behind_seconds", MedianOf(all, &Figures::behind_seconds)}};
  std::printf("%s\n", out.Print().c_str());
  co_return Result<>();
}

Task<> ParkChain(Load& load, int64_t count) {
  while (load.started < count) {
    const Json start = Json::Object{{"stateMachineArn", load.machine_arn},
                                    {"name", "w" + std::to_string(++load.started)},
                                    {"input", kDayInput}};
    MILL_CO_CHECK(co_await load.world.Ask("StartExecution", start));
  }
  if (--load.open_chains == 0) load.done->Set();
  co_return Result<>();
}

Task<> Park(BenchWorld& world, const Options& options, const Workload& workload) {
  MILL_CO_CHECK(co_await world.Recover());
  Load load{world, workload, "", "", {}};
  MILL_CO_TRY(load.machine_arn,
              co_await world.CreateStateMachine(workload.name, workload.definition));
  Signal done;
  load.done = &done;
  load.open_chains = options.in_flight;
  const auto start = Steady::now();
  for (int chain = 0; chain < options.in_flight; ++chain)
    asio::co_spawn(world.loop().context(), ParkChain(load, options.park), EndProgramOnError);
  MILL_CO_CHECK(co_await done.Wait());
  MILL_CO_CHECK(co_await WaitUntilIdle(world));
  const Json out =
      Json::Object{{"count", load.started},
                   {"executions_per_s", static_cast<double>(load.started) / SecondsSince(start)}};
  std::printf("%s\n", out.Print().c_str());
  co_return Result<>();
}

int Run(const Options& options) {
  const Workload workload = Workload::Read(options.asl, options.workload);
  BenchWorld world(options.folder + "/data", options.budget);
  if (options.park > 0)
    world.Run(Park(world, options, workload));
  else
    world.Run(RunAll(world, options, workload));
  std::fflush(stdout);
  std::_Exit(0);  // what is open (housekeeping) needs no end
}

}  // namespace
}  // namespace stepmill::bench

int main(int argc, char** argv) {
  stepmill::bench::Options options;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    const char* value = i + 1 < argc ? argv[i + 1] : "0";
    if (arg == "--no-floor") {
      options.with_floor = false;
    } else if (arg == "--in-flight") {
      options.in_flight = std::atoi(value), ++i;
    } else if (arg == "--seconds") {
      options.seconds = std::strtod(value, nullptr), ++i;
    } else if (arg == "--budget") {
      options.budget = std::atoi(value), ++i;
    } else if (arg == "--park") {
      options.park = std::atoll(value), ++i;
    } else if (arg == "--runs") {
      options.runs = std::atoi(value), ++i;
    } else {
      names.push_back(arg);
    }
  }
  if (names.size() != 3 || options.in_flight < 1 || options.runs < 1) {
    std::fprintf(stderr,
                 "usage: stepmill_loop_bench DIR ASL_FOLDER WORKLOAD [--in-flight N] [--seconds S] "
                 "[--runs N] [--no-floor] [--budget TRANSITIONS] [--park COUNT]\n");
    return 2;
  }
  options.folder = names[0];
  options.asl = names[1];
  options.workload = names[2];
  return stepmill::bench::Run(options);
}
