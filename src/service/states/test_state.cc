#include "service/states/test_state.h"

#include <algorithm>

#include "engine/engine.h"
#include "gate/principal.h"
#include "lang/asl/execution.h"
#include "lang/asl/test_state.h"
#include "service/ask.h"
#include "service/ports.h"
#include "service/states/answer_shapes.h"
#include "service/states/errors.h"
#include "service/states/task_performer.h"
#include "service/states/test_items.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr Seconds kTestMax{300};  // Step Functions: "The TestState API can run for up to 5 minutes"

asl::Event Ended(uint64_t task) {
  asl::Event event;
  event.kind = asl::Event::Kind::kTaskSucceeded;
  event.task = task;
  return event;
}

asl::Event MockedEnd(const asl::StateTest::Mock& mock, uint64_t task) {
  asl::Event event = Ended(task);
  if (mock.is_failure) event.kind = asl::Event::Kind::kTaskFailed;
  event.output = mock.result;
  event.error = mock.error;
  event.cause = mock.cause;
  return event;
}

/// Does the task, and says how it ended.
Task<asl::Event> DoTask(Call& call, asl::StateTest& test, asl::ScheduleTask task) {
  if (test.mock) co_return MockedEnd(*test.mock, task.task);
  Json::Object what{{"arn", task.resource.arn},
                    {"input", task.input},
                    {"role", task.role_arn.value_or(test.start.role_arn)},
                    {"session", test.start.name},
                    {"executionRole", test.start.role_arn},
                    {"account", call.account},
                    {"region", call.region}};
  if (test.level == "TRACE") what.Add("trace", test.reveals_secrets ? "revealed" : "hidden");
  Engine::Performance performance;
  performance.effect_id = "test-state:" + call.ports.random.NewUuid();
  performance.what = std::move(what);
  const Engine::Performer perform = MakeTaskPerformer(call.ports);
  MILL_CO_TRY(const Json done, co_await perform(performance));
  asl::Event event = Ended(task.task);
  event.output = done["output"];
  test.exchange = done["trace"];
  if (const Json* error = done.Find("error")) {
    event.kind = asl::Event::Kind::kTaskFailed;
    event.error = error->StringOr("name", "");
    if (error->Has("message")) event.cause = error->StringOr("message", "");
  }
  co_return event;
}

/// The turn of a test that took too long.
asl::Turn TimedOut() {
  asl::Turn turn;
  turn.status = asl::Status::kFailed;
  turn.error = "States.Timeout";
  return turn;
}

/// From its start to the turn that ends it.
Task<asl::Turn> Run(Call& call, asl::StateTest& test) {
  asl::Execution execution(test.definition, test.start, &test.probe);
  const Time end = call.Now() + kTestMax;
  asl::Event event;
  event.kind = asl::Event::Kind::kStarted;
  for (;;) {
    event.at = call.ports.clock.Now();
    event.entropy = call.ports.random.Next();
    asl::Turn turn = execution.Advance(event);
    if (execution.is_finished()) co_return turn;
    if (!turn.tasks.empty()) {
      MILL_CO_TRY(event, co_await DoTask(call, test, turn.tasks[0]));
    } else if (!turn.timers.empty()) {
      const asl::Turn::Timer timer = turn.timers[0];
      const Time until = std::min(timer.at, end);
      MILL_CO_CHECK(co_await call.ports.clock.SleepUntil(until));
      if (timer.at > end) co_return TimedOut();
      event = asl::Event();
      event.kind = asl::Event::Kind::kTimerFired;
      event.timer = timer.id;
    } else {
      co_return Error{Code::kInternal, "InternalError", "the tested state waits for nothing"};
    }
  }
}

}  // namespace

Task<Json> TestState(Call& call) {
  const std::string role = call.input.StringOr("roleArn", "");
  if (!role.empty() && !RolePrincipal(role, "check")) co_return InvalidArnPrefix(role);
  asl::CompileOptions options;
  options.check_parameters = [&door = call.ports.door](const asl::Resource& resource,
                                                       const Json& parameters) {
    return CheckTaskParameters(door, resource, parameters);
  };
  asl::TestIdentity identity;
  identity.account = call.account;
  identity.region = call.region;
  identity.execution_name = call.ports.random.NewUuid();
  identity.machine_name = call.ports.random.NewUuid();
  identity.now = call.Now();
  MILL_CO_TRY(asl::StateTest test,
              asl::ReadStateTest(call.input, options, identity, ReadTestItems));
  if (test.reveals_secrets) {
    const Asker asker{call.ports, call.principal, call.account, call.region};
    const Json nothing = Json::Object{};
    MILL_CO_CHECK(co_await AskService(asker, "states", "RevealSecrets", nothing));
  }
  const asl::State& state = *test.probe.state;
  if (test.mock && test.mock->is_checked && !test.mock->is_failure &&
      state.type == asl::StateType::kTask)
    MILL_CO_CHECK(CheckMockedResult(state.task, test.mock->result, test.mock->with_required));
  MILL_CO_TRY(const asl::Turn last, co_await Run(call, test));
  co_return asl::StateTestAnswer(test, last);
}

}  // namespace stepmill::states
