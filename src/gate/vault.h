#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace stepmill {

/// Seals small secrets under the installation's key (AES-256-GCM, random 96-bit nonce).
/// Sealed text is base64 of nonce, ciphertext and tag. `context` is authenticated, not stored: a
/// sealed value moved to another place does not open.
class Vault {
 public:
  /// `key`: 32 raw bytes (app keeps them in DIR/key, mode 0600).
  explicit Vault(Secret key);
  std::string Seal(const Secret& plain, std::string_view context) const;
  Result<Secret> Open(std::string_view sealed, std::string_view context) const;
  /// A secret derived for a name, the same each time (session secret keys).
  Secret Derive(std::string_view name) const;

 private:
  Secret key_;
};

}  // namespace stepmill
