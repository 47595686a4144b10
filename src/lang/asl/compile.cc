#include "lang/asl/compile.h"

namespace stepmill::asl {

Compiled Compiler::Run(const Json& source, Positions positions) {
  positions_ = std::move(positions);
  if (source.is_object())
    source_ = source;
  else
    Schema("Definition must be a valid JSON object", {});
  return Finish();
}

Compiled Compiler::Run(std::string_view text) {
  ReadText(text);
  return Finish();
}

Compiled Compiler::Finish() {
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

void Compiler::Add(std::string_view code, std::string message, const Where& where) {
  if (findings_.size() >= kFindingsMax) return;
  Finding finding;
  finding.code = std::string(code);
  finding.message = std::move(message);
  finding.location = where.aws.empty() ? "/" : where.aws;
  finding.pointer = where.pointer;
  findings_.push_back(std::move(finding));
}

void Compiler::Warn(std::string_view code, std::string message, const Where& where, bool is_own) {
  if (findings_.size() >= kFindingsMax) return;
  Add(code, std::move(message), where);
  findings_.back().is_error = false;
  findings_.back().is_own = is_own;
}

void Compiler::ReadText(std::string_view text) {
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

void Compiler::BadJson(std::string_view text) {
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

void Compiler::ReadDefinition(const Json& json) {
  definition_ = std::make_shared<Definition>();
  definition_->source = json;
  definition_->comment = json.StringOr("Comment", "");
  const Where here;
  for (const Json::Member& member : json.members())
    if (!Lists(" StartAt States Comment Version TimeoutSeconds QueryLanguage ", member.name))
      Schema("Field '" + member.name + "' is not supported", here);
  OptionalText(json, "Comment", here);
  if (const Json* version = json.Find("Version")) {
    if (!version->is_string())
      WrongType("STRING", here.Member("Version"));
    else if (version->AsString() != "1.0")
      OneOf("1.0", here.Member("Version"));
  }
  CheckLanguageValue(json, here);
  // Measured on AWS: every value but exactly "JSONPath" means JSONata.
  const Json* language = json.Find("QueryLanguage");
  definition_->is_jsonata = language && *language != Json("JSONPath");
  if (const Json* seconds = json.Find("TimeoutSeconds"))
    if (const auto value = Integer(*seconds, 0, kTimeoutSecondsMax, here.Member("TimeoutSeconds")))
      if (*value > 0) definition_->timeout_seconds = *value;
  ReadMachine(json, here, definition_->root, 0);
  if (!options_.has_own_warnings) return;
  for (const Finding& finding : findings_)
    if (finding.is_error) return;
  assigned_.clear();
  OwnWarnings(json, here, definition_->root);
}

void Compiler::CheckLanguageValue(const Json& json, const Where& at) {
  const Json* language = json.Find("QueryLanguage");
  if (!language) return;
  if (!language->is_string())
    WrongType("STRING", at.Member("QueryLanguage"));
  else if (language->AsString() != "JSONPath" && language->AsString() != "JSONata")
    OneOf("JSONPath, JSONata", at.Member("QueryLanguage"));
}

void Compiler::ReadMachine(const Json& json, const Where& here, StateMachine& machine, int depth) {
  if (depth > kNestingMax) return Schema("The state machine is nested too deeply", here);
  std::string missing;
  for (const char* field : {"States", "StartAt"})
    if (!json.Has(field)) missing += (missing.empty() ? "" : ", ") + std::string(field);
  if (!missing.empty()) Schema("These fields are required: [" + missing + "]", here);
  const Json& states = json["States"];
  const Json& start = json["StartAt"];
  if (json.Has("StartAt") && !start.is_string()) WrongType("STRING", here.Member("StartAt"));
  if (!json.Has("States")) return;
  const Where there = here.Member("States");
  if (!states.is_object()) return WrongType("OBJECT", there);
  if (states.size() == 0) return Schema("Value cannot be empty", there);
  machine.states.resize(states.size());
  int number = 0;
  for (const Json::Member& member : states.members()) machine.index[member.name] = number++;
  CollectAssigned(states);
  number = 0;
  for (const Json::Member& member : states.members()) {
    const Where at = there.Member(member.name);
    State& state = machine.states[static_cast<size_t>(number++)];
    state.name = member.name;
    state.name_json = Json(member.name);
    CheckName(member.name, at);
    ReadState(member.value, at, state, depth);
  }
  assigned_.pop_back();
  CheckTransitions(json, here, machine);
}

// The variables that this machine's states assign: a nested machine may not assign the same names.
// What the state that holds the nested machine assigns comes after it and does not count.
void Compiler::CollectAssigned(const Json& states) {
  std::set<std::string> names;
  const auto collect = [&](const Json& assign) {
    if (!assign.is_object()) return;
    for (const Json::Member& member : assign.members()) {
      std::string name = member.name;
      if (name.ends_with(".$")) name.resize(name.size() - 2);
      names.insert(std::move(name));
    }
  };
  for (const Json::Member& member : states.members()) {
    const Json& state = member.value;
    if (state["Type"] == Json("Parallel") || state["Type"] == Json("Map")) continue;
    collect(state["Assign"]);
    for (const char* list : {"Choices", "Catch"}) {
      if (!state[list].is_array()) continue;
      for (const Json& item : state[list].items()) collect(item["Assign"]);
    }
  }
  assigned_.push_back(std::move(names));
}

void Compiler::CheckName(const std::string& name, const Where& at) {
  if (name.empty() || Utf16Length(name) > kStateNameCharactersMax)
    Add("INVALID_STATE_NAME",
        "State name '" + name + "' exceeds the 80-character limit allowed by the service", at);
  if (!names_.insert(name).second) Add("DUPLICATE_STATE_NAME", "Duplicate State name: " + name, at);
  if (names_.size() > static_cast<size_t>(kStatesMax)) Schema("Too many states", at);
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
    if (finding.code == "INVALID_JSON_DESCRIPTION") continue;
    if (!finding.location.empty())
      out += " at " + finding.location;
    else if (finding.code == "MISSING_END_STATE")
      out += " at null";
  }
  return out;
}

}  // namespace stepmill::asl
