#include "wire/aws/payload.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include "base/checksum.h"
#include "base/strings.h"

namespace stepmill::wire {
namespace {

asio::awaitable<void> ReadInto(ByteSource& source, std::optional<Result<std::string>>& out) {
  out.emplace(co_await ReadAll(source, 1 << 20));
}

Result<std::string> ReadPayload(std::string body, PayloadPlan plan) {
  const auto source = BytesSource(std::move(body));
  auto payload = OpenPayload(*source, std::move(plan));
  if (!payload) return payload.error();
  asio::io_context context;
  std::optional<Result<std::string>> out;
  asio::co_spawn(context, ReadInto(**payload, out), asio::detached);
  context.run();
  return *std::move(out);
}

PayloadPlan Plan(std::string hash) {
  PayloadPlan plan;
  plan.signature.payload_hash = std::move(hash);
  return plan;
}

// AWS's published example: "Signature Calculations ... Transferring Payload in Multiple Chunks".
TEST(Payload, PublishedExampleOfSignedChunks) {
  PayloadPlan plan = Plan("STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
  plan.signature.timestamp = "20130524T000000Z";
  plan.signature.date = "20130524";
  plan.signature.region = "us-east-1";
  plan.signature.service = "s3";
  plan.signature.signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
  plan.signing_key = SigningKey(Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"), plan.signature);
  plan.decoded_length = 66560;
  const std::string body =
      "10000;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" +
      std::string(65536, 'a') +
      "\r\n400;chunk-signature=0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
      "\r\n" +
      std::string(1024, 'a') +
      "\r\n0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
      "\r\n\r\n";
  const auto read = ReadPayload(body, plan);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->size(), 66560u);
  std::string altered = body;
  altered[200] = 'b';
  const auto refused = ReadPayload(altered, plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "SignatureDoesNotMatch");
}

TEST(Payload, TrailingChecksumIsChecked) {
  PayloadPlan plan = Plan("STREAMING-UNSIGNED-PAYLOAD-TRAILER");
  plan.trailer = "x-amz-checksum-crc32";
  const auto body = [](const std::string& checksum) {
    return "5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:" + checksum + "\r\n\r\n";
  };
  Checksum crc(Checksum::Kind::kCrc32);
  crc.Update("hello world");
  const auto read = ReadPayload(body(Base64(crc.Finish())), plan);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, "hello world");
  const auto refused = ReadPayload(body("AAAAAA=="), plan);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "BadDigest");
}

TEST(Payload, BrokenFramingIsIncomplete) {
  for (const char* body : {"5\r\nhel", "zz\r\n", "5\r\nhelloXX", "5\r\nhello\r\n"}) {
    const auto refused = ReadPayload(body, Plan("STREAMING-UNSIGNED-PAYLOAD-TRAILER"));
    ASSERT_FALSE(refused) << body;
    EXPECT_EQ(refused.error().name, "IncompleteBody");
  }
}

TEST(Payload, HashOfTheWholeIsChecked) {
  EXPECT_TRUE(ReadPayload("abc", Plan("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2"
                                      "0015ad")));
  const auto refused = ReadPayload("abd", Plan(std::string(64, '0')));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "XAmzContentSHA256Mismatch");
}

}  // namespace
}  // namespace stepmill::wire
