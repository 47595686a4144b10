#include "service/s3/s3.h"

#include <gtest/gtest.h>

#include <fstream>

#include "app/test_world.h"
#include "base/digest.h"
#include "base/strings.h"
#include "blob/memory/memory_blobs.h"
#include "service/objects.h"

namespace stepmill::s3 {
namespace {

class Counting final : public Random {
 public:
  uint64_t Next() override { return next_ += 0x9E3779B97F4A7C15; }

 private:
  uint64_t next_ = 0;
};

struct Got {
  Json output, headers;
  std::string body;
};

class S3Test : public testing::Test {
 protected:
  S3Test()
      : blobs(random),
        world({&kService}, &blobs, nullptr, [](const Json&, const Json&) { return false; }) {
    Do("CreateBucket", {{"Bucket", "demo"}});
  }

  Result<Got> Try(const char* operation, Json::Object input, const std::string* body = nullptr) {
    Request request;
    request.service = "s3";
    request.operation = operation;
    request.principal = TestWorld::Alice();
    request.account = "000000000000";
    request.region = "us-east-1";
    request.input = Json(std::move(input));
    const auto source = BytesSource(body ? *body : "");
    if (body) request.body = source.get();
    Result<Answer> answer = world.Run(world.door().Ask(std::move(request)));
    if (!answer) return answer.error();
    Got got{answer->output, answer->headers, ""};
    if (answer->body) {
      const auto read = world.Run(ReadAll(*answer->body, UINT64_MAX));
      if (!read) return read.error();
      got.body = *read;
    }
    return got;
  }
  Got Do(const char* operation, Json::Object input, const std::string* body = nullptr) {
    const auto got = Try(operation, std::move(input), body);
    EXPECT_TRUE(got.has_value()) << operation << ": " << (got ? "" : got.error().message);
    return got ? *got : Got{};
  }
  std::string Refused(const char* operation, Json::Object input,
                      const std::string* body = nullptr) {
    const auto got = Try(operation, std::move(input), body);
    return got ? "accepted" : got.error().name;
  }
  Json Put(const std::string& key, const std::string& bytes, Json::Object more = {}) {
    Json::Object input{{"Bucket", "demo"}, {"Key", key}};
    for (Json::Member& member : more.members) input.Set(member.name, member.value);
    return Do("PutObject", std::move(input), &bytes).output;
  }
  Got Get(const std::string& key, Json::Object more = {}) {
    Json::Object input{{"Bucket", "demo"}, {"Key", key}};
    for (Json::Member& member : more.members) input.Set(member.name, member.value);
    return Do("GetObject", std::move(input));
  }
  /// Does what the loop does with the events of unnamed blobs.
  void RemoveUnnamed() {
    for (const Json& event : world.events)
      if (event["source"] == Json("stepmill.s3")) {
        const auto done = world.Ask("s3", "RemoveBlobs", Json::Object{{"event", event}}, true);
        EXPECT_TRUE(done.has_value());
      }
    world.events.clear();
  }
  size_t BlobCount() { return world.Run(blobs.List())->size(); }
  std::string Keys(const Json& output) {
    std::string text;
    for (const Json& entry : output["Contents"].items()) text += entry.StringOr("Key", "") + " ";
    if (output.Has("CommonPrefixes"))
      for (const Json& entry : output["CommonPrefixes"].items())
        text += "(" + entry.StringOr("Prefix", "") + ") ";
    return text;
  }

