#include "service/ecr/ecr.h"

#include <gtest/gtest.h>

#include "app/service_cases.h"
#include "app/test_world.h"
#include "base/digest.h"
#include "base/strings.h"
#include "lang/pattern/pattern.h"

namespace stepmill::ecr {
namespace {

class EcrTest : public testing::Test {
 protected:
  static bool Match(const Json& pattern, const Json& event) {
    const auto compiled = pattern::CompileJson(pattern);
    return compiled && compiled->Matches(event);
  }
  EcrTest() {
    EXPECT_TRUE(world.Run(world.engine().Recover()));
    Ask("CreateRepository", R"({"repositoryName": "aa"})");
    Ask("CreateRepository", R"({"repositoryName": "bb"})");
  }
  Json Ask(const char* operation, const std::string& input) {
    const Result<Json> answer = world.Ask("ecr", operation, *ParseJson(input));
    EXPECT_TRUE(answer) << operation << ": " << answer.error().message;
    return answer ? *answer : Json();
  }
  /// A layer in as many parts as there are texts; its digest.
  std::string PutLayer(const std::string& repository, const std::vector<std::string>& parts) {
    const std::string id =
        Ask("InitiateLayerUpload", R"({"repositoryName": ")" + repository + "\"}")
            .StringOr("uploadId", "");
    std::string whole;
    for (const std::string& part : parts) {
      const Json input = Json::Object{{"repositoryName", repository},
                                      {"uploadId", id},
                                      {"partFirstByte", whole.size()},
                                      {"partLastByte", whole.size() + part.size() - 1},
                                      {"layerPartBlob", Base64(part)}};
      whole += part;
      Ask("UploadLayerPart", input.Print());
    }
    const std::string digest = "sha256:" + Hex(Sha256(whole));
    Ask("CompleteLayerUpload", R"({"repositoryName": ")" + repository + R"(", "uploadId": ")" + id +
                                   R"(", "layerDigests": [")" + digest + "\"]}");
    return digest;
  }
  void PutImage(const std::string& repository, const std::string& tag, const std::string& config,
                const std::string& layer) {
    const Json manifest =
        Json::Object{{"schemaVersion", 2},
                     {"mediaType", "application/vnd.oci.image.manifest.v1+json"},
                     {"config", Json::Object{{"digest", config}}},
                     {"layers", Json::Array{Json(Json::Object{{"digest", layer}})}}};
    const Json input = Json::Object{
        {"repositoryName", repository}, {"imageTag", tag}, {"imageManifest", manifest.Print()}};
    Ask("PutImage", input.Print());
  }
  size_t Blobs() { return world.Run(blobs.List())->size(); }
  bool ComeTo(size_t count) {
    return world.RunUntil([&] { return Blobs() == count; });
  }

  CaseBlobs blobs;
  TestWorld world{{&kService}, &blobs, nullptr, Match};
};

TEST_F(EcrTest, PartsThatWereJoinedGo) {
  PutLayer("aa", {"one ", "two ", "three"});
  EXPECT_TRUE(ComeTo(1)) << Blobs();
  PutLayer("bb", {"one two three"});  // the same bytes again
  EXPECT_TRUE(ComeTo(1)) << Blobs();
}

TEST_F(EcrTest, BytesGoWithTheLastImageThatNamesThem) {
  const std::string shared = PutLayer("aa", {"shared"}), own = PutLayer("aa", {"own"});
  PutLayer("bb", {"shared"});
  const std::string config_b = PutLayer("bb", {"config b"});
  const std::string config = PutLayer("aa", {"config"});
  ASSERT_TRUE(ComeTo(4)) << Blobs();
  PutImage("aa", "1", config, shared);
  PutImage("aa", "2", config, own);
  PutImage("bb", "1", config_b, shared);
  Ask("BatchDeleteImage", R"({"repositoryName": "aa", "imageIds": [{"imageTag": "2"}]})");
  EXPECT_TRUE(ComeTo(3)) << "the layer of image 2 alone goes: " << Blobs();
  Ask("BatchDeleteImage", R"({"repositoryName": "aa", "imageIds": [{"imageTag": "1"}]})");
  EXPECT_TRUE(ComeTo(2)) << "b still has the shared layer: " << Blobs();
  const Json gone = Ask("BatchCheckLayerAvailability",
                        R"({"repositoryName": "aa", "layerDigests": [")" + shared + "\"]}");
  EXPECT_EQ(gone["layers"].At(0).StringOr("layerAvailability", ""), "UNAVAILABLE");
  Ask("DeleteRepository", R"({"repositoryName": "bb", "force": true})");
  EXPECT_TRUE(ComeTo(0)) << Blobs();
}

}  // namespace
}  // namespace stepmill::ecr
