#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/digest.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "gate/session.h"
#include "gate/vault.h"
#include "json/each.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/limits.h"
#include "lang/workflow/run.h"
#include "lang/workflow/trigger.h"
#include "service/workflows/actions.h"
#include "service/workflows/performers.h"
#include "service/workflows/records.h"

namespace stepmill::workflows {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSealed = "\x01sealed:";
constexpr size_t kHashedFilesMax = 100'000;
constexpr size_t kSummaryBytesMax = 64 * 1024;  // kept with the run

std::string Quote(std::string_view text) { return "'" + ReplaceAll(text, "'", "'\\''") + "'"; }

std::string ReadHostFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Values that came from a step and hold something masked are stored sealed.
class Seals {
 public:
  Seals(Vault& vault, std::string context) : vault_(vault), context_(std::move(context)) {}

  std::string Seal(const std::string& text) const {
    return std::string(kSealed) + vault_.Seal(Secret(text), context_);
  }
  Json Open(const Json& value) const {
    if (value.is_string()) {
      const std::string& text = value.AsString();
      if (text.find(kSealed) == std::string::npos) return value;
      // A sealed text may stand inside another one (an output that was put into an expression).
      if (!text.starts_with(kSealed)) return value;
      const auto opened = vault_.Open(text.substr(kSealed.size()), context_);
      return opened ? Json(opened->Reveal()) : Json("");
    }
    if (value.is_array()) {
      Json::Array out;
      for (const Json& item : value.items()) out.push_back(Open(item));
      return out;
    }
    if (value.is_object()) {
      Json::Object out;
      for (const auto& member : value.members()) out.Add(member.name, Open(member.value));
      return out;
    }
    return value;
  }

 private:
  Vault& vault_;
  std::string context_;
};

/// SHA-256 over the SHA-256s of the files that match, in the order of their names.
Result<std::string> HashFiles(const std::string& workspace,
                              const std::vector<std::string>& patterns) {
  std::vector<std::string> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator at(workspace, failed), end; !failed && at != end;
       at.increment(failed)) {
    if (!at->is_regular_file(failed) || at->is_symlink(failed)) continue;
    const std::string path = at->path().lexically_relative(workspace).string();
    if (path.starts_with(".git/")) continue;
    bool is_in = false;
    for (std::string_view pattern : patterns) {
      const bool is_negative = pattern.starts_with('!');
      if (is_negative) pattern.remove_prefix(1);
      if (workflow::PatternMatch(pattern, path)) is_in = !is_negative;
    }
    if (is_in) files.push_back(path);
    if (files.size() > kHashedFilesMax)
      return Error{Code::kLimit, "InvalidExpression", "hashFiles(): too many files match"};
  }
  if (files.empty()) return std::string();
  std::sort(files.begin(), files.end());
  std::string digests;
  for (const std::string& file : files) digests += Sha256(ReadHostFile(workspace + "/" + file));
  return Hex(Sha256(digests));
}

/// All that one step's performance knows.
struct Context {
  Ports& ports;
  Json what;  ///< of the effect
  Json run;
  std::string key, host_folder, workspace;
  int64_t index = 0;
  JobId job;
};

std::string FileOf(const Context& context, std::string_view kind) {
  return "/_temp/_runner_file_commands/" + std::string(kind) + "_" + std::to_string(context.index);
}

/// "Basic" credentials for the git host: a session of its own for each step.
std::string GitToken(const Context& context) {
  const std::string account = context.run.StringOr("account", "");
  const auto principal = RolePrincipal("arn:aws:iam::" + account + ":role/stepmill-workflows",
                                       "run-" + context.run.StringOr("runId", ""));
  if (!principal) return "";
  const Time expires = context.ports.clock.Now() + std::chrono::hours(6);
  const SessionCredentials session =
      MakeSession(context.ports.vault, context.ports.random, *principal, expires);
  return Base64(session.access_key_id + "%" + session.session_token + ":" +
                session.secret.Reveal());
}

/// What the log shows before a step's own output.
std::string Header(const workflow::ResolvedStep& step) {
  std::string text = "##[group]" + step.name + "\n";
  if (step.uses.empty()) {
    std::string_view script = step.script;
    while (script.ends_with('\n')) script.remove_suffix(1);
    for (const auto line : Split(script, '\n'))
      text += "\x1b[36;1m" + std::string(line) + "\x1b[0m\n";
    text += "shell: " + Join(step.argv, " ") + "\n";
  } else {
    text += "uses: " + step.uses + "\n";
    for (const auto& [name, value] : step.with)
      text += "  " + name + ": " + value.substr(0, value.find('\n')) + "\n";
  }
  if (!step.env.empty()) text += "env:\n";
  for (const auto& [name, value] : step.env)
    text += "  " + name + ": " + value.substr(0, value.find('\n')) + "\n";
  return text + "##[endgroup]\n";
}

