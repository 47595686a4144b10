#pragma once

#include <string>
#include <vector>

#include "compute/container/job_folder.h"

namespace stepmill::container {

/// Where the fixed things of a sandbox are on this machine.
struct SandboxPlaces {
  std::string home;           ///< becomes /opt/stepmill
  std::string ca_folder;      ///< bundle.pem and ca.pem; "": none
  std::string engine_folder;  ///< holds docker.sock
};

inline constexpr char kSandboxHome[] = "/opt/stepmill";

/// "stepmill-<job id>": what the names of a job's containers begin with.
std::string ContainerName(const JobId& id);
/// The private network of a group.
std::string NetworkName(const std::string& group);
/// The body of the engine's "create" for that network. Engines of several data folders do not know
/// of each other's networks, so interface and subnet follow from `engine_id` and the group, and not
/// from what is free; `attempt` gives others when those are taken.
Json NetworkRequest(const std::string& group, const std::string& engine_id, int attempt);

/// The body of the engine's "create" for this job, but for the container's name. `subnet`
/// ("10.1.2.0/24"): of its group's network. Hosts of a group are numbered (algo-1, algo-2, ...):
/// number n has the subnet's address n + 1, and each has the others' names in its /etc/hosts, so no
/// name server is needed.
Json CreateRequest(const JobSpec& spec, const StoredJob& job, const std::string& image,
                   const JobFolder& folder, const SandboxPlaces& places, const std::string& subnet);

}  // namespace stepmill::container
