#include "service/glue/definition.h"

#include <cmath>

#include "json/each.h"
#include "service/glue/errors.h"

namespace stepmill::glue {
namespace {

constexpr double kShellCapacity = 0.0625;  // of a data processing unit: 1 GB of memory
constexpr double kSparkCapacity = 10;
constexpr int64_t kTimeoutMinutes = 2880, kNewTimeoutMinutes = 480;  // from Glue 5.0
constexpr int64_t kTimeoutMinutesMax = 10'080;
constexpr int64_t kRetriesMax = 10;
constexpr int64_t kWorkersMax = 299;

/// Data processing units of one worker.
double UnitsOf(const std::string& worker) {
  if (worker == "G.025X") return 0.25;
  if (worker == "G.2X" || worker == "Z.2X") return 2;
  if (worker == "G.4X") return 4;
  if (worker == "G.8X") return 8;
  return 1;
}

bool IsShellCapacity(double capacity) { return capacity == kShellCapacity || capacity == 1; }

Result<> CheckArguments(const std::string& command, const Json& arguments) {
  for (const auto& argument : MembersOf(arguments)) {
    const std::string value = argument.value.is_string() ? argument.value.AsString() : "";
    if (argument.name == "--job-language" && value != "python" && value != "scala")
      return InvalidInput("--job-language must be python or scala, not '" + value + "'");
    if (argument.name == "--job-language" && value == "scala")
      return InvalidInput("--job-language scala is not available here");
    if (argument.name == "--job-bookmark-option" && value == "job-bookmark-enable" &&
        command == "glueetl")
      return InvalidInput("--job-bookmark-option job-bookmark-enable is not available here");
  }
  return {};
}

/// Capacity, workers and time of a definition or of a start.
Result<> CheckSize(bool is_shell, const Json& size) {
  const bool has_workers = size.Has("WorkerType") || size.Has("NumberOfWorkers");
  if (is_shell && has_workers)
    return InvalidInput("Worker Type is not supported for Job Command pythonshell");
  if (size.Has("WorkerType") != size.Has("NumberOfWorkers"))
    return InvalidInput("Please set both Worker Type and Number of Workers.");
  if (has_workers && size.Has("MaxCapacity"))
    return InvalidInput(
        "Please do not set Max Capacity if using Worker Type and Number of Workers.");
  if (size.Has("NumberOfWorkers")) {
    const int64_t count = size.IntOr("NumberOfWorkers", 0);
    if (count < 1 || count > kWorkersMax)
      return InvalidInput("Number of Workers must be between 1 and 299, not " +
                          std::to_string(count));
  }
  if (size["MaxCapacity"].is_number()) {
    const double capacity = size["MaxCapacity"].AsDouble();
    if (is_shell && !IsShellCapacity(capacity))
      return InvalidInput("Max Capacity of a pythonshell job must be 0.0625 or 1, not " +
                          size["MaxCapacity"].NumberText());
    if (!is_shell && (capacity < 2 || capacity != std::floor(capacity)))
      return InvalidInput("Max Capacity of a Spark job must be a whole number from 2, not " +
                          size["MaxCapacity"].NumberText());
  }
  const int64_t minutes = size.IntOr("Timeout", 1);
  if (minutes < 1 || minutes > kTimeoutMinutesMax)
    return InvalidInput("Timeout must be between 1 and 10080 minutes, not " +
                        std::to_string(minutes));
  if (!size.StringOr("SecurityConfiguration", "").empty())
    return InvalidInput("SecurityConfiguration is not available here");
  return {};
}

Result<> CheckCommand(const Json& command) {
  const std::string name = command.StringOr("Name", "");
  if (name == "gluestreaming" || name == "glueray")
    return InvalidInput("The job command " + name + " is not available here");
  if (name != "pythonshell" && name != "glueetl")
    return InvalidInput("Unknown job command '" + name +
                        "': must be pythonshell, glueetl, gluestreaming or glueray");
  const std::string version = command.StringOr("PythonVersion", "");
  if (version == "2") return InvalidInput("PythonVersion 2 is no longer supported");
  if (name == "glueetl" && version == "3.9")
    return InvalidInput("PythonVersion of a glueetl job must be 3, not 3.9");
  if (command.StringOr("ScriptLocation", "").empty())
    return InvalidInput("ScriptLocation of the job command is required");
  return {};
}

}  // namespace

Result<> CheckDefinition(const Json& definition) {
  const Json& command = definition["Command"];
  MILL_CHECK(CheckCommand(command));
  const bool is_shell = IsPythonShell(definition);
  MILL_CHECK(CheckSize(is_shell, definition));
  const int64_t retries = definition.IntOr("MaxRetries", 0);
  if (retries < 0 || retries > kRetriesMax)
    return InvalidInput("MaxRetries must be between 0 and 10, not " + std::to_string(retries));
  const int64_t runs = definition["ExecutionProperty"].IntOr("MaxConcurrentRuns", 1);
  if (runs < 1)
    return InvalidInput("MaxConcurrentRuns must be at least 1, not " + std::to_string(runs));
  if (definition["Connections"]["Connections"].size() > 0)
    return InvalidInput("Connections are not available here");
  const std::string name = command.StringOr("Name", "");
  MILL_CHECK(CheckArguments(name, definition["DefaultArguments"]));
  return CheckArguments(name, definition["NonOverridableArguments"]);
}

Json WithDefaults(const Json& definition) {
  Json job = definition;
  const bool is_shell = IsPythonShell(definition);
  const auto fill = [&](const char* name, const Json& value) {
    if (!job.Has(name)) job = job.With(name, value);
  };
  fill("JobMode", "SCRIPT");
  fill("MaxRetries", 0);
  fill("GlueVersion", "0.9");
  const bool is_new = job.StringOr("GlueVersion", "") >= "5" && !is_shell;
  fill("Timeout", is_new ? kNewTimeoutMinutes : kTimeoutMinutes);
  const Json once = Json::Object{{"MaxConcurrentRuns", 1}};
  if (!job["ExecutionProperty"].Has("MaxConcurrentRuns")) job = job.With("ExecutionProperty", once);
  if (is_shell && !job["Command"].Has("PythonVersion"))
    job = job.With("Command", job["Command"].With("PythonVersion", "3"));
  if (!job.Has("MaxCapacity")) {
    double capacity = is_shell ? kShellCapacity : kSparkCapacity;
    if (!is_shell && job.IntOr("AllocatedCapacity", 0) > 0)
      capacity = static_cast<double>(job.IntOr("AllocatedCapacity", 0));
    if (job.Has("WorkerType"))
      capacity = UnitsOf(job.StringOr("WorkerType", "")) *
                 static_cast<double>(job.IntOr("NumberOfWorkers", 1));
    job = job.With("MaxCapacity", capacity);
  }
  const auto whole = static_cast<int64_t>(job["MaxCapacity"].AsDouble());
  return job.With("AllocatedCapacity", is_shell ? int64_t{0} : whole);
}

Result<> CheckStart(const Json& job, const Json& input) {
  MILL_CHECK(CheckSize(IsPythonShell(job), input));
  if (input.Has("ExecutionRoleSessionPolicy"))
    return InvalidInput("ExecutionRoleSessionPolicy is not available here");
  return CheckArguments(job["Command"].StringOr("Name", ""), input["Arguments"]);
}

Json NewRun(const Json& job, const Json& input) {
  const bool is_shell = IsPythonShell(job);
  Json size = job;
  for (const char* name : {"WorkerType", "NumberOfWorkers", "MaxCapacity", "AllocatedCapacity"}) {
    if (!input.Has(name)) continue;
    // One way of saying it replaces the other.
    size = size.Without("MaxCapacity");
    if (name[0] == 'M' || name[0] == 'A')
      size = size.Without("WorkerType").Without("NumberOfWorkers");
  }
  for (const char* name : {"WorkerType", "NumberOfWorkers", "MaxCapacity", "AllocatedCapacity",
                           "Timeout", "NotificationProperty", "ExecutionClass"})
    if (input.Has(name)) size = size.With(name, input[name]);
  size = WithDefaults(size);
  Json::Object run{{"Attempt", 0},
                   {"JobName", job["Name"]},
                   {"JobMode", size["JobMode"]},
                   {"PredecessorRuns", Json::Array{}},
                   {"ExecutionTime", 0},
                   {"LogGroupName", is_shell ? "/aws-glue/python-jobs" : "/aws-glue/jobs"}};
  for (const char* name :
       {"AllocatedCapacity", "Timeout", "MaxCapacity", "WorkerType", "NumberOfWorkers",
        "NotificationProperty", "GlueVersion", "ExecutionClass"})
    run.SetIf(name, size.Find(name));
  run.SetIf("Arguments", input.Find("Arguments"));
  if (input.Has("JobRunQueuingEnabled"))
    run.Set("JobRunQueuingEnabled", input["JobRunQueuingEnabled"]);
  else
    run.SetIf("JobRunQueuingEnabled", job.Find("JobRunQueuingEnabled"));
  return Json(std::move(run));
}

Json EffectiveArguments(const Json& job, const Json& run) {
  Json arguments = Json::Object{};
  const Json layers[] = {job["DefaultArguments"], run["Arguments"], job["NonOverridableArguments"]};
  for (const Json& layer : layers)
    for (const auto& argument : MembersOf(layer))
      arguments = arguments.With(argument.name, argument.value);
  return arguments;
}

}  // namespace stepmill::glue
