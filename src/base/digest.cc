#include "base/digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <utility>

#include "base/result.h"

namespace stepmill {
namespace {

/// Fetched once: EVP_sha256() and its like look the algorithm up anew at every use.
const EVP_MD* Fetched(const char* name) {
  EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  MILL_ASSERT(algorithm);
  return algorithm;
}

const EVP_MD* Algorithm(Digest::Kind kind) {
  static const EVP_MD* const kMd5 = Fetched("MD5");
  static const EVP_MD* const kSha1 = Fetched("SHA1");
  static const EVP_MD* const kSha256 = Fetched("SHA256");
  static const EVP_MD* const kSha384 = Fetched("SHA384");
  static const EVP_MD* const kSha512 = Fetched("SHA512");
  switch (kind) {
    case Digest::Kind::kMd5: return kMd5;
    case Digest::Kind::kSha1: return kSha1;
    case Digest::Kind::kSha256: return kSha256;
    case Digest::Kind::kSha384: return kSha384;
    case Digest::Kind::kSha512: return kSha512;
  }
  AssertFailed("digest kind", __FILE__, __LINE__);
}

struct Context {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~Context() { EVP_MD_CTX_free(context); }
};

/// The digest of `first` followed by `second`. A context a thread is used again and again.
std::string OneShot(Digest::Kind kind, std::string_view first, std::string_view second = {}) {
  thread_local const Context own;
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  MILL_ASSERT(EVP_DigestInit_ex(own.context, Algorithm(kind), nullptr) == 1 &&
              EVP_DigestUpdate(own.context, first.data(), first.size()) == 1 &&
              EVP_DigestUpdate(own.context, second.data(), second.size()) == 1 &&
              EVP_DigestFinal_ex(own.context, out, &size) == 1);
  return std::string(reinterpret_cast<char*>(out), size);
}

}  // namespace

std::string Md5(std::string_view bytes) { return OneShot(Digest::Kind::kMd5, bytes); }
std::string Sha1(std::string_view bytes) { return OneShot(Digest::Kind::kSha1, bytes); }
std::string Sha256(std::string_view bytes) { return OneShot(Digest::Kind::kSha256, bytes); }
std::string Sha384(std::string_view bytes) { return OneShot(Digest::Kind::kSha384, bytes); }
std::string Sha512(std::string_view bytes) { return OneShot(Digest::Kind::kSha512, bytes); }

// RFC 2104: H(key ^ opad, H(key ^ ipad, text)).
std::string HmacSha256(std::string_view key, std::string_view bytes) {
  constexpr size_t kBlockBytes = 64;
  constexpr char kInner = 0x36, kOuter = 0x5c;
  std::string padded(key.size() > kBlockBytes ? Sha256(key) : std::string(key));
  padded.resize(kBlockBytes, '\0');
  for (char& c : padded) c = static_cast<char>(c ^ kInner);
  const std::string inner = OneShot(Digest::Kind::kSha256, padded, bytes);
  for (char& c : padded) c = static_cast<char>(c ^ kInner ^ kOuter);
  std::string made = OneShot(Digest::Kind::kSha256, padded, inner);
  OPENSSL_cleanse(padded.data(), padded.size());
  return made;
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
