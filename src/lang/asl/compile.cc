#include <cmath>
#include <set>

#include "base/strings.h"
#include "lang/asl/definition.h"
#include "lang/asl/limits.h"

namespace stepmill::asl {
namespace {

constexpr std::string_view kSchema = "SCHEMA_VALIDATION_FAILED";
constexpr std::string_view kMissingTarget = "MISSING_TRANSITION_TARGET";

/// A place of the definition: as AWS writes it, and as a JSON pointer.
struct Where {
  std::string aws;
  std::string pointer;
  Where Member(std::string_view name) const {
    return {aws + "/" + std::string(name), PointerAppend(pointer, name)};
  }
  Where Item(size_t index) const {
    const std::string number = std::to_string(index);
    return {aws + "[" + number + "]", pointer + "/" + number};
  }
};

struct TypeRow {
  std::string_view name;
  StateType type;
  std::string_view fields;  // with the common ones (Type, Comment, QueryLanguage)
};
constexpr std::string_view kCommonFields = " Type Comment QueryLanguage ";
constexpr TypeRow kTypes[] = {
    {"Task", StateType::kTask,
     " Next End InputPath OutputPath Parameters ResultSelector ResultPath Assign Retry Catch "
     "TimeoutSeconds TimeoutSecondsPath HeartbeatSeconds HeartbeatSecondsPath Credentials "
     "Resource "},
    {"Wait", StateType::kWait,
     " Next End InputPath OutputPath Assign Seconds SecondsPath Timestamp TimestampPath "},
    {"Pass", StateType::kPass,
     " Next End InputPath OutputPath Parameters ResultPath Assign Result "},
    {"Succeed", StateType::kSucceed, " InputPath OutputPath "},
    {"Fail", StateType::kFail, " Error ErrorPath Cause CausePath "},
    {"Choice", StateType::kChoice, " InputPath OutputPath Assign Choices Default "},
    {"Parallel", StateType::kParallel,
     " Next End InputPath OutputPath Parameters ResultSelector ResultPath Assign Retry Catch "
     "Branches "},
    {"Map", StateType::kMap,
     " Next End InputPath OutputPath Parameters ItemSelector ResultSelector ResultPath Assign "
     "Retry Catch ItemProcessor Iterator ItemsPath MaxConcurrency MaxConcurrencyPath "
     "ToleratedFailureCount ToleratedFailureCountPath ToleratedFailurePercentage "
     "ToleratedFailurePercentagePath Label ItemReader ItemBatcher ResultWriter "},
};
constexpr std::string_view kJsonataOnly = " Arguments Output Items Condition ";

bool Lists(std::string_view words, std::string_view word) {
  return words.find(" " + std::string(word) + " ") != std::string_view::npos;
}

class Compiler {
 public:
  explicit Compiler(const CompileOptions& options) : options_(options) {}

  Compiled Run(const Json& source, Positions positions) {
    positions_ = std::move(positions);
    if (source.is_object())
      source_ = source;
    else
      Schema("Definition must be a valid JSON object", {});
    return Finish();
  }
  Compiled Run(std::string_view text) {
    ReadText(text);
    return Finish();
  }

 private:
  Compiled Finish() {
    if (source_) ReadDefinition(*source_);
    Compiled out;
    out.findings = std::move(findings_);
    bool has_error = false;
    for (Finding& finding : out.findings) {
      const auto found = positions_.find(finding.pointer);
      if (finding.position.line == 0 && found != positions_.end()) finding.position = found->second;
      has_error = has_error || finding.is_error;
    }
    if (!has_error) out.definition = std::move(definition_);
    return out;
  }

  void Add(std::string_view code, std::string message, const Where& where) {
    if (findings_.size() >= kFindingsMax) return;
    Finding finding;
    finding.code = std::string(code);
    finding.message = std::move(message);
    finding.location = where.aws.empty() ? "/" : where.aws;
    finding.pointer = where.pointer;
    findings_.push_back(std::move(finding));
  }
  void Schema(std::string message, const Where& where) { Add(kSchema, std::move(message), where); }

