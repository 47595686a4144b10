#include "service/sagemaker/job_host.h"

#include <algorithm>

#include "base/digest.h"
#include "base/strings.h"
#include "blob/blob_store.h"
#include "json/each.h"
#include "service/sagemaker/instance_types.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/training_metrics.h"
#include "service/sandbox_job.h"

namespace stepmill::sagemaker {

Result<JobHost> HostOf(Ports& ports, const Json& what, const JobKind& kind) {
  const Json& job = what["job"];
  const std::string role = what["model"].StringOr("ExecutionRoleArn", job.StringOr("RoleArn", ""));
  MILL_TRY(const Principal principal, RolePrincipal(role, "SageMaker"));
  const auto index = static_cast<int>(what.IntOr("host", 0));
  return JobHost{Asker{ports, principal, what.StringOr("account", ""), what.StringOr("region", "")},
                 job, index, HostId(kind, job, index)};
}

JobId HostId(const JobKind& kind, const Json& job, int index) {
  constexpr size_t kDigits = 24;
  const std::string digest = Hex(Sha256(job.StringOr(kind.Member("JobArn"), "")));
  return JobId{ToLower(kind.word) + "-" + digest.substr(0, kDigits) + "-" +
               std::to_string(index + 1)};
}

Json Failure(const std::string& text) { return Json::Object{{"failure", text}}; }

Task<Json> StartHost(JobHost host, JobSpec spec, StageFunction stage, std::string words) {
  Ports& ports = host.asker.ports;
  MILL_CO_TRY(const std::vector<JobId> jobs, co_await ports.backend.List());
  std::vector<BlobId> blobs;
  Result<> result;
  if (std::find(jobs.begin(), jobs.end(), host.id) != jobs.end()) {
    spec.inputs.clear();
  } else {
    spec.line = JobSpec::Line::kJobs;
    result = co_await ports.backend.AwaitRoom(spec);
    if (result) result = co_await stage(host, spec, blobs);
  }
  if (result) result = co_await ports.backend.Start(spec);
  for (const BlobId& blob : blobs) MILL_CO_CHECK(co_await ports.blobs.Remove(blob));
  if (result) co_return Json(Json::Object{});
  if (IsPassing(result.error())) co_return result.error();
  co_return Failure(words + result.error().message);
}

Task<Json> StopHost(JobHost host, std::chrono::seconds grace) {
  MILL_CO_CHECK(co_await StopSandbox(host.asker.ports, host.id, grace));
  co_return Json::Object{};
}

Task<> RemoveHost(Asker asker, JobId id, Batch& batch) {
  MILL_CO_CHECK(co_await RemoveJob(asker.ports, id));
  ForgetLogPump(asker, id.value, batch);
  co_return Result<>();
}

LogPump PlainPump(const JobId& id) {
  LogPump pump;
  pump.id = id.value;
  pump.job_id = id.value;
  pump.line = [](const std::string& line) { return std::optional<std::string>(line); };
  return pump;
}

LogPump EscapingPump(const JobId& id) {
  LogPump pump = PlainPump(id);
  pump.line = [](const std::string& line) {
    return std::optional<std::string>(EscapeLogLine(line));
  };
  return pump;
}

std::string LogStreamOf(const std::string& job_name, const std::string& host_name,
                        const Json& what) {
  return job_name + "/" + host_name + "-" + std::to_string(what.IntOr("epoch", 0));
}

JobInput TextFile(const std::string& path, std::string text) {
  JobInput input;
  input.kind = JobInput::Kind::kText;
  input.path = path;
  input.text = std::move(text);
  return input;
}

JobInput EmptyFolder(const std::string& path) {
  JobInput input;
  input.kind = JobInput::Kind::kFolder;
  input.path = path;
  return input;
}

void SetCommand(JobSpec& spec, const Json& app) {
  if (app["ContainerEntrypoint"].is_array()) {
    spec.entrypoint.emplace();
    for (const Json& item : ItemsOf(app["ContainerEntrypoint"]))
      spec.entrypoint->push_back(item.AsString());
  }
  for (const Json& item : ItemsOf(app["ContainerArguments"]))
    spec.arguments.push_back(item.AsString());
}

void AddEnvironment(JobSpec& spec, const Json& environment) {
  for (const auto& member : MembersOf(environment)) spec.env[member.name] = member.value.AsString();
}

void SetMachine(JobSpec& spec, const std::string& instance_type, bool is_isolated) {
  const InstanceSize size = SizeOf(instance_type);
  spec.cpus = size.cpus;
  spec.memory_mib = size.memory_mib;
  if (size.memory_mib > 0) spec.shm_mib = size.memory_mib / 2;
  spec.network = is_isolated ? JobSpec::Network::kNone : JobSpec::Network::kOpen;
}

void SetIdentity(JobSpec& spec, const std::string& role, const std::string& account,
                 const std::string& region) {
  spec.role_arn = role;
  spec.account = account;
  spec.region = region;
}

void SetGroup(JobSpec& spec, const std::string& group, const std::vector<std::string>& hosts,
              size_t index) {
  if (hosts.size() < 2) return;
  spec.group = group;
  spec.group_hosts = static_cast<int>(hosts.size());
  spec.host_name = hosts[index];
  std::string direct = "127.0.0.1,localhost,169.254.170.2";
  for (const std::string& host : hosts) direct += "," + host;
  for (const char* name : {"NO_PROXY", "no_proxy"}) spec.env.emplace(name, direct);
}

}  // namespace stepmill::sagemaker
