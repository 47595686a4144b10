#pragma once

#include <string>
#include <unordered_map>

#include "gate/operation.h"
#include "gate/principal.h"
#include "gate/vault.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::iam {

extern const Service kService;

/// Whom access keys belong to: documents for long-term keys, the token itself for sessions.
class AccessKeys : public Principals {
 public:
  AccessKeys(Store& store, const Vault& vault) : store_(store), vault_(vault) {}
  Task<std::optional<AccessKey>> FindAccessKey(std::string access_key_id,
                                               std::string session_token) override;

 private:
  Store& store_;
  const Vault& vault_;
  struct Opened {
    Json body;  ///< of the document that it was read from
    AccessKey key;
  };
  std::unordered_map<std::string, Opened> opened_;  // long-term keys by id
};

/// A new long-term key and the document that keeps it; the secret is sealed in the document.
struct NewKey {
  std::string id;
  Secret secret;
};
NewKey AddAccessKey(Batch& batch, const Vault& vault, Random& random, const Principal& principal,
                    Time now);

/// arn:aws:iam::ACCOUNT:root.
Principal RootPrincipal(const std::string& account);

}  // namespace stepmill::iam
