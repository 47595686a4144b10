#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/strings.h"
#include "lang/buildspec/buildspec.h"
#include "lang/buildspec/limits.h"

namespace stepmill::buildspec {
namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kPhases = {{
    {"install", "INSTALL"},
    {"pre_build", "PRE_BUILD"},
    {"build", "BUILD"},
    {"post_build", "POST_BUILD"},
}};

std::string KindName(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull: return "nothing";
    case Json::Kind::kBool: return "a boolean";
    case Json::Kind::kNumber: return "a number";
    case Json::Kind::kString: return "a string";
    case Json::Kind::kArray: return "a list";
    case Json::Kind::kObject: return "subkeys";
  }
  return "nothing";
}

/// YAML gives numbers and booleans where a text is meant (`python: 3.8`, `DEBUG: true`).
std::optional<std::string> ScalarText(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kBool: return value.AsBool() ? "true" : "false";
    case Json::Kind::kNumber: return value.NumberText();
    case Json::Kind::kString: return value.AsString();
    case Json::Kind::kNull: return "";
    default: return std::nullopt;
  }
}

class Reader {
 public:
  explicit Reader(const Positions& positions) : positions_(positions) {}

  Parsed Run(const Json& document);

 private:
  void Fault(const std::string& pointer, const std::string& message);
  void RefuseUnknown(const Json& value, const std::string& pointer,
                     std::initializer_list<std::string_view> known);
  bool WantMap(const Json& value, const std::string& pointer, std::string_view name);
  std::string Text(const Json& parent, const std::string& pointer, std::string_view name);
  bool YesNo(const Json& parent, const std::string& pointer, std::string_view name);
  Json TextList(const Json* value, const std::string& pointer, const std::string& name);
  Json TextMap(const Json* value, const std::string& pointer, const std::string& name);

  std::string Version(const Json& document);
  void Environment(const Json& value, Json::Object& out);
  Json Phases(const Json& value, bool is_lenient);
  Json Phase(const Json& value, const std::string& pointer, std::string_view name);
  Json OnFailure(const Json& value, const std::string& pointer);
  Json Artifacts(const Json& value, const std::string& pointer, bool is_secondary);
  Json Report(const Json& value, const std::string& pointer, const std::string& name);
  Json Cache(const Json& value);

  const Positions& positions_;
  std::vector<Finding> findings_;
};

void Reader::Fault(const std::string& pointer, const std::string& message) {
  if (findings_.size() >= kFindingsMax) return;
  TextPosition at;
  for (std::string where = pointer;; where.resize(where.rfind('/'))) {
    if (const auto found = positions_.find(where); found != positions_.end()) {
      at = found->second;
      break;
    }
    if (where.empty()) break;
  }
  findings_.push_back(
      {at, at.line > 0 ? message + " at line " + std::to_string(at.line) : message});
}

void Reader::RefuseUnknown(const Json& value, const std::string& pointer,
                           std::initializer_list<std::string_view> known) {
  for (const auto& member : value.members()) {
    bool is_known = false;
    for (const auto name : known) is_known = is_known || name == member.name;
    if (!is_known) Fault(PointerAppend(pointer, member.name), "Unknown key '" + member.name + "'");
  }
}

bool Reader::WantMap(const Json& value, const std::string& pointer, std::string_view name) {
  if (value.is_object()) return true;
  if (!value.is_null())
    Fault(pointer, "Expected " + std::string(name) + " to be of map type: found " +
                       KindName(value) + " instead");
  return false;
}

std::string Reader::Text(const Json& parent, const std::string& pointer, std::string_view name) {
  const Json* value = parent.Find(name);
  if (!value) return "";
  if (const auto text = ScalarText(*value)) return *text;
  Fault(PointerAppend(pointer, name), "Expected " + std::string(name) +
                                          " to be of string type: found " + KindName(*value) +
                                          " instead");
  return "";
}

/// yes and no are booleans of YAML 1.1; quoted they must work too.
bool Reader::YesNo(const Json& parent, const std::string& pointer, std::string_view name) {
  const Json* value = parent.Find(name);
  if (!value || value->is_null()) return false;
  if (value->is_bool()) return value->AsBool();
  const std::string text = ToLower(ScalarText(*value).value_or("?"));
  if (text == "yes" || text == "true" || text == "on") return true;
  if (text != "no" && text != "false" && text != "off")
    Fault(PointerAppend(pointer, name), "Expected " + std::string(name) + " to be yes or no");
  return false;
}

