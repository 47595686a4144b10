#include "wire/registry/registry_front.h"

#include <gtest/gtest.h>

#include "app/test_world.h"
#include "base/digest.h"
#include "base/strings.h"
#include "blob/memory/memory_blobs.h"
#include "service/ecr/ecr.h"
#include "wire/registry/path.h"

namespace stepmill::wire {
namespace {

struct Reply {
  int status = 0;
  std::string body;
  Headers headers;
};

class RegistryFrontTest : public testing::Test {
 protected:
  RegistryFrontTest()
      : blobs(random.random()),
        world({&ecr::kService}, &blobs, nullptr, [](const Json&, const Json&) { return false; }),
        front(MakeRegistryFront(world.door(), world.ports().vault, world.loop().clock())) {
    Ecr("CreateRepository", Json::Object{{"repositoryName", "app"}});
    Ecr("CreateRepository", Json::Object{{"repositoryName", "team/other"}});
    const Json data = Ecr("GetAuthorizationToken", Json(Json::Object{}));
    token = data["authorizationData"].At(0).StringOr("authorizationToken", "");
  }
  Json Ecr(const char* operation, Json input) {
    const Result<Json> answer = world.Ask("ecr", operation, std::move(input));
    EXPECT_TRUE(answer.has_value()) << answer.error().message;
    return answer ? *answer : Json();
  }
  Reply Send(const std::string& method, const std::string& path, const std::string& body = "",
             const std::string& header = "", const std::string& value = "") {
    HttpRequest request;
    request.method = method;
    request.target = path;
    const size_t mark = path.find('?');
    request.path = path.substr(0, mark);
    request.query = mark == path.npos ? "" : path.substr(mark + 1);
    request.host = "000000000000.dkr.ecr.us-east-1.amazonaws.com";
    if (!token.empty()) request.headers.Add("authorization", "Basic " + token);
    if (!header.empty()) request.headers.Add(header, value);
    const std::unique_ptr<ByteSource> source = BytesSource(body);
    request.body = source.get();
    request.content_length = body.size();
    const Result<Reply> reply = world.Run(Answer(*front, request));
    return reply ? *reply : Reply();
  }
  static Task<Reply> Answer(FrontEnd& front, HttpRequest& request) {
    HttpResponse response = co_await front.Handle(request);
    Reply reply{response.status, response.body, response.headers};
    if (response.stream) {
      MILL_CO_TRY(reply.body, co_await ReadAll(*response.stream, 1 << 20));
    }
    co_return reply;
  }
  static std::string Digest(const std::string& bytes) { return "sha256:" + Hex(Sha256(bytes)); }
  /// Pushes a blob in one request.
  void PushBlob(const std::string& repository, const std::string& bytes) {
    EXPECT_EQ(
        Send("POST", "/v2/" + repository + "/blobs/uploads/?digest=" + Digest(bytes), bytes).status,
        201);
  }
  std::string Manifest() {
    return Json(Json::Object{{"schemaVersion", 2},
                             {"mediaType", kType},
                             {"config", Json::Object{{"digest", Digest("config")}, {"size", 6}}},
                             {"layers", Json(Json::Array{Json::Object{{"digest", Digest("layer")},
                                                                      {"size", 5}}})}})
        .Print();
  }

  static constexpr const char* kType = "application/vnd.oci.image.manifest.v1+json";
  io::Loop random{1};
  MemoryBlobs blobs;
  TestWorld world;
  std::unique_ptr<FrontEnd> front;
  std::string token;
};

TEST_F(RegistryFrontTest, PushesAndPullsAnImage) {
  PushBlob("app", "config");
  // In chunks.
  const Reply started = Send("POST", "/v2/app/blobs/uploads/");
  ASSERT_EQ(started.status, 202);
  const std::string upload(started.headers.Get("Location"));
  const Reply first = Send("PATCH", upload, "la", "content-range", "0-1");
  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(first.headers.Get("Range"), "0-1");
  EXPECT_EQ(Send("PATCH", upload, "x", "content-range", "7-7").status, 416);
  EXPECT_EQ(Send("PATCH", upload, "yer", "content-range", "2-4").status, 202);
  EXPECT_EQ(Send("PUT", upload + "?digest=" + Digest("other")).status, 400);
  const std::string manifest = Manifest();
  const Reply early = Send("PUT", "/v2/app/manifests/v1", manifest, "content-type", kType);
  EXPECT_EQ(early.status, 404);
  EXPECT_NE(early.body.find("BLOB_UNKNOWN"), std::string::npos);
  EXPECT_EQ(Send("PUT", upload + "?digest=" + Digest("layer")).status, 201);
  EXPECT_EQ(Send("GET", "/v2/app/blobs/" + Digest("layer")).body, "layer");
  const Reply part = Send("GET", "/v2/app/blobs/" + Digest("layer"), "", "range", "bytes=1-2");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "ay");

