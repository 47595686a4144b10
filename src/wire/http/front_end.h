#pragma once

#include <string>
#include <string_view>

#include "gate/principal.h"
#include "wire/http/http.h"

namespace stepmill::wire {

/// Who sent a request, once that is proven.
struct Caller {
  Principal principal;
  std::string account, region;
};

/// Proves who sends. Implemented by wire/aws.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// Basic: access key id and secret (a session's: "ID%TOKEN" as the user name), or what
  /// `aws codecommit credential-helper` sends (a signature over the host and path). The region is
  /// the helper's, else the server's. kDenied when there is no such header or it is wrong: the
  /// front end answers 401 with its own WWW-Authenticate.
  virtual Task<Caller> Basic(const HttpRequest& request) = 0;
  /// An access key id and its secret as plain texts (ECR's Basic "AWS:<token>" is the registry's
  /// own business: it opens the token with the vault).
  virtual Task<Caller> Secret(std::string access_key_id, std::string secret,
                              std::string session_token) = 0;
};

/// A protocol beside AWS's own (git's smart HTTP, the registry's /v2/): turns requests into calls
/// of the door. Constructed in app/ with what it needs (Door&, Authenticator&, ...); the first
/// front end that takes a request gets it, before the AWS protocols do.
class FrontEnd : public HttpHandler {
 public:
  /// By path prefix or host: "/git/", "/v2/", "git-codecommit.us-east-1.amazonaws.com". Looks only.
  virtual bool Takes(const HttpRequest& request) const = 0;
};

}  // namespace stepmill::wire
