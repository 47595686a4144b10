#include "service/workflows/performers.h"

#include <filesystem>
#include <fstream>
#include <memory>

#include "base/strings.h"
#include "compute/backend.h"
#include "json/each.h"
#include "lang/workflow/expression.h"
#include "service/log_pump.h"
#include "service/sandbox_job.h"
#include "service/workflows/records.h"

namespace stepmill::workflows {
namespace {

using Performance = Engine::Performance;

constexpr Seconds kGrace{2};  // of a job that is ended while a step runs
constexpr int kSecretPagesMax = 100;

/// The image of a job: its container's, or what its labels mean.
Result<std::string> ImageOf(const Json& job) {
  const Json& container = job["container"];
  if (container.is_string() && !container.AsString().empty()) return container.AsString();
  if (container.is_object()) {
    for (const auto& member : container.members())
      if (member.name != "image" && member.name != "env" && member.name != "options")
        return Error{Code::kInvalid, "InvalidWorkflow",
                     "container." + member.name + " is not available here"};
    if (!container.StringOr("image", "").empty()) return container.StringOr("image", "");
  }
  Json labels = job["runsOn"];
  if (labels.is_object()) labels = labels["labels"];
  if (labels.is_string()) labels = Json::Array{labels};
  for (const Json& label : ItemsOf(labels)) {
    const std::string text = ToLower(workflow::ToText(label));
    if (text.starts_with("ubuntu-")) return text;
    if (text.starts_with("windows") || text.starts_with("macos"))
      return Error{Code::kInvalid, "InvalidWorkflow",
                   "No runner matches '" + text + "': jobs run on Linux, say ubuntu-latest"};
  }
  return std::string("ubuntu-latest");  // self-hosted and groups
}

std::map<std::string, std::string> JobEnvironment(const Json& run, const Json& job,
                                                  const Json& github) {
  std::map<std::string, std::string> env = {
      {"CI", "true"},
      {"GITHUB_ACTIONS", "true"},
      {"HOME", "/root"},
      {"GITHUB_JOB", job.StringOr("id", "")},
      {"RUNNER_OS", "Linux"},
      {"RUNNER_ARCH", "X64"},
      {"RUNNER_NAME", "stepmill"},
      {"RUNNER_ENVIRONMENT", "self-hosted"},
      {"RUNNER_TEMP", std::string(kWorkFolder) + "/_temp"},
      {"RUNNER_WORKSPACE", std::string(kWorkFolder) + "/" + run.StringOr("repositoryName", "")},
      {"RUNNER_TOOL_CACHE", "/opt/hostedtoolcache"}};
  for (const auto& member : MembersOf(github))
    if (!member.value.is_object() && !member.name.starts_with("aws_"))
      env["GITHUB_" + ToUpper(member.name)] = workflow::ToText(member.value);
  return env;
}

Task<Json> OpenJob(Ports& ports, Json what) {
  const Json& run = what["run"];
  const Json& github = what["github"];
  const std::string key = what.StringOr("key", "");
  MILL_CO_TRY(const std::string image, ImageOf(what["job"]));
  JobSpec spec;
  spec.id = JobId{JobIdOf(run, key)};
  spec.image = image;
  spec.env = JobEnvironment(run, what["job"], github);
  for (const auto& member : MembersOf(what["job"]["container"]["env"]))
    spec.env[member.name] = workflow::ToText(member.value);
  JobInput folder;
  folder.kind = JobInput::Kind::kFolder;
  folder.path = kWorkFolder;
  spec.inputs.push_back(std::move(folder));
  spec.is_stepped = true;
  spec.has_docker = true;
  spec.network = JobSpec::Network::kOpen;
  spec.account = run.StringOr("account", "");
  spec.region = run.StringOr("region", "");
  // A session without rights of its own: what a workflow may do, its secrets say.
  spec.role_arn = "arn:aws:iam::" + spec.account + ":role/stepmill-workflows";
  const JobId id = spec.id;
  MILL_CO_TRY(const int exit_code, co_await StartSandbox(ports, std::move(spec)));
  if (exit_code != 0)
    co_return Error{Code::kInvalid, "InvalidWorkflow", "the image " + image + " has no shell"};
  MILL_CO_TRY(const std::string host, ports.backend.HostPath(id, kWorkFolder));
  std::error_code failed;
  namespace fs = std::filesystem;
  for (const char* path : {"/_temp/_runner_file_commands", "/_temp/_github_workflow"})
    fs::create_directories(host + path, failed);
  const std::string name = run.StringOr("repositoryName", "");
  fs::create_directories(host + "/" + name + "/" + name, failed);
  std::ofstream event(host + "/_temp/_github_workflow/event.json");
  event << github["event"].PrintPretty() << "\n";
  event.close();
  if (failed || !event)
    co_return Error{Code::kInternal, "InternalFailure", "the workspace cannot be made"};
  co_return Json::Object{};
}

/// The job's output as people read it: commands taken out, secrets masked.
Task<Json> CopyLog(Ports& ports, Json what) {
  const Json& run = what["run"];
  const std::string key = what.StringOr("key", "");
  const Asker asker = AskerOf(ports, run);
  auto masker = std::make_shared<workflow::Masker>();
  auto reader = std::make_shared<workflow::CommandReader>();
  MILL_CO_TRY(const auto secrets, co_await ReadSecrets(asker, run.StringOr("repositoryName", "")));
  for (const auto& [name, value] : secrets) masker->Add(value);
  LogPump pump;
  pump.id = JobIdOf(run, key);
  pump.job_id = pump.id;
  pump.line = [masker, reader](const std::string& line) -> std::optional<std::string> {
    const workflow::CommandReader::Read read = reader->Feed(line);
    if (read.command && read.command->name == "add-mask") masker->Add(Secret(read.command->text));
    if (!read.line) return std::nullopt;
    return masker->Mask(*read.line);
  };
  pump.earlier = [masker, reader](const std::string& line) {
    const workflow::CommandReader::Read read = reader->Feed(line);
    if (read.command && read.command->name == "add-mask") masker->Add(Secret(read.command->text));
  };
  const LogTarget target = LogTargetOf(run, key);
  MILL_CO_CHECK(co_await RunLogPump(asker, target, std::move(pump)));
  co_return Json::Object{};
}

Task<Json> CloseJob(Ports& ports, Json what) {
  const JobId job{JobIdOf(what["run"], what.StringOr("key", ""))};
  MILL_CO_CHECK(co_await StopSandbox(ports, job, kGrace));
  co_return Json::Object{};
}

Task<Json> RemoveJob(Ports& ports, Json what, std::string effect_id) {
  const Json& run = what["run"];
  const std::string key = what.StringOr("key", "");
  const Asker asker = AskerOf(ports, run);
  const std::string message = what.StringOr("message", "");
  std::vector<std::string> lines;  // also in the run
  if (!message.empty()) lines.push_back("##[error]" + message);
  const LogTarget target = LogTargetOf(run, key);
  const JobId job{JobIdOf(run, key)};
  MILL_CO_CHECK(co_await RemoveSandbox(asker, job, target, std::move(lines), effect_id));
  co_return Json::Object{};
}

Task<Json> PutStatus(Ports& ports, Json what, std::string effect_id) {
  const Json& run = what["run"];
  const Asker asker = AskerOf(ports, run);
  const std::string repository = run.StringOr("repositoryName", "");
  Json input = what["status"]
                   .With("repositoryName", repository)
                   .With("commitId", run["headCommitId"])
                   .With("targetUrl",
                         "stepmill:workflow-runs/" + repository + "/" + run.StringOr("runId", ""));
  input = input.With("context", std::string(TruncateUtf8(input.StringOr("context", ""), 255)));
  const auto put = co_await AskService(asker, "codecommit", "PutCommitStatus", input, effect_id);
  // A repository or commit that is gone has nobody to be told.
  if (!put && put.error().code == Code::kUnavailable) co_return put.error();
  co_return Json::Object{};
}

Task<Json> Open(Ports& ports, Performance performance) {
  auto opened = co_await OpenJob(ports, performance.what);
  if (!opened) co_return FinalError(opened.error(), performance.attempt);
  co_return opened;
}
Task<Json> Log(Ports& ports, Performance performance) {
  co_return co_await CopyLog(ports, performance.what);
}
Task<Json> Step(Ports& ports, Performance performance) {
  co_return co_await PerformStep(ports, performance.what);
}
Task<Json> Close(Ports& ports, Performance performance) {
  co_return co_await CloseJob(ports, performance.what);
}
Task<Json> Remove(Ports& ports, Performance performance) {
  co_return co_await RemoveJob(ports, performance.what, performance.effect_id);
}
Task<Json> Status(Ports& ports, Performance performance) {
  co_return co_await PutStatus(ports, performance.what, performance.effect_id);
}

}  // namespace

Task<std::map<std::string, Secret>> ReadSecrets(Asker asker, std::string repository) {
  const std::string path = "/stepmill/workflows/" + repository + "/secrets/";
  std::map<std::string, Secret> out;
  std::string token;
  for (int page = 0; page < kSecretPagesMax; ++page) {
    Json input = Json::Object{{"Path", path}, {"WithDecryption", true}};
    if (!token.empty()) input = input.With("NextToken", token);
    MILL_CO_TRY(const Json output, co_await AskService(asker, "ssm", "GetParametersByPath", input));
    for (const Json& parameter : ItemsOf(output["Parameters"]))
      out[parameter.StringOr("Name", "").substr(path.size())] =
          Secret(parameter.StringOr("Value", ""));
    token = output.StringOr("NextToken", "");
    if (token.empty()) break;
  }
  co_return out;
}

void AddPerformers(Ports& ports) {
  const std::pair<const char*, Task<Json> (*)(Ports&, Performance)> kAll[] = {
      {"open", Open},   {"log", Log},       {"step", Step},
      {"close", Close}, {"remove", Remove}, {"status", Status}};
  for (const auto& [name, function] : kAll)
    ports.engine.AddPerformer(
        std::string("workflows.") + name,
        [&ports, function](Performance performance) { return function(ports, performance); });
}

}  // namespace stepmill::workflows
