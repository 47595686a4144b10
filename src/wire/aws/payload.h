#pragma once

#include <memory>
#include <optional>
#include <string>

#include "blob/blob_store.h"
#include "wire/aws/sigv4.h"

namespace stepmill::wire {

/// How the body of a request is protected, and how it is framed.
struct PayloadPlan {
  Signature signature;
  std::string signing_key;
  std::string trailer;  ///< the header x-amz-trailer: "x-amz-checksum-crc32"
  std::optional<uint64_t> decoded_length;
};

/// The body as its sender meant it: the payload hash is checked at the end, aws-chunked framing is
/// taken off, chunk signatures and trailing checksums are checked. Errors are S3's:
/// XAmzContentSHA256Mismatch, SignatureDoesNotMatch, IncompleteBody, BadDigest. `body` outlives it.
Result<std::unique_ptr<ByteSource>> OpenPayload(ByteSource& body, PayloadPlan plan);

}  // namespace stepmill::wire
