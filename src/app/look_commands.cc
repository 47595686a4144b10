#include "app/look_commands.h"

#include <algorithm>
#include <cstdio>

#include "app/client.h"

namespace stepmill {
namespace {

constexpr Millis kFollow{500};  // between two looks of `logs -f`, as `aws logs tail` does
constexpr int kRows = 5;        // of each kind that `status` shows

struct Kind {
  const char* title;
  const char* signing_name;
  const char* target;
  const char* version;
  const char* list;  ///< member of the answer
  const char* name;  ///< members of an item
  const char* state;
  const char* when;
};

constexpr Kind kKinds[] = {
    {"workflow run", "workflows", "Workflows.ListWorkflowRuns", "1.1", "runs", "name", "status",
     "startedAt"},
    {"processing job", "sagemaker", "SageMaker.ListProcessingJobs", "1.1", "ProcessingJobSummaries",
     "ProcessingJobName", "ProcessingJobStatus", "CreationTime"},
};

std::string When(const Json& value) {
  return value.is_number() ? FormatTime(TimeFromSeconds(value.AsDouble()), "%Y-%m-%d %H:%M:%S")
                           : "";
}

void PrintRow(const char* kind, const std::string& name, const std::string& state,
              const std::string& when) {
  std::printf("%-16s %-44s %-14s %s\n", kind, name.c_str(), state.c_str(), when.c_str());
}

/// Why a job has not begun yet.
std::string Reason(const Json& item) {
  const std::string reason = item.StringOr("WaitReason", "");
  return reason.empty() ? "" : "  " + reason;
}

Task<> ShowKind(Client& client, const Kind& kind) {
  MILL_CO_TRY(const Json answer,
              co_await client.Ask(kind.signing_name, kind.target, kind.version, Json()));
  const Json& list = answer[kind.list];
  for (size_t i = 0; i < list.size() && i < kRows; ++i)
    PrintRow(kind.title, list.At(i).StringOr(kind.name, ""), list.At(i).StringOr(kind.state, ""),
             When(list.At(i)[kind.when]) + Reason(list.At(i)));
  co_return Result<>();
}

Task<> ShowPipelines(Client& client) {
  MILL_CO_TRY(
      const Json pipelines,
      co_await client.Ask("codepipeline", "CodePipeline_20150709.ListPipelines", "1.1", Json()));
  for (const Json& pipeline : pipelines["pipelines"].items()) {
    const std::string name = pipeline.StringOr("name", "");
    const Json input = Json::Object{{"pipelineName", name}, {"maxResults", kRows}};
    MILL_CO_TRY(const Json runs,
                co_await client.Ask("codepipeline", "CodePipeline_20150709.ListPipelineExecutions",
                                    "1.1", input));
    for (const Json& run : runs["pipelineExecutionSummaries"].items())
      PrintRow("pipeline run", name + " " + run.StringOr("pipelineExecutionId", "").substr(0, 8),
               run.StringOr("status", ""), When(run["startTime"]));
  }
  co_return Result<>();
}

Task<> ShowBuilds(Client& client) {
  MILL_CO_TRY(const Json listed,
              co_await client.Ask("codebuild", "CodeBuild_20161006.ListBuilds", "1.1", Json()));
  Json::Array ids;
  for (size_t i = 0; i < listed["ids"].size() && i < kRows; ++i) ids.push_back(listed["ids"].At(i));
  if (ids.empty()) co_return Result<>();
  const Json input = Json::Object{{"ids", std::move(ids)}};
  MILL_CO_TRY(const Json builds,
              co_await client.Ask("codebuild", "CodeBuild_20161006.BatchGetBuilds", "1.1", input));
  for (const Json& build : builds["builds"].items())
    PrintRow("build", build.StringOr("id", "").substr(0, 44), build.StringOr("buildStatus", ""),
             When(build["startTime"]));
  co_return Result<>();
}

Task<> ShowExecutions(Client& client) {
  MILL_CO_TRY(const Json machines,
              co_await client.Ask("states", "AWSStepFunctions.ListStateMachines", "1.0", Json()));
  for (const Json& machine : machines["stateMachines"].items()) {
    const Json input =
        Json::Object{{"stateMachineArn", machine["stateMachineArn"]}, {"maxResults", kRows}};
    MILL_CO_TRY(const Json executions,
                co_await client.Ask("states", "AWSStepFunctions.ListExecutions", "1.0", input));
    for (const Json& execution : executions["executions"].items())
      PrintRow("execution",
               machine.StringOr("name", "") + " " + execution.StringOr("name", "").substr(0, 8),
               execution.StringOr("status", ""), When(execution["startDate"]));
  }
  co_return Result<>();
}

Task<> Status(Client& client) {
  std::printf("%-16s %-44s %-14s %s\n", "what", "name", "status", "started (UTC)");
  for (const Kind& kind : kKinds) {
    MILL_CO_CHECK(co_await ShowKind(client, kind));
  }
  MILL_CO_CHECK(co_await ShowPipelines(client));
  MILL_CO_CHECK(co_await ShowBuilds(client));
  MILL_CO_CHECK(co_await ShowExecutions(client));
  co_return Result<>();
}

/// One look at the group: prints what came since `from_ms` and moves it on.
Task<bool> PrintLines(Client& client, const LookOptions& options, int64_t& from_ms,
                      std::vector<std::string>& last_ids) {
  bool is_any = false;
  Json token;
  do {
    Json::Object input{{"logGroupName", options.group}, {"startTime", from_ms}};
    if (!options.stream_prefix.empty()) input.Add("logStreamNamePrefix", options.stream_prefix);
    if (token.is_string()) input.Add("nextToken", token);
    MILL_CO_TRY(const Json page, co_await client.Ask("logs", "Logs_20140328.FilterLogEvents", "1.1",
                                                     Json(std::move(input))));
    for (const Json& event : page["events"].items()) {
      const int64_t at = event.IntOr("timestamp", 0);
      const std::string id = event.StringOr("eventId", "");
      if (at == from_ms && std::find(last_ids.begin(), last_ids.end(), id) != last_ids.end())
        continue;
      if (at > from_ms) last_ids.clear();
      from_ms = std::max(from_ms, at);
      last_ids.push_back(id);
      is_any = true;
      std::printf("%s %s %s\n", FormatIso(TimeFromMillis(at)).c_str(),
                  event.StringOr("logStreamName", "").c_str(),
                  event.StringOr("message", "").c_str());
    }
    token = page["nextToken"];
  } while (token.is_string());
  std::fflush(stdout);
  co_return is_any;
}

Task<> Logs(io::Loop& loop, Client& client, const LookOptions& options) {
  int64_t from_ms = 0;
  std::vector<std::string> last_ids;
  do {
    MILL_CO_TRY(const bool is_any, co_await PrintLines(client, options, from_ms, last_ids));
    if (options.is_following && !is_any) {
      const Time again = loop.clock().Now() + kFollow;
      MILL_CO_CHECK(co_await loop.clock().SleepUntil(again));
    }
  } while (options.is_following);
  co_return Result<>();
}

Task<> Finish(Task<> work, io::Loop& loop, int& exit_code) {
  const auto done = co_await std::move(work);
  if (!done) {
    std::fprintf(stderr, "stepmill: %s: %s\n", done.error().name.c_str(),
                 done.error().message.c_str());
    exit_code = 1;
  }
  loop.Stop();
  co_return Result<>();
}

int WithClient(const LookOptions& options, Task<> (*work)(io::Loop&, Client&, const LookOptions&)) {
  io::Loop loop(1);
  auto settings = FindClientSettings(loop, options.data_dir);
  if (!settings) {
    std::fprintf(stderr, "stepmill: %s\n", settings.error().message.c_str());
    return 1;
  }
  Client client(loop, *std::move(settings));
  int exit_code = 0;
  loop.spawner().Spawn("command", Finish(work(loop, client, options), loop, exit_code));
  loop.Run();
  return exit_code;
}

Task<> RunStatus(io::Loop&, Client& client, const LookOptions&) {
  co_return co_await Status(client);
}

}  // namespace

int StatusCommand(const LookOptions& options) { return WithClient(options, RunStatus); }
int LogsCommand(const LookOptions& options) { return WithClient(options, Logs); }

}  // namespace stepmill