/// The runner's command: says the header, sets PATH and directory, runs the script, says its end.
StepSpec SpecOf(const Context& context, const workflow::ResolvedStep& step, const std::string& body,
                const std::vector<std::string>& argv) {
  const std::string folder = std::string(kWorkFolder) + "/_temp";
  const std::string number = std::to_string(context.index);
  const std::string script = folder + "/step_" + number + step.script_extension;
  const std::string header = folder + "/header_" + number;
  StepSpec spec;
  spec.sequence = context.index + 2;  // 1: see OpenJob
  std::string wrapper =
      "while IFS= read -r line; do printf '%s\\n' \"$line\"; done <" + header + "\n";
  std::string path;
  for (const Json& item : ItemsOf(context.what["what"]["path"])) path += item.AsString() + ":";
  // `sam` and `stepmill` are there in every image, behind what the image has itself.
  wrapper +=
      "export PATH=" + Quote(path + "/opt/stepmill/shims:") + "\"$PATH:/opt/stepmill/bin\"\n";
  std::string directory = step.working_directory;
  if (!directory.starts_with('/'))
    directory = context.workspace + (directory.empty() ? "" : "/" + directory);
  wrapper += "cd " + Quote(directory) + " || { echo '##[error]The working directory " +
             ReplaceAll(directory, "'", "") + " does not exist.'; exit 1; }\n";
  for (const std::string& word : argv) wrapper += Quote(ReplaceAll(word, "{0}", script)) + " ";
  wrapper +=
      "\ncode=$?\nif [ $code -ne 0 ]; then echo \"##[error]Process completed with exit code "
      "$code.\"; fi\nexit $code\n";
  spec.argv = {"/bin/sh", folder + "/run_" + number + ".sh"};
  spec.files = {
      {folder + "/run_" + number + ".sh", wrapper}, {header, Header(step)}, {script, body}};
  for (const auto& [name, value] : step.env) spec.env[name] = value;
  for (const char* kind : {"env", "output", "path", "state"}) {
    const std::string name = kind;
    spec.env["GITHUB_" + ToUpper(name)] = kWorkFolder + FileOf(context, name);
    spec.files[kWorkFolder + FileOf(context, name)] = "";
  }
  spec.env["GITHUB_STEP_SUMMARY"] = kWorkFolder + FileOf(context, "summary");
  spec.files[kWorkFolder + FileOf(context, "summary")] = "";
  spec.env["GITHUB_ACTION"] = context.what["what"]["step"].StringOr("id", "__run_" + number);
  spec.working_dir = kWorkFolder;
  return spec;
}

/// Acts on what the step wrote to its output: masks and outputs.
Task<> ReadOutput(const Context& context, uint64_t end, workflow::Masker& masker,
                  std::vector<std::string>& masks, Json& outputs) {
  uint64_t at = static_cast<uint64_t>(context.what.IntOr("logStart", 0));
  workflow::CommandReader reader;
  std::string open;
  while (at < end) {
    MILL_CO_TRY(LogChunk chunk, co_await context.ports.backend.ReadLog(context.job, at));
    if (chunk.bytes.empty()) break;
    if (at + chunk.bytes.size() > end) chunk.bytes.resize(end - at);
    at += chunk.bytes.size();
    open += chunk.bytes;
    for (size_t newline; (newline = open.find('\n')) != std::string::npos;) {
      const workflow::CommandReader::Read read = reader.Feed(open.substr(0, newline));
      open.erase(0, newline + 1);
      if (!read.command) continue;
      if (read.command->name == "add-mask" && !read.command->text.empty()) {
        masker.Add(Secret(read.command->text));
        masks.push_back(read.command->text);
      }
      if (read.command->name == "set-output")
        outputs = outputs.With(read.command->Property("name"), read.command->text);
    }
  }
  co_return Result<>();
}

/// The files that the step could write.
Result<> ReadFiles(const Context& context, Json& env, Json& outputs, Json& path,
                   std::string& summary) {
  MILL_TRY(const workflow::Pairs variables,
           workflow::ParseCommandFile(ReadHostFile(context.host_folder + FileOf(context, "env"))));
  for (const auto& [name, value] : variables) {
    if (workflow::IsReservedVariable(name))
      return Error{Code::kInvalid, "InvalidCommandFile",
                   "Can't store " + name + " output parameter using '$GITHUB_ENV' command."};
    env = env.With(name, value);
  }
  MILL_TRY(
      const workflow::Pairs given,
      workflow::ParseCommandFile(ReadHostFile(context.host_folder + FileOf(context, "output"))));
  for (const auto& [name, value] : given) outputs = outputs.With(name, value);
  for (const std::string& folder :
       workflow::ParsePathFile(ReadHostFile(context.host_folder + FileOf(context, "path"))))
    path = path.Push(folder);
  summary = ReadHostFile(context.host_folder + FileOf(context, "summary"));
  return {};
}

Json SealMasked(const Json& values, const workflow::Masker& masker, const Seals& seals) {
  Json::Object out;
  for (const auto& member : MembersOf(values)) {
    const std::string& text = member.value.AsString();
    out.Set(member.name, masker.Mask(text) == text ? text : seals.Seal(text));
  }
  return out;
}

