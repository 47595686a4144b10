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

/// "stepmill-<job id>": so a repeated start finds what an earlier one made.
std::string ContainerName(const JobId& id);
/// The private network of a group.
std::string NetworkName(const std::string& group);

/// The body of the engine's "create" for this job.
Json CreateRequest(const JobSpec& spec, const StoredJob& job, const std::string& image,
                   const JobFolder& folder, const SandboxPlaces& places);

}  // namespace stepmill::container
