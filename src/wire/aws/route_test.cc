#include "wire/aws/route.h"

#include <gtest/gtest.h>

#include "wire/aws/decode.h"
#include "wire/aws/encode.h"

namespace stepmill::wire {
namespace {

Task<Json> Nothing(Call&) { co_return Json(); }

constexpr Operation kS3Rows[] = {
    {.name = "PutObject", .handler = Nothing, .action = "s3:PutObject"}};
const Service kS3{
    .name = "s3", .host = "s3.amazonaws.com", .model = &models::kS3, .operations = kS3Rows};
constexpr Operation kIamRows[] = {{.name = "TagRole", .handler = Nothing, .action = "iam:TagRole"}};
const Service kIam{
    .name = "iam", .host = "iam.amazonaws.com", .model = &models::kIam, .operations = kIamRows};

/// Routing looks at the door's services only: its ports are never touched.
class RouteTest : public testing::Test {
 protected:
  RouteTest() : door_(*reinterpret_cast<Ports*>(this), nullptr) {
    door_.Add(kS3);
    door_.Add(kIam);
    signature_.service = "s3";
  }
  static HttpRequest Of(std::string method, std::string target, std::string host = "127.0.0.1") {
    HttpRequest request;
    request.method = std::move(method);
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    request.host = std::move(host);
    return request;
  }
  static Target Of(const Service& service) {
    Target target;
    target.service = &service;
    target.protocol = service.model->protocol;
    return target;
  }
  static Target AnswerTo(std::string_view operation) {
    Target target = Of(kS3);
    target.model = kS3.model->Find(operation);
    return target;
  }
  std::string Operation(const HttpRequest& request) const {
    return FindTarget(door_, request, &signature_).operation;
  }

