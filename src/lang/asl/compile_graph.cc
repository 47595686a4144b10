#include "lang/asl/compile.h"

namespace stepmill::asl {
namespace {

template <class Edge, class Set>
void LinkList(const Json& source, const char* field, const Where& at, const Edge& edge,
              const Set& set) {
  const Json& list = source[field];
  if (!list.is_array()) return;
  for (size_t k = 0; k < list.size(); ++k)
    set(k, edge(list.At(k)["Next"], at.Member(field).Item(k).Member("Next")));
}

}  // namespace

// Targets, the end and reachability, per machine.
void Compiler::CheckTransitions(const Json& json, const Where& here, StateMachine& machine) {
  const Where there = here.Member("States");
  const bool is_top = here.aws.empty();
  const auto target = [&](const Json& name, const Where& where) {
    if (!name.is_string()) return -1;
    const auto found = machine.index.find(name.AsString());
    if (found != machine.index.end()) return found->second;
    Add(kMissingTarget, "Missing 'Next' target: " + name.AsString(), where);
    return -1;
  };
  machine.start = target(json["StartAt"], here.Member("StartAt"));
  std::vector<std::vector<int>> edges(machine.states.size());
  bool has_end = false;
  for (size_t i = 0; i < machine.states.size(); ++i) {
    State& state = machine.states[i];
    const Json& source = json["States"][state.name];
    const Where at = there.Member(state.name);
    const auto edge = [&](const Json& name, const Where& where) {
      const int to = target(name, where);
      if (to >= 0) edges[i].push_back(to);
      return to;
    };
    state.next = edge(source["Next"], at.Member("Next"));
    has_end = has_end || source.BoolOr("End", false) || source["Type"] == Json("Succeed") ||
              source["Type"] == Json("Fail");
    state.default_next = edge(source["Default"], at.Member("Default"));
    LinkList(source, "Choices", at, edge, [&](size_t k, int to) {
      if (k < state.choices.size()) state.choices[k].next = to;
    });
    LinkList(source, "Catch", at, edge, [&](size_t k, int to) {
      if (k < state.catchers.size()) state.catchers[k].next = to;
    });
  }
  if (!has_end && is_top) {  // measured on AWS: a nested machine may go round for ever
    if (findings_.size() < kFindingsMax) {
      Finding finding;
      finding.code = "MISSING_END_STATE";
      finding.message = "Workflow has no terminal state";
      finding.pointer = there.pointer;
      findings_.push_back(std::move(finding));
    }
    return;
  }
  std::vector<bool> seen(machine.states.size());
  std::vector<int> open;
  if (machine.start >= 0) open.push_back(machine.start);
  while (!open.empty()) {
    const auto at = static_cast<size_t>(open.back());
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    for (const int to : edges[at]) open.push_back(to);
  }
  for (size_t i = 0; i < seen.size(); ++i)
    if (!seen[i])
      Add(kMissingTarget, "State \"" + machine.states[i].name + "\" is not reachable.",
          there.Member(machine.states[i].name));
}

}  // namespace stepmill::asl
