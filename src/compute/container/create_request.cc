#include "compute/container/create_request.h"

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill::container {

namespace {

constexpr int64_t kMib = 1024 * 1024;
constexpr int64_t kCpuPeriodUs = 100'000;

std::string Home(const char* below) { return std::string(kSandboxHome) + below; }

/// What every program in a job finds in its environment, so that clients of any year reach the
/// server. The spec's own values win.
std::map<std::string, std::string> Environment(const JobSpec& spec, const StoredJob& job,
                                               bool has_ca) {
  std::map<std::string, std::string> env;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"}) env[name] = spec.region;
  env["AWS_EC2_METADATA_DISABLED"] = "true";
  if (job.has_relay) {
    const std::string server = "http://127.0.0.1:4566";
    env["AWS_ENDPOINT_URL"] = server;
    env["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/creds/" + spec.id.value;
    for (const char* name : {"HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"})
      env[name] = server;
    for (const char* name : {"NO_PROXY", "no_proxy"})
      env[name] = "127.0.0.1,localhost,169.254.170.2";
  }
  if (has_ca) {
    for (const char* name : {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
                             "CURL_CA_BUNDLE", "GIT_SSL_CAINFO"})
      env[name] = Home("/ca/bundle.pem");
    env["NODE_EXTRA_CA_CERTS"] = Home("/ca/ca.pem");
  }
  if (spec.has_docker) {
    env["DOCKER_HOST"] = "unix://" + Home("/engine/docker.sock");
    env["DOCKER_BUILDKIT"] = "0";  // the engine speaks the classic builder's protocol
  }
  for (const auto& [name, value] : spec.env) env[name] = value;
  return env;
}

Json BindMount(const std::string& host, const std::string& inside, bool is_read_only) {
  Json::Array options{"rbind", is_read_only ? "ro" : "rw"};
  return Json::Object{
      {"type", "bind"}, {"source", host}, {"destination", inside}, {"options", std::move(options)}};
}

Json Mounts(const JobSpec& spec, const StoredJob& job, const JobFolder& folder,
            const SandboxPlaces& places) {
  Json::Array mounts;
  mounts.push_back(BindMount(places.home, kSandboxHome, true));
  if (!places.ca_folder.empty()) mounts.push_back(BindMount(places.ca_folder, Home("/ca"), true));
  if (spec.has_docker) mounts.push_back(BindMount(places.engine_folder, Home("/engine"), false));
  if (spec.is_stepped) mounts.push_back(BindMount(folder.File("steps"), Home("/job"), false));
  for (const Mount& mount : job.mounts)
    mounts.push_back(BindMount(mount.host, mount.inside, mount.is_read_only));
  return mounts;
}

Json Limits(const JobSpec& spec) {
  Json::Object limits;
  if (spec.memory_mib > 0) limits.Set("memory", Json::Object{{"limit", spec.memory_mib * kMib}});
  if (spec.cpus > 0) {
    const auto quota = static_cast<int64_t>(spec.cpus * static_cast<double>(kCpuPeriodUs));
    limits.Set("cpu", Json::Object{{"quota", quota}, {"period", kCpuPeriodUs}});
  }
  return limits;
}

Json Strings(const std::vector<std::string>& texts) {
  return Json::Array(texts.begin(), texts.end());
}

}  // namespace

std::string ContainerName(const JobId& id) { return "stepmill-" + id.value; }

std::string NetworkName(const std::string& group) {
  constexpr size_t kLength = 12;
  return "stepmill-" + Hex(Sha256(group)).substr(0, kLength);
}

Json CreateRequest(const JobSpec& spec, const StoredJob& job, const std::string& image,
                   const JobFolder& folder, const SandboxPlaces& places) {
  Json::Object env;
  for (const auto& [name, value] : Environment(spec, job, !places.ca_folder.empty()))
    env.Add(name, value);
  Json::Object request{
      {"name", ContainerName(spec.id)},
      {"image", image},
      {"env", std::move(env)},
      {"mounts", Mounts(spec, job, folder, places)},
      {"labels", Json::Object{{"stepmill.job", spec.id.value}}},
      {"log_configuration", Json::Object{{"driver", "k8s-file"}, {"path", folder.File("log")}}},
      {"netns", Json::Object{{"nsmode", spec.group.empty() ? "none" : "bridge"}}},
      {"shm_size", spec.shm_mib * kMib},
      {"systemd", "false"},
      {"httpproxy", false}};
  if (spec.is_stepped) {
    request.Set("entrypoint",
                Strings({Home("/bin/stepmill-sandbox"), "step-runner", Home("/job")}));
    request.Set("command", Json::Array{});
    request.Set("user", "0");
  } else {
    if (spec.entrypoint) request.Set("entrypoint", Strings(*spec.entrypoint));
    if (!spec.arguments.empty()) request.Set("command", Strings(spec.arguments));
  }
  if (!spec.working_dir.empty()) request.Set("work_dir", spec.working_dir);
  if (!spec.host_name.empty()) request.Set("hostname", spec.host_name);
  if (!spec.group.empty()) {
    const Json aliases = Json::Array{Json(spec.host_name)};
    request.Set("networks",
                Json::Object{{NetworkName(spec.group), Json::Object{{"aliases", aliases}}}});
  }
  const Json limits = Limits(spec);
  if (limits.size() > 0) request.Set("resource_limits", limits);
  return request;
}

}  // namespace stepmill::container