Json Reader::TextList(const Json* value, const std::string& pointer, const std::string& name) {
  Json::Array out;
  if (!value || value->is_null()) return out;
  if (value->is_string()) return Json::Array{*value};
  if (!value->is_array()) {
    Fault(pointer,
          "Expected " + name + " to be of array type: found " + KindName(*value) + " instead");
    return out;
  }
  for (size_t i = 0; i < value->size() && i < kCommandsMax; ++i) {
    const auto text = ScalarText(value->At(i));
    if (!text || value->At(i).is_null()) {
      Fault(PointerAppend(pointer, std::to_string(i)),
            "Expected " + name + "[" + std::to_string(i) + "] to be of string type: found " +
                KindName(value->At(i)) + " instead");
      continue;
    }
    out.push_back(*text);
  }
  if (value->size() > kCommandsMax)
    Fault(pointer, name + " has more than " + std::to_string(kCommandsMax) + " entries");
  return out;
}

Json Reader::TextMap(const Json* value, const std::string& pointer, const std::string& name) {
  Json::Object out;
  if (!value || !WantMap(*value, pointer, name)) return out;
  for (const auto& member : value->members()) {
    const auto text = ScalarText(member.value);
    if (!text)
      Fault(PointerAppend(pointer, member.name), "Expected " + name + "." + member.name +
                                                     " to be of string type: found " +
                                                     KindName(member.value) + " instead");
    out.Set(member.name, text.value_or(""));
  }
  return out;
}

std::string Reader::Version(const Json& document) {
  const Json* value = document.Find("version");
  if (!value) {
    Fault("", "Missing version: a buildspec starts with version: 0.2");
    return "0.2";
  }
  const std::string text = ScalarText(*value).value_or("");
  if (text != "0.1" && text != "0.2")
    Fault("/version", "Invalid buildspec version '" + text + "'. Expecting: 0.1,0.2");
  return text;
}

void Reader::Environment(const Json& value, Json::Object& out) {
  const bool is_map = WantMap(value, "/env", "env");
  const Json env = is_map ? value : Json(Json::Object());
  RefuseUnknown(env, "/env",
                {"shell", "variables", "parameter-store", "secrets-manager", "exported-variables",
                 "git-credential-helper"});
  const std::string shell = Text(env, "/env", "shell");
  if (!shell.empty() && shell != "bash" && shell != "/bin/sh" && shell != "sh" &&
      shell != "/bin/bash")
    Fault("/env/shell", "Invalid shell '" + shell + "'. Expecting: bash,/bin/sh");
  out.Set("shell", shell.ends_with("bash") ? "bash" : "sh");
  out.Set("variables", TextMap(env.Find("variables"), "/env/variables", "variables"));
  out.Set("parameterStore",
          TextMap(env.Find("parameter-store"), "/env/parameter-store", "parameter-store"));
  out.Set("secrets",
          TextMap(env.Find("secrets-manager"), "/env/secrets-manager", "secrets-manager"));
  const Json exported =
      TextList(env.Find("exported-variables"), "/env/exported-variables", "exported-variables");
  for (const Json& name : exported.items())
    if (name.AsString().starts_with("AWS_"))
      Fault("/env/exported-variables", "Invalid exported variable '" + name.AsString() +
                                           "': names starting AWS_ are reserved");
  out.Set("exported", exported);
  out.Set("gitCredentialHelper", YesNo(env, "/env", "git-credential-helper"));
}

