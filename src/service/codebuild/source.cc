#include <filesystem>

#include "archive/archive.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "json/each.h"
#include "lang/buildspec/buildspec.h"
#include "lang/buildspec/cache.h"
#include "lang/buildspec/script.h"
#include "repo/repo.h"
#include "service/codebuild/build_machine.h"
#include "service/codebuild/cache.h"
#include "service/codebuild/files.h"
#include "service/codebuild/performers.h"
#include "service/codebuild/records.h"

namespace stepmill::codebuild {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kBuildspecBytesMax = 1 << 20;

Error ClientError(const std::string& message) { return {Code::kInvalid, "CLIENT_ERROR", message}; }

/// "arn:aws:s3:::bucket/key", "bucket/key" or "s3://bucket/key" -> bucket and key.
std::pair<std::string, std::string> ObjectOf(std::string text) {
  for (const std::string_view prefix : {"arn:aws:s3:::", "s3://"})
    if (text.starts_with(prefix)) text = text.substr(prefix.size());
  const size_t slash = text.find('/');
  if (slash == std::string::npos) return {text, ""};
  return {text.substr(0, slash), text.substr(slash + 1)};
}

/// One source staged: where it is on this machine, which version it is.
struct Staged {
  std::string resolved_version;
};

Task<Staged> StageZip(Asker asker, std::string bucket, std::string key, std::string folder,
                      std::string temporary) {
  const auto fetched = co_await FetchObject(asker, bucket, key, temporary);
  if (!fetched)
    co_return ClientError(fetched.error().name + ": " + fetched.error().message +
                          " for primary source s3://" + bucket + "/" + key);
  const Archive::Limits limits;
  const auto unpacked = co_await asker.ports.archive.Unpack(temporary, folder, limits);
  std::error_code ignored;  // a leftover in the temporary folder is taken away at the next start
  fs::remove(temporary, ignored);
  if (!unpacked)
    co_return ClientError(unpacked.error().message + " for s3://" + bucket + "/" + key);
  co_return Staged{};
}

Task<Staged> StageGit(Asker asker, Json source, std::string version, std::string folder) {
  const std::string name = RepositoryOf(source.StringOr("location", ""));
  const RepoId repo{asker.account, asker.region, name};
  const auto commit = co_await ResolveVersion(asker, repo, version);
  if (!commit)
    co_return ClientError("git: " + commit.error().message + " for primary source " +
                          source.StringOr("location", "") + " and source version " + version);
  // "If this value is 0, greater than 25, or not provided, then the full history is downloaded."
  int64_t depth = source.IntOr("gitCloneDepth", 0);
  if (depth > 25) depth = 0;
  std::error_code failed;  // what a first try left behind; the clone tells
  fs::remove_all(folder, failed);
  fs::create_directories(folder, failed);
  const auto cloned = co_await asker.ports.repos.Checkout(repo, *commit, depth,
                                                          source.StringOr("location", ""), folder);
  if (!cloned) co_return ClientError("git: " + cloned.error().message);
  co_return Staged{*commit};
}

bool IsGit(const Json& source) {
  const std::string type = source.StringOr("type", "");
  return type != "NO_SOURCE" && type != "CODEPIPELINE" && type != "S3";
}

Task<Staged> StageOne(Asker asker, Json source, std::string version, std::string folder,
                      std::string temporary) {
  std::error_code made;
  fs::create_directories(folder, made);
  if (made) co_return ClientError("cannot make " + folder + ": " + made.message());
  const std::string type = source.StringOr("type", "");
  const std::string location = source.StringOr("location", "");
  if (type == "NO_SOURCE") co_return Staged{};
  if (type == "CODEPIPELINE" || type == "S3") {
    const auto [bucket, key] =
        ObjectOf(type == "CODEPIPELINE" && location.empty() ? version : location);
    if (key.empty() || key.ends_with('/'))
      co_return ClientError("the source s3://" + bucket + "/" + key +
                            " is no object: an archive is expected");
    co_return co_await StageZip(asker, bucket, key, folder, temporary);
  }
  co_return co_await StageGit(asker, source, version, folder);
}

/// The text of the buildspec and where it stands.
struct SpecText {
  std::string text, location;
};

Task<SpecText> FindBuildspec(Asker asker, Json source, std::string host_folder,
                             std::string inner_folder) {
  std::string given = source.StringOr("buildspec", "");
  const bool is_inline = given.find('\n') != std::string::npos || given.starts_with("version") ||
                         Trim(given).starts_with("{");
  if (is_inline) co_return SpecText{given, "inline"};
  if (given.starts_with("arn:aws:s3:::")) {
    const auto [bucket, key] = ObjectOf(given);
    const std::string temporary = host_folder + ".buildspec";
    const auto fetched = co_await FetchObject(asker, bucket, key, temporary);
    if (!fetched) co_return ClientError(fetched.error().message + " for " + given);
    SpecText found{ReadHostFile(temporary), given};
    std::error_code ignored;
    fs::remove(temporary, ignored);
    co_return found;
  }
  if (given.empty()) given = "buildspec.yml";
  const std::string path = (fs::path(host_folder) / given).lexically_normal();
  const std::string shown = inner_folder + "/" + given;
  std::error_code failed;
  const bool is_inside = path.starts_with(host_folder + "/");
  const std::string real = is_inside ? fs::canonical(path, failed).string() : "";
  // A link in the source may not lead out of it.
  if (!is_inside || failed ||
      !real.starts_with(fs::canonical(host_folder, failed).string() + "/") ||
      !fs::is_regular_file(real, failed))
    co_return Error{Code::kInvalid, "YAML_FILE_ERROR",
                    "stat " + shown + ": no such file or directory"};
  if (fs::file_size(real, failed) > kBuildspecBytesMax)
    co_return Error{Code::kInvalid, "YAML_FILE_ERROR", shown + " is larger than 1 MiB"};
  co_return SpecText{ReadHostFile(real), shown};
}

bool IsShellName(std::string_view name) {
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0]))) return false;
  for (const char c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_') return false;
  return true;
}

