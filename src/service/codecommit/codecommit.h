#pragma once

#include "gate/operation.h"

namespace stepmill::codecommit {

/// The table of CodeCommit: repositories, branches, pull requests and commit statuses.
extern const Service kService;

}  // namespace stepmill::codecommit
