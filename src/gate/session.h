#pragma once

#include <string>

#include "base/secret.h"
#include "gate/principal.h"
#include "gate/vault.h"
#include "task/ports.h"

namespace stepmill {

/// Credentials that need no document: the secret is derived from the id, and the token is the
/// sealed principal with its end. They survive restarts and are gone with the installation's key.
struct SessionCredentials {
  std::string access_key_id;  ///< "ASIA..."
  Secret secret;
  std::string session_token;
  Time expires;
};

SessionCredentials MakeSession(const Vault& vault, Random& random, const Principal& principal,
                               Time expires);
/// nullopt: not a token of this installation and this id. An expired one is answered with its end.
std::optional<AccessKey> OpenSession(const Vault& vault, const std::string& access_key_id,
                                     const std::string& session_token);
/// A prefix ("AKIA", "AROA") and 16 characters of A-Z2-7.
std::string NewIamId(Random& random, std::string_view prefix);

}  // namespace stepmill
