#include "service/codebuild/performers.h"

#include <filesystem>
#include <memory>

#include "base/strings.h"
#include "compute/backend.h"
#include "json/each.h"
#include "lang/buildspec/script.h"
#include "lang/workflow/output.h"
#include "service/codebuild/build_machine.h"
#include "service/codebuild/records.h"
#include "service/sandbox_job.h"

namespace stepmill::codebuild {
namespace {

using Performance = Engine::Performance;

constexpr Seconds kGrace{2};  // of a build that is ended while a command runs

int64_t MemoryOf(const std::string& compute_type) {
  if (compute_type.ends_with("SMALL")) return 3 * 1024;
  if (compute_type.ends_with("MEDIUM")) return 7 * 1024;
  if (compute_type.ends_with("2XLARGE")) return 145 * 1024;
  if (compute_type.ends_with("XLARGE")) return 70 * 1024;
  if (compute_type.ends_with("LARGE")) return 15 * 1024;
  return 0;
}

std::map<std::string, std::string> BaseEnvironment(const Asker& asker, const Json& build,
                                                   const Json& folder) {
  const std::string id = build.StringOr("id", "");
  const Json& source = build["source"];
  const Time started = TimeFromSeconds(build["startTime"].AsDouble());
  std::map<std::string, std::string> env{
      {"AWS_DEFAULT_REGION", asker.region},
      {"AWS_REGION", asker.region},
      {"CI", "true"},
      {"CODEBUILD_CI", "true"},
      {"CODEBUILD_BUILD_ARN", build.StringOr("arn", "")},
      {"CODEBUILD_BUILD_ID", id},
      {"CODEBUILD_BUILD_IMAGE", build["environment"].StringOr("image", "")},
      {"CODEBUILD_BUILD_NUMBER", std::to_string(build.IntOr("buildNumber", 1))},
      {"CODEBUILD_BUILD_SUCCEEDING", "1"},
      {"CODEBUILD_INITIATOR", build.StringOr("initiator", "")},
      {"CODEBUILD_KMS_KEY_ID", build.StringOr("encryptionKey", "")},
      {"CODEBUILD_LOG_PATH", build["logs"].StringOr("streamName", "")},
      {"CODEBUILD_PROJECT_UUID", id.substr(id.rfind(':') + 1)},
      {"CODEBUILD_SOURCE_REPO_URL", source.StringOr("location", "")},
      {"CODEBUILD_SOURCE_VERSION", build.StringOr("sourceVersion", "")},
      {"CODEBUILD_SRC_DIR", SourceFolder(build, folder)},
      {"CODEBUILD_START_TIME", std::to_string(MillisSinceEpoch(started))},
      {"HOME", "/root"}};
  if (build.Has("resolvedSourceVersion"))
    env["CODEBUILD_RESOLVED_SOURCE_VERSION"] = build.StringOr("resolvedSourceVersion", "");
  if (build["own"].Has("batch"))
    env["CODEBUILD_BATCH_BUILD_IDENTIFIER"] = build["own"].StringOr("batch", "");
  for (const auto& member : MembersOf(build["own"]["webhook"]))
    env["CODEBUILD_WEBHOOK_" + member.name] = member.value.AsString();
  return env;
}

/// "$NAME" and "${NAME}" of the build's own variables; others stay as they stand.
std::string Expanded(const std::string& text, const std::map<std::string, std::string>& env) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool is_braced = text.compare(i, 2, "${") == 0;
    size_t end = i + (is_braced ? 2 : 1);
    const size_t start = end;
    while (end < text.size() &&
           (std::isalnum(static_cast<unsigned char>(text[end])) != 0 || text[end] == '_'))
      ++end;
    const auto known = text[i] == '$' ? env.find(text.substr(start, end - start)) : env.end();
    const bool is_closed = !is_braced || (end < text.size() && text[end] == '}');
    if (known == env.end() || !is_closed) {
      out += text[i];
      continue;
    }
    out += known->second;
    i = end - (is_braced ? 0 : 1);
  }
  return out;
}

