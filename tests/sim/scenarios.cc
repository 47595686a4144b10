#include "scenarios.h"

namespace stepmill::sim {

const std::vector<NamedScenario>& Scenarios() {
  static const std::vector<NamedScenario> all = {
      {"chain", Chain},
      {"loop", Loop},
      {"waits", Waits},
      {"map", InlineMap},
      {"retry", RetryAndCatch},
      {"stopped", Stopped},
      {"timed-out", TimedOut},
      {"redriven", Redriven},
      {"jsonata", Jsonata},
      {"heavy", Heavy},
      {"writes-once", WritesOnce},
      {"callback", Callback},
      {"activity", ActivityWorker},
      {"nested", Nested},
      {"processing", Processing},
      {"standard-map", StandardMap},
      {"express-map", ExpressMap},
      {"reader-map", ReaderMap},
      {"express-sync", ExpressSync},
      {"express-async", ExpressAsync},
      {"parameter", Parameter},
      {"object", Object},
      {"secret", HiddenValue},
      {"fired-rule", FiredRule},
      {"stack", Stack},
  };
  return all;
}

}  // namespace stepmill::sim
