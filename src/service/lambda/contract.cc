#include "service/lambda/contract.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "base/strings.h"
#include "json/each.h"
#include "service/lambda/configuration.h"
#include "service/lambda/records.h"
#include "service/lambda/runtime.h"

namespace stepmill::lambda {

namespace {

constexpr char kTask[] = "/var/task";
constexpr char kRuntime[] = "/var/runtime";
constexpr char kSandbox[] = "/opt/stepmill/bin/stepmill-sandbox";
constexpr char kRuntimeApi[] = "127.0.0.1:4566";  // the relay inside (sandbox/relay.h)
constexpr char kBootstrap[] = "/var/task/bootstrap";
constexpr char kEitherBootstrap[] =
    "[ -e /var/task/bootstrap ] && exec /var/task/bootstrap; exec /opt/bootstrap";

JobInput Text(const std::string& path, std::string text, bool is_read_only) {
  JobInput input;
  input.kind = JobInput::Kind::kText;
  input.path = path;
  input.text = std::move(text);
  input.is_read_only = is_read_only;
  return input;
}

/// "python3.12" -> "public.ecr.aws/lambda/python:3.12": AWS's own names of its base images.
std::string BaseImage(const std::string& runtime) {
  const std::string root = "public.ecr.aws/lambda/";
  if (runtime.starts_with("python")) return root + "python:" + runtime.substr(6);
  if (runtime.starts_with("nodejs"))
    return root + "nodejs:" + std::string(Split(runtime.substr(6), '.')[0]);
  return root + ReplaceAll(runtime, ".", ":");
}

std::map<std::string, std::string> Variables(const EnvironmentPlan& plan) {
  const Json& config = plan.config;
  std::map<std::string, std::string> env;
  for (const auto& variable : MembersOf(config["Environment"]["Variables"]))
    env[variable.name] = variable.value.AsString();
  const std::string runtime = config.StringOr("Runtime", "");
  // What a user may set for himself stays as he set it.
  for (const auto& [name, value] :
       {std::pair("LANG", "C.UTF-8"), std::pair("TZ", ":UTC"),
        std::pair("PATH", "/var/lang/bin:/usr/local/bin:/usr/bin:/bin:/opt/bin"),
        std::pair("LD_LIBRARY_PATH",
                  "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:"
                  "/var/runtime/lib:/var/task:/var/task/lib:/opt/lib")})
    if (KindOfRuntime(config) != RuntimeKind::kImage) env.emplace(name, value);
  if (runtime.starts_with("nodejs"))
    env.emplace("NODE_PATH", "/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime");
  if (!runtime.empty()) env["AWS_EXECUTION_ENV"] = "AWS_Lambda_" + runtime;
  if (config.Has("Handler")) env["_HANDLER"] = config.StringOr("Handler", "");
  env["AWS_LAMBDA_RUNTIME_API"] = kRuntimeApi;
  env["AWS_LAMBDA_FUNCTION_NAME"] = config.StringOr("FunctionName", "");
  env["AWS_LAMBDA_FUNCTION_VERSION"] = plan.version;
  env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] = std::to_string(config.IntOr("MemorySize", 128));
  env["AWS_LAMBDA_INITIALIZATION_TYPE"] = "on-demand";
  env["AWS_LAMBDA_LOG_GROUP_NAME"] = config["LoggingConfig"].StringOr("LogGroup", "");
  env["AWS_LAMBDA_LOG_STREAM_NAME"] = plan.log_stream;
  env["LAMBDA_TASK_ROOT"] = kTask;
  env["LAMBDA_RUNTIME_DIR"] = kRuntime;
  env["AWS_REGION"] = plan.region;
  env["AWS_DEFAULT_REGION"] = plan.region;
  env["AWS_ACCESS_KEY_ID"] = plan.access_key_id;
  env["AWS_SECRET_ACCESS_KEY"] = plan.secret_access_key;
  env["AWS_SESSION_TOKEN"] = plan.session_token;
  return env;
}

void SetImage(const EnvironmentPlan& plan, JobSpec& spec) {
  const Json& image = plan.config["ImageConfigResponse"]["ImageConfig"];
  spec.image = plan.code.StringOr("resolved", "");
  for (const Json& word : ItemsOf(image["Command"])) spec.arguments.push_back(word.AsString());
  spec.working_dir = image.StringOr("WorkingDirectory", "");
  if (image["EntryPoint"].size() == 0) return;
  spec.entrypoint.emplace();
  for (const Json& word : ItemsOf(image["EntryPoint"])) spec.entrypoint->push_back(word.AsString());
}

/// Layers lie over one another below /opt, the later ones on top.
void AddLayers(const EnvironmentPlan& plan, JobSpec& spec) {
  const Json::Array layers = ItemsOf(plan.code["layers"]);
  for (const Json& blob : layers) {
    JobInput layer;
    layer.kind = JobInput::Kind::kBlobArchive;
    layer.blob = BlobId{blob.AsString()};
    layer.path = "/opt";
    layer.is_read_only = true;
    spec.inputs.push_back(std::move(layer));
  }
  if (layers.empty()) return;
  // The place of the product's own folder, which is mounted into what cannot be written to.
  JobInput place;
  place.kind = JobInput::Kind::kFolder;
  place.path = "/opt/stepmill";
  place.is_read_only = true;
  spec.inputs.push_back(std::move(place));
}

void SetPackage(const EnvironmentPlan& plan, JobSpec& spec) {
  spec.image = BaseImage(plan.config.StringOr("Runtime", ""));
  spec.working_dir = kTask;
  JobInput code;
  code.kind = JobInput::Kind::kBlobArchive;
  code.blob = BlobId{plan.code.StringOr("blob", "")};
  code.path = kTask;
  code.is_read_only = true;
  spec.inputs.push_back(std::move(code));
  AddLayers(plan, spec);
  spec.inputs.push_back(Text(kLogFile, "", false));
  spec.entrypoint = std::vector<std::string>{kSandbox, "write-to", kLogFile};
  const std::string folder = kRuntime;
  switch (KindOfRuntime(plan.config)) {
    case RuntimeKind::kPython:
      spec.inputs.push_back(Text(folder + "/bootstrap.py", kPythonRuntime, true));
      spec.entrypoint->insert(spec.entrypoint->end(), {"python3", "-u", folder + "/bootstrap.py"});
      break;
    case RuntimeKind::kNode:
      spec.inputs.push_back(Text(folder + "/index.js", kNodeRuntime, true));
      spec.entrypoint->insert(spec.entrypoint->end(), {"node", folder + "/index.js"});
      break;
    case RuntimeKind::kProvided:
    case RuntimeKind::kImage:  // not here: SetImage
      if (plan.code["layers"].size() > 0)
        spec.entrypoint->insert(spec.entrypoint->end(), {"/bin/sh", "-c", kEitherBootstrap});
      else
        spec.entrypoint->push_back(kBootstrap);
      break;
  }
}

std::string SignalName(int number) {
  switch (number) {
    case 4: return "illegal instruction";
    case 6: return "aborted";
    case 7: return "bus error";
    case 8: return "floating point exception";
    case 9: return "killed";
    case 11: return "segmentation fault";
    case 15: return "terminated";
    default: return "signal " + std::to_string(number);
  }
}

std::string FailureText(const std::string& type, const std::string& request_id,
                        const std::string& what) {
  return Json(Json::Object{{"errorType", type},
                           {"errorMessage", "RequestId: " + request_id + " Error: " + what}})
      .Print();
}

}  // namespace

