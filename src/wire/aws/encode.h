#pragma once

#include <string>

#include "gate/door.h"
#include "wire/aws/route.h"

namespace stepmill::wire {

/// The answer of an operation in the protocol that was asked in. The target has its operation.
HttpResponse EncodeAnswer(const Target& target, Answer answer, const std::string& request_id,
                          bool is_head);

/// An error as the protocol writes it: the one table of statuses and spellings. A target without a
/// service is answered by how its request looks.
HttpResponse EncodeError(const Target& target, const Error& error, const std::string& request_id,
                         const HttpRequest& request);

}  // namespace stepmill::wire
