#include "gate/session.h"

#include "base/strings.h"
#include "json/json.h"

namespace stepmill {

namespace {
std::string Context(const std::string& access_key_id) { return "session:" + access_key_id; }
/// As long as AWS's, and printable.
Secret SecretFor(const Vault& vault, const std::string& access_key_id) {
  return Secret(Base64(vault.Derive(Context(access_key_id)).Reveal()).substr(0, 40));
}
}  // namespace

std::string NewIamId(Random& random, std::string_view prefix) {
  constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string id(prefix);
  uint64_t high = random.Next(), low = random.Next();
  for (int i = 0; i < 8; ++i, high >>= 5) id += kAlphabet[high & 31];
  for (int i = 0; i < 8; ++i, low >>= 5) id += kAlphabet[low & 31];
  return id;
}

SessionCredentials MakeSession(const Vault& vault, Random& random, const Principal& principal,
                               Time expires) {
  SessionCredentials session;
  session.access_key_id = NewIamId(random, "ASIA");
  session.secret = SecretFor(vault, session.access_key_id);
  session.expires = expires;
  const Json body = Json::Object{{"principal", PrincipalToJson(principal)},
                                 {"expires", MillisSinceEpoch(expires)}};
  session.session_token = vault.Seal(Secret(body.Print()), Context(session.access_key_id));
  return session;
}

std::optional<AccessKey> OpenSession(const Vault& vault, const std::string& access_key_id,
                                     const std::string& session_token) {
  const auto opened = vault.Open(session_token, Context(access_key_id));
  if (!opened) return std::nullopt;
  const auto body = ParseJson(opened->Reveal());
  if (!body) return std::nullopt;
  auto principal = PrincipalFromJson((*body)["principal"]);
  if (!principal) return std::nullopt;
  AccessKey key;
  key.id = access_key_id;
  key.secret = SecretFor(vault, access_key_id);
  key.session_token = session_token;
  key.principal = *std::move(principal);
  key.expires = TimeFromMillis(body->IntOr("expires", 0));
  return key;
}

}  // namespace stepmill
