#include "lang/asl/compile.h"

namespace stepmill::asl {

std::vector<std::string> Compiler::ReadErrorEquals(const Json& json, const Where& at,
                                                   bool is_last) {
  std::vector<std::string> names;
  const Json* list = json.Find("ErrorEquals");
  if (!list) {
    Schema("These fields are required: [ErrorEquals]", at);
    return names;
  }
  const Where there = at.Member("ErrorEquals");
  if (!list->is_array()) {
    Schema("Expected value of type Array", there);
    return names;
  }
  if (list->size() == 0) Schema("Value cannot be empty", there);
  for (size_t i = 0; i < list->size(); ++i) {
    if (list->At(i).is_string())
      names.push_back(list->At(i).AsString());
    else
      Schema("Expected value of type String", there.Item(i));
  }
  for (const std::string& name : names)
    if (name == "States.ALL" && (names.size() > 1 || !is_last))
      Schema("'States.ALL' must appear alone in 'ErrorEquals' and in the last entry of its list",
             there);
  return names;
}

void Compiler::ReadRetriers(const Json& list, const Where& at, State& state) {
  if (!list.is_array()) return Schema("Expected value of type Array", at);
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& json = list.At(i);
    const Where here = at.Item(i);
    Retrier retrier;
    if (!json.is_object()) {
      Schema("Expected value of type Object", here);
      continue;
    }
    Unknown(json,
            " ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds "
            "JitterStrategy Comment ",
            here);
    retrier.errors = ReadErrorEquals(json, here, i + 1 == list.size());
    if (const Json* v = json.Find("IntervalSeconds"))
      if (const auto n = Integer(*v, 1, kTimeoutSecondsMax, here.Member("IntervalSeconds")))
        retrier.interval_seconds = static_cast<double>(*n);
    if (const Json* v = json.Find("MaxAttempts"))
      if (const auto n = Integer(*v, 0, kTimeoutSecondsMax, here.Member("MaxAttempts")))
        retrier.attempts_max = *n;
    if (const Json* v = json.Find("BackoffRate"))
      if (const auto n = Number(*v, 1.0, 1e9, here.Member("BackoffRate")))
        retrier.backoff_rate = *n;
    if (const Json* v = json.Find("MaxDelaySeconds")) {
      if (const auto n = Integer(*v, 1, 31'622'399, here.Member("MaxDelaySeconds"))) {
        retrier.delay_max_seconds = static_cast<double>(*n);
        if (*retrier.delay_max_seconds <= retrier.interval_seconds)
          Schema("MaxDelaySeconds must be greater than IntervalSeconds",
                 here.Member("MaxDelaySeconds"));
      }
    }
    if (const Json* v = json.Find("JitterStrategy")) {
      if (*v == Json("FULL"))
        retrier.has_jitter = true;
      else if (*v != Json("NONE"))
        Schema("The field 'JitterStrategy' should have one of these values: [FULL, NONE]",
               here.Member("JitterStrategy"));
    }
    state.retriers.push_back(std::move(retrier));
  }
}

void Compiler::ReadCatchers(const Json& list, const Where& at, State& state) {
  if (!list.is_array()) return Schema("Expected value of type Array", at);
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& json = list.At(i);
    const Where here = at.Item(i);
    Catcher catcher;
    if (json.is_object()) {
      Unknown(json, " ErrorEquals Next ResultPath Assign Comment ", here);
      catcher.errors = ReadErrorEquals(json, here, i + 1 == list.size());
      if (!json.Has("Next")) Schema("These fields are required: [Next]", here);
      catcher.result = ReadResultPath(json, here);
      catcher.assign = ReadAssign(json, here);
    } else {
      Schema("Expected value of type Object", here);
    }
    state.catchers.push_back(std::move(catcher));
  }
}

}  // namespace stepmill::asl
