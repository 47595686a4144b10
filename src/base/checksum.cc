#include "base/checksum.h"

#include <zlib.h>

#include <array>

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill {

namespace {

template <class Word>
using Table = std::array<std::array<Word, 256>, 8>;

/// Tables for slicing by eight of a reflected polynomial.
template <class Word>
constexpr Table<Word> MakeTable(Word polynomial) {
  Table<Word> table{};
  for (int byte = 0; byte < 256; ++byte) {
    Word value = static_cast<Word>(byte);
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? polynomial : 0);
    table[0][byte] = value;
  }
  for (int byte = 0; byte < 256; ++byte)
    for (int slice = 1; slice < 8; ++slice)
      table[slice][byte] = (table[slice - 1][byte] >> 8) ^ table[0][table[slice - 1][byte] & 0xFF];
  return table;
}

constexpr Table<uint32_t> kCrc32c = MakeTable<uint32_t>(0x82F63B78u);
constexpr Table<uint64_t> kCrc64Nvme = MakeTable<uint64_t>(0x9A6C9329AC4BC9B5ull);

template <class Word>
Word Advance(const Table<Word>& table, Word crc, std::string_view bytes) {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  size_t left = bytes.size();
  while (left >= 8) {
    uint64_t word = 0;
    for (int i = 7; i >= 0; --i) word = (word << 8) | at[i];
    word ^= static_cast<uint64_t>(crc);
    Word next = 0;
    for (int i = 0; i < 8; ++i) next ^= table[7 - i][(word >> (8 * i)) & 0xFF];
    crc = next;
    at += 8;
    left -= 8;
  }
  for (; left > 0; --left) crc = (crc >> 8) ^ table[0][(crc ^ *at++) & 0xFF];
  return crc;
}

std::string BigEndian(uint64_t value, int bytes) {
  std::string out(static_cast<size_t>(bytes), '\0');
  for (int i = bytes - 1; i >= 0; --i, value >>= 8) out[i] = static_cast<char>(value & 0xFF);
  return out;
}

}  // namespace

struct Checksum::State {
  uint64_t crc = 0;
  std::optional<Digest> digest;
};

std::optional<Checksum::Kind> Checksum::KindFor(std::string_view name) {
  for (const Kind kind :
       {Kind::kCrc32, Kind::kCrc32c, Kind::kCrc64Nvme, Kind::kSha1, Kind::kSha256})
    if (EqualsIgnoreCase(name, Name(kind))) return kind;
  return std::nullopt;
}

std::string_view Checksum::Name(Kind kind) {
  switch (kind) {
    case Kind::kCrc32: return "CRC32";
    case Kind::kCrc32c: return "CRC32C";
    case Kind::kCrc64Nvme: return "CRC64NVME";
    case Kind::kSha1: return "SHA1";
    case Kind::kSha256: return "SHA256";
  }
  return "";
}

Checksum::Checksum(Kind kind) : kind_(kind), state_(std::make_unique<State>()) {
  if (kind == Kind::kCrc32c) state_->crc = 0xFFFFFFFFu;
  if (kind == Kind::kCrc64Nvme) state_->crc = ~0ull;
  if (kind == Kind::kSha1) state_->digest.emplace(Digest::Kind::kSha1);
  if (kind == Kind::kSha256) state_->digest.emplace(Digest::Kind::kSha256);
}
Checksum::~Checksum() = default;
Checksum::Checksum(Checksum&&) noexcept = default;
Checksum& Checksum::operator=(Checksum&&) noexcept = default;

void Checksum::Update(std::string_view bytes) {
  switch (kind_) {
    case Kind::kCrc32:
      state_->crc = crc32_z(static_cast<uLong>(state_->crc),
                            reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
      break;
    case Kind::kCrc32c:
      state_->crc = Advance(kCrc32c, static_cast<uint32_t>(state_->crc), bytes);
      break;
    case Kind::kCrc64Nvme: state_->crc = Advance(kCrc64Nvme, state_->crc, bytes); break;
    case Kind::kSha1:
    case Kind::kSha256: state_->digest->Update(bytes); break;
  }
}

std::string Checksum::Finish() {
  switch (kind_) {
    case Kind::kCrc32: return BigEndian(state_->crc, 4);
    case Kind::kCrc32c: return BigEndian(static_cast<uint32_t>(~state_->crc), 4);
    case Kind::kCrc64Nvme: return BigEndian(~state_->crc, 8);
    default: return state_->digest->Finish();
  }
}

}  // namespace stepmill
