#include <cmath>

#include "base/strings.h"
#include "lang/asl/distributed.h"
#include "lang/asl/interpreter.h"
#include "lang/asl/query.h"

namespace stepmill::asl {
namespace {

// The label of a Map that has none: the same in every execution of the machine.
std::string MadeLabel(const std::string& machine_arn, const std::string& state) {
  uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const char c : machine_arn + "/" + state) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3u;
  }
  Chance chance(hash);
  const uint64_t high = chance.Next();
  return Uuid(high, chance.Next());
}

// "arn:aws:states:REGION:ACCOUNT" of an execution's ARN.
std::string ArnHead(const std::string& arn) {
  size_t end = 0;
  for (int colons = 0; end < arn.size(); ++end)
    if (arn[end] == ':' && ++colons == 5) break;
  return arn.substr(0, end);
}

void AddVariables(const Variables& variables, Json::Object& out) {
  if (variables.outer) AddVariables(*variables.outer, out);
  if (!variables.own.is_object()) return;
  for (const Json::Member& member : variables.own.members()) out.Set(member.name, member.value);
}

Json Whole(const std::optional<double>& number) {
  return Json(static_cast<int64_t>(number.value_or(0)));
}

}  // namespace

// Everything that the run needs, evaluated here, where the state's data are.
Result<Json> Execution::Interpreter::MapRunPlan(Flow& flow) {
  const State& state = *flow.state;
  const DistributedMap& map = *state.distributed;
  MILL_TRY(const std::optional<double> concurrency,
           MapNumber(state.concurrency_max, "MaxConcurrency", false, flow));
  MILL_TRY(const std::optional<double> count,
           MapNumber(state.tolerated_failure_count, "ToleratedFailureCount", false, flow));
  MILL_TRY(const std::optional<double> percentage,
           MapNumber(state.tolerated_failure_percentage, "ToleratedFailurePercentage", true, flow));
  Json::Object plan{
      {"state", state.name_json},       {"prefix", FailureOf(Error{}, flow).cause.value_or("")},
      {"isJsonata", state.is_jsonata},  {"isExpress", map.is_express},
      {"definition", map.definition},   {"concurrencyMax", Whole(concurrency)},
      {"toleratedCount", Whole(count)}, {"toleratedPercentage", percentage.value_or(0)}};
  if (map.reader) {
    MILL_TRY(Json reader, ReaderPlan(flow, *map.reader));
    plan.Add("reader", std::move(reader));
  } else {
    plan.Add("items", flow.items);
  }
  if (map.batcher) {
    MILL_TRY(const std::optional<double> items,
             MapNumber(map.batcher->items_max, "MaxItemsPerBatch", false, flow, "ItemBatcher/"));
    MILL_TRY(
        const std::optional<double> bytes,
        MapNumber(map.batcher->bytes_max, "MaxInputBytesPerBatch", false, flow, "ItemBatcher/"));
    Json::Object batcher;
    if (items && *items > 0) batcher.Add("itemsMax", Whole(items));
    if (bytes && *bytes > 0) batcher.Add("bytesMax", Whole(bytes));
    if (map.batcher->input) {
      MILL_TRY(Json input, FillField(map.batcher->input, "ItemBatcher/BatchInput", flow));
      batcher.Add("input", std::move(input));
    }
    plan.Add("batcher", std::move(batcher));
  }
  if (map.writer) {
    Json::Object writer;
    if (map.writer->parameters) {
      MILL_TRY(Json parameters, FillField(map.writer->parameters, "ResultWriter/Arguments", flow));
      writer.Add("parameters", std::move(parameters));
    }
    if (!map.writer->transformation.empty())
      writer.Add("transformation", map.writer->transformation);
    if (!map.writer->output_type.empty()) writer.Add("outputType", map.writer->output_type);
    plan.Add("writer", std::move(writer));
  }
  if (map.selector) {
    Json::Object variables;
    AddVariables(flow.variables, variables);
    plan.Add("selector",
             Json::Object{{"template", *map.selector},
                          {"input", state.is_jsonata ? flow.input.value : flow.effective.value},
                          {"variables", std::move(variables)},
                          {"context", Context(flow, 0)}});
  }
  return Json(std::move(plan));
}

