#include "wire/aws/sigv4.h"

#include <gtest/gtest.h>

#include "base/digest.h"
#include "base/strings.h"

namespace stepmill::wire {
namespace {

// AWS's published example: "Signature Calculations for the Authorization Header", GET Object.
TEST(SigV4, PublishedExampleOfS3) {
  HttpRequest request;
  request.method = "GET";
  request.path = "/test.txt";
  request.headers.Add("host", "examplebucket.s3.amazonaws.com");
  request.headers.Add("range", "bytes=0-9");
  request.headers.Add("x-amz-content-sha256", Hex(Sha256("")));
  request.headers.Add("x-amz-date", "20130524T000000Z");
  request.headers.Add("authorization",
                      "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                      "aws4_request,SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
                      "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const auto read = ReadSignature(request);
  ASSERT_TRUE(read && *read);
  const Signature& signature = **read;
  EXPECT_EQ(signature.access_key_id, "AKIAIOSFODNN7EXAMPLE");
  EXPECT_EQ(signature.service, "s3");
  const Secret secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  EXPECT_EQ(Sign(request, signature, SigningKey(secret, signature), Hex(Sha256(""))),
            signature.signature);
}

// The same page: a presigned URL.
TEST(SigV4, PublishedExampleOfAPresignedUrl) {
  HttpRequest request;
  request.method = "GET";
  request.path = "/test.txt";
  request.query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
      "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
      "X-Amz-SignedHeaders=host&X-Amz-Signature="
      "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  request.headers.Add("host", "examplebucket.s3.amazonaws.com");
  const auto read = ReadSignature(request);
  ASSERT_TRUE(read && *read);
  EXPECT_TRUE((*read)->is_presigned);
  EXPECT_EQ((*read)->expires_seconds, 86400);
  const Secret secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
  EXPECT_EQ(Sign(request, **read, SigningKey(secret, **read), "UNSIGNED-PAYLOAD"),
            (*read)->signature);
}

TEST(SigV4, MissingPartsAreNamed) {
  HttpRequest request;
  EXPECT_FALSE(*ReadSignature(request));
  request.headers.Add("authorization", "AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request");
  const auto read = ReadSignature(request);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().name, "IncompleteSignature");
  EXPECT_NE(read.error().message.find("requires 'Signature' parameter"), std::string::npos);
}

}  // namespace
}  // namespace stepmill::wire
