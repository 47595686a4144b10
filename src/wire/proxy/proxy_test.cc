#include "wire/proxy/proxy.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "io/loop.h"
#include "wire/proxy/authority.h"

namespace stepmill::wire {
namespace {

std::string ReadWhole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

class AuthorityTest : public testing::Test {
 protected:
  AuthorityTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "ca-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~AuthorityTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::unique_ptr<Authority> Open() {
    return *Authority::Open(folder_, loop_.clock(), loop_.random());
  }

  io::Loop loop_{1};
  std::string folder_;
};

TEST_F(AuthorityTest, IsMadeOnceAndItsKeyIsPrivate) {
  (void)Open();
  const std::string first = ReadWhole(folder_ + "/ca.crt");
  (void)Open();
  EXPECT_EQ(ReadWhole(folder_ + "/ca.crt"), first);
  EXPECT_NE(ReadWhole(folder_ + "/bundle.pem").find(first), std::string::npos);
  struct stat key {};
  ASSERT_EQ(::stat((folder_ + "/ca.key").c_str(), &key), 0);
  EXPECT_EQ(key.st_mode & 0777, 0600u);
}

TEST_F(AuthorityTest, LeavesAreForExactlyTheirName) {
  const auto authority = Open();
  const std::string name = "bucket.s3.ap-northeast-1.amazonaws.com";
  const auto context = authority->ContextFor(name);
  ASSERT_TRUE(context);
  X509* leaf = SSL_CTX_get0_certificate((*context)->native_handle());
  EXPECT_EQ(X509_check_host(leaf, name.c_str(), 0, 0, nullptr), 1);
  EXPECT_EQ(X509_check_host(leaf, "other.s3.ap-northeast-1.amazonaws.com", 0, 0, nullptr), 0);
  EXPECT_EQ(*authority->ContextFor(name), *context);
  const auto local = authority->ContextFor("localhost");
  X509* own = SSL_CTX_get0_certificate((*local)->native_handle());
  EXPECT_EQ(X509_check_ip_asc(own, "127.0.0.1", 0), 1);
}

TEST(JobRouter, FollowsTheNetworkPolicyOfTheJob) {
  JobRouter router([](const std::string& id) -> std::optional<JobIdentity> {
    if (id == "gone") return std::nullopt;
    JobIdentity identity;
    identity.is_open = id == "open";
    return identity;
  });
  using Kind = Route::Kind;
  EXPECT_EQ(router.RouteFor("sts.amazonaws.com", 443, "closed").kind, Kind::kAnswer);
  EXPECT_EQ(router.RouteFor("example.com", 443, "closed").kind, Kind::kRefuse);
  EXPECT_EQ(router.RouteFor("example.com", 443, "gone").kind, Kind::kRefuse);
  EXPECT_EQ(router.RouteFor("example.com", 443, "open").kind, Kind::kTunnel);
  EXPECT_EQ(router.RouteFor("127.0.0.1", 22, "open").kind, Kind::kRefuse);
  EXPECT_EQ(router.RouteFor("localhost", 4566, "closed").kind, Kind::kAnswer);
  EXPECT_EQ(router.RouteFor("example.com", 443, "").kind, Kind::kTunnel);
  EXPECT_EQ(router.RouteFor("notamazonaws.com", 443, "closed").kind, Kind::kRefuse);
}

}  // namespace
}  // namespace stepmill::wire
