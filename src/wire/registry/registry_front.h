#pragma once

#include <memory>

#include "gate/door.h"
#include "gate/vault.h"
#include "task/ports.h"
#include "wire/http/front_end.h"

namespace stepmill::wire {

/// The OCI distribution protocol (/v2/) in front of the rows of ECR, under any host name; with a
/// real ECR name (ACCOUNT.dkr.ecr.REGION.amazonaws.com) that account and region, else those of the
/// token. Authentication is Basic "AWS:<password of GetAuthorizationToken>" on every request.
std::unique_ptr<FrontEnd> MakeRegistryFront(Door& door, const Vault& vault, Clock& clock);

}  // namespace stepmill::wire
