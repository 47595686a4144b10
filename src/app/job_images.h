#pragma once

#include <string>

#include "compute/container/container_backend.h"
#include "service/ports.h"

namespace stepmill {

/// What an ECR name means in the server's own registry now, asked through the door as the job's
/// role: the digest, and a password with which the engine pulls it.
Task<container::RegistryImage> FindJobImage(Ports& ports, EcrImage image, std::string role_arn);

/// Where jobs run on this data folder.
container::ContainerOptions JobOptions(const std::string& data_dir, bool allows_unlimited,
                                       ImageTable images);

}  // namespace stepmill
