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
  if (job.has_relay && !job.is_isolated) {
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

/// The address of host `number` of a group: "10.1.2.0/24", 3 -> "10.1.2.4".
std::string AddressOf(const std::string& subnet, int64_t number) {
  return subnet.substr(0, subnet.rfind('.') + 1) + std::to_string(number + 1);
}

void AddGroup(const JobSpec& spec, const std::string& subnet, Json::Object& request) {
  constexpr int64_t kHostsMax = 200;
  const size_t digits = spec.host_name.find_last_not_of("0123456789") + 1;
  const std::string prefix = spec.host_name.substr(0, digits);
  const int64_t number = ParseInt(spec.host_name.substr(digits)).value_or(1);
  Json::Array hosts;
  for (int64_t n = 1; n <= kHostsMax; ++n)
    hosts.push_back(prefix + std::to_string(n) + ":" + AddressOf(subnet, n));
  request.Set("hostadd", std::move(hosts));
  const Json own = Json::Array{Json(AddressOf(subnet, number))};
  request.Set("networks",
              Json::Object{{NetworkName(spec.group), Json::Object{{"static_ips", own}}}});
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

Json NetworkRequest(const std::string& group, const std::string& engine_id, int attempt) {
  const std::string digest = Sha256(engine_id + "/" + group + "/" + std::to_string(attempt));
  constexpr size_t kInterfaceDigits = 10;  // an interface's name has at most 15 characters
  const auto byte = [&](size_t index) { return static_cast<unsigned char>(digest[index]); };
  // 10.128.0.0/9, in networks of 256.
  const std::string subnet =
      "10." + std::to_string(128 + byte(0) % 128) + "." + std::to_string(byte(1)) + ".0/24";
  const Json subnets = Json::Array{Json::Object{{"subnet", subnet}}};
  return Json::Object{{"name", NetworkName(group)},
                      {"driver", "bridge"},
                      {"network_interface", "sm" + Hex(digest).substr(0, kInterfaceDigits)},
                      {"subnets", subnets},
                      {"internal", true},
                      {"dns_enabled", false}};
}

Json CreateRequest(const JobSpec& spec, const StoredJob& job, const std::string& image,
                   const JobFolder& folder, const SandboxPlaces& places,
                   const std::string& subnet) {
  Json::Object env;
  for (const auto& [name, value] : Environment(spec, job, !places.ca_folder.empty()))
    env.Add(name, value);
  Json::Object request{
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
  if (spec.has_read_only_root) request.Set("read_only_filesystem", true);
  if (!spec.working_dir.empty()) request.Set("work_dir", spec.working_dir);
  if (!spec.host_name.empty()) request.Set("hostname", spec.host_name);
  if (!spec.group.empty()) AddGroup(spec, subnet, request);
  const Json limits = Limits(spec);
  if (limits.size() > 0) request.Set("resource_limits", limits);
  return request;
}

}  // namespace stepmill::container