/// A template over the state's data, in its own language; {} where there is none.
Result<Json> Execution::Interpreter::FillField(const std::optional<Template>& field,
                                               const char* name, Flow& flow) {
  if (!field) return Json(Json::Object{});
  if (flow.state->is_jsonata) return Ask(*field, name, flow);
  MILL_TRY(const Payload filled, Fill(field, flow.effective, flow));
  return filled.value;
}

Result<Json> Execution::Interpreter::ReaderPlan(Flow& flow, const DistributedMap::Reader& reader) {
  MILL_TRY(const std::optional<double> items_max,
           MapNumber(reader.items_max, "MaxItems", false, flow, "ItemReader/ReaderConfig/"));
  Json::Object out{{"resource", reader.resource},
                   {"inputType", reader.input_type},
                   {"manifestType", reader.manifest_type},
                   {"isFlattened", reader.is_flattened},
                   {"isJsonata", flow.state->is_jsonata},
                   {"delimiter", reader.delimiter},
                   {"pointer", reader.pointer}};
  if (items_max) out.Add("maxItems", Whole(items_max));
  if (reader.headers) {
    Json::Array headers;
    for (const std::string& name : *reader.headers) headers.push_back(Json(name));
    out.Add("headers", Json(std::move(headers)));
  }
  MILL_TRY(Json parameters, FillField(reader.parameters, "ItemReader/Arguments", flow));
  out.Add("parameters", std::move(parameters));
  return Json(std::move(out));
}

void Execution::Interpreter::BeginMapRun(Flow& flow, std::optional<Json> plan) {
  if (!plan) {
    Result<Json> made = MapRunPlan(flow);
    if (!made) return FailState(flow, FailureOf(made.error(), flow));
    plan = *std::move(made);
  }
  StartMapRun run;
  run.label = flow.state->distributed->label;
  if (run.label.empty()) run.label = MadeLabel(start_.state_machine_arn, flow.state->name);
  const uint64_t high = chance_.Next();
  run.arn = ArnHead(start_.execution_arn) + ":mapRun:" + start_.state_machine_name + "/" +
            run.label + ":" + Uuid(high, chance_.Next());
  run.plan = *std::move(plan);
  flow.items = Json();
  flow.kept_run = std::make_shared<StartMapRun>(std::move(run));
  EnterMapRun(flow, EventType::kMapRunStarted, Json::Object{{"mapRunArn", flow.kept_run->arn}});
}

// The run of the redriven state goes on with what did not succeed.
void Execution::Interpreter::RedriveMapRun(Flow& flow) {
  ++flow.kept_run->redrive_count;
  EnterMapRun(flow, EventType::kMapRunRedriven,
              Json::Object{{"mapRunArn", flow.kept_run->arn},
                           {"redriveCount", flow.kept_run->redrive_count}});
}

void Execution::Interpreter::EnterMapRun(Flow& flow, EventType type, Json details) {
  flow.last = Emit(type, flow.last, std::move(details));
  if (is_history_full_) return;
  flow.waiting = Flow::Waiting::kMapRun;
  flow.map_run = flow.kept_run->map_run = next_map_run_++;
  map_runs_[flow.map_run] = &flow;
  turn_.map_runs.push_back(*flow.kept_run);
}

namespace {

/// Recordings of the time before variables and JSONata came (November 2024) show a distributed
/// Map's exit behind MapRunSucceeded, those of the time since behind MapRunStarted. A definition
/// that uses either is of the time since; all others keep the history that they had.
bool IsSinceVariables(const StateMachine& machine) {
  for (const State& state : machine.states) {
    if (state.is_jsonata || state.assign) return true;
    for (const auto& branch : state.branches)
      if (IsSinceVariables(*branch)) return true;
  }
  return false;
}

}  // namespace

