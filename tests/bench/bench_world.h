#pragma once

#include <boost/asio/co_spawn.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "app/world.h"
#include "engine/engine.h"
#include "floor.h"
#include "gate/door.h"
#include "io/loop.h"
#include "json/json.h"
#include "service/iam/iam.h"
#include "service/states/execution_machine.h"

// The whole server but the wire, in this process: what a benchmark asks goes through the door.
namespace stepmill::bench {

inline std::string ReadText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) Fail("cannot read " + path);
  std::string text(std::istreambuf_iterator<char>(file), {});
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

inline Json ParseOrFail(const std::string& text, const std::string& what) {
  auto json = ParseJson(text);
  if (!json) Fail(what + ": " + json.error().message);
  return *std::move(json);
}

/// One workload of tests/bench/asl/manifest.json.
struct Workload {
  std::string name, definition, input;
  int64_t transitions = 0;  ///< states entered in one execution
  std::string path;         ///< "9.id": where the output holds...
  Json equals;              ///< ...this

  static Workload Read(const std::string& folder, const std::string& name) {
    const Json manifest = ParseOrFail(ReadText(folder + "/manifest.json"), "manifest.json");
    const Json entry = manifest["workloads"][name];
    if (!entry.is_object()) Fail("no workload " + name + " in " + folder + "/manifest.json");
    return {name,
            ReadText(folder + "/" + entry.StringOr("definition", "")),
            ReadText(folder + "/" + entry.StringOr("input", "")),
            entry.IntOr("transitions", 0),
            entry["expect"].StringOr("path", ""),
            entry["expect"]["equals"]};
  }

  bool IsRight(const std::string& output) const {
    Json value = ParseOrFail(output, "output");
    for (size_t from = 0; from <= path.size();) {
      const size_t dot = std::min(path.find('.', from), path.size());
      const std::string step = path.substr(from, dot - from);
      if (value.is_array()) {
        const size_t index = std::strtoul(step.c_str(), nullptr, 10);
        if (index >= value.size()) return false;
        value = Json(value.At(index));
      } else {
        value = Json(value[step]);
      }
      from = dot + 1;
    }
    return value == equals;
  }
};

/// Topic of the engine that wakes once an execution's end is durable.
inline std::string EndTopic(const std::string& execution_arn) { return "bench/" + execution_arn; }

/// Executions as they are, whose end is told to whoever waits for it, and that make at most so many
/// transitions a turn (0: as the server has it).
class ToldMachine : public Machine {
 public:
  ToldMachine(std::unique_ptr<Machine> machine, int transitions_max)
      : machine_(std::move(machine)), transitions_max_(transitions_max) {}
  std::unique_ptr<Instance> Create(std::string id) const override {
    return std::make_unique<Told>(machine_->Create(id), EndTopic(id), transitions_max_);
  }

 private:
  class Told : public Instance {
   public:
    Told(std::unique_ptr<Instance> instance, std::string topic, int transitions_max)
        : instance_(std::move(instance)),
          topic_(std::move(topic)),
          transitions_max_(transitions_max) {}
    Turn Advance(const Event& event) override {
      Event bounded = event;
      if (event.kind == "start" && transitions_max_ > 0)
        bounded.data = event.data.With("transitionsMax", transitions_max_);
      Turn turn = instance_->Advance(bounded);
      if (turn.is_finished) turn.writes.notices.push_back(topic_);
      return turn;
    }

   private:
    std::unique_ptr<Instance> instance_;
    std::string topic_;
    int transitions_max_;
  };
  std::unique_ptr<Machine> machine_;
  int transitions_max_;
};

/// A world on a data folder, asked as the account's root user.
class BenchWorld {
 public:
  explicit BenchWorld(const std::string& data_dir, int transitions_max) : loop_(2) {
    WorldOptions options;
    options.data_dir = data_dir;
    auto world = World::Open(
        loop_, options, [](const Error& error) { Fail("the store failed: " + error.message); });
    if (!world) Fail(world.error().message);
    world_ = *std::move(world);
    root_ = iam::RootPrincipal(ports().account);
    engine().AddMachine(states::kMachineName, std::make_unique<ToldMachine>(
                                                  states::MakeExecutionMachine(), transitions_max));
  }
  ~BenchWorld() { loop_.Stop(); }

  Ports& ports() { return world_->ports(); }
  Engine& engine() { return ports().engine; }
  io::Loop& loop() { return loop_; }
  Task<> Recover() { return world_->Recover(); }

  Task<Json> Ask(std::string operation, Json input) {
    Request request;
    request.service = "states";
    request.operation = std::move(operation);
    request.principal = root_;
    request.account = ports().account;
    request.region = ports().region;
    request.input = std::move(input);
    MILL_CO_TRY(Answer answer, co_await ports().door.Ask(std::move(request)));
    co_return answer.output;
  }

  Task<std::string> CreateStateMachine(std::string name, std::string definition) {
    const Json input = Json::Object{{"name", name},
                                    {"definition", definition},
                                    {"roleArn", "arn:aws:iam::000000000000:role/bench"}};
    MILL_CO_TRY(const Json made, co_await Ask("CreateStateMachine", input));
    co_return made.StringOr("stateMachineArn", "");
  }

  /// Spawns `work`, whose error ends the program, and runs the loop until it has ended.
  void Run(Task<> work) {
    bool is_done = false;
    asio::co_spawn(loop_.context(), std::move(work),
                   [&is_done](std::exception_ptr thrown, const Result<>& result) {
                     if (thrown) std::rethrow_exception(thrown);
                     if (!result) Fail(result.error().name + ": " + result.error().message);
                     is_done = true;
                   });
    while (!is_done) loop_.context().run_one();
  }

 private:
  io::Loop loop_;
  std::unique_ptr<World> world_;
  Principal root_;
};

/// "arn:...:stateMachine:m" and "e" give "arn:...:execution:m:e".
inline std::string ExecutionArnOf(const std::string& machine_arn, const std::string& name) {
  const std::string word = ":stateMachine:";
  const size_t at = machine_arn.find(word);
  return machine_arn.substr(0, at) + ":execution:" + machine_arn.substr(at + word.size()) + ":" +
         name;
}

}  // namespace stepmill::bench
