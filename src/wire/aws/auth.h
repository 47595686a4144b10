#pragma once

#include <string>
#include <unordered_map>

#include "task/ports.h"
#include "wire/aws/sigv4.h"
#include "wire/http/front_end.h"

namespace stepmill::wire {

/// A caller with what is needed to check the rest of the body.
struct Verified {
  Caller caller;
  std::string signing_key;
};

/// Checks every request's signature. Error names are neutral (MissingAuthenticationToken,
/// IncompleteSignature, InvalidClientTokenId, ExpiredToken, SignatureDoesNotMatch,
/// SignatureExpired, RequestHasExpired); wire/aws/errors says how each protocol spells them.
class SignatureAuthenticator : public Authenticator {
 public:
  SignatureAuthenticator(Principals& principals, Clock& clock, std::string region)
      : principals_(principals), clock_(clock), region_(std::move(region)) {}

  /// `payload_hash` as it stands in the canonical request.
  Task<Verified> Verify(const HttpRequest& request, Signature signature, std::string payload_hash);

  Task<Caller> Basic(const HttpRequest& request) override;
  Task<Caller> Secret(std::string access_key_id, std::string secret,
                      std::string session_token) override;

 private:
  Task<AccessKey> FindKey(std::string access_key_id, std::string session_token);
  Result<> CheckTime(const Signature& signature) const;
  const std::string& CachedSigningKey(const AccessKey& key, const Signature& signature);
  Task<Caller> CodeCommitHelper(const HttpRequest& request, std::string user, std::string password);

  Principals& principals_;
  Clock& clock_;
  std::string region_;
  struct Made {
    class Secret secret;  ///< that it was made of
    std::string signing_key;
  };
  std::unordered_map<std::string, Made> signing_keys_;  // by access key id and scope
};

}  // namespace stepmill::wire