void Execution::Interpreter::OnMapRunEnded(const Event& event) {
  const auto found = map_runs_.find(event.map_run);
  if (found == map_runs_.end()) return;  // the state was left meanwhile
  Flow& flow = *found->second;
  map_runs_.erase(found);
  flow.map_run = 0;
  flow.waiting = Flow::Waiting::kNothing;
  Failure failure;
  failure.error = event.error;
  failure.cause = event.cause;
  failure.is_of_children = true;  // the state has its own "failed" event
  if (event.kind == Event::Kind::kMapRunFailed) {
    Json::Object details;
    if (event.error) details.Add("error", *event.error);
    if (event.cause) details.Add("cause", *event.cause);
    flow.last = Emit(EventType::kMapRunFailed, flow.last, std::move(details));
    return FailState(flow, std::move(failure));
  }
  flow.kept_run.reset();
  const int64_t started = flow.last;
  flow.last = Emit(EventType::kMapRunSucceeded, flow.last);
  if (event.error) return FailState(flow, std::move(failure));  // the result is too large
  Emit(EventType::kMapStateSucceeded, flow.last);
  if (IsSinceVariables(definition_->root)) flow.last = started;
  if (is_history_full_) return;
  Finish(flow, Payload::Of(event.output));
}

struct ItemMaker::Parts {
  std::optional<Template> selector;
  Json input, context;
  Variables variables;
  std::string prefix;
  bool is_jsonata = false;
};

ItemMaker::ItemMaker(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ItemMaker::ItemMaker(ItemMaker&&) noexcept = default;
ItemMaker& ItemMaker::operator=(ItemMaker&&) noexcept = default;
ItemMaker::~ItemMaker() = default;

Result<ItemMaker> ItemMaker::Make(const Json& plan) {
  auto parts = std::make_unique<Parts>();
  parts->prefix = plan.StringOr("prefix", "");
  if (const Json* selector = plan.Find("selector")) {
    const Json& source = (*selector)["template"];
    parts->is_jsonata = plan.BoolOr("isJsonata", false);
    if (parts->is_jsonata) {
      std::vector<TemplateProblem> problems;
      parts->selector = Template::CompileQueries(source, QueryOffers{}, problems);
      if (!problems.empty()) return Error{Code::kInternal, "States.Runtime", problems[0].message};
    } else {
      MILL_TRY(parts->selector, Template::Compile(source));
    }
    parts->input = (*selector)["input"];
    parts->context = (*selector)["context"];
    parts->variables.own = (*selector)["variables"];
  }
  return ItemMaker(std::move(parts));
}

Result<Json> ItemMaker::Select(int64_t index, const Json& value,
                               const std::optional<std::string>& key, const std::string& source,
                               Time now, uint64_t entropy) const {
  if (!parts_->selector) {
    if (!key) return value;
    return Json(Json::Object{{"Key", *key}, {"Value", value}});
  }
  Json::Object item{{"Index", index}, {"Value", value}};
  if (key) item.Add("Key", *key);
  item.Add("Source", source);
  struct Fixed final : ContextSource {
    Json context;
    const Json& Context() const override { return context; }
  } context;
  context.context = parts_->context.With("Map", Json::Object{{"Item", Json(std::move(item))}});
  Chance chance(entropy);
  Scope scope{parts_->input, parts_->variables, context, chance};
  scope.now = now;
  Result<Json> made = parts_->selector->Evaluate(scope);
  if (made) return made;
  Error error = parts_->is_jsonata ? QueryError(made.error(), "ItemSelector") : made.error();
  error.message = parts_->prefix + error.message;
  return error;
}

}  // namespace stepmill::asl
