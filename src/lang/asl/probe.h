#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "json/json.h"
#include "lang/asl/definition.h"

namespace stepmill::asl {

/// What a probe sees of a state on its way, in the order in which a state works. `kParameters` is
/// the value after Parameters (JSONPath) or Arguments (JSONata).
enum class Seen : uint8_t {
  kInputPath,
  kParameters,
  kItemsPath,
  kItemSelector,
  kItemBatcher,
  kMaxConcurrency,
  kToleratedFailureCount,
  kToleratedFailurePercentage,
  kResult,
  kResultSelector,
  kResultPath,
};
inline constexpr size_t kSeenCount = static_cast<size_t>(Seen::kResultPath) + 1;

/// Runs one state in place of a machine and notes what becomes of it (the API's TestState). The
/// execution begins with `state` and ends with it: where it would go on, be retried or be caught is
/// noted instead. Owned by the caller of Execution, which it outlives.
struct Probe {
  const StateMachine* machine = nullptr;  ///< the one that holds `state`
  const State* state = nullptr;
  Json context;                 ///< the context object
  bool adds_task_token = true;  ///< false: `context` is all there is
  Json variables;               ///< object or null; afterwards with what the state assigned
  int64_t retries = 0;          ///< attempts that the matching retrier has behind it

  /// What a Map's or a Parallel's children come to.
  struct Children {
    bool is_failure = false;
    Json result;
    std::optional<std::string> error, cause;
    int64_t failed = 0;  ///< iterations, for the tolerated failures
  };
  std::optional<Children> children;
  std::optional<Json> items;  ///< Map: what its ItemReader reads

  // Found out. Values of kMaxConcurrency and the tolerated failures are numbers, the others JSON
  // texts.
  std::array<std::optional<Json>, kSeenCount> seen;
  std::string next_state;                     ///< empty: the machine ends
  std::optional<size_t> retrier;              ///< that matched, its attempts used up or not
  std::optional<double> retry_delay_seconds;  ///< it would be tried again
  std::optional<size_t> catcher;
  std::optional<std::string> caught_error, caught_cause;
};

}  // namespace stepmill::asl
