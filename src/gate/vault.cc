#include "gate/vault.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill {
namespace {

constexpr int kNonceBytes = 12;
constexpr int kTagBytes = 16;

struct CipherContext {
  EVP_CIPHER_CTX* context = EVP_CIPHER_CTX_new();
  ~CipherContext() { EVP_CIPHER_CTX_free(context); }
};

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

}  // namespace

Vault::Vault(Secret key) : key_(std::move(key)) { MILL_ASSERT(key_.Reveal().size() == 32); }

std::string Vault::Seal(const Secret& plain, std::string_view context) const {
  const std::string& text = plain.Reveal();
  std::string nonce(kNonceBytes, '\0'), cipher(text.size(), '\0'), tag(kTagBytes, '\0');
  MILL_ASSERT(RAND_bytes(Bytes(nonce), kNonceBytes) == 1);
  CipherContext c;
  int size = 0;
  MILL_ASSERT(EVP_EncryptInit_ex(c.context, EVP_aes_256_gcm(), nullptr, Bytes(key_.Reveal()),
                                 Bytes(nonce)) == 1);
  MILL_ASSERT(EVP_EncryptUpdate(c.context, nullptr, &size, Bytes(context),
                                static_cast<int>(context.size())) == 1);
  MILL_ASSERT(EVP_EncryptUpdate(c.context, Bytes(cipher), &size, Bytes(text),
                                static_cast<int>(text.size())) == 1);
  MILL_ASSERT(EVP_EncryptFinal_ex(c.context, Bytes(tag), &size) == 1);
  MILL_ASSERT(EVP_CIPHER_CTX_ctrl(c.context, EVP_CTRL_GCM_GET_TAG, kTagBytes, tag.data()) == 1);
  return Base64(nonce + cipher + tag);
}

Result<Secret> Vault::Open(std::string_view sealed, std::string_view context) const {
  const Error bad{Code::kInvalid, "InvalidCiphertextException",
                  "not sealed under this installation's key"};
  const auto raw = Unbase64(sealed);
  if (!raw || raw->size() < kNonceBytes + kTagBytes) return bad;
  const std::string nonce = raw->substr(0, kNonceBytes);
  const std::string cipher = raw->substr(kNonceBytes, raw->size() - kNonceBytes - kTagBytes);
  std::string tag = raw->substr(raw->size() - kTagBytes), text(cipher.size(), '\0');
  CipherContext c;
  int size = 0;
  MILL_ASSERT(EVP_DecryptInit_ex(c.context, EVP_aes_256_gcm(), nullptr, Bytes(key_.Reveal()),
                                 Bytes(nonce)) == 1);
  MILL_ASSERT(EVP_DecryptUpdate(c.context, nullptr, &size, Bytes(context),
                                static_cast<int>(context.size())) == 1);
  MILL_ASSERT(EVP_DecryptUpdate(c.context, Bytes(text), &size, Bytes(cipher),
                                static_cast<int>(cipher.size())) == 1);
  MILL_ASSERT(EVP_CIPHER_CTX_ctrl(c.context, EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1);
  if (EVP_DecryptFinal_ex(c.context, Bytes(tag), &size) != 1) return bad;
  return Secret(std::move(text));
}

Secret Vault::Derive(std::string_view name) const {
  return Secret(HmacSha256(key_.Reveal(), name));
}

}  // namespace stepmill