  void ReadText(std::string_view text) {
    if (Trim(text).empty()) {
      Finding finding;
      finding.code = std::string(kSchema);
      finding.message = "Definition must be a valid JSON object";
      findings_.push_back(std::move(finding));
      return;
    }
    ParseOptions parse;
    parse.positions = &positions_;
    Result<Json> parsed = ParseJson(text, parse);
    if (!parsed) return BadJson(text);
    source_ = *std::move(parsed);
    if (source_->is_object()) return;
    Schema("Definition must be a valid JSON object", {});
    source_.reset();
  }

  void BadJson(std::string_view text) {
    const std::optional<JacksonProblem> problem = FindJacksonProblem(text);
    if (!problem) return;
    constexpr size_t kShownMax = 500;
    std::string shown = "\"" + std::string(text.substr(0, kShownMax)) + "\"";
    if (text.size() > kShownMax)
      shown += "[truncated " + std::to_string(text.size() - kShownMax) + " chars]";
    const std::string source = "[Source: (String)" + shown +
                               "; line: " + std::to_string(problem->line) +
                               ", column: " + std::to_string(problem->column) + "]";
    Finding finding;
    finding.code = "INVALID_JSON_DESCRIPTION";
    finding.message = problem->message + "\n at " + source;
    finding.location = source;
    finding.position = {problem->line, problem->column};
    findings_.push_back(std::move(finding));
  }

  // -- the machine --------------------------------------------------------------------------------
  void ReadDefinition(const Json& json) {
    definition_ = std::make_shared<Definition>();
    definition_->source = json;
    definition_->comment = json.StringOr("Comment", "");
    const Where here;
    for (const Json::Member& member : json.members())
      if (!Lists(" StartAt States Comment Version TimeoutSeconds QueryLanguage ", member.name))
        Schema("Field '" + member.name + "' is not supported", here);
    OptionalText(json, "Comment", here);
    OptionalText(json, "Version", here);
    if (!QueryLanguageIsBuilt(json, here)) return;
    if (const Json* seconds = json.Find("TimeoutSeconds"))
      if (const auto value =
              Integer(*seconds, 1, kTimeoutSecondsMax, here.Member("TimeoutSeconds")))
        definition_->timeout_seconds = *value;
    ReadMachine(json, here, definition_->root, 0);
  }

  bool QueryLanguageIsBuilt(const Json& json, const Where& here) {
    const Json* language = json.Find("QueryLanguage");
    if (!language) return true;
    if (language->is_string() && language->AsString() == "JSONPath") return true;
    if (language->is_string() && language->AsString() == "JSONata")
      Schema("The QueryLanguage 'JSONata' is not built into this server: use 'JSONPath'",
             here.Member("QueryLanguage"));
    else
      Schema("The field 'QueryLanguage' should have one of these values: [JSONPath, JSONata]",
             here.Member("QueryLanguage"));
    return false;
  }

  void ReadMachine(const Json& json, const Where& here, StateMachine& machine, int depth) {
    if (depth > kNestingMax) return Schema("The state machine is nested too deeply", here);
    std::string missing;
    for (const char* field : {"States", "StartAt"})
      if (!json.Has(field)) missing += (missing.empty() ? "" : ", ") + std::string(field);
    if (!missing.empty()) Schema("These fields are required: [" + missing + "]", here);
    const Json& states = json["States"];
    const Json& start = json["StartAt"];
    if (json.Has("StartAt") && !start.is_string())
      Schema("Expected value of type String", here.Member("StartAt"));
    if (!json.Has("States")) return;
    const Where there = here.Member("States");
    if (!states.is_object()) return Schema("Expected value of type Object", there);
    if (states.size() == 0) return Schema("Value cannot be empty", there);
    machine.states.resize(states.size());
    int number = 0;
    for (const Json::Member& member : states.members()) machine.index[member.name] = number++;
    number = 0;
    for (const Json::Member& member : states.members()) {
      const Where at = there.Member(member.name);
      State& state = machine.states[static_cast<size_t>(number++)];
      state.name = member.name;
      state.name_json = Json(member.name);
      CheckName(member.name, at);
      ReadState(member.value, at, state, machine, depth);
    }
    CheckTransitions(json, here, machine);
  }

  void CheckName(const std::string& name, const Where& at) {
    if (name.empty() || Utf16Length(name) > kStateNameCharactersMax)
      Schema("State name must be 1 to 80 characters long", at);
    if (!names_.insert(name).second)
      Add("DUPLICATE_STATE_NAME", "Duplicate State name: " + name, at);
    if (names_.size() > static_cast<size_t>(kStatesMax)) Schema("Too many states", at);
  }

