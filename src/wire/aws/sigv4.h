#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "base/time.h"
#include "wire/http/http.h"

namespace stepmill::wire {

/// What a request says about its own signature (Signature Version 4), from the Authorization header
/// or the query of a presigned URL.
struct Signature {
  std::string access_key_id;
  std::string date;  ///< the scope's "20221121"
  std::string region, service;
  std::vector<std::string> signed_headers;  ///< lower case, in order
  std::string signature;                    ///< hex
  std::string timestamp;                    ///< "20221121T120000Z"
  std::string session_token;
  std::string payload_hash;  ///< what the request says: hex, or "UNSIGNED-PAYLOAD", "STREAMING-..."
  bool is_presigned = false;
  int64_t expires_seconds = 0;  ///< presigned
  std::string Scope() const { return date + "/" + region + "/" + service + "/aws4_request"; }
};

/// Reads it; nullopt: the request is not signed. kInvalid "IncompleteSignature": it is, but parts
/// are missing or malformed.
Result<std::optional<Signature>> ReadSignature(const HttpRequest& request);

/// HMAC chain of the secret, the date, the region and the service.
std::string SigningKey(const Secret& secret, const Signature& signature);
/// The hex signature over the request; `payload_hash` as it stands in the canonical request. S3
/// signs the path as it is sent, the others encode it once more.
std::string Sign(const HttpRequest& request, const Signature& signature, std::string_view key,
                 std::string_view payload_hash);
/// "20221121T120000Z"; nullopt: malformed.
std::optional<Time> ParseAmzDate(std::string_view text);
std::string FormatAmzDate(Time time);

}  // namespace stepmill::wire
