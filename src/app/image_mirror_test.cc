#include "app/image_mirror.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "app/image_store.h"
#include "base/digest.h"
#include "io/files.h"
#include "io/run_on.h"

namespace stepmill {
namespace {

struct Reply {
  int status = 0;
  std::string body, digest, type;
};

Task<Reply> Ask(wire::FrontEnd& front, std::string method, std::string path) {
  wire::HttpRequest request;
  request.method = std::move(method);
  request.path = path;
  request.target = path;
  request.host = wire::kMirrorHost;
  MILL_ASSERT(front.Takes(request));
  wire::HttpResponse response = co_await front.Handle(request);
  Reply reply{response.status, response.body,
              std::string(response.headers.Get("Docker-Content-Digest")),
              std::string(response.headers.Get("Content-Type"))};
  if (response.stream) {
    MILL_CO_TRY(reply.body, co_await ReadAll(*response.stream, 1 << 20));
  }
  co_return reply;
}

/// A mirror over a folder that holds one layout already, as `podman save` leaves it.
class Mirror : public testing::Test {
 protected:
  Mirror() : loop_(1) {
    std::string name = (std::filesystem::temp_directory_path() / "stepmill-mirror-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
    layer_ = Put("a layer");
    manifest_ = Put(R"({"schemaVersion":2,"layers":[{"digest":")" + layer_ + R"("}]})");
    images_ = std::make_unique<LocalImages>(loop_, *LoadImageTable(""), folder_ + "/cache",
                                            folder_ + "/mirror");
    front_ = wire::MakeMirrorFront(*images_);
  }
  ~Mirror() override { (void)io::RemoveTree(folder_); }

  /// A blob of the layout; its digest.
  std::string Put(const std::string& bytes) {
    const std::string hex = Hex(Sha256(bytes));
    const std::string blobs = folder_ + "/mirror/0123/blobs/sha256";
    EXPECT_TRUE(io::MakeFolders(blobs));
    EXPECT_TRUE(io::WriteFile(blobs + "/" + hex, bytes, false));
    return "sha256:" + hex;
  }
  Reply Send(const std::string& method, const std::string& path) {
    const auto reply = io::RunOn(loop_, Ask(*front_, method, path));
    EXPECT_TRUE(reply);
    return reply ? *reply : Reply();
  }

  io::Loop loop_;
  std::string folder_, layer_, manifest_;
  std::unique_ptr<LocalImages> images_;
  std::unique_ptr<wire::FrontEnd> front_;
};

TEST_F(Mirror, ServesManifestsAndLayersByDigest) {
  EXPECT_EQ(Send("GET", "/v2/").status, 200);
  const std::string name = "/v2/docker.io/library/python";
  const Reply manifest = Send("GET", name + "/manifests/" + manifest_);
  EXPECT_EQ(manifest.status, 200);
  EXPECT_EQ(manifest.digest, manifest_);
  EXPECT_EQ(manifest.type, "application/vnd.oci.image.manifest.v1+json");
  EXPECT_EQ("sha256:" + Hex(Sha256(manifest.body)), manifest_);
  EXPECT_EQ(Send("GET", name + "/blobs/" + layer_).body, "a layer");
  EXPECT_EQ(Send("HEAD", name + "/blobs/" + layer_).body, "");
}

TEST_F(Mirror, SaysHowAMissingImageIsAdded) {
  const Reply known = Send("GET", "/v2/docker.io/library/python/manifests/3.8");
  EXPECT_EQ(known.status, 404);
  EXPECT_NE(known.body.find("stepmill images make python"), std::string::npos) << known.body;
  const Reply strange = Send("GET", "/v2/docker.io/library/nginx/manifests/1");
  EXPECT_EQ(strange.status, 404);
  EXPECT_NE(strange.body.find("stepmill images add docker.io/library/nginx:1 ARCHIVE"),
            std::string::npos)
      << strange.body;
}

TEST_F(Mirror, OnlyReadsAndNeverLeavesItsFolder) {
  EXPECT_EQ(Send("PUT", "/v2/docker.io/library/python/manifests/3.8").status, 405);
  EXPECT_EQ(Send("POST", "/v2/docker.io/library/python/blobs/uploads/").status, 405);
  EXPECT_EQ(Send("GET", "/v2/docker.io/library/python/blobs/sha256:..%2F..%2Fx").status, 404);
  EXPECT_EQ(Send("GET", "/v2/docker.io/library/python/blobs/" + manifest_ + "0").status, 404);
}

}  // namespace
}  // namespace stepmill
