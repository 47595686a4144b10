#include "compute/container/job_folder.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "io/files.h"
#include "json/each.h"

namespace stepmill {

bool IsJobId(std::string_view text) {
  constexpr size_t kLengthMax = 63;
  if (text.empty() || text.size() > kLengthMax) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<JobIdentity> ReadJobIdentity(const std::string& data_dir, std::string_view job_id) {
  const std::string id(job_id);
  if (!IsJobId(job_id)) return Error{Code::kNotFound, "JobNotFound", "no job '" + id + "'"};
  MILL_TRY(const std::string text, io::ReadFile(data_dir + "/jobs/" + id + "/identity.json"));
  MILL_TRY(const Json json, ParseJson(text));
  JobIdentity identity;
  identity.job_id = id;
  identity.role_arn = json.StringOr("role_arn", "");
  identity.account = json.StringOr("account", "");
  identity.region = json.StringOr("region", "");
  identity.is_open = json.BoolOr("is_open", false);
  return identity;
}

}  // namespace stepmill

namespace stepmill::container {

namespace {
Result<Json> ReadJsonFile(const std::string& path) {
  MILL_TRY(const std::string text, io::ReadFile(path));
  return ParseJson(text);
}
}  // namespace

bool JobFolder::Has(std::string_view name) const { return io::Exists(File(name)); }

Result<StoredJob> JobFolder::ReadJob() const {
  MILL_TRY(const Json json, ReadJsonFile(File("job.json")));
  StoredJob job;
  for (const Json& item : json["mounts"].items()) {
    job.mounts.push_back({item.StringOr("inside", ""), item.StringOr("host", ""),
                          item.BoolOr("is_file", false), item.BoolOr("is_read_only", false)});
  }
  job.is_stepped = json.BoolOr("is_stepped", false);
  job.has_docker = json.BoolOr("has_docker", false);
  job.has_relay = json.BoolOr("has_relay", true);
  job.has_memory_limit = json.BoolOr("has_memory_limit", false);
  job.group = json.StringOr("group", "");
  job.is_isolated = json.BoolOr("is_isolated", false);
  for (const Json& port : ItemsOf(json["ports"]))
    job.ports.push_back(static_cast<int>(port.AsInteger()));
  return job;
}

Result<> JobFolder::WriteJob(const StoredJob& job) const {
  Json::Array mounts;
  for (const Mount& mount : job.mounts) {
    mounts.push_back(Json::Object{{"inside", mount.inside},
                                  {"host", mount.host},
                                  {"is_file", mount.is_file},
                                  {"is_read_only", mount.is_read_only}});
  }
  const Json json = Json::Object{{"mounts", std::move(mounts)},
                                 {"is_stepped", job.is_stepped},
                                 {"has_docker", job.has_docker},
                                 {"has_relay", job.has_relay},
                                 {"has_memory_limit", job.has_memory_limit},
                                 {"group", job.group},
                                 {"is_isolated", job.is_isolated},
                                 {"ports", Json::Array(job.ports.begin(), job.ports.end())}};
  return io::WriteFile(File("job.json"), json.Print(), true);
}

Result<StoredContainer> JobFolder::ReadContainer() const {
  MILL_TRY(const Json json, ReadJsonFile(File("container.json")));
  StoredContainer container;
  container.id = json.StringOr("id", "");
  container.pid = static_cast<int>(json.IntOr("pid", 0));
  container.start_ticks = static_cast<uint64_t>(json.IntOr("start_ticks", 0));
  container.waits_as = json.StringOr("waits_as", "");
  container.image_digest = json.StringOr("image_digest", "");
  return container;
}

Result<> JobFolder::WriteContainer(const StoredContainer& container) const {
  const Json json = Json::Object{{"id", container.id},
                                 {"pid", container.pid},
                                 {"start_ticks", static_cast<int64_t>(container.start_ticks)},
                                 {"waits_as", container.waits_as},
                                 {"image_digest", container.image_digest}};
  return io::WriteFile(File("container.json"), json.Print(), true);
}

Result<JobResult> JobFolder::ReadResult() const {
  MILL_TRY(const Json json, ReadJsonFile(File("result.json")));
  JobResult result;
  result.exit_code = static_cast<int>(json.IntOr("exit_code", 0));
  result.is_out_of_memory = json.BoolOr("is_out_of_memory", false);
  result.was_stopped = json.BoolOr("was_stopped", false);
  result.start_error = json.StringOr("start_error", "");
  result.image_digest = json.StringOr("image_digest", "");
  return result;
}

Result<> JobFolder::WriteResult(const JobResult& result) const {
  const Json json = Json::Object{{"exit_code", result.exit_code},
                                 {"is_out_of_memory", result.is_out_of_memory},
                                 {"was_stopped", result.was_stopped},
                                 {"start_error", result.start_error},
                                 {"image_digest", result.image_digest}};
  return io::WriteFile(File("result.json"), json.Print(), true);
}

Result<> JobFolder::WriteIdentity(const JobSpec& spec) const {
  const Json json = Json::Object{{"role_arn", spec.role_arn},
                                 {"account", spec.account},
                                 {"region", spec.region},
                                 {"is_open", spec.network == JobSpec::Network::kOpen}};
  return io::WriteFile(File("identity.json"), json.Print(), true);
}

namespace {

bool IsBelow(const std::string& path, const std::string& folder) {
  return path == folder ||
         (path.size() > folder.size() && path.starts_with(folder) && path[folder.size()] == '/');
}

Result<std::string> CheckedPath(const std::string& path) {
  std::string clean = std::filesystem::path(path).lexically_normal().string();
  while (clean.size() > 1 && clean.back() == '/') clean.pop_back();
  const bool has_dots = path.find("/../") != std::string::npos || path.ends_with("/..");
  if (clean.empty() || clean[0] != '/' || clean == "/" || has_dots) {
    return Error{Code::kInvalid, "InvalidJobPath",
                 "a path inside a job is absolute, below / and without '..', not '" + path + "'"};
  }
  return clean;
}

bool IsFile(JobInput::Kind kind) {
  return kind == JobInput::Kind::kBlobFile || kind == JobInput::Kind::kText;
}

}  // namespace

Result<std::vector<Mount>> PlanMounts(const JobSpec& spec, const std::string& folder) {
  std::vector<std::string> folders = spec.output_paths;
  std::set<std::string> read_only;
  for (const JobInput& input : spec.inputs) {
    if (IsFile(input.kind)) continue;
    folders.push_back(input.path);
    if (!input.is_read_only) continue;
    MILL_TRY(const std::string path, CheckedPath(input.path));
    read_only.insert(path);
  }
  for (std::string& path : folders) {
    MILL_TRY(path, CheckedPath(path));
  }
  // Sorted, a folder comes before all that lie in it.
  std::sort(folders.begin(), folders.end());
  std::vector<Mount> mounts;
  for (const std::string& path : folders) {
    if (FindHostPath(mounts, path)) continue;
    mounts.push_back({path, folder + "/mounts/" + std::to_string(mounts.size()), false,
                      read_only.contains(path)});
  }
  for (const JobInput& input : spec.inputs) {
    if (!IsFile(input.kind)) continue;
    MILL_TRY(const std::string path, CheckedPath(input.path));
    if (FindHostPath(mounts, path)) continue;
    const std::string host = folder + "/files/" + std::to_string(mounts.size());
    // A blob's file is the store's own (a hard link): nobody may write to it.
    const bool is_blob = input.kind == JobInput::Kind::kBlobFile;
    mounts.push_back({path, host, true, is_blob || input.is_read_only});
  }
  return mounts;
}

std::optional<std::string> FindHostPath(const std::vector<Mount>& mounts,
                                        const std::string& inside) {
  const Result<std::string> path = CheckedPath(inside);
  if (!path) return std::nullopt;
  for (const Mount& mount : mounts) {
    if (mount.is_file ? *path == mount.inside : IsBelow(*path, mount.inside))
      return mount.host + path->substr(mount.inside.size());
  }
  return std::nullopt;
}

Result<> CheckNoLinks(const std::string& root, const std::string& path) {
  std::string so_far = root;
  for (const auto& part : std::filesystem::path(path).lexically_relative(root)) {
    so_far += "/" + part.string();
    struct stat status {};
    if (::lstat(so_far.c_str(), &status) != 0) return {};  // nothing there: nothing leads away
    if (S_ISLNK(status.st_mode))
      return Error{Code::kInvalid, "InvalidJobPath", so_far + " is a symbolic link"};
  }
  return {};
}

size_t DecodeEngineLog(std::string_view raw, std::string& out) {
  size_t taken = 0;
  for (;;) {
    const size_t end = raw.find('\n', taken);
    if (end == std::string_view::npos) return taken;
    const std::string_view line = raw.substr(taken, end - taken);
    taken = end + 1;
    const size_t stream = line.find(' ');
    const size_t tag = stream == std::string_view::npos ? stream : line.find(' ', stream + 1);
    if (tag == std::string_view::npos || tag + 2 >= line.size() + 1) continue;  // not the engine's
    if (line.size() > tag + 3) out += line.substr(tag + 3);
    if (line[tag + 1] == 'F') out += '\n';
  }
}

}  // namespace stepmill::container