/// The build's status on its commit.
Task<Json> PutStatus(Ports& ports, Json what, std::string effect_id) {
  const Json& build = what["build"];
  MILL_CO_TRY(Asker asker, AskerOf(ports, build));
  // Not as the build's role: the connection to the host is the service's own.
  asker.principal = ServicePrincipal("codebuild.amazonaws.com", asker.account);
  const auto env = BaseEnvironment(asker, build, what["folder"]);
  const std::string project = build.StringOr("projectName", "");
  const Json& config = build["source"]["buildStatusConfig"];
  const std::string context =
      config.StringOr("context", "AWS CodeBuild " + asker.region + " (" + project + ")");
  const std::string page = "https://" + asker.region +
                           ".console.aws.amazon.com/codesuite/codebuild/" + asker.account +
                           "/projects/" + project + "/build/" +
                           UrlEncode(build.StringOr("id", "")) + "/?region=" + asker.region;
  const Json input =
      Json::Object{{"repositoryName", RepositoryOf(build["source"].StringOr("location", ""))},
                   {"commitId", build["resolvedSourceVersion"]},
                   {"context", Expanded(context, env)},
                   {"state", what["state"]},
                   {"description", what["description"]},
                   {"targetUrl", Expanded(config.StringOr("targetUrl", page), env)}};
  const auto put = co_await AskService(asker, "codecommit", "PutCommitStatus", input, effect_id);
  // A repository or commit that is gone has nobody to be told.
  if (!put && put.error().code == Code::kUnavailable) co_return put.error();
  co_return Json::Object{};
}

/// The build's output, masked, to its log.
Task<Json> CopyLog(Ports& ports, Json what) {
  const Json& build = what["build"];
  MILL_CO_TRY(const Asker asker, AskerOf(ports, build));
  const LogTarget target = LogTargetOf(build);
  if (target.group.empty()) co_return Json::Object{};
  auto masker = std::make_shared<workflow::Masker>();
  MILL_CO_TRY(const auto secrets, co_await SecretVariables(asker, build, what["spec"]));
  for (const auto& [name, value] : secrets) masker->Add(value);
  LogPump pump;
  pump.id = JobIdOf(build);
  pump.job_id = JobIdOf(build);
  pump.line = [masker](const std::string& line) {
    return std::optional<std::string>(masker->Mask(line));
  };
  MILL_CO_CHECK(co_await RunLogPump(asker, target, std::move(pump)));
  co_return Json::Object{};
}

Task<Json> CloseJob(Ports& ports, Json what) {
  const JobId job{JobIdOf(what["build"])};
  MILL_CO_CHECK(co_await StopSandbox(ports, job, kGrace));
  co_return Json::Object{};
}

Task<Json> Finish(Ports& ports, Json what, std::string effect_id) {
  const Json& build = what["build"];
  MILL_CO_TRY(const Asker asker, AskerOf(ports, build));
  std::vector<std::string> lines;
  for (const Json& line : ItemsOf(what["lines"])) lines.push_back(line.AsString());
  const LogTarget target = LogTargetOf(build);
  const JobId job{JobIdOf(build)};
  MILL_CO_CHECK(co_await RemoveSandbox(asker, job, target, std::move(lines), effect_id));
  co_return Json::Object{};
}

// Performers are functions: each of these keeps the coroutine rules by taking its values.
Task<Json> PerformProvision(Ports& ports, Performance performance) {
  auto provisioned = co_await Provision(ports, performance.what);
  if (!provisioned) co_return FinalError(provisioned.error(), performance.attempt);
  co_return provisioned;
}
Task<Json> PerformSource(Ports& ports, Performance performance) {
  co_return co_await DownloadSource(ports, performance.what);
}
Task<Json> PerformStep(Ports& ports, Performance performance) {
  co_return co_await RunCommand(ports, performance.what);
}
Task<Json> PerformUpload(Ports& ports, Performance performance) {
  co_return co_await UploadArtifacts(ports, performance.what, performance.effect_id);
}
Task<Json> PerformLog(Ports& ports, Performance performance) {
  co_return co_await CopyLog(ports, performance.what);
}
Task<Json> PerformClose(Ports& ports, Performance performance) {
  co_return co_await CloseJob(ports, performance.what);
}
Task<Json> PerformBatchSpec(Ports& ports, Performance performance) {
  auto read = co_await ReadBatchSpec(ports, performance.what);
  if (!read) co_return FinalError(read.error(), performance.attempt);
  co_return read;
}
Task<Json> PerformStatus(Ports& ports, Performance performance) {
  co_return co_await PutStatus(ports, performance.what, performance.effect_id);
}
Task<Json> PerformFinish(Ports& ports, Performance performance) {
  co_return co_await Finish(ports, performance.what, performance.effect_id);
}

}  // namespace