  Counting random;
  MemoryBlobs blobs;
  TestWorld world;
};

TEST_F(S3Test, AnObjectComesBackAsItWent) {
  const Json put = Put("a/モデル.bin", "hello world",
                       {{"ContentType", "text/plain"},
                        {"Metadata", Json::Object{{"who", "me"}}},
                        {"ContentMD5", Base64(Md5("hello world"))},
                        {"ChecksumCRC32", "DUoRhQ=="}});
  EXPECT_EQ(put.StringOr("ETag", ""), "\"" + Hex(Md5("hello world")) + "\"");
  EXPECT_EQ(put.StringOr("ChecksumCRC32", ""), "DUoRhQ==");
  EXPECT_EQ(put.StringOr("ServerSideEncryption", ""), "AES256");
  const Got got = Get("a/モデル.bin", {{"ChecksumMode", "ENABLED"}});
  EXPECT_EQ(got.body, "hello world");
  EXPECT_EQ(got.output.StringOr("ContentType", ""), "text/plain");
  EXPECT_EQ(got.output["Metadata"].StringOr("who", ""), "me");
  EXPECT_EQ(got.output.IntOr("ContentLength", 0), 11);
  EXPECT_EQ(got.output.StringOr("ChecksumCRC32", ""), "DUoRhQ==");
}

TEST_F(S3Test, Ranges) {
  Put("r", "0123456789");
  const Got middle = Get("r", {{"Range", "bytes=2-4"}});
  EXPECT_EQ(middle.body, "234");
  EXPECT_EQ(middle.output.StringOr("ContentRange", ""), "bytes 2-4/10");
  EXPECT_EQ(middle.headers.IntOr("status", 0), 206);
  EXPECT_EQ(Get("r", {{"Range", "bytes=-3"}}).body, "789");
  EXPECT_EQ(Get("r", {{"Range", "bytes=7-"}}).body, "789");
  EXPECT_EQ(Get("r", {{"Range", "bytes=7-99"}}).body, "789");
  EXPECT_EQ(Get("r", {{"Range", "lines=1-2"}}).body, "0123456789");
  EXPECT_EQ(Refused("GetObject", {{"Bucket", "demo"}, {"Key", "r"}, {"Range", "bytes=10-"}}),
            "InvalidRange");
}

TEST_F(S3Test, Conditions) {
  const std::string etag = Put("c", "x").StringOr("ETag", "");
  const auto read = [&](const char* name, Json value) {
    return Refused("GetObject", {{"Bucket", "demo"}, {"Key", "c"}, {name, std::move(value)}});
  };
  EXPECT_EQ(read("IfNoneMatch", etag), "NotModified");
  const auto unchanged = world.Ask(
      "s3", "GetObject", Json::Object{{"Bucket", "demo"}, {"Key", "c"}, {"IfNoneMatch", etag}});
  ASSERT_FALSE(unchanged);
  EXPECT_EQ(unchanged.error().fields.at(0),
            (std::pair<std::string, std::string>("http:ETag", etag)));
  EXPECT_EQ(read("IfMatch", etag), "accepted");
  EXPECT_EQ(read("IfMatch", "\"no\""), "PreconditionFailed");
  EXPECT_EQ(read("IfModifiedSince", 4102444800), "NotModified");
  EXPECT_EQ(read("IfUnmodifiedSince", 1), "PreconditionFailed");
  const std::string bytes = "y";
  const auto write = [&](const char* key, const char* name, Json value) {
    return Refused("PutObject", {{"Bucket", "demo"}, {"Key", key}, {name, std::move(value)}},
                   &bytes);
  };
  EXPECT_EQ(write("c", "IfNoneMatch", "*"), "PreconditionFailed");
  EXPECT_EQ(write("new", "IfNoneMatch", "*"), "accepted");
  EXPECT_EQ(write("c", "IfMatch", "\"no\""), "PreconditionFailed");
  EXPECT_EQ(write("c", "IfMatch", etag), "accepted");
  RemoveUnnamed();
  EXPECT_EQ(BlobCount(), 2u);
}

TEST_F(S3Test, WhatIsWrongIsRefusedAndLeavesNothing) {
  const std::string bytes = "x";
  const auto put = [&](Json::Object more) {
    Json::Object input{{"Bucket", "demo"}, {"Key", "k"}};
    for (Json::Member& member : more.members) input.Set(member.name, member.value);
    return Refused("PutObject", std::move(input), &bytes);
  };
  EXPECT_EQ(put({{"ContentMD5", Base64(Md5("y"))}}), "BadDigest");
  EXPECT_EQ(put({{"ContentMD5", "x"}}), "InvalidDigest");
  EXPECT_EQ(put({{"ChecksumSHA256", Base64(Sha256("y"))}}), "BadDigest");
  EXPECT_EQ(put({{"ContentLength", 2}}), "IncompleteBody");
  EXPECT_EQ(put({{"ServerSideEncryption", "aws:kms"}}), "NotImplemented");
  EXPECT_EQ(put({{"ACL", "public-read"}}), "NotImplemented");
  EXPECT_EQ(put({{"Key", std::string(1025, 'k')}}), "KeyTooLongError");
  EXPECT_EQ(put({{"Bucket", "other"}}), "NoSuchBucket");
  EXPECT_EQ(Refused("GetObject", {{"Bucket", "demo"}, {"Key", "k"}}), "NoSuchKey");
  EXPECT_EQ(Refused("CreateBucket", {{"Bucket", "Demo"}}), "InvalidBucketName");
  EXPECT_EQ(BlobCount(), 0u);
}

TEST_F(S3Test, AReplacedOrDeletedObjectLeavesNoBlob) {
  Put("k", "one");
  Put("k", "two");
  EXPECT_EQ(BlobCount(), 2u);
  RemoveUnnamed();
  EXPECT_EQ(BlobCount(), 1u);
  EXPECT_EQ(Get("k").body, "two");
  EXPECT_EQ(Refused("DeleteBucket", {{"Bucket", "demo"}}), "BucketNotEmpty");
  Do("DeleteObject", {{"Bucket", "demo"}, {"Key", "k"}});
  Do("DeleteObject", {{"Bucket", "demo"}, {"Key", "k"}});
  RemoveUnnamed();
  EXPECT_EQ(BlobCount(), 0u);
  Do("DeleteBucket", {{"Bucket", "demo"}});
  EXPECT_EQ(Refused("HeadBucket", {{"Bucket", "demo"}}), "NoSuchBucket");
}

TEST_F(S3Test, ListsInTheOrderOfBytesWithFolders) {
  for (const char* key : {"a/1", "a/2", "a-b", "b", "a/c/3", "Z", "あ"}) Put(key, "");
  const auto list = [&](Json::Object more) {
    Json::Object input{{"Bucket", "demo"}};
    for (Json::Member& member : more.members) input.Set(member.name, member.value);
    return Do("ListObjectsV2", std::move(input)).output;
  };
  EXPECT_EQ(Keys(list({})), "Z a-b a/1 a/2 a/c/3 b あ ");
  EXPECT_EQ(Keys(list({{"Delimiter", "/"}})), "Z a-b b あ (a/) ");
  EXPECT_EQ(Keys(list({{"Prefix", "a/"}, {"Delimiter", "/"}})), "a/1 a/2 (a/c/) ");
  EXPECT_EQ(Keys(list({{"StartAfter", "a/2"}})), "a/c/3 b あ ");
  EXPECT_EQ(Keys(list({{"Prefix", "あ"}, {"EncodingType", "url"}})), "%E3%81%82 ");
  // Pages: each goes on behind the last one's end, also when that was a folder.
  std::string all;
  Json::Object more{{"MaxKeys", 2}, {"Delimiter", "/"}};
  for (int page = 0; page < 5; ++page) {
    const Json output = list(more);
    all += Keys(output) + "| ";
    if (!output.BoolOr("IsTruncated", false)) break;
    more.Set("ContinuationToken", output["NextContinuationToken"]);
  }
  EXPECT_EQ(all, "Z a-b | b (a/) | あ | ");
  const Json first =
      Do("ListObjects", {{"Bucket", "demo"}, {"MaxKeys", 3}, {"Delimiter", "/"}}).output;
  EXPECT_EQ(first.StringOr("NextMarker", ""), "a/");
}

TEST_F(S3Test, MultipartUpload) {
  const Json input = Json::Object{{"Bucket", "demo"}, {"Key", "big"}};
  const auto with = [&](Json::Object more) {
    Json::Object all{{"Bucket", "demo"}, {"Key", "big"}};
    for (Json::Member& member : more.members) all.Set(member.name, member.value);
    return all;
  };
  const Json id =
      Do("CreateMultipartUpload", with({{"ContentType", "x/y"}, {"ChecksumAlgorithm", "SHA256"}}))
          .output["UploadId"];
  const std::string first(5 << 20, 'a'), second = "tail";
  Json::Array parts;
  for (int number : {1, 2}) {
    const std::string& bytes = number == 1 ? first : second;
    const Json part =
        Do("UploadPart", with({{"UploadId", id}, {"PartNumber", number}}), &bytes).output;
    parts.push_back(Json::Object{{"PartNumber", number}, {"ETag", part["ETag"]}});
  }
  const std::string unused = "unused";
  Do("UploadPart", with({{"UploadId", id}, {"PartNumber", 7}}), &unused);
  EXPECT_EQ(Do("ListParts", with({{"UploadId", id}})).output["Parts"].size(), 3u);
  EXPECT_EQ(Do("ListMultipartUploads", {{"Bucket", "demo"}}).output["Uploads"].size(), 1u);
  const Json swapped = Json::Array{parts[1], parts[0]};
  EXPECT_EQ(
      Refused("CompleteMultipartUpload",
              with({{"UploadId", id}, {"MultipartUpload", Json::Object{{"Parts", swapped}}}})),
      "InvalidPartOrder");
  const Json small = Json::Array{parts[1], parts[1].With("PartNumber", 7)};
  EXPECT_EQ(Refused("CompleteMultipartUpload",
                    with({{"UploadId", id}, {"MultipartUpload", Json::Object{{"Parts", small}}}})),
            "InvalidPart");
  const Json done =
      Do("CompleteMultipartUpload",
         with({{"UploadId", id}, {"MultipartUpload", Json::Object{{"Parts", Json(parts)}}}}))
          .output;
  EXPECT_EQ(done.StringOr("ETag", ""), "\"" + Hex(Md5(Md5(first) + Md5(second))) + "-2\"");
  EXPECT_EQ(done.StringOr("ChecksumSHA256", ""),
            Base64(Sha256(Sha256(first) + Sha256(second))) + "-2");
  RemoveUnnamed();
  EXPECT_EQ(BlobCount(), 2u);
  EXPECT_EQ(Get("big").body, first + second);
  EXPECT_EQ(Get("big", {{"Range", "bytes=5242878-5242881"}}).body, "aata");
  EXPECT_EQ(Get("big", {{"PartNumber", 2}}).body, "tail");
  EXPECT_EQ(Refused("AbortMultipartUpload", with({{"UploadId", id}})), "NoSuchUpload");
}

TEST_F(S3Test, AbortedUploadsLeaveNothing) {
  const Json id =
      Do("CreateMultipartUpload", {{"Bucket", "demo"}, {"Key", "k"}}).output["UploadId"];
  const std::string bytes = "x";
  for (int again = 0; again < 2; ++again)
    Do("UploadPart", {{"Bucket", "demo"}, {"Key", "k"}, {"UploadId", id}, {"PartNumber", 1}},
       &bytes);
  EXPECT_EQ(Refused("DeleteBucket", {{"Bucket", "demo"}}), "BucketNotEmpty");
  Do("AbortMultipartUpload", {{"Bucket", "demo"}, {"Key", "k"}, {"UploadId", id}});
  RemoveUnnamed();
  EXPECT_EQ(BlobCount(), 0u);
  Do("DeleteBucket", {{"Bucket", "demo"}});
}

TEST_F(S3Test, CopiesHaveTheirOwnBytes) {
  Put("from", "bytes", {{"ContentType", "a/b"}});
  Do("CopyObject", {{"Bucket", "demo"}, {"Key", "to"}, {"CopySource", "/demo/from"}});
  Do("DeleteObject", {{"Bucket", "demo"}, {"Key", "from"}});
  RemoveUnnamed();
  EXPECT_EQ(Get("to").body, "bytes");
  EXPECT_EQ(Get("to").output.StringOr("ContentType", ""), "a/b");
  EXPECT_EQ(Refused("CopyObject", {{"Bucket", "demo"}, {"Key", "to"}, {"CopySource", "demo/to"}}),
            "InvalidRequest");
  Do("CopyObject", {{"Bucket", "demo"},
                    {"Key", "to"},
                    {"CopySource", "demo/to"},
                    {"MetadataDirective", "REPLACE"},
                    {"ContentType", "c/d"}});
  RemoveUnnamed();
  EXPECT_EQ(Get("to").body, "bytes");
  EXPECT_EQ(Get("to").output.StringOr("ContentType", ""), "c/d");
}

TEST_F(S3Test, Versions) {
  const auto versioning = [&](const char* status) {
    Do("PutBucketVersioning",
       {{"Bucket", "demo"}, {"VersioningConfiguration", Json::Object{{"Status", status}}}});
  };
  Put("k", "null");
  versioning("Enabled");
  const std::string one = Put("k", "one").StringOr("VersionId", "");
  const std::string two = Put("k", "two").StringOr("VersionId", "");
  EXPECT_EQ(one.size(), 32u);
  EXPECT_EQ(Get("k").body, "two");
  EXPECT_EQ(Get("k", {{"VersionId", one}}).body, "one");
  EXPECT_EQ(Get("k", {{"VersionId", "null"}}).body, "null");
  const Json gone = Do("DeleteObject", {{"Bucket", "demo"}, {"Key", "k"}}).output;
  EXPECT_TRUE(gone.BoolOr("DeleteMarker", false));
  EXPECT_EQ(Refused("GetObject", {{"Bucket", "demo"}, {"Key", "k"}}), "NoSuchKey");
  EXPECT_EQ(Do("ListObjectsV2", {{"Bucket", "demo"}}).output["Contents"].size(), 0u);
  const Json listed = Do("ListObjectVersions", {{"Bucket", "demo"}}).output;
  EXPECT_EQ(listed["Versions"].size(), 3u);
  EXPECT_EQ(listed["DeleteMarkers"].size(), 1u);
  // In pages, each version comes once.
  size_t paged = 0;
  Json::Object more{{"Bucket", "demo"}, {"MaxKeys", 1}};
  for (int page = 0; page < 6; ++page) {
    const Json output = Do("ListObjectVersions", more).output;
    paged += output["Versions"].size() + output["DeleteMarkers"].size();
    if (!output.BoolOr("IsTruncated", false)) break;
    more.Set("KeyMarker", output["NextKeyMarker"]);
    more.Set("VersionIdMarker", output["NextVersionIdMarker"]);
  }
  EXPECT_EQ(paged, 4u);
  // Without its marker the newest version is the current one again.
  Do("DeleteObject", {{"Bucket", "demo"}, {"Key", "k"}, {"VersionId", gone["VersionId"]}});
  EXPECT_EQ(Get("k").body, "two");
  versioning("Suspended");
  Put("k", "new null");
  EXPECT_EQ(Do("ListObjectVersions", {{"Bucket", "demo"}}).output["Versions"].size(), 3u);
  EXPECT_EQ(Get("k", {{"VersionId", two}}).body, "two");
  // All versions of a key in one call, as clients empty a bucket.
  Json::Array all;
  for (const std::string& id : {one, two, std::string("null")})
    all.push_back(Json::Object{{"Key", "k"}, {"VersionId", id}});
  Do("DeleteObjects", {{"Bucket", "demo"}, {"Delete", Json::Object{{"Objects", Json(all)}}}});
  RemoveUnnamed();
  EXPECT_EQ(BlobCount(), 0u);
  Do("DeleteBucket", {{"Bucket", "demo"}});
}

TEST_F(S3Test, EventsWhenTheBucketSendsThem) {
  Put("k", "x");
  EXPECT_TRUE(world.events.empty());
  Do("PutBucketNotificationConfiguration",
     {{"Bucket", "demo"},
      {"NotificationConfiguration", Json::Object{{"EventBridgeConfiguration", Json::Object{}}}}});
  Put("a b", "xyz");
  ASSERT_EQ(world.events.size(), 1u);
  const Json& event = world.events[0];
  EXPECT_EQ(event.StringOr("detail-type", ""), "Object Created");
  EXPECT_EQ(event["detail"]["bucket"].StringOr("name", ""), "demo");
  EXPECT_EQ(event["detail"]["object"].StringOr("key", ""), "a b");
  EXPECT_EQ(event["detail"].StringOr("reason", ""), "PutObject");
}

TEST_F(S3Test, ConfigurationsComeBack) {
  EXPECT_EQ(Refused("GetBucketPolicy", {{"Bucket", "demo"}}), "NoSuchBucketPolicy");
  EXPECT_EQ(Refused("GetBucketTagging", {{"Bucket", "demo"}}), "NoSuchTagSet");
  const Json tag = Json::Object{{"Key", "a"}, {"Value", "b"}};
  Do("PutBucketTagging",
     {{"Bucket", "demo"}, {"Tagging", Json::Object{{"TagSet", Json(Json::Array{tag})}}}});
  EXPECT_EQ(Do("GetBucketTagging", {{"Bucket", "demo"}}).output["TagSet"].size(), 1u);
  const std::string policy = R"({"Version":"2012-10-17","Statement":[]})";
  Do("PutBucketPolicy", {{"Bucket", "demo"}, {"Policy", policy}});
  EXPECT_EQ(Do("GetBucketPolicy", {{"Bucket", "demo"}}).output.StringOr("Policy", ""), policy);
  Put("k", "x", {{"Tagging", "a=b&c=d%20e"}});
  EXPECT_EQ(Do("GetObjectTagging", {{"Bucket", "demo"}, {"Key", "k"}}).output["TagSet"].size(), 2u);
  Do("DeleteObjectTagging", {{"Bucket", "demo"}, {"Key", "k"}});
  EXPECT_EQ(Do("GetObjectTagging", {{"Bucket", "demo"}, {"Key", "k"}}).output["TagSet"].size(), 0u);
}

TEST_F(S3Test, WhatACrashLeftIsRemovedAtStart) {
  Put("named", "x");
  const std::string bytes = "x";
  const Json id =
      Do("CreateMultipartUpload", {{"Bucket", "demo"}, {"Key", "k"}}).output["UploadId"];
  Do("UploadPart", {{"Bucket", "demo"}, {"Key", "k"}, {"UploadId", id}, {"PartNumber", 1}}, &bytes);
  const auto store = [&](const char* owner) {
    const auto writer = world.Run(blobs.CreateFor(owner, BlobHashes::kAll));
    EXPECT_TRUE(world.Run((*writer)->Write("lost")).has_value());
    EXPECT_TRUE(world.Run((*writer)->Finish()).has_value());
  };
  store("s3");
  store("ecr");
  EXPECT_EQ(BlobCount(), 4u);
  kService.wire_up(world.ports());
  EXPECT_TRUE(world.RunUntil([&] { return BlobCount() == 3; }));
  EXPECT_EQ(Get("named").body, "x");
}

TEST_F(S3Test, OtherServicesMoveFilesAndFolders) {
  const ObjectCaller as{world.ports(), TestWorld::Alice(), "000000000000", "us-east-1"};
  world.Shell("mkdir -p up/sub; echo 1 > up/x; echo 2 > up/sub/y; ln -s x up/link");
  const ObjectName to{"demo", "out/"};
  EXPECT_EQ(*world.Run(UploadFolder(as, to, world.folder() + "/up")), 2u);
  EXPECT_EQ(*world.Run(DownloadPrefix(as, to, world.folder() + "/down")), 2u);
  EXPECT_EQ(world.Shell("cat down/sub/y"), "2");
  const ObjectName one{"demo", "out/x"};
  EXPECT_EQ(*world.Run(ReadObject(as, one, 100)), "1\n");
  EXPECT_EQ(world.Run(DescribeObject(as, one))->size_bytes, 2u);
  const ObjectName none{"demo", "none"};
  EXPECT_EQ(world.Run(DownloadObject(as, none, world.folder() + "/n")).error().name, "NoSuchKey");
  EXPECT_EQ(ParseS3Uri("s3://b/k/l")->key, "k/l");
}

}  // namespace
}  // namespace stepmill::s3
