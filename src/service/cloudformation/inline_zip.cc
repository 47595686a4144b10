#include "service/cloudformation/inline_zip.h"

#include <cstdint>

#include "base/checksum.h"

namespace stepmill::cloudformation {

namespace {

// PKWARE's APPNOTE, 4.3.7 (local file header), 4.3.12 (central directory), 4.3.16 (its end).
constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr uint16_t kVersion = 20, kMadeByUnix = (3 << 8) | kVersion;
constexpr uint16_t kDate = (1 << 5) | 1;    // 1 January 1980
constexpr uint32_t kMode = 0100644u << 16;  // a regular file

void Put(std::string& out, uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFF);
}

/// CRC-32 as zip has it: little endian.
uint32_t Crc(std::string_view text) {
  Checksum checksum(Checksum::Kind::kCrc32);
  checksum.Update(text);
  uint32_t value = 0;
  const std::string raw = checksum.Finish();
  for (const char c : raw) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

/// What both headers of the file have alike: from the version to the names' lengths.
void PutCommon(std::string& out, std::string_view name, std::string_view text) {
  Put(out, kVersion, 2);
  Put(out, 0, 2);  // flags
  Put(out, 0, 2);  // stored
  Put(out, 0, 2);  // time
  Put(out, kDate, 2);
  Put(out, Crc(text), 4);
  Put(out, text.size(), 4);
  Put(out, text.size(), 4);
  Put(out, name.size(), 2);
  Put(out, 0, 2);  // no extra field
}

}  // namespace

std::string InlineZip(std::string_view name, std::string_view text) {
  std::string out;
  Put(out, kLocal, 4);
  PutCommon(out, name, text);
  out += name;
  out += text;
  const size_t directory = out.size();
  Put(out, kCentral, 4);
  Put(out, kMadeByUnix, 2);
  PutCommon(out, name, text);
  Put(out, 0, 2);  // no comment
  Put(out, 0, 2);  // the first disk
  Put(out, 0, 2);  // internal attributes
  Put(out, kMode, 4);
  Put(out, 0, 4);  // where the local header is
  out += name;
  const size_t directory_end = out.size();
  Put(out, kEnd, 4);
  Put(out, 0, 4);  // of one disk
  Put(out, 1, 2);
  Put(out, 1, 2);
  Put(out, directory_end - directory, 4);
  Put(out, directory, 4);
  Put(out, 0, 2);
  return out;
}

}  // namespace stepmill::cloudformation