Task<Json> RunResolved(Context context, workflow::ResolvedStep step, workflow::Masker masker,
                       Seals seals, std::string token) {
  const Json result =
      Json::Object{{"continueOnError", step.continue_on_error}, {"name", masker.Mask(step.name)}};
  std::string body = step.script;
  std::vector<std::string> argv = step.argv;
  if (!step.uses.empty()) {
    ActionFacts facts;
    const Json& github = context.what["what"]["contexts"]["github"];
    facts.repository = context.run.StringOr("repositoryName", "");
    facts.ref = github.StringOr("ref", "");
    facts.sha = github.StringOr("sha", "");
    facts.server_url = github.StringOr("server_url", "");
    facts.token = token;
    const auto script = ActionScript(step, facts);
    body = script ? *script : "echo " + Quote("::error::" + script.error().message) + "\nexit 1\n";
    argv = {"bash", "-e", "{0}"};
    step.script_extension = ".sh";
  }
  StepSpec spec = SpecOf(context, step, body, argv);
  const Time deadline = TimeFromMillis(context.what.IntOr("deadline", 0));
  const auto left = std::chrono::ceil<Seconds>(deadline - context.ports.clock.Now());
  spec.timeout = std::max(Seconds(1), step.timeout ? std::min(*step.timeout, left) : left);
  const auto ended = co_await context.ports.backend.RunStep(context.job, std::move(spec));
  if (!ended) co_return ended.error();

  std::vector<std::string> masks;
  Json env = Json::Object(), outputs = Json::Object(), path = Json::Array();
  std::string summary;
  MILL_CO_CHECK(co_await ReadOutput(context, ended->log_end, masker, masks, outputs));
  std::string message;
  if (ended->is_timed_out)
    message = "The action '" + step.name + "' has timed out";
  else if (ended->exit_code != 0)
    message = "Process completed with exit code " + std::to_string(ended->exit_code) + ".";
  const auto files = ReadFiles(context, env, outputs, path, summary);
  if (!files && message.empty()) message = files.error().message;
  Json::Array sealed;
  for (const std::string& mask : masks) sealed.push_back(seals.Seal(mask));
  Json out = result.With("outcome", message.empty() ? "success" : "failure")
                 .With("outputs", SealMasked(outputs, masker, seals))
                 .With("env", SealMasked(env, masker, seals))
                 .With("path", path)
                 .With("masks", std::move(sealed))
                 .With("logEnd", static_cast<int64_t>(ended->log_end));
  if (!message.empty()) out = out.With("message", masker.Mask(message));
  if (!summary.empty())
    out = out.With("summary", std::string(TruncateUtf8(masker.Mask(summary), kSummaryBytesMax)));
  co_return out;
}

}  // namespace

Task<Json> PerformStep(Ports& ports, Json what) {
  const Json run = what["run"];
  const std::string key = what.StringOr("key", "");
  const std::string name = run.StringOr("repositoryName", "");
  const std::string workspace = std::string(kWorkFolder) + "/" + name + "/" + name;
  const JobId job{JobIdOf(run, key)};
  MILL_CO_TRY(const std::string host, ports.backend.HostPath(job, kWorkFolder));
  Context context{ports, what, run, key, host, workspace, what.IntOr("index", 0), job};
  const Asker asker = AskerOf(ports, run);
  MILL_CO_TRY(const auto known, co_await ReadSecrets(asker, name));
  const Seals seals(ports.vault, job.value);
  workflow::Masker masker;
  Json secrets = Json::Object();  // lives as long as this call: never stored
  for (const auto& [secret, value] : known) {
    masker.Add(value);
    secrets = secrets.With(secret, value.Reveal());
  }
  for (const Json& mask : ItemsOf(what["masks"]))
    masker.Add(Secret(workflow::ToText(seals.Open(mask))));
  const std::string token = GitToken(context);
  masker.Add(Secret(token));
  secrets = secrets.With("GITHUB_TOKEN", token);
  Json asked = what["what"];
  Json contexts = asked["contexts"];
  for (const char* part : {"steps", "needs"})
    contexts = contexts.With(part, seals.Open(contexts[part]));
  contexts = contexts.With("github", contexts["github"].With("token", token));
  asked = asked.With("contexts", contexts).With("env", seals.Open(asked["env"]));
  const Json runner = Json::Object{{"os", "Linux"},
                                   {"arch", "X64"},
                                   {"name", "stepmill"},
                                   {"temp", std::string(kWorkFolder) + "/_temp"},
                                   {"tool_cache", "/opt/hostedtoolcache"},
                                   {"environment", "self-hosted"}};
  const std::string host_workspace = host + "/" + name + "/" + name;
  const auto step = workflow::ResolveStep(
      asked, secrets, runner, [host_workspace](const std::vector<std::string>& patterns) {
        return HashFiles(host_workspace, patterns);
      });
  if (!step)
    co_return Json::Object{{"outcome", "failure"}, {"message", masker.Mask(step.error().message)}};
  if (step->is_skipped)
    co_return Json::Object{{"outcome", "skipped"}, {"name", masker.Mask(step->name)}};
  workflow::ResolvedStep resolved = *step;
  co_return co_await RunResolved(context, std::move(resolved), masker, seals, token);
}

}  // namespace stepmill::workflows
