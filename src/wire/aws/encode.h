#pragma once

#include <string>

#include "gate/door.h"
#include "gate/model.h"
#include "wire/http/http.h"

namespace stepmill::wire {

/// The answer of an operation as its protocol writes it.
HttpResponse EncodeAnswer(const ServiceModel& model, const ModelOperation& operation, Answer answer,
                          const std::string& request_id, bool is_head);

/// An error as the protocol writes it: the one table of statuses and spellings. `model` may be null
/// (no service was found): JSON then, or XML for what looks like S3.
HttpResponse EncodeError(const ServiceModel* model, const ModelOperation* operation,
                         const Error& error, const std::string& request_id,
                         const HttpRequest& request);

}  // namespace stepmill::wire
