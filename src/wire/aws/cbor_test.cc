#include "wire/aws/cbor.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/strings.h"
#include "wire/aws/limits.h"

namespace stepmill::wire {
namespace {

using Type = Shape::Type;
constexpr Shape kString{.name = "S", .type = Type::kString};
constexpr Shape kLong{.name = "L", .type = Type::kLong};
constexpr Shape kReal{.name = "D", .type = Type::kDouble};
constexpr Shape kFlag{.name = "F", .type = Type::kBoolean};
constexpr Shape kTime{.name = "T", .type = Type::kTimestamp};
constexpr Shape kBlob{.name = "B", .type = Type::kBlob};
constexpr Shape kReals{.name = "Ds", .type = Type::kList, .item = {.shape = &kReal}};
constexpr Shape kTags{
    .name = "M", .type = Type::kMap, .item = {.shape = &kString}, .key = {.shape = &kString}};
extern const Shape kAll;
constexpr ShapeMember kMembers[] = {
    {.name = "s", .shape = &kString}, {.name = "l", .shape = &kLong},
    {.name = "d", .shape = &kReal},   {.name = "f", .shape = &kFlag},
    {.name = "t", .shape = &kTime},   {.name = "b", .shape = &kBlob},
    {.name = "ds", .shape = &kReals}, {.name = "m", .shape = &kTags},
    {.name = "more", .shape = &kAll},
};
constexpr Shape kAll{.name = "All", .members = kMembers};

/// The value as JSON text, or the error's message.
std::string Read(std::string_view hex) {
  const auto bytes = Unhex(hex);
  if (!bytes) return "no hex";
  const Result<Json> value = DecodeCbor(kAll, *bytes);
  return value ? value->Print() : value.error().message;
}

TEST(CborTest, EveryTypeComesAndGoes) {
  const Json value = Json::Object{
      {"s", "日本"},
      {"l", -5000000000},
      {"d", 0.5},
      {"f", true},
      {"t", 1669032000.25},
      {"b", Base64("\x01\xff")},
      {"ds", Json::Array{Json(1.5), Json(-2.0), Json("NaN"), Json("-Infinity")}},
      {"m", Json::Object{{"k", "v"}}},
      {"more", Json::Object{{"l", 23}, {"t", 1669032000}}},
  };
  const std::string bytes = EncodeCbor(kAll, value);
  const Result<Json> again = DecodeCbor(kAll, bytes);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->Print(), value.Print());
  // {"t": 1(1669032000)}: an integer where there is no fraction, in the shortest form.
  EXPECT_EQ(Hex(EncodeCbor(kAll, Json::Object{{"t", 1669032000}, {"x", 1}})), "a16174c11a637b6840");
  EXPECT_EQ(Hex(EncodeCbor(Json::Object{{"a", Json::Array{Json(), Json(-1), Json(256)}}})),
            "a1616183f620190100");
}

TEST(CborTest, TheExamplesOfTheStandard) {
  // RFC 8949, appendix A.
  EXPECT_EQ(Read("a1616cfb3ff199999999999a"), R"({"l":1.1})");
  EXPECT_EQ(Read("a16164f93c00"), R"({"d":1})");
  EXPECT_EQ(Read("a16164f97bff"), R"({"d":65504})");
  EXPECT_EQ(Read("a16164f90001"), R"({"d":5.960464477539063e-08})");
  EXPECT_EQ(Read("a16164f9c400"), R"({"d":-4})");
  EXPECT_EQ(Read("a16164f97c00"), R"({"d":"Infinity"})");
  EXPECT_EQ(Read("a16164f97e00"), R"({"d":"NaN"})");
  EXPECT_EQ(Read("a16164fa47c35000"), R"({"d":100000})");
  EXPECT_EQ(Read("a1616c1b000000e8d4a51000"), R"({"l":1000000000000})");
  EXPECT_EQ(Read("a1616c3903e7"), R"({"l":-1000})");
  EXPECT_EQ(Read("a16174c1fb41d452d9e8200000"), R"({"t":1363896224.5})");
}

TEST(CborTest, IndefiniteLengthsNullsAndWhatNobodyKnows) {
  EXPECT_EQ(Read("bf6173ff"), "The CBOR of the request has an item that is not well-formed.");
  EXPECT_EQ(Read("bf61737f6161626263ffff"), R"({"s":"abc"})");
  EXPECT_EQ(Read("bf61625f41014102ffff"), R"({"b":"AQI="})");
  EXPECT_EQ(Read("bf6264739f01f93c00ffff"), R"({"ds":[1,1]})");
  EXPECT_EQ(Read("a26173f66164f7"), R"({"s":null,"d":null})");
  EXPECT_EQ(Read("a26178a1617982c24101d81e8201026164f93c00"),
            R"({"d":1})");  // x: {y: [2(h), 30([])]}
  EXPECT_EQ(Read("a261736161617361"
                 "62"),
            R"({"s":"b"})");  // the last of a name
  EXPECT_EQ(Read("a16c6c6c6c6c6c6c6c6c6c6c6c6c00"), "{}");
}

TEST(CborTest, AScalarOfAnotherTypeIsLeftToTheCheck) {
  EXPECT_EQ(Read("a1616c6161"), R"({"l":"a"})");
  EXPECT_EQ(Read("a1616c8101"), R"({"l":[]})");
  EXPECT_EQ(Read("a16264730a"), R"({"ds":10})");
}

TEST(CborTest, Refusals) {
  const std::string front = "The CBOR of the request ";
  EXPECT_EQ(Read(""), front + "ends early.");
  EXPECT_EQ(Read("a1"), front + "ends early.");
  EXPECT_EQ(Read("a1617363"
                 "6162"),
            front + "ends early.");
  EXPECT_EQ(Read("a161735bffffffffffffffff41"),
            front + "has a byte string where none is expected.");
  EXPECT_EQ(Read("a161737bffffffffffffffff41"), front + "ends early.");
  EXPECT_EQ(Read("a16264739bffffffffffffffff01"), front + "ends early.");
  EXPECT_EQ(Read("bbffffffffffffffff"), front + "ends early.");
  EXPECT_EQ(Read("a000"), front + "goes on behind its end.");
  EXPECT_EQ(Read("a161626161"), front + "has a text where a byte string is expected.");
  EXPECT_EQ(Read("a1617361ff"), front + "has a text that is not UTF-8.");
  EXPECT_EQ(Read("a1616c1bffffffffffffffff"), front + "has an integer of more than 64 bits.");
  EXPECT_EQ(Read("a1616cc24101"), front + "has a tag that no member takes.");
  EXPECT_EQ(Read("a10101"), front + "has a key that is not a text.");
  EXPECT_EQ(Read("a1616cf8ff"), front + "has a simple value that is not known.");
  EXPECT_EQ(Read("a1616c1c"), front + "has an item that is not well-formed.");
  EXPECT_EQ(Read("bf61737f4161ffff"), front + "has a piece of another type in a string.");
}

TEST(CborTest, DepthIsBounded) {
  const auto nested = [](int depth, const std::string& name) {
    std::string hex;
    for (int i = 0; i < depth; ++i) hex += "a1" + Hex(name);
    return hex + "a0";
  };
  const std::string known = "\x64more", unknown = "\x61x";
  EXPECT_EQ(Read(nested(kCborDepthMax, known)).substr(0, 8), R"({"more":)");
  EXPECT_EQ(Read(nested(kCborDepthMax + 1, known)),
            "The CBOR of the request is nested too deeply.");
  EXPECT_EQ(Read(nested(kCborDepthMax, unknown)), "{}");
  EXPECT_EQ(Read(nested(100000, unknown)), "The CBOR of the request is nested too deeply.");
  std::string tags = "a1616c";
  for (int i = 0; i < 100000; ++i) tags += "c1";
  EXPECT_EQ(Read(tags), "The CBOR of the request is nested too deeply.");
}

}  // namespace
}  // namespace stepmill::wire