Json Reader::OnFailure(const Json& value, const std::string& pointer) {
  const std::string text = ScalarText(value).value_or("?");
  Json::Object out{{"action", text}, {"retries", 0}, {"pattern", ""}};
  if (text == "ABORT" || text == "CONTINUE") return out;
  // RETRY | RETRY-n | RETRY-regex | RETRY-n-regex
  if (text != "RETRY" && !text.starts_with("RETRY-")) {
    Fault(pointer, "Invalid on-failure '" + text + "'. Expecting: ABORT,CONTINUE,RETRY");
    return out;
  }
  std::string_view rest = std::string_view(text).substr(5);
  if (rest.starts_with('-')) rest.remove_prefix(1);
  int64_t retries = kRetriesDefault;
  const size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  if (digits > 0 && (digits == rest.size() || rest[digits] == '-')) {
    retries = ParseInt(rest.substr(0, digits)).value_or(kRetriesMax + 1);
    rest.remove_prefix(std::min(digits + 1, rest.size()));
  }
  if (retries > kRetriesMax)
    Fault(pointer,
          "Invalid on-failure '" + text + "': at most " + std::to_string(kRetriesMax) + " retries");
  if (!rest.empty() && !re2::RE2(std::string(rest), re2::RE2::Quiet).ok())
    Fault(pointer, "Invalid on-failure '" + text + "': not a regular expression");
  out.Set("action", "RETRY");
  out.Set("retries", retries);
  out.Set("pattern", rest);
  return out;
}

Json Reader::Phase(const Json& value, const std::string& pointer, std::string_view name) {
  Json::Object out{{"commands", Json::Array()}, {"finally", Json::Array()}, {"runAs", ""}};
  if (!WantMap(value, pointer, name)) return out;
  RefuseUnknown(value, pointer,
                {"run-as", "on-failure", "runtime-versions", "commands", "finally", "steps"});
  out.Set("commands", TextList(value.Find("commands"), pointer + "/commands", "Commands"));
  out.Set("finally", TextList(value.Find("finally"), pointer + "/finally", "Finally"));
  out.Set("runAs", Text(value, pointer, "run-as"));
  if (const Json* on_failure = value.Find("on-failure"))
    out.Set("onFailure", OnFailure(*on_failure, pointer + "/on-failure"));
  if (value.Has("runtime-versions") && name != "install")
    Fault(pointer + "/runtime-versions", "runtime-versions belongs to the install phase");
  out.Set("runtimeVersions", TextMap(value.Find("runtime-versions"), pointer + "/runtime-versions",
                                     "runtime-versions"));
  if (!value.Has("commands") && !value.Has("runtime-versions") && !value.Has("finally"))
    Fault(pointer, "Missing commands in phase '" + std::string(name) + "'");
  return out;
}

Json Reader::Phases(const Json& value, bool is_lenient) {
  Json::Object out;
  if (value.is_null() && !is_lenient) Fault("", "Missing phases in the buildspec");
  if (!WantMap(value, "/phases", "phases")) return out;
  for (const auto& member : value.members()) {
    std::string_view wire;
    for (const auto& [name, upper] : kPhases)
      if (name == member.name) wire = upper;
    const std::string pointer = PointerAppend("/phases", member.name);
    if (wire.empty())
      Fault(pointer, "Invalid buildspec phase name: " + member.name +
                         ". Expecting: build,install,post_build,pre_build");
    else
      out.Set(wire, Phase(member.value, pointer, member.name));
  }
  return out;
}

Json Reader::Artifacts(const Json& value, const std::string& pointer, bool is_secondary) {
  Json::Object out;
  if (is_secondary)
    RefuseUnknown(value, pointer,
                  {"files", "name", "discard-paths", "base-directory", "exclude-paths",
                   "enable-symlinks", "s3-prefix"});
  else
    RefuseUnknown(value, pointer,
                  {"files", "name", "discard-paths", "base-directory", "exclude-paths",
                   "enable-symlinks", "s3-prefix", "secondary-artifacts"});
  const Json files = TextList(value.Find("files"), pointer + "/files", "files");
  if (files.size() == 0 && !value.Has("secondary-artifacts"))
    Fault(pointer, "Missing files in artifacts");
  out.Set("files", files);
  out.Set("exclude",
          TextList(value.Find("exclude-paths"), pointer + "/exclude-paths", "exclude-paths"));
  out.Set("baseDirectory", Text(value, pointer, "base-directory"));
  out.Set("discardPaths", YesNo(value, pointer, "discard-paths"));
  out.Set("name", Text(value, pointer, "name"));
  out.Set("s3Prefix", Text(value, pointer, "s3-prefix"));
  out.Set("symlinks", YesNo(value, pointer, "enable-symlinks"));
  return out;
}

