#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gate/door.h"
#include "gate/model.h"
#include "wire/aws/sigv4.h"
#include "wire/http/http.h"

namespace stepmill::wire {

/// What a request is about, before it is known who sends it.
struct Target {
  const Service* service = nullptr;  ///< nullptr: nothing here is meant
  std::string operation;             ///< empty for Query: it stands in the body
  const ModelOperation* model = nullptr;
  /// The one of the service's protocols that the request speaks; without a service a guess, by
  /// which an error is written.
  ServiceModel::Protocol protocol = ServiceModel::Protocol::kJson;
  std::map<std::string, std::string> labels;  ///< of the path, decoded
  std::string unknown;  ///< what was asked for and is not there, for the message
};

/// Finds the service by the path of RPC v2 (header smithy-protocol), by X-Amz-Target, the
/// signature's scope, the host or the path, and the operation by the same or the model's path
/// patterns. A service that speaks several protocols is answered in the one that was used. Looks
/// only.
Target FindTarget(const Door& door, const HttpRequest& request, const Signature* signature);

/// "BUCKET.s3.us-east-1.amazonaws.com", "BUCKET.s3.amazonaws.com", "BUCKET.s3.localhost" -> BUCKET;
/// empty for path style.
std::string BucketOfHost(std::string_view host);

}  // namespace stepmill::wire
