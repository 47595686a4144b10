#pragma once

#include "gate/operation.h"

namespace stepmill::ecr {

/// The table of ECR: repositories, images and layers; wire/registry is the same in OCI's words.
extern const Service kService;

}  // namespace stepmill::ecr