Json Reader::Report(const Json& value, const std::string& pointer, const std::string& name) {
  constexpr std::array<std::string_view, 10> kFormats = {
      "CLOVERXML", "COBERTURAXML", "CUCUMBERJSON", "JACOCOXML", "JUNITXML",
      "NUNIT3XML", "NUNITXML",     "SIMPLECOV",    "TESTNGXML", "VISUALSTUDIOTRX"};
  Json::Object out{{"name", name}};
  const bool is_map = WantMap(value, pointer, name);
  if (value.is_null()) Fault(pointer, "Missing files in report '" + name + "'");
  if (!is_map) return out;
  RefuseUnknown(value, pointer, {"files", "base-directory", "discard-paths", "file-format"});
  const Json files = TextList(value.Find("files"), pointer + "/files", "files");
  if (files.size() == 0) Fault(pointer, "Missing files in report '" + name + "'");
  out.Set("files", files);
  out.Set("exclude", Json::Array());
  out.Set("baseDirectory", Text(value, pointer, "base-directory"));
  out.Set("discardPaths", YesNo(value, pointer, "discard-paths"));
  std::string format = ToUpper(Text(value, pointer, "file-format"));
  if (format.empty()) format = "JUNITXML";
  if (std::find(kFormats.begin(), kFormats.end(), format) == kFormats.end()) {
    std::string known;
    for (const std::string_view one : kFormats)
      known += (known.empty() ? "" : ",") + std::string(one);
    Fault(pointer + "/file-format", "Invalid file-format '" + format + "'. Expecting: " + known);
  }
  out.Set("format", format);
  return out;
}

Json Reader::Cache(const Json& value) {
  constexpr const char* kAt = "/cache";
  RefuseUnknown(value, kAt, {"paths", "key", "fallback-keys", "action"});
  Json::Object out;
  out.Set("paths", TextList(value.Find("paths"), "/cache/paths", "paths"));
  out.Set("key", Text(value, kAt, "key"));
  const Json fallback =
      TextList(value.Find("fallback-keys"), "/cache/fallback-keys", "fallback-keys");
  if (fallback.size() > kFallbackKeysMax)
    Fault("/cache/fallback-keys",
          "cache has more than " + std::to_string(kFallbackKeysMax) + " fallback-keys");
  out.Set("fallbackKeys", fallback);
  const std::string action = Text(value, kAt, "action");
  if (!action.empty() && action != "restore" && action != "save")
    Fault("/cache/action", "Invalid cache action '" + action + "'. Expecting: restore,save");
  out.Set("action", action);
  return out;
}

Parsed Reader::Run(const Json& document) {
  if (!document.is_object()) {
    Fault("", "The buildspec is not a map of keys: found " + KindName(document));
    return {Json(), findings_};
  }
  RefuseUnknown(
      document, "",
      {"version", "run-as", "env", "proxy", "batch", "phases", "reports", "artifacts", "cache"});
  Json::Object out{{"version", Version(document)}, {"runAs", Text(document, "", "run-as")}};
  Environment(document["env"], out);
  out.Set("phases", Phases(document["phases"], document.Has("batch") || document.Has("reports")));
  const Json& artifacts = document["artifacts"];
  Json::Object secondary;
  if (WantMap(artifacts, "/artifacts", "artifacts")) {
    out.Set("artifacts", Artifacts(artifacts, "/artifacts", false));
    const Json& sets = artifacts["secondary-artifacts"];
    if (WantMap(sets, "/artifacts/secondary-artifacts", "secondary-artifacts"))
      for (const auto& member : sets.members()) {
        const std::string at = PointerAppend("/artifacts/secondary-artifacts", member.name);
        if (WantMap(member.value, at, member.name))
          secondary.Set(member.name, Artifacts(member.value, at, true));
      }
  }
  out.Set("secondary", std::move(secondary));
  Json::Array reports;
  if (WantMap(document["reports"], "/reports", "reports"))
    for (const auto& member : document["reports"].members())
      reports.push_back(Report(member.value, PointerAppend("/reports", member.name), member.name));
  out.Set("reports", std::move(reports));
  if (WantMap(document["cache"], "/cache", "cache")) out.Set("cache", Cache(document["cache"]));
  std::stable_sort(findings_.begin(), findings_.end(), [](const Finding& a, const Finding& b) {
    return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
  });
  return {findings_.empty() ? Json(std::move(out)) : Json(), findings_};
}

}  // namespace

Parsed Read(const Json& document, const Positions& positions) {
  return Reader(positions).Run(document);
}

}  // namespace stepmill::buildspec
