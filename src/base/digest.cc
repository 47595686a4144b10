#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <utility>

#include "base/result.h"

namespace stepmill {
namespace {

const EVP_MD* Algorithm(Digest::Kind kind) {
  switch (kind) {
    case Digest::Kind::kMd5: return EVP_md5();
    case Digest::Kind::kSha1: return EVP_sha1();
    case Digest::Kind::kSha256: return EVP_sha256();
    case Digest::Kind::kSha384: return EVP_sha384();
    case Digest::Kind::kSha512: return EVP_sha512();
  }
  AssertFailed("digest kind", __FILE__, __LINE__);
}

std::string OneShot(Digest::Kind kind, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MILL_ASSERT(EVP_Digest(bytes.data(), bytes.size(), out, &size, Algorithm(kind), nullptr) == 1);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

std::string Md5(std::string_view bytes) { return OneShot(Digest::Kind::kMd5, bytes); }
std::string Sha1(std::string_view bytes) { return OneShot(Digest::Kind::kSha1, bytes); }
std::string Sha256(std::string_view bytes) { return OneShot(Digest::Kind::kSha256, bytes); }
std::string Sha384(std::string_view bytes) { return OneShot(Digest::Kind::kSha384, bytes); }
std::string Sha512(std::string_view bytes) { return OneShot(Digest::Kind::kSha512, bytes); }

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MILL_ASSERT(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                   reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out, &size));
  return std::string(reinterpret_cast<char*>(out), size);
}

bool EqualsConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Digest::Digest(Kind kind) : context_(EVP_MD_CTX_new()) {
  MILL_ASSERT(EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_), Algorithm(kind), nullptr) == 1);
}
Digest::~Digest() { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context_)); }
Digest::Digest(Digest&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
Digest& Digest::operator=(Digest&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}

void Digest::Update(std::string_view bytes) {
  MILL_ASSERT(EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_), bytes.data(), bytes.size()) ==
              1);
}

std::string Digest::Finish() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MILL_ASSERT(EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_), out, &size) == 1);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace stepmill
