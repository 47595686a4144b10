// `on: schedule` of the workflow files on the default branch. One instance waits for the
// repository's next firing; FireSchedule starts what is due on the branch's newest commit and sets
// up the next. Firings that were missed while the server was away are not made up for.
#include "base/strings.h"
#include "engine/engine.h"
#include "gate/door.h"
#include "json/each.h"
#include "lang/cron/cron.h"
#include "lang/workflow/workflow.h"
#include "repo/repo.h"
#include "service/ports.h"
#include "service/workflows/records.h"
#include "service/workflows/run_machine.h"

namespace stepmill::workflows {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;
constexpr Seconds kFireAgain{60};

Key ScheduleKey(const Call& call, const std::string& repository) {
  return call.KeyFor({"workflows", "schedule", repository});
}

std::optional<Time> NextOf(const std::string& text, Time after) {
  const auto schedules = cron::ParsePosix(text);
  std::optional<Time> first;
  if (!schedules) return first;  // a file may say anything: it is shown when the workflow runs
  for (const cron::Schedule& schedule : *schedules) {
    const auto next = cron::Next(schedule, after, after);
    if (next && (!first || *next < *first)) first = next;
  }
  return first;
}

/// Puts an instance in place that waits for the next firing, and ends the one before.
void Arm(Call& call, const std::string& repository, const std::optional<Document>& before,
         const Json::Array& entries, Time after) {
  const Key key = ScheduleKey(call, repository);
  if (before)
    call.ports.engine.Post(call.batch, before->body.StringOr("tick", ""), "stop", Json::Object{});
  std::optional<Time> first;
  for (const Json& entry : entries) {
    const auto next = NextOf(entry.StringOr("cron", ""), after);
    if (next && (!first || *next < *first)) first = next;
  }
  if (!first) {
    if (!before) return;
    call.batch.expects.push_back({key, before->version});
    return call.batch.Delete(key);
  }
  const std::string tick = "workflows-tick/" + call.ports.random.NewUuid();
  const Json body = Json::Object{{"tick", tick}, {"entries", entries}};
  if (before)
    call.batch.Replace(*before, body);
  else
    call.batch.Create(key, body);
  call.ports.engine.Start(call.batch, tick, kTickMachine,
                          Json::Object{{"at", MillisSinceEpoch(*first)},
                                       {"repositoryName", repository},
                                       {"account", call.account},
                                       {"region", call.region}});
}

struct File {
  std::string path, text;
};

/// The workflow files of a commit.
Task<std::vector<File>> FilesOf(Call& call, std::string repository, std::string commit) {
  const RepoId repo{call.account, call.region, repository};
  MILL_CO_TRY(const std::vector<std::string> names,
              co_await call.ports.repos.ListFiles(repo, commit, ".github/workflows"));
  std::vector<File> files;
  for (std::string path : names) {
    if (!path.starts_with(".github/")) path = ".github/workflows/" + path;
    if (!path.ends_with(".yml") && !path.ends_with(".yaml")) continue;
    MILL_CO_TRY(std::string text,
                co_await call.ports.repos.ReadFile(repo, commit, path, kFileBytesMax));
    files.push_back({std::move(path), std::move(text)});
  }
  co_return files;
}

Json::Array EntriesOf(const std::vector<File>& files) {
  Json::Array entries;
  for (const File& file : files) {
    const workflow::Parsed parsed = workflow::Parse(file.text);
    const Json schedules = parsed.workflow["on"]["schedule"];
    for (const Json& schedule : ItemsOf(schedules))
      entries.push_back(Json::Object{{"path", file.path}, {"cron", schedule.StringOr("cron", "")}});
  }
  return entries;
}

}  // namespace

Task<> FollowSchedules(Call& call, std::string repository, std::string commit) {
  MILL_CO_TRY(const std::vector<File> files, co_await FilesOf(call, repository, commit));
  const Json::Array entries = EntriesOf(files);
  MILL_CO_TRY(const auto before, co_await call.ports.store.Get(ScheduleKey(call, repository)));
  if (!before && entries.empty()) co_return Result<>();
  if (before && before->body["entries"] == Json(entries)) co_return Result<>();
  Arm(call, repository, before, entries, call.now);
  co_return Result<>();
}

/// {"repositoryName", "tick", "at"}
Task<Json> FireSchedule(Call& call) {
  const std::string repository = call.input.StringOr("repositoryName", "");
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(ScheduleKey(call, repository)));
  if (!known || known->body["tick"] != call.input["tick"]) co_return Json::Object{};  // replaced
  const Time at = TimeFromMillis(call.input.IntOr("at", 0));
  const RepoId repo{call.account, call.region, repository};
  const auto commit = co_await call.ports.repos.Resolve(repo, "HEAD");
  Json::Array started;
  if (commit) {
    MILL_CO_TRY(const std::vector<File> files, co_await FilesOf(call, repository, *commit));
    const Json entries = known->body["entries"];
    for (const Json& entry : ItemsOf(entries)) {
      const std::string text = entry.StringOr("cron", "");
      if (NextOf(text, at - Millis(1)) != std::optional<Time>(at)) continue;
      for (const File& file : files) {
        if (file.path != entry.StringOr("path", "")) continue;
        Cause cause;
        cause.event = "schedule";
        cause.repository = repository;
        cause.ref = "HEAD";
        cause.commit = cause.status_commit = *commit;
        cause.actor = "stepmill";
        cause.title = file.path;
        cause.payload = Json::Object{{"schedule", text},
                                     {"workflow", file.path},
                                     {"repository", Json::Object{{"name", repository}}}};
        MILL_CO_TRY(const Json run, co_await StartRun(call, cause, file.path, file.text));
        started.push_back(run["runId"]);
      }
    }
  }
  Arm(call, repository, known, known->body["entries"].items(), std::max(at, call.now));
  co_return Json::Object{{"runs", std::move(started)}};
}

Step AdvanceTick(const std::string& instance_id, const Json& state, const Event& event) {
  Step step;
  step.state = state;
  if (event.kind == "start") {
    step.state = event.data.With("attempt", 1);
    step.turn.timers.push_back({"tick", TimeFromMillis(event.data.IntOr("at", 0))});
  } else if (event.kind == "timer") {
    const Json input = Json::Object{
        {"repositoryName", state["repositoryName"]}, {"tick", instance_id}, {"at", state["at"]}};
    const std::string account = state.StringOr("account", "");
    step.turn.effects.push_back(
        {"fire-" + std::to_string(state.IntOr("attempt", 1)), "door",
         DoorCall("workflows", "FireSchedule", input, ServicePrincipal(kHost, account), account,
                  state.StringOr("region", ""), true)});
  } else if (event.kind == "effect" && event.data.Has("error")) {
    // A schedule does not end because one firing failed.
    step.state = state.With("attempt", state.IntOr("attempt", 1) + 1);
    step.turn.timers.push_back({"tick", event.at + kFireAgain});
  } else {
    step.turn.is_finished = true;  // it has fired, or "stop"
  }
  return step;
}

}  // namespace stepmill::workflows
