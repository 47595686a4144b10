#include "service/container_host.h"

#include "base/digest.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/log_pump.h"
#include "service/performer.h"
#include "service/sandbox_job.h"

namespace stepmill {
namespace {

using Performance = Engine::Performance;

std::vector<std::string> TextsOf(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : ItemsOf(list)) out.push_back(item.AsString());
  return out;
}

JobId IdOf(const Json& what) { return JobId{what["plan"].StringOr("id", "")}; }

JobSpec SpecOf(const Json& plan) {
  JobSpec spec;
  spec.id = JobId{plan.StringOr("id", "")};
  spec.image = plan.StringOr("image", "");
  if (plan.Has("entrypoint")) spec.entrypoint = TextsOf(plan["entrypoint"]);
  spec.arguments = TextsOf(plan["command"]);
  for (const Json::Member& member : MembersOf(plan["env"]))
    spec.env[member.name] = member.value.AsString();
  spec.working_dir = plan.StringOr("workingDir", "");
  spec.memory_mib = plan.IntOr("memoryMib", 0);
  if (plan["cpus"].is_number()) spec.cpus = plan["cpus"].AsDouble();
  spec.role_arn = plan.StringOr("roleArn", "");
  spec.account = plan.StringOr("account", "");
  spec.region = plan.StringOr("region", "");
  spec.group = plan.StringOr("group", "");
  spec.host_name = plan.StringOr("hostName", "");
  return spec;
}

Task<Json> RunContainer(Ports& ports, Performance performance) {
  const Result<> started = co_await ports.backend.Start(SpecOf(performance.what["plan"]));
  if (started) co_return Json::Object{};
  const Error error = FinalError(started.error(), performance.attempt);
  if (error.code == Code::kUnavailable) co_return error;
  co_return Json::Object{{"failure", error.message}};
}

Task<Json> CopyLog(Ports& ports, Performance performance) {
  const Json& plan = performance.what["plan"];
  if (!plan.Has("logGroup")) co_return Json::Object{};
  const std::string account = plan.StringOr("account", "");
  const Asker asker{ports, ServicePrincipal(plan.StringOr("service", ""), account), account,
                    plan.StringOr("region", "")};
  LogPump pump;
  pump.id = plan.StringOr("id", "");
  pump.job_id = pump.id;
  pump.line = [](const std::string& line) { return std::optional<std::string>(line); };
  const LogTarget target{plan.StringOr("logGroup", ""), plan.StringOr("logStream", "")};
  MILL_CO_CHECK(co_await RunLogPump(asker, target, std::move(pump)));
  co_return Json::Object{};
}

Task<Json> WaitForEnd(Ports& ports, Performance performance) {
  MILL_CO_TRY(const JobResult result, co_await ports.backend.Wait(IdOf(performance.what)));
  Json::Object out{{"exitCode", result.exit_code}};
  if (!result.start_error.empty()) out.Set("failure", result.start_error);
  if (result.is_out_of_memory) out.Set("isOutOfMemory", true);
  co_return Json(std::move(out));
}

Task<Json> StopContainer(Ports& ports, Performance performance) {
  const std::chrono::seconds grace(performance.what["plan"].IntOr("grace", 30));
  MILL_CO_CHECK(co_await StopSandbox(ports, IdOf(performance.what), grace));
  co_return Json::Object{};
}

Task<Json> CleanUp(Ports& ports, Performance performance) {
  const Json& plan = performance.what["plan"];
  MILL_CO_CHECK(co_await RemoveJob(ports, IdOf(performance.what)));
  const Asker asker{ports, Principal{}, plan.StringOr("account", ""), plan.StringOr("region", "")};
  Batch batch;
  ForgetLogPump(asker, plan.StringOr("id", ""), batch);
  MILL_CO_CHECK(co_await ports.store.Commit(std::move(batch)));
  co_return Json::Object{};
}

}  // namespace

void AddContainerPerformers(Ports& ports, const std::string& name) {
  const std::string run = name + ".run", log = name + ".log", end = name + ".end",
                    stop = name + ".stop", clean = name + ".clean";
  RegisterPerformers(ports, {{run.c_str(), RunContainer},
                             {log.c_str(), CopyLog},
                             {end.c_str(), WaitForEnd},
                             {stop.c_str(), StopContainer},
                             {clean.c_str(), CleanUp}});
}

std::string ContainerIdOf(const std::string& kind, const std::string& name) {
  return kind + "-" + Hex(Sha256(name)).substr(0, 40);
}

}  // namespace stepmill