  // Targets, the end and reachability, per machine.
  void CheckTransitions(const Json& json, const Where& here, StateMachine& machine) {
    const Where there = here.Member("States");
    bool is_complete = true;
    const auto target = [&](const Json& name, const Where& where) {
      if (!name.is_string()) return -1;
      const auto found = machine.index.find(name.AsString());
      if (found != machine.index.end()) return found->second;
      Add(kMissingTarget, "Missing 'Next' target: " + name.AsString(), where);
      is_complete = false;
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
    if (!has_end) {
      if (findings_.size() < kFindingsMax) {
        Finding finding;
        finding.code = "MISSING_END_STATE";
        finding.message = "Workflow has no terminal state";
        finding.pointer = there.pointer;
        findings_.push_back(std::move(finding));
      }
      return;
    }
    if (machine.start < 0 || !is_complete) return;
    std::vector<bool> seen(machine.states.size());
    std::vector<int> open{machine.start};
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

  template <class Edge, class Set>
  static void LinkList(const Json& source, const char* field, const Where& at, const Edge& edge,
                       const Set& set) {
    const Json& list = source[field];
    if (!list.is_array()) return;
    for (size_t k = 0; k < list.size(); ++k)
      set(k, edge(list.At(k)["Next"], at.Member(field).Item(k).Member("Next")));
  }

  // -- a state ------------------------------------------------------------------------------------
  void ReadState(const Json& json, const Where& at, State& state, const StateMachine& machine,
                 int depth) {
    (void)machine;
    if (!json.is_object()) return Schema("Expected value of type Object", at);
    const TypeRow* row = nullptr;
    const Json& type = json["Type"];
    for (const TypeRow& candidate : kTypes)
      if (type.is_string() && type.AsString() == candidate.name) row = &candidate;
    if (!row)
      return Schema(
          "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, "
          "Choice, Parallel, Map]",
          at.Member("Type"));
    state.type = row->type;
    OptionalText(json, "Comment", at);
    if (!QueryLanguageIsBuilt(json, at)) return;
    for (const Json::Member& member : json.members()) {
      if (Lists(kCommonFields, member.name) || Lists(row->fields, member.name)) continue;
      if (Lists(kJsonataOnly, member.name))
        Schema("The QueryLanguage is set to 'JSONPath', but field '" + member.name +
                   "' is only supported for the 'JSONata' QueryLanguage",
               at);
      else
        Schema("Field '" + member.name + "' is not supported", at);
    }
    if (Lists(row->fields, "Next")) CheckNext(json, at);
    ReadDataFlow(json, at, state);
    switch (state.type) {
      case StateType::kTask: return ReadTask(json, at, state);
      case StateType::kWait: return ReadWait(json, at, state);
      case StateType::kPass:
        if (const Json* result = json.Find("Result")) state.result = *result;
        return;
      case StateType::kSucceed: return;
      case StateType::kFail: return ReadFail(json, at, state);
      case StateType::kChoice: return ReadChoice(json, at, state);
      case StateType::kParallel: return ReadParallel(json, at, state, depth);
      case StateType::kMap: return ReadMap(json, at, state, depth);
    }
  }

  void CheckNext(const Json& json, const Where& at) {
    const Json* next = json.Find("Next");
    const Json* end = json.Find("End");
    if (end && !end->is_bool()) return Schema("Expected value of type Boolean", at.Member("End"));
    if (next && !next->is_string())
      return Schema("Expected value of type String", at.Member("Next"));
    if (next && end) return OnlyOne({"Next", "End"}, at);
    if (!next && !(end && end->AsBool()))
      Schema("One of the following fields is required: [Next, End]", at);
  }

  void OnlyOne(std::initializer_list<std::string_view> names, const Where& at) {
    std::string list;
    for (const std::string_view name : names)
      list += (list.empty() ? "" : ", ") + std::string(name);
    Schema("There should only be one of the following fields: [" + list + "]", at);
  }

  void ReadDataFlow(const Json& json, const Where& at, State& state) {
    state.input_path = ReadPathField(json, "InputPath", at);
    state.output_path = ReadPathField(json, "OutputPath", at);
    state.parameters = ReadTemplate(json, "Parameters", at);
    if (state.type == StateType::kMap && json.Has("ItemSelector")) {
      if (json.Has("Parameters")) OnlyOne({"ItemSelector", "Parameters"}, at);
      state.parameters = ReadTemplate(json, "ItemSelector", at);
    }
    state.result_selector = ReadTemplate(json, "ResultSelector", at);
    state.result_place = ReadResultPath(json, at);
    state.assign = ReadAssign(json, at);
    if (const Json* retry = json.Find("Retry"))
      if (state.type != StateType::kPass) ReadRetriers(*retry, at.Member("Retry"), state);
    if (const Json* catchers = json.Find("Catch"))
      ReadCatchers(*catchers, at.Member("Catch"), state);
  }

  std::optional<PathField> ReadPathField(const Json& json, const char* field, const Where& at) {
    const Json* value = json.Find(field);
    if (!value) return std::nullopt;
    PathField out;
    if (value->is_null()) {
      out.is_null = true;
      return out;
    }
    std::optional<Expression> path = ReadPath(*value, at.Member(field), false);
    if (!path) return std::nullopt;
    out.expression = *std::move(path);
    return out;
  }

  std::optional<Expression> ReadPath(const Json& value, const Where& at, bool must_be_reference) {
    if (!value.is_string()) {
      Schema("Expected value of type String", at);
      return std::nullopt;
    }
    Result<Expression> path = Expression::CompilePath(value.AsString());
    if (!path) {
      Schema(must_be_reference ? "Value is not a Reference Path" : "Value is not a valid JSONPath",
             at);
      return std::nullopt;
    }
    const bool is_reference =
        path->path().is_reference() && path->kind() != Expression::Kind::kContext;
    if (must_be_reference && !is_reference) {
      Schema("Value is not a Reference Path", at);
      return std::nullopt;
    }
    return *std::move(path);
  }

  std::optional<Template> ReadTemplate(const Json& json, const char* field, const Where& at) {
    const Json* value = json.Find(field);
    if (!value) return std::nullopt;
    Result<Template> made = Template::Compile(*value);
    if (made) return *std::move(made);
    Schema("The value for the field '" + made.error().message +
               "' must be a valid JSONPath or a valid intrinsic function call",
           at.Member(field));
    return std::nullopt;
  }

  std::optional<Template> ReadAssign(const Json& json, const Where& at) {
    const Json* value = json.Find("Assign");
    if (!value) return std::nullopt;
    const Where there = at.Member("Assign");
    if (!value->is_object()) {
      Schema("Expected value of type Object", there);
      return std::nullopt;
    }
    for (const Json::Member& member : value->members()) {
      std::string_view name = member.name;
      if (name.ends_with(".$")) name.remove_suffix(2);
      bool is_name = !name.empty() && !std::isdigit(static_cast<unsigned char>(name[0])) &&
                     Utf16Length(name) <= kStateNameCharactersMax && name != "states";
      for (const char c : name)
        is_name = is_name && (std::isalnum(static_cast<unsigned char>(c)) || c == '_' ||
                              static_cast<unsigned char>(c) >= 0x80);
      if (!is_name) Schema("'" + std::string(name) + "' is not a valid variable name", there);
    }
    return ReadTemplate(json, "Assign", at);
  }

  ResultPlace ReadResultPath(const Json& json, const Where& at) {
    ResultPlace out;
    const Json* value = json.Find("ResultPath");
    if (!value) return out;
    if (value->is_null()) {
      out.kind = ResultPlace::Kind::kDiscard;
      return out;
    }
    const Where there = at.Member("ResultPath");
    const std::optional<Expression> path = ReadPath(*value, there, true);
    if (!path) return out;
    if (path->kind() != Expression::Kind::kInput)
      Schema("Value is not a Reference Path", there);
    else if (!path->path().is_root()) {
      out.kind = ResultPlace::Kind::kPut;
      out.path = path->path();
    }
    return out;
  }

  std::vector<std::string> ReadErrorEquals(const Json& json, const Where& at, bool is_last) {
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

  void ReadRetriers(const Json& list, const Where& at, State& state) {
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

  void ReadCatchers(const Json& list, const Where& at, State& state) {
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

  void Unknown(const Json& json, std::string_view fields, const Where& at) {
    for (const Json::Member& member : json.members()) {
      if (Lists(fields, member.name)) continue;
      if (Lists(kJsonataOnly, member.name))
        Schema("The QueryLanguage is set to 'JSONPath', but field '" + member.name +
                   "' is only supported for the 'JSONata' QueryLanguage",
               at);
      else
        Schema("Field '" + member.name + "' is not supported", at);
    }
  }

  // -- scalars ------------------------------------------------------------------------------------
  void OptionalText(const Json& json, const char* field, const Where& at) {
    const Json* value = json.Find(field);
    if (value && !value->is_string()) Schema("Expected value of type String", at.Member(field));
  }

  std::optional<int64_t> Integer(const Json& value, int64_t min, int64_t max, const Where& at) {
    const std::optional<double> number =
        Number(value, static_cast<double>(min), static_cast<double>(max), at);
    if (!number) return std::nullopt;
    if (*number != std::floor(*number)) {
      Schema("Expected value of type Integer", at);
      return std::nullopt;
    }
    return static_cast<int64_t>(*number);
  }

  std::optional<double> Number(const Json& value, double min, double max, const Where& at,
                               bool is_float = false) {
    if (!value.is_number()) {
      Schema(is_float ? "Expected value of type Float" : "Expected value of type Integer", at);
      return std::nullopt;
    }
    const auto print = [&](double limit) {
      return is_float ? std::to_string(static_cast<int64_t>(limit)) + ".0"
                      : std::to_string(static_cast<int64_t>(limit));
    };
    const double number = value.AsDouble();
    if (number < min) return Schema("Minimum value is " + print(min), at), std::nullopt;
    if (number > max) return Schema("Maximum value is " + print(max), at), std::nullopt;
    return number;
  }

  /// `name` and `name`Path.
  NumberField ReadNumber(const Json& json, const std::string& name, double min, double max,
                         const Where& at, bool is_float = false) {
    NumberField out;
    const Json* value = json.Find(name);
    const Json* path = json.Find(name + "Path");
    if (value && path) {
      OnlyOne({name, name + "Path"}, at);
      return out;
    }
    if (value) out.value = Number(*value, min, max, at.Member(name), is_float);
    if (value && out.value && !is_float && *out.value != std::floor(*out.value)) {
      Schema("Expected value of type Integer", at.Member(name));
      out.value.reset();
    }
    if (path) {
      // TimeoutSecondsPath and its kin may also name the context object.
      const bool is_map_field = name.starts_with("Max") || name.starts_with("Tolerated");
      out.path = ReadPath(*path, at.Member(name + "Path"), is_map_field);
    }
    return out;
  }

  // -- the types ----------------------------------------------------------------------------------
  void ReadTask(const Json& json, const Where& at, State& state) {
    const Json* arn = json.Find("Resource");
    if (!arn) {
      Schema("These fields are required: [Resource]", at);
    } else if (!arn->is_string()) {
      Schema("Expected value of type String", at.Member("Resource"));
    } else {
      ReadResource(arn->AsString(), at.Member("Resource"), state);
      CheckParameters(json, at, state);
    }
    state.timeout_seconds =
        ReadNumber(json, "TimeoutSeconds", 1, static_cast<double>(kTimeoutSecondsMax), at);
    state.heartbeat_seconds =
        ReadNumber(json, "HeartbeatSeconds", 1, static_cast<double>(kTimeoutSecondsMax), at);
    if (state.heartbeat_seconds.value && state.timeout_seconds.value &&
        *state.heartbeat_seconds.value >= *state.timeout_seconds.value)
      Schema("HeartbeatSeconds must be smaller than TimeoutSeconds", at.Member("HeartbeatSeconds"));
    if (const Json* credentials = json.Find("Credentials")) {
      const Where there = at.Member("Credentials");
      if (!credentials->is_object())
        Schema("Expected value of type Object", there);
      else if (!credentials->Has("RoleArn") && !credentials->Has("RoleArn.$"))
        Schema("The field 'RoleArn' is required but was missing", there);
      state.credentials = ReadTemplate(json, "Credentials", at);
    }
  }

  void ReadResource(const std::string& arn, const Where& at, State& state) {
    std::optional<Resource> resource = ParseResource(arn);
    if (!resource || (options_.knows_resource && !options_.knows_resource(*resource)))
      return Schema("The resource provided " + arn +
                        " is not recognized. The value is not a valid resource ARN, or the "
                        "resource is not available in this region.",
                    at);
    if (options_.is_express) {
      if (resource->is_sync())
        Schema("Express state machine does not support '.sync' service integration", at);
      if (resource->pattern == Resource::Pattern::kWaitForTaskToken)
        Schema("Express state machine does not support '.waitForTaskToken' service integration ",
               at);
      if (resource->kind == Resource::Kind::kActivity)
        Schema("Express state machine does not support Activity ARN", at);
    }
    state.task = *std::move(resource);
  }

  void CheckParameters(const Json& json, const Where& at, const State& state) {
    const Json* parameters = json.Find("Parameters");
    const bool is_service =
        state.task.kind == Resource::Kind::kIntegration || state.task.kind == Resource::Kind::kSdk;
    if (!parameters || !is_service || state.task.arn.empty() || !options_.check_parameters) return;
    for (const std::string& message : options_.check_parameters(state.task, *parameters))
      Schema(message, at.Member("Parameters"));
  }

  void ReadWait(const Json& json, const Where& at, State& state) {
    int given = 0;
    for (const char* field : {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"})
      given += json.Has(field) ? 1 : 0;
    if (given != 1) return OnlyOne({"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}, at);
    if (json.Has("Seconds") || json.Has("SecondsPath"))
      state.wait_seconds =
          ReadNumber(json, "Seconds", 0, static_cast<double>(kTimeoutSecondsMax), at);
    if (const Json* path = json.Find("TimestampPath"))
      state.wait_until_path = ReadPath(*path, at.Member("TimestampPath"), false);
    if (const Json* timestamp = json.Find("Timestamp")) {
      const Result<Time> time =
          timestamp->is_string() ? ParseIso(timestamp->AsString()) : Result<Time>(Error{});
      if (!time || timestamp->AsString().find('t') != std::string::npos)
        Schema("String does not match RFC3339 timestamp", at.Member("Timestamp"));
      else
        state.wait_until = *time;
    }
  }

  void ReadFail(const Json& json, const Where& at, State& state) {
    const auto read = [&](const char* name, std::optional<std::string>& text,
                          std::optional<Expression>& path) {
      const std::string path_name = std::string(name) + "Path";
      OptionalText(json, name, at);
      if (json.Has(name) && json.Has(path_name)) return OnlyOne({name, path_name}, at);
      if (json.Has(name)) text = json.StringOr(name, "");
      if (!json.Has(path_name)) return;
      const Json& value = json[path_name];
      Result<Expression> made =
          value.is_string() ? Expression::Compile(value.AsString()) : Result<Expression>(Error{});
      if (made)
        path = *std::move(made);
      else
        Schema("The value for the field '" + path_name +
                   "' must be a valid JSONPath or a valid intrinsic function call",
               at);
    };
    read("Error", state.error, state.error_path);
    read("Cause", state.cause, state.cause_path);
  }

  void ReadChoice(const Json& json, const Where& at, State& state) {
    const Json* list = json.Find("Choices");
    if (json.Has("Default") && !json["Default"].is_string())
      Schema("Expected value of type String", at.Member("Default"));
    if (!list) return Schema("These fields are required: [Choices]", at);
    const Where there = at.Member("Choices");
    if (!list->is_array()) return Schema("Expected value of type Array", there);
    if (list->size() == 0) return Schema("Value cannot be empty", there);
    for (size_t i = 0; i < list->size(); ++i) {
      const Json& json_rule = list->At(i);
      const Where here = there.Item(i);
      ChoiceRule rule;
      if (json_rule.is_object()) {
        if (!json_rule["Next"].is_string()) Schema("These fields are required: [Next]", here);
        rule.assign = ReadAssign(json_rule, here);
        rule.test = ReadTest(json_rule, here, true, 0);
      } else {
        Schema("Expected value of type Object", here);
      }
      state.choices.push_back(std::move(rule));
    }
  }

  ChoiceTest ReadTest(const Json& json, const Where& at, bool is_top, int depth) {
    ChoiceTest test;
    if (depth > kChoiceDepthMax) return Schema("The choice rule is nested too deeply", at), test;
    if (!json.is_object()) return Schema("Expected value of type Object", at), test;
    std::vector<std::string> operators;
    for (const Json::Member& member : json.members()) {
      const std::string& name = member.name;
      if (name == "Variable" || name == "Comment" ||
          (is_top && (name == "Next" || name == "Assign")))
        continue;
      if (name == "And" || name == "Or" || name == "Not" || FindComparator(name))
        operators.push_back(name);
      else if (Lists(kJsonataOnly, name))
        Schema("The QueryLanguage is set to 'JSONPath', but field '" + name +
                   "' is only supported for the 'JSONata' QueryLanguage",
               at);
      else
        Schema("Field '" + name + "' is not supported", at);
    }
    if (operators.size() != 1) {
      if (operators.empty())
        Schema("A choice rule must have one comparison operator", at);
      else
        Schema("There should only be one of the following fields: [" + Join(operators, ", ") + "]",
               at);
      return test;
    }
    const std::string& name = operators[0];
    const Json& value = json[name];
    const Where there = at.Member(name);
    if (name == "Not") {
      test.kind = ChoiceTest::Kind::kNot;
      test.parts.push_back(ReadTest(value, there, false, depth + 1));
    } else if (name == "And" || name == "Or") {
      test.kind = name == "And" ? ChoiceTest::Kind::kAnd : ChoiceTest::Kind::kOr;
      if (!value.is_array()) return Schema("Expected value of type Array", there), test;
      if (value.size() == 0) return Schema("Value cannot be empty", there), test;
      for (size_t i = 0; i < value.size(); ++i)
        test.parts.push_back(ReadTest(value.At(i), there.Item(i), false, depth + 1));
    } else {
      ReadComparison(json, name, at, test);
    }
    return test;
  }

  void ReadComparison(const Json& json, const std::string& name, const Where& at,
                      ChoiceTest& test) {
    const Comparator comparator = *FindComparator(name);
    test.subject = comparator.subject;
    test.compare = comparator.compare;
    test.is = comparator.is;
    test.value = json[name];
    const Where there = at.Member(name);
    if (!json.Has("Variable"))
      Schema("These fields are required: [Variable]", at);
    else if (auto variable = ReadPath(json["Variable"], at.Member("Variable"), false))
      test.variable = *std::move(variable);
    if (comparator.is_path) {
      test.value_path = ReadPath(test.value, there, false);
      return;
    }
    using Subject = ChoiceTest::Subject;
    const bool wants_text = test.subject == Subject::kString || test.subject == Subject::kMatches ||
                            test.subject == Subject::kTimestamp;
    if (wants_text && !test.value.is_string())
      Schema("Expected value of type String", there);
    else if (test.subject == Subject::kNumeric && !test.value.is_number())
      Schema("Expected value of type Number", there);
    else if ((test.subject == Subject::kBoolean || test.subject == Subject::kIs) &&
             !test.value.is_bool())
      Schema("Expected value of type Boolean", there);
    else if (test.subject == Subject::kTimestamp && !ParseIso(test.value.AsString()))
      Schema("String does not match RFC3339 timestamp", there);
  }

  void ReadParallel(const Json& json, const Where& at, State& state, int depth) {
    const Json* list = json.Find("Branches");
    if (!list) return Schema("These fields are required: [Branches]", at);
    const Where there = at.Member("Branches");
    if (!list->is_array()) return Schema("Expected value of type Array", there);
    if (list->size() == 0) return Schema("Value cannot be empty", there);
    for (size_t i = 0; i < list->size(); ++i)
      ReadNested(list->At(i), there.Item(i), " StartAt States Comment ", state, depth);
  }

  void ReadNested(const Json& json, const Where& at, std::string_view fields, State& state,
                  int depth) {
    auto machine = std::make_unique<StateMachine>();
    if (json.is_object()) {
      for (const Json::Member& member : json.members())
        if (!Lists(fields, member.name)) Schema("Field '" + member.name + "' is not supported", at);
      ReadMachine(json, at, *machine, depth + 1);
    } else {
      Schema("Expected value of type Object", at);
    }
    state.branches.push_back(std::move(machine));
  }

  void ReadMap(const Json& json, const Where& at, State& state, int depth) {
    const char* field = json.Has("ItemProcessor") ? "ItemProcessor" : "Iterator";
    if (json.Has("ItemProcessor") && json.Has("Iterator"))
      OnlyOne({"ItemProcessor", "Iterator"}, at);
    const Json* processor = json.Find(field);
    if (!processor) return Schema("These fields are required: [ItemProcessor]", at);
    const Where there = at.Member(field);
    const Json& config = (*processor)["ProcessorConfig"];
    if (config["Mode"] == Json("DISTRIBUTED"))
      return Schema("The Map mode 'DISTRIBUTED' is not built into this server: use 'INLINE'",
                    there.Member("ProcessorConfig").Member("Mode"));
    if (config.Has("Mode") && config["Mode"] != Json("INLINE"))
      Schema("The field 'Mode' should have one of these values: [INLINE, DISTRIBUTED]",
             there.Member("ProcessorConfig").Member("Mode"));
    for (const char* distributed : {"ItemReader", "ItemBatcher", "ResultWriter", "Label"})
      if (json.Has(distributed))
        Schema("Field '" + std::string(distributed) + "' is only supported in DISTRIBUTED mode",
               at);
    if (const Json* path = json.Find("ItemsPath"))
      state.items_path = ReadPath(*path, at.Member("ItemsPath"), false);
    if (state.items_path && !state.items_path->path().is_reference())
      Schema("Value is not a Reference Path", at.Member("ItemsPath"));
    state.concurrency_max = ReadNumber(json, "MaxConcurrency", 0, 1e9, at);
    state.tolerated_failure_count = ReadNumber(json, "ToleratedFailureCount", 0, 1e9, at);
    state.tolerated_failure_percentage =
        ReadNumber(json, "ToleratedFailurePercentage", 0, 100, at, true);
    ReadNested(*processor, there, " StartAt States Comment ProcessorConfig ", state, depth);
  }

  const CompileOptions& options_;
  std::optional<Json> source_;
  Positions positions_;
  std::vector<Finding> findings_;
  std::shared_ptr<Definition> definition_;  // becomes const and shared when it is complete
  std::set<std::string> names_;
};

void CollectReferences(const StateMachine& machine, Json::Object& out) {
  for (const State& state : machine.states) {
    std::vector<std::string> names;
    const auto expression = [&](const std::optional<Expression>& e) {
      if (e) e->CollectVariables(names);
    };
    const auto payload = [&](const std::optional<Template>& t) {
      if (t) t->CollectVariables(names);
    };
    if (state.input_path) state.input_path->expression.CollectVariables(names);
    payload(state.parameters);
    payload(state.credentials);
    expression(state.items_path);
    for (const NumberField* field :
         {&state.timeout_seconds, &state.heartbeat_seconds, &state.wait_seconds,
          &state.concurrency_max, &state.tolerated_failure_count,
          &state.tolerated_failure_percentage})
      expression(field->path);
    expression(state.wait_until_path);
    expression(state.error_path);
    expression(state.cause_path);
    for (const ChoiceRule& rule : state.choices) {
      rule.test.CollectVariables(names);
      payload(rule.assign);
    }
    payload(state.result_selector);
    payload(state.assign);
    for (const Catcher& catcher : state.catchers) payload(catcher.assign);
    if (state.output_path) state.output_path->expression.CollectVariables(names);
    Json::Array list;
    for (const std::string& name : std::set<std::string>(names.begin(), names.end()))
      list.push_back(Json(name));
    if (!list.empty()) out.Set(state.name, Json(std::move(list)));
    for (const auto& branch : state.branches) CollectReferences(*branch, out);
  }
}

}  // namespace

std::string_view StateTypeName(StateType type) {
  for (const TypeRow& row : kTypes)
    if (row.type == type) return row.name;
  return "";
}

Compiled Compile(std::string_view text, const CompileOptions& options) {
  return Compiler(options).Run(text);
}

Compiled CompileValue(const Json& source, Positions positions, const CompileOptions& options) {
  return Compiler(options).Run(source, std::move(positions));
}

std::string JoinFindings(const std::vector<Finding>& findings) {
  std::string out;
  for (const Finding& finding : findings) {
    if (!finding.is_error) continue;
    if (!out.empty()) out += ", ";
    out += finding.code + ": " + finding.message;
    // The parser's message names its place itself.
    if (!finding.location.empty() && finding.code != "INVALID_JSON_DESCRIPTION")
      out += " at " + finding.location;
  }
  return out;
}

Json VariableReferences(const Definition& definition) {
  Json::Object out;
  CollectReferences(definition.root, out);
  return out.members.empty() ? Json() : Json(std::move(out));
}

}  // namespace stepmill::asl