Result<Asker> AskerOf(Ports& ports, const Json& build) {
  const auto parts = Split(build["arn"].AsString(), ':');
  const std::string region(parts[3]), account(parts[4]);
  const std::string id = build.StringOr("id", "");
  MILL_TRY(Principal principal, RolePrincipal(build.StringOr("serviceRole", ""),
                                              "AWSCodeBuild-" + id.substr(id.rfind(':') + 1)));
  return Asker{ports, std::move(principal), account, region};
}

LogTarget LogTargetOf(const Json& build) {
  return {build["logs"].StringOr("groupName", ""), build["logs"].StringOr("streamName", "")};
}

Task<Json> Provision(Ports& ports, Json what) {
  const Json& build = what["build"];
  MILL_CO_TRY(const Asker asker, AskerOf(ports, build));
  const Json& environment = build["environment"];
  JobSpec spec;
  spec.id = JobId{JobIdOf(build)};
  spec.image = environment.StringOr("image", "");
  spec.env = BaseEnvironment(asker, build, what["folder"]);
  JobInput folder;
  folder.kind = JobInput::Kind::kFolder;
  folder.path = kOutputFolder;
  spec.inputs.push_back(std::move(folder));
  spec.is_stepped = true;
  spec.has_docker = environment.BoolOr("privilegedMode", false);
  spec.network = JobSpec::Network::kOpen;
  spec.line = JobSpec::Line::kBuilds;
  spec.memory_mib = MemoryOf(environment.StringOr("computeType", ""));
  spec.role_arn = build.StringOr("serviceRole", "");
  spec.account = asker.account;
  spec.region = asker.region;
  MILL_CO_TRY(const int exit_code, co_await StartSandbox(ports, std::move(spec)));
  if (exit_code != 0)
    co_return Error{Code::kInvalid, "CLIENT_ERROR",
                    "the image " + environment.StringOr("image", "") +
                        " has no shell: exit status " + std::to_string(exit_code)};
  co_return Json::Object{};
}

Task<Json> RunCommand(Ports& ports, Json what) {
  const Json& build = what["build"];
  const std::string file = std::string(kStateFolder) + "/script.sh";
  std::string script;
  for (const Json& line : ItemsOf(what["lines"]))
    script += "printf '%s\\n' " + buildspec::ShellQuote(line.AsString()) + "\n";
  buildspec::CommandScript command;
  command.command = what.StringOr("command", "");
  command.state_folder = kStateFolder;
  command.is_isolated = what.BoolOr("isIsolated", false);
  command.overrides = {{"CODEBUILD_BUILD_SUCCEEDING", what.BoolOr("succeeding", true) ? "1" : "0"},
                       {"CODEBUILD_LAST_EXIT", std::to_string(what.IntOr("lastExit", 0))}};
  script += buildspec::ScriptOf(command);
  StepSpec step;
  step.sequence = what.IntOr("sequence", 0);
  const std::string shell = what.StringOr("shell", "sh") == "bash" ? "bash" : "/bin/sh";
  const std::string user = what.StringOr("runAs", "");
  if (user.empty() || user == "root")
    step.argv = {shell, file};
  else  // the state is the user's to write
    step.argv = {"/bin/sh", "-c",
                 "chmod a+rwx " + std::string(kOutputFolder) + " && chmod -R a+rwX " +
                     std::string(kStateFolder) + " && exec su -m -s /bin/sh " +
                     buildspec::ShellQuote(user) + " -c 'exec " + shell + " " + file + "'"};
  step.working_dir = SourceFolder(build, what["folder"]);
  step.files = {{file, std::move(script)}};
  const JobId job{JobIdOf(build)};
  MILL_CO_TRY(const StepResult result, co_await ports.backend.RunStep(job, std::move(step)));
  co_return Json::Object{{"exit", result.exit_code}, {"command", what["command"]}};
}

void AddPerformers(Ports& ports) {
  const std::pair<const char*, Task<Json> (*)(Ports&, Performance)> kAll[] = {
      {"provision", PerformProvision}, {"source", PerformSource}, {"step", PerformStep},
      {"upload", PerformUpload},       {"log", PerformLog},       {"close", PerformClose},
      {"finish", PerformFinish},       {"status", PerformStatus}, {"batch-spec", PerformBatchSpec}};
  for (const auto& [name, function] : kAll)
    ports.engine.AddPerformer(
        std::string("codebuild.") + name,
        [&ports, function](Performance performance) { return function(ports, performance); });
}

}  // namespace stepmill::codebuild