/// A cache's key texts, each ended by a NUL.
constexpr char kKeysFile[] = "/codebuild/output/tmp/cache-keys";

/// Runs step 2: exports every variable and keeps the environment for the commands; expands the
/// cache's keys.
Task<> SetEnvironment(Asker asker, Json what, Json spec,
                      std::vector<std::pair<std::string, std::string>> variables) {
  const Json& build = what["build"];
  const std::string folder = SourceFolder(build, what["folder"]);
  buildspec::CommandScript script;
  script.state_folder = kStateFolder;
  // `sam` and `stepmill` are there in every image, behind what the image has itself; docker is
  // tried again when the engine restarts.
  script.command = "export PATH=\"/opt/stepmill/shims:$PATH:/opt/stepmill/bin\"";
  bool has_users = !spec.StringOr("runAs", "").empty();
  for (const auto& phase : MembersOf(spec["phases"]))
    has_users = has_users || !phase.value.StringOr("runAs", "").empty();
  if (has_users) script.command += "; chmod -R a+rwX " + std::string(kOutputFolder);
  if (IsRestored(build, spec) || IsSaved(build, spec)) {
    script.command += "\n{ :";
    for (const std::string& text : KeyTexts(spec["cache"]))
      script.command += "; printf '%s\\0' \"" + text + "\"";
    script.command += "; } >" + std::string(kKeysFile);
  }
  for (auto& variable : variables)
    if (IsShellName(variable.first)) script.overrides.push_back(std::move(variable));
  const std::string file = std::string(kStateFolder) + "/environment.sh";
  StepSpec step;
  step.sequence = 2;
  step.argv = {spec.StringOr("shell", "sh") == "bash" ? "bash" : "/bin/sh", file};
  step.working_dir = folder;
  step.files = {{file, buildspec::ScriptOf(script)}};
  const JobId job{JobIdOf(build)};
  MILL_CO_TRY(const StepResult result, co_await asker.ports.backend.RunStep(job, std::move(step)));
  if (result.exit_code != 0)
    co_return ClientError("the environment could not be set: exit status " +
                          std::to_string(result.exit_code));
  co_return Result<>();
}

