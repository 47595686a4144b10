#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace stepmill {

/// One-shot digests; the result is raw bytes (Hex() prints it).
std::string Md5(std::string_view bytes);
std::string Sha1(std::string_view bytes);
std::string Sha256(std::string_view bytes);
std::string Sha384(std::string_view bytes);
std::string Sha512(std::string_view bytes);
std::string HmacSha256(std::string_view key, std::string_view bytes);
/// True when equal; takes the same time wherever they differ.
bool EqualsConstantTime(std::string_view a, std::string_view b);

/// A digest over a stream.
class Digest {
 public:
  enum class Kind { kMd5, kSha1, kSha256, kSha384, kSha512 };
  explicit Digest(Kind kind);
  ~Digest();
  Digest(Digest&&) noexcept;
  Digest& operator=(Digest&&) noexcept;
  void Update(std::string_view bytes);
  std::string Finish();  ///< raw bytes; the object is spent afterwards

 private:
  void* context_;
};

}  // namespace stepmill
