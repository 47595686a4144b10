#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/strings.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/workflow.h"
#include "lang/yaml/yaml.h"

namespace stepmill::workflow {
namespace {

using Names = std::vector<std::string_view>;

const Names kEvents = {"branch_protection_rule",
                       "check_run",
                       "check_suite",
                       "create",
                       "delete",
                       "deployment",
                       "deployment_status",
                       "discussion",
                       "discussion_comment",
                       "fork",
                       "gollum",
                       "issue_comment",
                       "issues",
                       "label",
                       "merge_group",
                       "milestone",
                       "page_build",
                       "public",
                       "pull_request",
                       "pull_request_review",
                       "pull_request_review_comment",
                       "pull_request_target",
                       "push",
                       "registry_package",
                       "release",
                       "repository_dispatch",
                       "schedule",
                       "status",
                       "watch",
                       "workflow_call",
                       "workflow_dispatch",
                       "workflow_run"};

// Contexts per place (GitHub: "Context availability").
const Names kRunName = {"github", "inputs", "vars"};
const Names kWorkflowEnv = {"github", "secrets", "inputs", "vars"};
const Names kJobIf = {"github", "needs", "vars", "inputs"};
const Names kJobPlain = {"github", "needs", "strategy", "matrix", "vars", "inputs"};
const Names kJobEnv = {"github", "needs", "strategy", "matrix", "vars", "secrets", "inputs"};
const Names kMatrix = {"github", "needs", "vars", "inputs"};
const Names kStepIf = {"github", "needs", "strategy", "matrix", "job",
                       "runner", "env",   "vars",     "steps",  "inputs"};
const Names kStep = {"github", "needs", "strategy", "matrix", "job",   "runner",
                     "env",    "vars",  "secrets",  "steps",  "inputs"};

bool IsIn(const Names& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsIdentifier(std::string_view text) {
  if (text.empty() || !(std::isalpha(static_cast<unsigned char>(text[0])) || text[0] == '_'))
    return false;
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

std::optional<std::string> ScalarText(const Json& value) {
  if (value.is_string()) return value.AsString();
  if (value.is_bool()) return value.AsBool() ? "true" : "false";
  if (value.is_number()) return value.NumberText();
  if (value.is_null()) return "";
  return std::nullopt;
}

class Reader {
 public:
  explicit Reader(const Positions& positions) : positions_(positions) {}
  Parsed Run(const Json& document);

 private:
  void Fault(const std::string& pointer, std::string message, bool is_warning = false) {
    if (findings_.size() < kFindingsMax)
      findings_.push_back({NearestPosition(positions_, pointer), std::move(message), is_warning});
  }
  void Keys(const Json& value, const std::string& pointer, const Names& known,
            const Names& required = {});
  bool IsMap(const Json& value, const std::string& pointer);
  /// Checks every expression below `value`; `is_condition`: the text itself is one.
  void Expressions(const Json& value, const std::string& pointer, const Names& contexts,
                   bool has_status = false, bool is_condition = false);
  void OneExpression(std::string_view text, const std::string& pointer, const Names& contexts,
                     bool has_status);
  Json TextMap(const Json& value, const std::string& pointer, const Names& contexts);
  Json TextList(const Json& value, const std::string& pointer);

  Json On(const Json& value);
  Json Filters(const std::string& event, const Json& value, const std::string& pointer);
  void Defaults(const Json& value, const std::string& pointer, Json::Object& out);
  Json Jobs(const Json& value);
  Json Job(const std::string& id, const Json& value, const std::string& pointer);
  void Strategy(const Json& value, const std::string& pointer, Json::Object& out);
  Json Steps(const Json& value, const std::string& pointer);
  Json Step(const Json& value, const std::string& pointer, std::set<std::string>& ids);
  void Needs(const Json& jobs);

  const Positions& positions_;
  std::vector<Finding> findings_;
};

void Reader::Keys(const Json& value, const std::string& pointer, const Names& known,
                  const Names& required) {
  for (const auto& member : value.members())
    if (!IsIn(known, member.name))
      Fault(PointerAppend(pointer, member.name), "Unexpected value '" + member.name + "'");
  for (const auto name : required)
    if (!value.Has(name)) Fault(pointer, "Required property is missing: " + std::string(name));
}

bool Reader::IsMap(const Json& value, const std::string& pointer) {
  if (value.is_object()) return true;
  if (!value.is_null()) Fault(pointer, "A mapping was expected");
  return false;
}

void Reader::OneExpression(std::string_view text, const std::string& pointer, const Names& contexts,
                           bool has_status) {
  const auto expression = ParseExpression(text);
  if (!expression) return Fault(pointer, expression.error().message);
  const Uses uses = UsesOf(*expression);
  for (const std::string& name : uses.contexts)
    if (!IsIn(contexts, name)) Fault(pointer, "Unrecognized named-value: '" + name + "'");
  if (HasStatusFunction(*expression) && !has_status)
    Fault(pointer, "Status functions (success, failure, cancelled, always) belong in an if");
}

void Reader::Expressions(const Json& value, const std::string& pointer, const Names& contexts,
                         bool has_status, bool is_condition) {
  if (value.is_string()) {
    const auto pieces = ExpressionsIn(value.AsString());
    if (!pieces) return Fault(pointer, pieces.error().message);
    for (const Piece& piece : *pieces) OneExpression(piece.text, pointer, contexts, has_status);
    if (is_condition && pieces->empty() && !Trim(value.AsString()).empty())
      OneExpression(value.AsString(), pointer, contexts, has_status);
  } else if (value.is_array()) {
    for (size_t i = 0; i < value.size(); ++i)
      Expressions(value.At(i), PointerAppend(pointer, std::to_string(i)), contexts);
  } else if (value.is_object()) {
    for (const auto& member : value.members())
      Expressions(member.value, PointerAppend(pointer, member.name), contexts);
  }
}

Json Reader::TextMap(const Json& value, const std::string& pointer, const Names& contexts) {
  Json::Object out;
  if (value.is_string()) {  // `env: ${{ fromJSON(...) }}`
    Expressions(value, pointer, contexts);
    return value;
  }
  if (!IsMap(value, pointer)) return out;
  for (const auto& member : value.members()) {
    const auto text = ScalarText(member.value);
    if (!text) Fault(PointerAppend(pointer, member.name), "A scalar was expected");
    out.Set(member.name, text.value_or(""));
  }
  Expressions(value, pointer, contexts);
  return out;
}

Json Reader::TextList(const Json& value, const std::string& pointer) {
  Json::Array out;
  if (!value.is_array()) {
    const auto text = ScalarText(value);
    if (!text) Fault(pointer, "A sequence of texts was expected");
    if (text && !text->empty()) out.push_back(*text);
    return out;
  }
  for (size_t i = 0; i < value.size(); ++i) {
    const auto text = ScalarText(value.At(i));
    if (!text) Fault(PointerAppend(pointer, std::to_string(i)), "A text was expected");
    out.push_back(text.value_or(""));
  }
  return out;
}

Json Reader::Filters(const std::string& event, const Json& value, const std::string& pointer) {
  Json::Object out;
  if (value.is_null()) return out;
  if (event == "schedule") {
    if (!value.is_array()) Fault(pointer, "A sequence was expected");
    return value;
  }
  if (!IsMap(value, pointer)) return out;
  if (event == "workflow_dispatch" || event == "workflow_call") {
    Keys(value, pointer, {"inputs", "outputs", "secrets"});
    if (value.Has("inputs")) IsMap(value["inputs"], pointer + "/inputs");
    return value;
  }
  static const Names kKnown = {"branches", "branches-ignore", "tags",  "tags-ignore",
                               "paths",    "paths-ignore",    "types", "workflows"};
  Keys(value, pointer, kKnown);
  for (const char* name : {"branches", "tags", "paths"}) {
    const std::string ignore = std::string(name) + "-ignore";
    if (value.Has(name) && value.Has(ignore))
      Fault(PointerAppend(pointer, ignore), "'" + std::string(name) + "' and '" + ignore +
                                                "' cannot be used together for one event");
  }
  for (const auto& member : value.members())
    out.Set(member.name, TextList(member.value, PointerAppend(pointer, member.name)));
  return out;
}

Json Reader::On(const Json& value) {
  Json::Object out;
  const auto add = [&](const std::string& event, const Json& filters, const std::string& pointer) {
    if (!IsIn(kEvents, event)) return Fault(pointer, "Unexpected value '" + event + "'");
    out.Set(event, Filters(event, filters, pointer));
  };
  if (value.is_object())
    for (const auto& member : value.members())
      add(member.name, member.value, PointerAppend("/on", member.name));
  else if (value.is_array() || value.is_string())
    for (const Json events = TextList(value, "/on"); const Json& event : events.items())
      add(event.AsString(), Json(), "/on");
  else
    Fault("/on", "An event, a sequence of events or a mapping was expected");
  return out;
}

void Reader::Defaults(const Json& value, const std::string& pointer, Json::Object& out) {
  if (!IsMap(value, pointer)) return;
  Keys(value, pointer, {"run"});
  const Json& run = value["run"];
  if (!IsMap(run, pointer + "/run")) return;
  Keys(run, pointer + "/run", {"shell", "working-directory"});
  if (run.Has("shell")) out.Set("shell", ScalarText(run["shell"]).value_or(""));
  if (run.Has("working-directory"))
    out.Set("workingDirectory", ScalarText(run["working-directory"]).value_or(""));
  Expressions(value, pointer, kJobEnv);
}

void Reader::Strategy(const Json& value, const std::string& pointer, Json::Object& out) {
  out.Set("failFast", true);
  if (!IsMap(value, pointer)) return;
  Keys(value, pointer, {"matrix", "fail-fast", "max-parallel"});
  if (value.Has("fail-fast")) out.Set("failFast", value["fail-fast"]);
  if (value.Has("max-parallel")) out.Set("maxParallel", value["max-parallel"]);
  Expressions(value, pointer, kMatrix);
  const Json* matrix = value.Find("matrix");
  if (!matrix) return;
  out.Set("matrix", *matrix);
  const bool has_expression = matrix->Print().find("${{") != std::string::npos;
  if (!has_expression)
    if (const auto jobs = ExpandMatrix(*matrix); !jobs)
      Fault(pointer + "/matrix", jobs.error().message);
}

Json Reader::Step(const Json& value, const std::string& pointer, std::set<std::string>& ids) {
  Json::Object out;
  if (!IsMap(value, pointer)) {
    if (value.is_null()) Fault(pointer, "A mapping was expected");
    return out;
  }
  Keys(value, pointer,
       {"id", "if", "name", "uses", "run", "working-directory", "shell", "with", "env",
        "continue-on-error", "timeout-minutes"});
  const bool has_run = value.Has("run"), has_uses = value.Has("uses");
  if (has_run == has_uses)
    Fault(pointer, has_run ? "A step has either 'run' or 'uses'"
                           : "Required property is missing: run or uses");
  if (value.Has("id")) {
    const std::string id = ScalarText(value["id"]).value_or("");
    if (!IsIdentifier(id))
      Fault(pointer + "/id", "The identifier '" + id +
                                 "' is invalid. IDs may only contain alphanumeric characters, '_', "
                                 "and '-'. IDs must start with a letter or '_'");
    else if (!ids.insert(ToLower(id)).second)
      Fault(pointer + "/id", "The identifier '" + id + "' may not be used more than once");
    out.Set("id", id);
  }
  static const std::vector<std::pair<const char*, const char*>> kTexts = {
      {"name", "name"},
      {"uses", "uses"},
      {"run", "run"},
      {"working-directory", "workingDirectory"},
      {"shell", "shell"}};
  for (const auto& [from, to] : kTexts)
    if (value.Has(from)) {
      const auto text = ScalarText(value[from]);
      if (!text) Fault(PointerAppend(pointer, from), "A text was expected");
      out.Set(to, text.value_or(""));
      Expressions(value[from], PointerAppend(pointer, from), kStep);
    }
  if (has_run && value.Has("with"))
    Fault(pointer + "/with", "Unexpected value 'with': it belongs to 'uses'");
  if (has_uses && value["uses"].is_string() &&
      value["uses"].AsString().find("${{") != std::string::npos)
    Fault(pointer + "/uses", "Expressions cannot be used in 'uses'");
  if (value.Has("if")) {
    out.Set("if", ScalarText(value["if"]).value_or(""));
    Expressions(value["if"], pointer + "/if", kStepIf, true, true);
  }
  out.Set("with", TextMap(value["with"], pointer + "/with", kStep));
  out.Set("env", TextMap(value["env"], pointer + "/env", kStep));
  if (value.Has("continue-on-error")) out.Set("continueOnError", value["continue-on-error"]);
  if (value.Has("timeout-minutes")) out.Set("timeoutMinutes", value["timeout-minutes"]);
  Expressions(value["continue-on-error"], pointer + "/continue-on-error", kStep);
  Expressions(value["timeout-minutes"], pointer + "/timeout-minutes", kStep);
  return out;
}

Json Reader::Steps(const Json& value, const std::string& pointer) {
  Json::Array out;
  if (!value.is_array() || value.size() == 0) {
    Fault(pointer, "A sequence of steps was expected");
    return out;
  }
  if (value.size() > kStepsMax)
    Fault(pointer, "A job has more than " + std::to_string(kStepsMax) + " steps");
  std::set<std::string> ids;
  for (size_t i = 0; i < value.size() && i < kStepsMax; ++i)
    out.push_back(Step(value.At(i), PointerAppend(pointer, std::to_string(i)), ids));
  return out;
}

Json Reader::Job(const std::string& id, const Json& value, const std::string& pointer) {
  if (!IsIdentifier(id))
    Fault(pointer, "The identifier '" + id +
                       "' is invalid. IDs may only contain alphanumeric characters, '_', and '-'. "
                       "IDs must start with a letter or '_'");
  Json::Object out{{"id", id}};
  if (!value.is_object()) {
    Fault(pointer, "A mapping was expected");
    return out;
  }
  Keys(value, pointer,
       {"name",
        "needs",
        "permissions",
        "if",
        "runs-on",
        "environment",
        "concurrency",
        "outputs",
        "env",
        "defaults",
        "strategy",
        "timeout-minutes",
        "continue-on-error",
        "container",
        "services",
        "uses",
        "with",
        "secrets",
        "steps",
        "snapshot"});
  if (!value.Has("uses")) {
    for (const char* name : {"runs-on", "steps"})
      if (!value.Has(name)) Fault(pointer, "Required property is missing: " + std::string(name));
  } else if (value.Has("steps")) {
    Fault(pointer + "/steps", "A job with 'uses' has no steps");
  }
  if (value.Has("name")) {
    out.Set("name", ScalarText(value["name"]).value_or(""));
    Expressions(value["name"], pointer + "/name", kJobPlain);
  }
  out.Set("needs", TextList(value["needs"], pointer + "/needs"));
  if (value.Has("if")) {
    out.Set("if", ScalarText(value["if"]).value_or(""));
    Expressions(value["if"], pointer + "/if", kJobIf, true, true);
  }
  out.Set("outputs", TextMap(value["outputs"], pointer + "/outputs", kStep));
  out.Set("env", TextMap(value["env"], pointer + "/env", kJobEnv));
  Defaults(value["defaults"], pointer + "/defaults", out);
  Strategy(value["strategy"], pointer + "/strategy", out);
  static const std::vector<std::pair<const char*, const char*>> kKept = {
      {"runs-on", "runsOn"},
      {"environment", "environment"},
      {"concurrency", "concurrency"},
      {"permissions", "permissions"},
      {"continue-on-error", "continueOnError"},
      {"container", "container"},
      {"services", "services"},
      {"uses", "uses"},
      {"with", "with"},
      {"secrets", "secrets"}};
  for (const auto& [from, to] : kKept)
    if (value.Has(from)) {
      out.Set(to, value[from]);
      Expressions(value[from], PointerAppend(pointer, from), kJobEnv);
    }
  out.Set("timeoutMinutes", value.Has("timeout-minutes") ? value["timeout-minutes"]
                                                         : Json(kJobTimeoutMinutesDefault));
  Expressions(value["timeout-minutes"], pointer + "/timeout-minutes", kJobPlain);
  if (value.Has("steps")) out.Set("steps", Steps(value["steps"], pointer + "/steps"));
  return out;
}

/// Unknown and circular needs.
void Reader::Needs(const Json& jobs) {
  std::map<std::string, const Json*> by_id;
  for (const Json& job : jobs.items()) by_id[job.StringOr("id", "")] = &job;
  std::set<std::string> done;
  bool has_moved = true;
  while (has_moved) {
    has_moved = false;
    for (const auto& [id, job] : by_id) {
      if (done.contains(id)) continue;
      bool is_ready = true;
      for (const Json& need : (*job)["needs"].items())
        is_ready = is_ready && (done.contains(need.AsString()) || !by_id.contains(need.AsString()));
      if (is_ready) has_moved = done.insert(id).second;
    }
  }
  bool has_root = false;
  for (const auto& [id, job] : by_id) {
    const std::string pointer = PointerAppend("/jobs", id) + "/needs";
    has_root = has_root || (*job)["needs"].size() == 0;
    for (const Json& need : (*job)["needs"].items())
      if (!by_id.contains(need.AsString()))
        Fault(pointer, "Job '" + id + "' depends on unknown job '" + need.AsString() + "'.");
    if (!done.contains(id)) Fault(pointer, "Job '" + id + "' depends on itself, by its needs.");
  }
  if (!has_root && !by_id.empty())
    Fault("/jobs", "The workflow must contain at least one job with no dependencies.");
}

Json Reader::Jobs(const Json& value) {
  Json::Array out;
  if (!value.is_object() || value.size() == 0) {
    Fault("/jobs", "A mapping of jobs was expected");
    return out;
  }
  if (value.size() > kJobsMax) Fault("/jobs", "There are too many jobs");
  for (const auto& member : value.members())
    out.push_back(Job(member.name, member.value, PointerAppend("/jobs", member.name)));
  const Json jobs = std::move(out);
  Needs(jobs);
  return jobs;
}

Parsed Reader::Run(const Json& document) {
  if (!document.is_object()) {
    Fault("", "A mapping was expected");
    return {Json(), findings_};
  }
  Keys(document, "",
       {"name", "run-name", "on", "permissions", "env", "defaults", "concurrency", "jobs"},
       {"on", "jobs"});
  Json::Object out{{"name", ScalarText(document["name"]).value_or("")}};
  if (document.Has("run-name")) {
    out.Set("runName", ScalarText(document["run-name"]).value_or(""));
    Expressions(document["run-name"], "/run-name", kRunName);
  }
  if (document.Has("on")) out.Set("on", On(document["on"]));
  out.Set("env", TextMap(document["env"], "/env", kWorkflowEnv));
  Defaults(document["defaults"], "/defaults", out);
  if (const Json* group = document.Find("concurrency")) {
    out.Set("concurrency", group->is_object() ? *group : Json(Json::Object{{"group", *group}}));
    Expressions(*group, "/concurrency", kRunName);
  }
  if (document.Has("permissions")) out.Set("permissions", document["permissions"]);
  if (document.Has("jobs")) out.Set("jobs", Jobs(document["jobs"]));
  std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  const bool is_good = std::all_of(findings_.begin(), findings_.end(),
                                   [](const Finding& finding) { return finding.is_warning; });
  return {is_good ? Json(std::move(out)) : Json(), findings_};
}

}  // namespace

Parsed Read(const Json& document, const Positions& positions) {
  return Reader(positions).Run(document);
}

Parsed Parse(std::string_view text) {
  if (text.size() > kTextBytesMax)
    return {Json(),
            {{{}, "The workflow is larger than " + std::to_string(kTextBytesMax) + " bytes"}}};
  Positions positions;
  YamlOptions options = YamlOptions::Workflow();
  options.positions = &positions;
  const auto document = ParseYaml(text, options);
  if (document) return Read(*document, positions);
  TextPosition at;
  const std::string& message = document.error().message;
  if (const size_t line = message.rfind("line "); line != std::string::npos)
    std::sscanf(message.c_str() + line, "line %d, column %d", &at.line, &at.column);
  return {Json(), {{at, message}}};
}

Result<Json> ParseOrError(std::string_view text) {
  Parsed parsed = Parse(text);
  for (const Finding& finding : parsed.findings)
    if (!finding.is_warning)
      return Error{Code::kInvalid, "InvalidWorkflow",
                   std::to_string(finding.at.line) + ":" + std::to_string(finding.at.column) +
                       ": " + finding.message};
  return std::move(parsed.workflow);
}

}  // namespace stepmill::workflow
