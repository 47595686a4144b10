#pragma once

#include "gate/operation.h"

namespace stepmill::sts {

extern const Service kService;

}  // namespace stepmill::sts