/// Step 3 of builds with a cache: copies what was brought to its places. The spec, with its keys.
Task<Json> Restore(Asker asker, Json what, Json spec, std::vector<std::string>& lines) {
  const Json& build = what["build"];
  const JobId job{JobIdOf(build)};
  const std::string inner = SourceFolder(build, what["folder"]);
  MILL_CO_TRY(const std::string host, asker.ports.backend.HostPath(job, inner));
  MILL_CO_TRY(const std::string keys_file, asker.ports.backend.HostPath(job, kKeysFile));
  const std::string keys = ReadHostFile(keys_file);
  std::vector<std::string> expanded;
  for (const std::string_view key : Split(keys, '\0')) expanded.emplace_back(key);
  spec = spec.With("cache", WithExpandedKeys(spec["cache"], expanded, host));
  bool is_there = false;
  if (IsRestored(build, spec)) {
    MILL_CO_TRY(is_there, co_await FetchCache(asker, build, spec, lines));
  }
  const std::string file = std::string(kStateFolder) + "/cache.sh";
  const std::string script =
      buildspec::CacheRestoreScript(spec["cache"], kCacheIn, inner, kOutputFolder);
  StepSpec step;
  step.sequence = 3;
  step.argv = {"/bin/sh", file};
  step.working_dir = inner;
  step.files = {{file, is_there ? script : ":\n"}};
  MILL_CO_TRY(const StepResult result, co_await asker.ports.backend.RunStep(job, std::move(step)));
  if (result.exit_code != 0)
    lines.push_back("The cache was restored in part: exit status " +
                    std::to_string(result.exit_code));
  co_return spec;
}

}  // namespace

Task<std::string> ResolveVersion(Asker asker, RepoId repo, std::string version) {
  // refs/heads/b^{sha}: only the commit counts. pr/N: what the pull request proposes.
  if (const size_t brace = version.find("^{"); brace != std::string::npos)
    version = version.substr(brace + 2, version.find('}') - brace - 2);
  if (version.starts_with("pr/")) version = "refs/pull/" + version.substr(3) + "/head";
  if (version.empty()) version = "HEAD";
  co_return co_await asker.ports.repos.Resolve(repo, version);
}

Task<std::map<std::string, Secret>> SecretVariables(Asker asker, Json build, Json spec) {
  // The project's variables win over those of the buildspec.
  std::map<std::string, std::string> parameters, secrets;
  for (const auto& member : MembersOf(spec["parameterStore"]))
    parameters[member.name] = member.value.AsString();
  for (const auto& member : MembersOf(spec["secrets"]))
    secrets[member.name] = member.value.AsString();
  for (const Json& variable : ItemsOf(build["environment"]["environmentVariables"])) {
    const std::string name = variable.StringOr("name", "");
    const std::string type = variable.StringOr("type", "PLAINTEXT");
    parameters.erase(name);
    secrets.erase(name);
    if (type == "PARAMETER_STORE") parameters[name] = variable.StringOr("value", "");
    if (type == "SECRETS_MANAGER") secrets[name] = variable.StringOr("value", "");
  }
  std::map<std::string, Secret> out;
  std::vector<std::string> names;
  for (const auto& [name, parameter] : parameters) names.push_back(parameter);
  if (!names.empty()) {
    const auto values = co_await ReadParameters(asker, names);
    if (!values)
      co_return Error{Code::kInvalid, "Decrypted Variables Error", values.error().message};
    for (const auto& [name, parameter] : parameters) {
      const auto value = values->find(parameter);
      if (value == values->end())
        co_return Error{Code::kInvalid, "Decrypted Variables Error",
                        "parameter does not exist: " + parameter};
      out[name] = value->second;
    }
  }
  for (const auto& [name, reference] : secrets) {
    const auto value = co_await ReadSecret(asker, reference);
    if (!value)
      co_return Error{Code::kInvalid, "Secrets Manager Error Message",
                      value.error().name + ": " + value.error().message};
    out[name] = *value;
  }
  co_return out;
}

