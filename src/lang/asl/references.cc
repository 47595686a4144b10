#include <set>

#include "lang/asl/definition.h"
#include "lang/asl/distributed.h"

namespace stepmill::asl {
namespace {

void CollectReferences(const StateMachine& machine, Json::Object& out) {
  for (const State& state : machine.states) {
    std::vector<std::string> names;
    const auto expression = [&](const std::optional<Expression>& e) {
      if (e) e->CollectVariables(names);
    };
    const auto payload = [&](const std::optional<Template>& t) {
      if (t) t->CollectVariables(names);
    };
    for (const std::optional<Template>* field :
         {&state.output, &state.items, &state.wait_until_query, &state.error_query,
          &state.cause_query})
      payload(*field);
    if (state.input_path) state.input_path->expression.CollectVariables(names);
    payload(state.parameters);
    payload(state.credentials);
    expression(state.items_path);
    for (const NumberField* field :
         {&state.timeout_seconds, &state.heartbeat_seconds, &state.wait_seconds,
          &state.concurrency_max, &state.tolerated_failure_count,
          &state.tolerated_failure_percentage}) {
      expression(field->path);
      payload(field->query);
    }
    if (state.distributed) {
      const DistributedMap& map = *state.distributed;
      const auto number = [&](const NumberField& field) {
        expression(field.path);
        payload(field.query);
      };
      if (map.reader) {
        payload(map.reader->parameters);
        number(map.reader->items_max);
      }
      if (map.batcher) {
        payload(map.batcher->input);
        number(map.batcher->items_max);
        number(map.batcher->bytes_max);
      }
      if (map.writer) payload(map.writer->parameters);
    }
    expression(state.wait_until_path);
    expression(state.error_path);
    expression(state.cause_path);
    for (const ChoiceRule& rule : state.choices) {
      rule.test.CollectVariables(names);
      payload(rule.condition);
      payload(rule.assign);
      payload(rule.output);
    }
    payload(state.result_selector);
    payload(state.assign);
    for (const Catcher& catcher : state.catchers) {
      payload(catcher.output);
      payload(catcher.assign);
    }
    if (state.output_path) state.output_path->expression.CollectVariables(names);
    Json::Array list;
    for (const std::string& name : std::set<std::string>(names.begin(), names.end()))
      list.push_back(Json(name));
    if (!list.empty()) out.Set(state.name, Json(std::move(list)));
    for (const auto& branch : state.branches) CollectReferences(*branch, out);
  }
}

}  // namespace

Json VariableReferences(const Definition& definition) {
  Json::Object out;
  CollectReferences(definition.root, out);
  return out.members.empty() ? Json() : Json(std::move(out));
}

}  // namespace stepmill::asl
