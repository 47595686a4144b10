#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace stepmill {

/// The checksums that S3 knows, over a stream. Finish gives raw bytes, big endian.
class Checksum {
 public:
  enum class Kind { kCrc32, kCrc32c, kCrc64Nvme, kSha1, kSha256 };
  /// "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256" (any case); nullopt: another.
  static std::optional<Kind> KindFor(std::string_view name);
  static std::string_view Name(Kind kind);

  explicit Checksum(Kind kind);
  ~Checksum();
  Checksum(Checksum&&) noexcept;
  Checksum& operator=(Checksum&&) noexcept;
  void Update(std::string_view bytes);
  std::string Finish();  ///< the object is spent afterwards
  Kind kind() const { return kind_; }

 private:
  struct State;
  Kind kind_;
  std::unique_ptr<State> state_;
};

}  // namespace stepmill