  Door door_;
  Signature signature_;
};

TEST_F(RouteTest, S3OperationsByPathQueryAndHeaders) {
  EXPECT_EQ(Operation(Of("GET", "/")), "ListBuckets");
  EXPECT_EQ(Operation(Of("PUT", "/b")), "CreateBucket");
  EXPECT_EQ(Operation(Of("GET", "/b/")), "ListObjects");
  EXPECT_EQ(Operation(Of("GET", "/b?list-type=2&prefix=a")), "ListObjectsV2");
  EXPECT_EQ(Operation(Of("GET", "/b?location")), "GetBucketLocation");
  EXPECT_EQ(Operation(Of("PUT", "/b/a/b%20c")), "PutObject");
  EXPECT_EQ(Operation(Of("PUT", "/b/k?partNumber=1&uploadId=u")), "UploadPart");
  EXPECT_EQ(Operation(Of("POST", "/b/k?uploads")), "CreateMultipartUpload");
  EXPECT_EQ(Operation(Of("POST", "/b/k?uploadId=u")), "CompleteMultipartUpload");
  EXPECT_EQ(Operation(Of("DELETE", "/b/k?uploadId=u")), "AbortMultipartUpload");
  EXPECT_EQ(Operation(Of("DELETE", "/b/k")), "DeleteObject");
  EXPECT_EQ(Operation(Of("POST", "/b?delete")), "DeleteObjects");
  HttpRequest copy = Of("PUT", "/b/k");
  copy.headers.Add("x-amz-copy-source", "/a/k");
  EXPECT_EQ(Operation(copy), "CopyObject");
  copy.query = "partNumber=1&uploadId=u";
  EXPECT_EQ(Operation(copy), "UploadPartCopy");
}

TEST_F(RouteTest, AnUnbuiltSubResourceIsNotTakenForAnother) {
  const Target target = FindTarget(door_, Of("GET", "/b?replication"), &signature_);
  EXPECT_EQ(target.model, nullptr);
  EXPECT_EQ(target.unknown, "GET ?replication");
}

TEST_F(RouteTest, BucketsInTheHostName) {
  EXPECT_EQ(BucketOfHost("b.s3.amazonaws.com"), "b");
  EXPECT_EQ(BucketOfHost("a.b.s3.ap-northeast-1.amazonaws.com"), "a.b");
  EXPECT_EQ(BucketOfHost("b.s3-us-west-2.amazonaws.com"), "b");
  EXPECT_EQ(BucketOfHost("s3.amazonaws.com"), "");
  EXPECT_EQ(BucketOfHost("api.ecr.us-east-1.amazonaws.com"), "");
  const Target target =
      FindTarget(door_, Of("PUT", "/k", "b.s3.us-east-1.amazonaws.com"), &signature_);
  EXPECT_EQ(target.operation, "PutObject");
  EXPECT_EQ(target.labels.at("Bucket"), "b");
  EXPECT_EQ(target.labels.at("Key"), "k");
}

TEST_F(RouteTest, FormsBecomeStructures) {
  signature_.service = "iam";
  const HttpRequest request = Of("POST", "/");
  Target target = FindTarget(door_, request, &signature_);
  const auto input = DecodeInput(
      request, target,
      "Action=TagRole&RoleName=r&Tags.member.2.Key=b&Tags.member.2.Value=2&Tags.member.1.Key=a&"
      "Tags.member.1.Value=%E6%97%A5+1");
  ASSERT_TRUE(input);
  EXPECT_EQ(input->Print(),
            R"({"RoleName":"r","Tags":[{"Key":"a","Value":"日 1"},{"Key":"b","Value":"2"}]})");
  EXPECT_EQ(target.operation, "TagRole");
}

TEST_F(RouteTest, XmlBodiesBecomeStructures) {
  const HttpRequest request = Of("POST", "/b?delete");
  Target target = FindTarget(door_, request, &signature_);
  const auto input = DecodeInput(
      request, target,
      "<Delete><Object><Key>a</Key></Object><Object><Key>b</Key></Object><Quiet>true</Quiet>"
      "</Delete>");
  ASSERT_TRUE(input);
  EXPECT_EQ(input->Print(),
            R"({"Bucket":"b","Delete":{"Objects":[{"Key":"a"},{"Key":"b"}],"Quiet":true}})");
}

TEST_F(RouteTest, S3AnswersAreXmlWithHeaders) {
  Answer answer;
  answer.output = Json::Object{
      {"Contents", Json::Array{Json::Object{{"Key", "a"}, {"LastModified", 1669032000.5}}}},
      {"IsTruncated", false}};
  const HttpResponse response =
      EncodeAnswer(AnswerTo("ListObjectsV2"), std::move(answer), "id", false);
  EXPECT_NE(
      response.body.find("<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                         "<IsTruncated>false</IsTruncated><Contents><Key>a</Key>"
                         "<LastModified>2022-11-21T12:00:00.500Z</LastModified></Contents>"),
      std::string::npos)
      << response.body;
  Answer put;
  put.output = Json::Object{{"ETag", "\"e\""}};
  const HttpResponse empty = EncodeAnswer(AnswerTo("PutObject"), std::move(put), "id", false);
  EXPECT_EQ(empty.headers.Get("ETag"), "\"e\"");
  EXPECT_EQ(empty.body, "");
}

TEST_F(RouteTest, ErrorsAsTheProtocolSpellsThem) {
  const HttpRequest request = Of("GET", "/b/k");
  const Error denied{Code::kDenied, "AccessDeniedException", "no", {}};
  EXPECT_EQ(EncodeError(Of(kS3), denied, "id", request).status, 403);
  EXPECT_EQ(EncodeError(Of(kIam), denied, "id", request).status, 403);
  const Error missing{Code::kNotFound, "NoSuchKey", "gone", {{"Key", "k"}}};
  const HttpResponse s3 = EncodeError(Of(kS3), missing, "id", request);
  EXPECT_EQ(s3.status, 404);
  EXPECT_NE(s3.body.find("<Code>NoSuchKey</Code><Message>gone</Message><Key>k</Key>"),
            std::string::npos);
  const HttpRequest head = Of("HEAD", "/b/k");
  EXPECT_EQ(EncodeError(Of(kS3), missing, "id", head).body, "");
}

}  // namespace
}  // namespace stepmill::wire