Task<Json> DownloadSource(Ports& ports, Json what) {
  const Json& build = what["build"];
  MILL_CO_TRY(const Asker asker, AskerOf(ports, build));
  const JobId job{JobIdOf(build)};
  MILL_CO_TRY(const std::string output_folder, ports.backend.HostPath(job, kOutputFolder));
  const std::string inner = SourceFolder(build, what["folder"]);
  const std::string host = output_folder + inner.substr(std::string(kOutputFolder).size());
  std::error_code made;
  fs::create_directories(output_folder + "/tmp", made);
  if (made) co_return ClientError("cannot make " + output_folder + "/tmp: " + made.message());
  const std::string temporary = ports.data_dir + "/tmp/" + job.value;

  // Builds of webhooks and retried ones know their commit: their branch may have moved since.
  std::string wanted = build.StringOr("sourceVersion", "");
  if (IsGit(build["source"])) wanted = build.StringOr("resolvedSourceVersion", wanted);
  MILL_CO_TRY(const Staged primary,
              co_await StageOne(asker, build["source"], wanted, host, temporary + ".zip"));
  std::vector<std::pair<std::string, std::string>> variables;
  for (const Json& source : ItemsOf(build["secondarySources"])) {
    const std::string id = source.StringOr("sourceIdentifier", "");
    std::string version;
    for (const Json& one : ItemsOf(build["secondarySourceVersions"]))
      if (one.StringOr("sourceIdentifier", "") == id) version = one.StringOr("sourceVersion", "");
    const std::string number = what["folder"].NumberText();
    const std::string relative = "/src" + number + "/" + id;
    MILL_CO_TRY(const Staged staged,
                co_await StageOne(asker, source, version, output_folder + relative,
                                  temporary + "." + id + ".zip"));
    variables.emplace_back("CODEBUILD_SRC_DIR_" + id, kOutputFolder + relative);
    variables.emplace_back("CODEBUILD_SOURCE_VERSION_" + id, version);
    if (!staged.resolved_version.empty())
      variables.emplace_back("CODEBUILD_RESOLVED_SOURCE_VERSION_" + id, staged.resolved_version);
  }

  MILL_CO_TRY(const SpecText text, co_await FindBuildspec(asker, build["source"], host, inner));
  MILL_CO_TRY(Json spec, buildspec::ParseOrError(text.text));
  MILL_CO_TRY(const auto secrets, co_await SecretVariables(asker, build, spec));
  std::map<std::string, std::string> plain;
  for (const auto& member : MembersOf(spec["variables"]))
    plain[member.name] = member.value.AsString();
  for (const Json& variable : ItemsOf(build["environment"]["environmentVariables"]))
    if (variable.StringOr("type", "PLAINTEXT") == "PLAINTEXT")
      plain[variable.StringOr("name", "")] = variable.StringOr("value", "");
  Json::Array lines = {"Phase is DOWNLOAD_SOURCE", "CODEBUILD_SRC_DIR=" + inner,
                       "YAML location is " + text.location, "Processing environment variables"};
  for (const auto& [name, value] : plain) {
    if (IsShellName(name))
      variables.emplace_back(name, value);
    else
      lines.push_back("The environment variable '" + name + "' is no name of a shell: left out");
  }
  // What stays hidden is set here and nowhere stored but in the sandbox.
  for (const auto& [name, value] : secrets)
    if (IsShellName(name)) variables.emplace_back(name, value.Reveal());
  if (!primary.resolved_version.empty())
    variables.emplace_back("CODEBUILD_RESOLVED_SOURCE_VERSION", primary.resolved_version);
  MILL_CO_CHECK(co_await SetEnvironment(asker, what, spec, std::move(variables)));
  const bool has_cache = IsRestored(build, spec) || IsSaved(build, spec);
  if (has_cache) {
    std::vector<std::string> said;
    MILL_CO_TRY(spec, co_await Restore(asker, what, spec, said));
    for (const std::string& line : said) lines.push_back(line);
  }

  if (spec["phases"]["INSTALL"]["runtimeVersions"].size() > 0)
    lines.push_back(
        "Skipping install of runtimes. Runtime version selection is not supported by "
        "this build image");
  lines.push_back("Moving to directory " + inner);
  lines.push_back("Phases found in YAML: " + std::to_string(spec["phases"].size()));
  for (const auto& phase : MembersOf(spec["phases"]))
    lines.push_back(" " + phase.name + ": " + std::to_string(phase.value["commands"].size()) +
                    " commands");
  Json::Object out{{"spec", spec}, {"lines", std::move(lines)}};
  if (has_cache) out.Set("sequence", 3);
  if (!primary.resolved_version.empty()) out.Set("resolvedSourceVersion", primary.resolved_version);
  co_return Json(std::move(out));
}

}  // namespace stepmill::codebuild
