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
    WrongType("ARRAY", there);
    return names;
  }
  if (list->size() == 0) Schema("Value cannot be empty", there);
  for (size_t i = 0; i < list->size(); ++i) {
    if (list->At(i).is_string())
      names.push_back(list->At(i).AsString());
    else
      WrongType("STRING", there.Item(i));
  }
  for (const std::string& name : names)
    if (name == "States.ALL" && (names.size() > 1 || !is_last))
      Schema("States.ALL must appear alone and at end of list", there);
  return names;
}

void Compiler::ReadRetriers(const Json& list, const Where& at, State& state) {
  if (!list.is_array()) return WrongType("ARRAY", at);
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& json = list.At(i);
    const Where here = at.Item(i);
    Retrier retrier;
    if (!json.is_object()) {
      WrongType("OBJECT", here);
      continue;
    }
    CheckFields(json,
                " ErrorEquals IntervalSeconds MaxAttempts BackoffRate MaxDelaySeconds "
                "JitterStrategy Comment ",
                here);
    retrier.errors = ReadErrorEquals(json, here, i + 1 == list.size());
    if (const Json* v = json.Find("IntervalSeconds"))
      if (const auto n = Integer(*v, 0, kTimeoutSecondsMax, here.Member("IntervalSeconds")))
        retrier.interval_seconds = static_cast<double>(*n);
    if (const Json* v = json.Find("MaxAttempts"))
      if (const auto n = Integer(*v, 0, kTimeoutSecondsMax, here.Member("MaxAttempts")))
        retrier.attempts_max = *n;
    if (const Json* v = json.Find("BackoffRate"))
      if (const auto n = Number(*v, 1.0, 1e9, here.Member("BackoffRate"), true))
        retrier.backoff_rate = *n;
    if (const Json* v = json.Find("MaxDelaySeconds")) {
      if (const auto n = Integer(*v, 1, 31'622'400, here.Member("MaxDelaySeconds"))) {
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
        OneOf("NONE, FULL", here.Member("JitterStrategy"));
    }
    state.retriers.push_back(std::move(retrier));
  }
}

void Compiler::ReadCatchers(const Json& list, const Where& at, State& state) {
  if (!list.is_array()) return WrongType("ARRAY", at);
  for (size_t i = 0; i < list.size(); ++i) {
    const Json& json = list.At(i);
    const Where here = at.Item(i);
    Catcher catcher;
    if (json.is_object()) {
      CheckFields(json, " ErrorEquals Next ResultPath Output Assign Comment ", here);
      catcher.errors = ReadErrorEquals(json, here, i + 1 == list.size());
      if (!json.Has("Next")) Schema("These fields are required: [Next]", here);
      const QueryOffers offers{.error_output = true};
      if (is_query_)
        catcher.output = ReadTemplate(json, "Output", here, offers);
      else
        catcher.result = ReadResultPath(json, here);
      catcher.assign = ReadAssign(json, here, offers);
    } else {
      WrongType("OBJECT", here);
    }
    state.catchers.push_back(std::move(catcher));
  }
}

}  // namespace stepmill::asl
