// CBOR of requests: no input crashes or hangs the reader, and what it read is written and read
// again as the same. A text is the bytes in hexadecimal; other characters are passed over.
#include <cstdlib>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "wire/aws/cbor.h"

namespace {

using stepmill::Shape;
using stepmill::ShapeMember;
using Type = Shape::Type;

constexpr Shape kString{.name = "S", .type = Type::kString};
constexpr Shape kLong{.name = "L", .type = Type::kLong};
constexpr Shape kReal{.name = "D", .type = Type::kDouble};
constexpr Shape kTime{.name = "T", .type = Type::kTimestamp};
constexpr Shape kBlob{.name = "B", .type = Type::kBlob};
extern const Shape kAll;
constexpr Shape kList{.name = "As", .type = Type::kList, .item = {.shape = &kAll}};
constexpr Shape kMap{
    .name = "M", .type = Type::kMap, .item = {.shape = &kReal}, .key = {.shape = &kString}};
constexpr ShapeMember kMembers[] = {
    {.name = "s", .shape = &kString}, {.name = "l", .shape = &kLong},
    {.name = "d", .shape = &kReal},   {.name = "t", .shape = &kTime},
    {.name = "b", .shape = &kBlob},   {.name = "a", .shape = &kAll},
    {.name = "as", .shape = &kList},  {.name = "m", .shape = &kMap},
};
constexpr Shape kAll{.name = "All", .members = kMembers};

int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void Target(std::string_view text) {
  std::string bytes;
  int high = -1;
  for (const char c : text) {
    const int digit = Digit(c);
    if (digit < 0) continue;
    if (high >= 0) bytes.push_back(static_cast<char>(high << 4 | digit));
    high = high < 0 ? digit : -1;
  }
  const auto value = stepmill::wire::DecodeCbor(kAll, bytes);
  if (!value) return;
  const std::string written = stepmill::wire::EncodeCbor(kAll, *value);
  const auto again = stepmill::wire::DecodeCbor(kAll, written);
  if (!again || stepmill::wire::EncodeCbor(kAll, *again) != written) std::abort();
}

}  // namespace

int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
