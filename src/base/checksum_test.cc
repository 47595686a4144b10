#include "base/checksum.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace stepmill {
namespace {

std::string Of(std::string_view kind, std::string_view text) {
  Checksum checksum(*Checksum::KindFor(kind));
  checksum.Update(text.substr(0, 3));
  checksum.Update(text.substr(3));
  return Hex(checksum.Finish());
}

TEST(Checksum, CheckValuesOfTheCatalogue) {
  EXPECT_EQ(Of("crc32", "123456789"), "cbf43926");
  EXPECT_EQ(Of("CRC32C", "123456789"), "e3069283");
  EXPECT_EQ(Of("CRC64NVME", "123456789"), "ae8b14860a799888");
  EXPECT_EQ(Of("SHA1", "abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_FALSE(Checksum::KindFor("MD4"));
}

}  // namespace
}  // namespace stepmill
