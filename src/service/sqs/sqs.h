#pragma once

#include "gate/operation.h"

namespace stepmill::sqs {

/// SQS: standard and FIFO queues, long polling, dead-letter queues.
extern const Service kService;

}  // namespace stepmill::sqs
