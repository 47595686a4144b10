#include "lang/asl/rehearse_map.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/asl/child_inputs.h"
#include "lang/asl/limits.h"

namespace stepmill::asl {
namespace {

class MapRehearsal {
 public:
  MapRehearsal(const StartMapRun& run, const StartInfo& parent, Time start, uint64_t entropy,
               const RehearsalHooks& hooks)
      : run_(run), parent_(parent), start_(start), chance_(entropy), hooks_(hooks) {
    const int64_t wanted = run.plan.IntOr("concurrencyMax", 0);
    slots_.resize(static_cast<size_t>(wanted > 0 ? std::min<int64_t>(wanted, 1000) : 1000), start);
  }

  Time Run(Event& ended) {
    ended.map_run = run_.map_run;
    ended.kind = Event::Kind::kMapRunFailed;
    if (run_.plan.Has("reader"))
      return Fail(ended, "States.ItemReaderFailed",
                  "An ItemReader reads objects of a server; this execution runs without one.");
    if (run_.plan["writer"].Has("parameters"))
      return Fail(ended, "States.ResultWriterFailed",
                  "A ResultWriter writes objects of a server; this execution runs without one.");
    Compiled compiled = Compile(run_.plan.StringOr("definition", ""));
    definition_ = compiled.definition;
    Result<ChildInputs> inputs = ChildInputs::Make(run_.plan);
    if (!definition_ || !inputs)
      return Fail(ended, "States.Runtime",
                  inputs ? "The definition is not valid any more" : inputs.error().message);
    const Json items = run_.plan["items"];
    total_ = static_cast<int64_t>(items.size());
    for (const Json& item : items.items()) {
      const Result<> added = inputs->Add(item, std::nullopt, "STATE_DATA", start_, chance_.Next());
      if (!added) return Fail(ended, added.error().name, added.error().message);
    }
    while (const auto input = inputs->Next(true)) {
      RunChild(*input);
      if (IsOverTolerance())
        return Fail(ended, "States.ExceedToleratedFailureThreshold",
                    "The specified tolerated failure threshold was exceeded");
    }
    ended.kind = Event::Kind::kMapRunSucceeded;
    ended.output = Json(std::move(results_));
    return *std::max_element(slots_.begin(), slots_.end());
  }

 private:
  Time Fail(Event& ended, std::string error, std::string cause) const {
    ended.error = std::move(error);
    ended.cause = std::move(cause);
    return *std::max_element(slots_.begin(), slots_.end());
  }

  void RunChild(const ChildInputs::Input& input) {
    Time& slot = *std::min_element(slots_.begin(), slots_.end());
    const uint64_t high = chance_.Next();
    StartInfo child = parent_;
    child.name = Uuid(high, chance_.Next());
    child.state_machine_name += "/" + run_.label;
    child.state_machine_arn += "/" + run_.label;
    child.execution_arn = child.state_machine_arn + ":" + child.name;
    const size_t kind = child.execution_arn.find(":stateMachine:");
    if (kind != std::string::npos) child.execution_arn.replace(kind, 14, ":execution:");
    child.version_arn.clear();
    child.alias_arn.clear();
    child.started_at = slot;
    child.input_text = input.value.Print();
    Execution execution(definition_, child);
    RehearsalHooks hooks = hooks_;
    hooks.on_history = nullptr;  // a child has a history of its own
    hooks.wait_until = nullptr;  // the parent waits for the run as a whole
    const RehearsalResult result = Rehearse(execution, slot, chance_.Next(), hooks);
    for (const Millis wait : result.waits) slot += wait;
    if (result.status == Status::kSucceeded) {
      Json output =
          ParseJson(result.output_text.is_string() ? result.output_text.AsString() : "null")
              .value_or(Json());
      if (run_.plan["writer"].StringOr("transformation", "") == "FLATTEN" && output.is_array())
        results_.insert(results_.end(), output.items().begin(), output.items().end());
      else
        results_.push_back(std::move(output));
      return;
    }
    failed_ += input.items;
    Json::Object record{{"Status", StatusName(result.status)}, {"Input", child.input_text}};
    if (result.error) record.Add("Error", *result.error);
    if (result.cause) record.Add("Cause", *result.cause);
    results_.push_back(Json(std::move(record)));
  }

  bool IsOverTolerance() const {
    const int64_t count = run_.plan.IntOr("toleratedCount", 0);
    const double percentage = run_.plan["toleratedPercentage"].AsDouble();
    if (failed_ == 0) return false;
    if (count == 0 && percentage == 0) return true;
    if (count > 0 && failed_ > count) return true;
    return percentage > 0 &&
           static_cast<double>(failed_) * 100.0 > percentage * static_cast<double>(total_);
  }

  const StartMapRun& run_;
  const StartInfo& parent_;
  const Time start_;
  Chance chance_;
  const RehearsalHooks& hooks_;
  std::vector<Time> slots_;  // when each is free
  std::shared_ptr<const Definition> definition_;
  Json::Array results_;
  int64_t total_ = 0, failed_ = 0;
};

}  // namespace

Time RehearseMapRun(const StartMapRun& run, const StartInfo& parent, Time start, uint64_t entropy,
                    const RehearsalHooks& hooks, Event& ended) {
  return MapRehearsal(run, parent, start, entropy, hooks).Run(ended);
}

}  // namespace stepmill::asl