JobSpec EnvironmentSpec(const EnvironmentPlan& plan) {
  JobSpec spec;
  spec.id = JobId{plan.job_id};
  spec.account = plan.account;
  spec.region = plan.region;
  spec.role_arn = plan.config.StringOr("Role", "");
  spec.network = JobSpec::Network::kOpen;
  spec.memory_mib = plan.config.IntOr("MemorySize", 128);
  spec.has_read_only_root = true;
  spec.env = Variables(plan);
  if (KindOfRuntime(plan.config) == RuntimeKind::kImage)
    SetImage(plan, spec);
  else
    SetPackage(plan, spec);
  JobInput temporary;
  temporary.kind = JobInput::Kind::kFolder;
  temporary.path = "/tmp";
  spec.inputs.push_back(std::move(temporary));
  return spec;
}

bool HasLogFile(const Json& config) { return KindOfRuntime(config) != RuntimeKind::kImage; }

std::string TimeoutWords(int64_t timeout_seconds) {
  return "Task timed out after " + std::to_string(timeout_seconds) + ".00 seconds";
}

std::string TimedOutText(const std::string& request_id, int64_t timeout_seconds) {
  return FailureText("Sandbox.Timedout", request_id, TimeoutWords(timeout_seconds));
}

std::string ExitText(const Json& config, const std::string& request_id, const JobResult& end,
                     bool was_ready, const std::string& log) {
  constexpr int kCannotRun = 127, kSignals = 128;
  if (end.is_out_of_memory)
    return FailureText("Runtime.OutOfMemory", request_id,
                       "Runtime exited with error: signal: killed");
  const bool is_custom = KindOfRuntime(config) == RuntimeKind::kProvided;
  if (is_custom && !was_ready && end.exit_code == kCannotRun) {
    const std::string start = std::string(kBootstrap) + ": ";
    std::string what = "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]";
    for (const char* reason : {"Permission denied", "Exec format error"})
      if (log.find(start + reason) != std::string::npos)
        what = "fork/exec " + start + ToLower(reason);
    return FailureText("Runtime.InvalidEntrypoint", request_id, what);
  }
  if (end.exit_code == 0)
    return FailureText("Runtime.ExitError", request_id,
                       "Runtime exited without providing a reason");
  const std::string how = end.exit_code > kSignals
                              ? "signal: " + SignalName(end.exit_code - kSignals)
                              : "exit status " + std::to_string(end.exit_code);
  return FailureText("Runtime.ExitError", request_id, "Runtime exited with error: " + how);
}

std::string ReportLine(const Report& report) {
  const auto millis = [](double value) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f ms", value);
    return std::string(text);
  };
  const auto billed =
      std::max<int64_t>(1, static_cast<int64_t>(std::ceil(report.duration_ms + report.init_ms)));
  std::string line = "REPORT RequestId: " + report.request_id +
                     "\tDuration: " + millis(report.duration_ms) +
                     "\tBilled Duration: " + std::to_string(billed) +
                     " ms\tMemory Size: " + std::to_string(report.memory_mib) + " MB\t";
  if (report.used_mib > 0) line += "Max Memory Used: " + std::to_string(report.used_mib) + " MB\t";
  if (report.init_ms > 0) line += "Init Duration: " + millis(report.init_ms) + "\t";
  if (!report.status.empty()) line += "Status: " + report.status + "\t";
  return line;
}

std::string LogStreamName(Time now, const std::string& version, const std::string& unique) {
  return FormatTime(now, "%Y/%m/%d/") + "[" + version + "]" + ReplaceAll(unique, "-", "");
}

}  // namespace stepmill::lambda