  const Reply put = Send("PUT", "/v2/app/manifests/v1", manifest, "content-type", kType);
  EXPECT_EQ(put.status, 201);
  EXPECT_EQ(put.headers.Get("Docker-Content-Digest"), Digest(manifest));
  EXPECT_EQ(Send("PUT", "/v2/app/manifests/v1", manifest, "content-type", kType).status, 201);
  for (const std::string& reference : {std::string("v1"), Digest(manifest)}) {
    const Reply got = Send("GET", "/v2/app/manifests/" + reference);
    EXPECT_EQ(got.body, manifest);
    EXPECT_EQ(got.headers.Get("Content-Type"), kType);
  }
  EXPECT_EQ(Send("GET", "/v2/app/tags/list").body, R"({"name":"app","tags":["v1"]})");
  Json::Array pushes;  // beside what the service tells itself
  for (const Json& event : world.events)
    if (event.StringOr("source", "") == "aws.ecr") pushes.push_back(event);
  ASSERT_EQ(pushes.size(), 1u);
  EXPECT_EQ(pushes[0]["detail"].StringOr("image-digest", ""), Digest(manifest));
  const Json images = Ecr("DescribeImages", Json::Object{{"repositoryName", "app"}});
  EXPECT_EQ(images["imageDetails"].At(0).StringOr("imageDigest", ""), Digest(manifest));

  EXPECT_EQ(Send("POST", "/v2/team/other/blobs/uploads/?from=app&mount=" + Digest("layer")).status,
            201);
  EXPECT_EQ(Send("HEAD", "/v2/team/other/blobs/" + Digest("layer")).status, 200);
  EXPECT_EQ(Send("DELETE", "/v2/app/manifests/" + Digest(manifest)).status, 202);
  EXPECT_EQ(Send("GET", "/v2/app/manifests/v1").status, 404);
}

TEST_F(RegistryFrontTest, RefusesInTheRegistrysWords) {
  const Reply unknown = Send("POST", "/v2/none/blobs/uploads/");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(unknown.body,
            R"({"errors":[{"code":"NAME_UNKNOWN","message":"The repository with name 'none' does )"
            R"(not exist in the registry with id '000000000000'"}]})");
  PushBlob("app", "config");
  PushBlob("app", "layer");
  Ecr("PutImageTagMutability",
      Json::Object{{"repositoryName", "app"}, {"imageTagMutability", "IMMUTABLE"}});
  EXPECT_EQ(Send("PUT", "/v2/app/manifests/v1", Manifest(), "content-type", kType).status, 201);
  const Reply again = Send("PUT", "/v2/app/manifests/v1", Manifest() + " ", "content-type", kType);
  EXPECT_EQ(again.status, 400);
  EXPECT_NE(again.body.find("TAG_INVALID"), std::string::npos);
  EXPECT_EQ(Send("PUT", "/v2/app/manifests/v2", "no json", "content-type", kType).status, 400);
  token.clear();
  const Reply nobody = Send("GET", "/v2/");
  EXPECT_EQ(nobody.status, 401);
  EXPECT_NE(nobody.headers.Get("WWW-Authenticate").find("Basic realm"), std::string_view::npos);
  token = Base64("AWS:forged");
  EXPECT_EQ(Send("GET", "/v2/").status, 401);
}

TEST(RegistryPath, NamesMayHoldSlashesAndTheProtocolsWords) {
  using registry::ParsePath;
  using registry::Path;
  const auto blob = ParsePath("/v2/a/blobs/b/blobs/sha256:00");
  ASSERT_TRUE(blob.has_value());
  EXPECT_EQ(blob->kind, Path::Kind::kBlob);
  EXPECT_EQ(blob->repository, "a/blobs/b");
  EXPECT_EQ(ParsePath("/v2/a/b/blobs/uploads/")->kind, Path::Kind::kUploads);
  EXPECT_EQ(ParsePath("/v2/a/b/tags/list")->repository, "a/b");
  EXPECT_FALSE(ParsePath("/v2/a").has_value());
}

}  // namespace
}  // namespace stepmill::wire
