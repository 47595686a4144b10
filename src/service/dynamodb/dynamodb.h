#pragma once

#include "gate/operation.h"

namespace stepmill::dynamodb {

/// DynamoDB: tables with their indexes, items, expressions, batches and transactions.
extern const Service kService;

}  // namespace stepmill::dynamodb
