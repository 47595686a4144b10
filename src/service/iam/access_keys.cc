#include "base/strings.h"
#include "gate/session.h"
#include "service/iam/entities.h"
#include "service/iam/iam.h"

namespace stepmill::iam {

namespace {

constexpr size_t kOpenedMax = 1000;  // keys kept in memory

/// What the secret's seal is bound to.
std::string Context(const std::string& id) { return "access-key:" + id; }

}  // namespace

Key AccessKeyKey(const std::string& id) { return MakeKey({"global", "iam", "access-key", id}); }

Principal RootPrincipal(const std::string& account) {
  Principal root;
  root.kind = Principal::Kind::kRoot;
  root.account = account;
  root.arn = "arn:aws:iam::" + account + ":root";
  root.user_id = account;
  return root;
}

NewKey AddAccessKey(Batch& batch, const Vault& vault, Random& random, const Principal& principal,
                    Time now) {
  NewKey key;
  key.id = NewIamId(random, "AKIA");
  std::string bytes;
  for (int i = 0; i < 4; ++i) {
    const uint64_t chance = random.Next();
    bytes.append(reinterpret_cast<const char*>(&chance), sizeof chance);
  }
  key.secret = Secret(Base64(bytes).substr(0, 40));
  batch.Create(AccessKeyKey(key.id),
               Json::Object{{"principal", PrincipalToJson(principal)},
                            {"secret", vault.Seal(key.secret, Context(key.id))},
                            {"status", "Active"},
                            {"created", SecondsSinceEpoch(now)}});
  return key;
}

Task<std::optional<AccessKey>> AccessKeys::FindAccessKey(std::string access_key_id,
                                                         std::string session_token) {
  if (!session_token.empty()) co_return OpenSession(vault_, access_key_id, session_token);
  MILL_CO_TRY(const auto document, co_await store_.Get(AccessKeyKey(access_key_id)));
  if (!document || document->body.StringOr("status", "") != "Active")
    co_return std::optional<AccessKey>();
  // The document is read each time; what is made of it is made anew only when it has changed.
  const auto known = opened_.find(access_key_id);
  if (known != opened_.end() && known->second.body == document->body)
    co_return std::optional<AccessKey>(known->second.key);
  MILL_CO_TRY(Secret secret,
              vault_.Open(document->body.StringOr("secret", ""), Context(access_key_id)));
  AccessKey key;
  key.id = access_key_id;
  key.secret = std::move(secret);
  MILL_CO_TRY(key.principal, PrincipalFromJson(document->body["principal"]));
  if (opened_.size() >= kOpenedMax) opened_.clear();
  opened_[access_key_id] = {document->body, key};
  co_return std::optional(std::move(key));
}

}  // namespace stepmill::iam
