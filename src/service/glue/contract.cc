#include "service/glue/contract.h"

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/glue/definition.h"
#include "service/glue/errors.h"
#include "service/glue/runtime.h"

namespace stepmill::glue {
namespace {

constexpr char kRoot[] = "/tmp/glue";
constexpr char kScriptsFolder[] = "/tmp/glue-python-scripts";
constexpr int64_t kUnitMib = 16 * 1024;  // memory of a data processing unit
constexpr char kMark = '\x01';

std::string Below(const std::string& path) { return std::string(kRoot) + "/" + path; }

JobInput Text(const std::string& path, std::string text) {
  JobInput input;
  input.kind = JobInput::Kind::kText;
  input.path = Below(path);
  input.text = std::move(text);
  return input;
}
JobInput Folder(const std::string& path) {
  JobInput input;
  input.kind = JobInput::Kind::kFolder;
  input.path = path;
  return input;
}

std::vector<std::string> ListOf(const std::string& text) {
  std::vector<std::string> items;
  for (const std::string_view item : Split(text, ','))
    if (!Trim(item).empty()) items.emplace_back(Trim(item));
  return items;
}

std::string NameOf(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Result<Fetch> FetchOf(const std::string& uri, const std::string& what, const std::string& folder) {
  constexpr std::string_view kScheme = "s3://";
  const size_t slash = uri.find('/', kScheme.size());
  const bool is_object = uri.starts_with(kScheme) && slash != std::string::npos &&
                         slash > kScheme.size() && !uri.ends_with('/');
  if (!is_object) return InvalidInput(what + " must be s3://BUCKET/KEY, not '" + uri + "'");
  const std::string key = uri.substr(slash + 1);
  return Fetch{uri.substr(kScheme.size(), slash - kScheme.size()), key, folder + "/" + NameOf(key)};
}

std::string ScriptLocation(const Json& job, const Json& arguments) {
  return arguments.StringOr("--scriptLocation", job["Command"].StringOr("ScriptLocation", ""));
}

bool IsOfS3(const std::string& text) { return text.starts_with("s3://"); }

/// launch.py's orders.
Json LaunchOf(const Json& job, const Json& run, const std::string& account,
              const std::string& region) {
  const Json arguments = EffectiveArguments(job, run);
  Json::Array command, modules, archives, args;
  const std::string script = Below("script/" + NameOf(ScriptLocation(job, arguments)));
  if (IsPythonShell(job)) {
    command.push_back("python3");
  } else {
    command.push_back("spark-submit");
    // "spark.a=b --conf spark.c=d" in one argument.
    if (arguments.Has("--conf"))
      command.push_back(Json("--conf " + arguments.StringOr("--conf", "")));
  }
  int64_t number = 0;
  for (const std::string& file : ListOf(arguments.StringOr("--extra-py-files", "")))
    archives.push_back(Below("extra/" + std::to_string(number++) + "/" + NameOf(file)));
  for (const std::string& module : ListOf(arguments.StringOr("--additional-python-modules", "")))
    modules.push_back(IsOfS3(module)
                          ? Below("extra/" + std::to_string(number++) + "/" + NameOf(module))
                          : module);
  for (const std::string& argument : ScriptArguments(job, run, account, region))
    args.push_back(argument);
  return Json::Object{{"command", std::move(command)},
                      {"script", script},
                      {"args", std::move(args)},
                      {"modules", std::move(modules)},
                      {"installer", arguments.StringOr("--python-modules-installer-option", "")},
                      {"archives", std::move(archives)}};
}

}  // namespace

Result<std::vector<Fetch>> FilesOf(const Json& job, const Json& run) {
  const Json arguments = EffectiveArguments(job, run);
  std::vector<Fetch> files;
  MILL_TRY(const Fetch script,
           FetchOf(ScriptLocation(job, arguments), "ScriptLocation", Below("script")));
  files.push_back(script);
  int64_t number = 0;
  const auto extra = [&number] { return Below("extra/" + std::to_string(number++)); };
  for (const std::string& file : ListOf(arguments.StringOr("--extra-py-files", ""))) {
    MILL_TRY(const Fetch one, FetchOf(file, "--extra-py-files", extra()));
    files.push_back(one);
  }
  for (const std::string& module : ListOf(arguments.StringOr("--additional-python-modules", ""))) {
    if (!IsOfS3(module)) continue;
    MILL_TRY(const Fetch one, FetchOf(module, "--additional-python-modules", extra()));
    files.push_back(one);
  }
  for (const std::string& file : ListOf(arguments.StringOr("--extra-files", ""))) {
    MILL_TRY(const Fetch one, FetchOf(file, "--extra-files", kScriptsFolder));
    files.push_back(one);
  }
  return files;
}

std::string SandboxId(const std::string& account, const std::string& region,
                      const std::string& run_id) {
  constexpr size_t kDigits = 24;
  return "glue-" + Hex(Sha256(account + "/" + region + "/" + run_id)).substr(0, kDigits);
}

std::string RoleArn(const Json& job, const std::string& account) {
  const std::string role = job.StringOr("Role", "");
  return role.starts_with("arn:") ? role : "arn:aws:iam::" + account + ":role/" + role;
}

std::vector<std::string> ScriptArguments(const Json& job, const Json& run,
                                         const std::string& account, const std::string& region) {
  std::vector<std::string> words;
  const Json arguments = EffectiveArguments(job, run);
  for (const auto& argument : MembersOf(arguments)) {
    words.push_back(argument.name);
    words.push_back(argument.value.AsString());
  }
  const std::string name = job.StringOr("Name", "");
  const auto add = [&](const char* option, const std::string& value) {
    if (!arguments.Has(option)) words.insert(words.end(), {option, value});
  };
  if (!IsPythonShell(job)) add("--JOB_NAME", name);
  add("--JOB_ID", "j_" + Hex(Sha256(account + "/" + region + "/" + name)));
  add("--JOB_RUN_ID", run.StringOr("Id", ""));
  return words;
}

JobSpec SandboxOf(const Json& job, const Json& run, const std::string& account,
                  const std::string& region) {
  const bool is_shell = IsPythonShell(job);
  JobSpec spec;
  spec.id = JobId{SandboxId(account, region, run.StringOr("Id", ""))};
  if (is_shell)
    spec.image = "aws/glue/pythonshell:" + job["Command"].StringOr("PythonVersion", "3");
  else
    spec.image = "aws/glue/glueetl:" + run.StringOr("GlueVersion", "");
  spec.entrypoint = {{"python3", Below("launch.py")}};
  spec.working_dir = kScriptsFolder;
  spec.env = {{"PYTHONUNBUFFERED", "1"},
              {"GLUE_PYTHON_VERSION", job["Command"].StringOr("PythonVersion", "3")},
              {"GLUE_VERSION", run.StringOr("GlueVersion", "")}};
  for (const char* folder : {"", "/script", "/result", "/extra"})
    spec.inputs.push_back(Folder(kRoot + std::string(folder)));
  spec.inputs.push_back(Folder(kScriptsFolder));
  spec.inputs.push_back(Text("launch.py", kLaunch));
  spec.inputs.push_back(Text("run.json", LaunchOf(job, run, account, region).Print()));
  for (const RuntimeFile& file : AwsGlueFiles())
    spec.inputs.push_back(Text("lib/awsglue/" + std::string(file.name), std::string(file.text)));
  double units = run["MaxCapacity"].is_number() ? run["MaxCapacity"].AsDouble() : 1;
  if (!is_shell)
    units /= static_cast<double>(std::max<int64_t>(1, run.IntOr("NumberOfWorkers", 1)));
  // One container stands for all workers of a Spark job: it is as large as one of them.
  if (!is_shell && !run.Has("NumberOfWorkers")) units = 1;
  spec.memory_mib = static_cast<int64_t>(units * static_cast<double>(kUnitMib));
  spec.line = JobSpec::Line::kJobs;
  spec.network = JobSpec::Network::kOpen;
  spec.role_arn = RoleArn(job, account);
  spec.account = account;
  spec.region = region;
  return spec;
}

char MarkOf(const std::string& line) {
  return line.size() >= 2 && line[0] == kMark && line[1] == 'o' ? 'o' : 'e';
}
std::string WithoutMark(const std::string& line) {
  return line.size() >= 2 && line[0] == kMark ? line.substr(2) : line;
}

}  // namespace stepmill::glue
