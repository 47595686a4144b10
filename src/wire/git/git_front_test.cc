#include "wire/git/git_front.h"

#include <gtest/gtest.h>

#include "app/test_world.h"
#include "base/strings.h"
#include "blob/memory/memory_blobs.h"
#include "io/process.h"
#include "service/codecommit/codecommit.h"
#include "wire/http/server.h"

namespace stepmill::wire {
namespace {

/// Knows one key: "AKID" with the secret "s3cret".
class OneKey : public Authenticator {
 public:
  Task<Caller> Basic(const HttpRequest& request) override {
    const std::string_view header = request.headers.Get("authorization");
    const std::string expected = "Basic " + Base64("AKID:s3cret");
    if (header != expected) co_return Error{Code::kDenied, "AccessDenied", "no such key"};
    Caller caller;
    caller.principal = TestWorld::Alice();
    caller.account = "000000000000";
    caller.region = "us-east-1";
    co_return caller;
  }
  Task<Caller> Secret(std::string, std::string, std::string) override {
    co_return Error{Code::kDenied, "AccessDenied", "unused"};
  }
};

class Only : public HttpHandler {
 public:
  explicit Only(FrontEnd& front) : front_(front) {}
  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override {
    if (!front_.Takes(request)) co_return TextResponse(404, "not taken");
    co_return co_await front_.Handle(request);
  }

 private:
  FrontEnd& front_;
};

class GitFrontTest : public testing::Test {
 protected:
  GitFrontTest()
      : blobs(random.random()),
        world({&codecommit::kService}, &blobs, nullptr,
              [](const Json&, const Json&) { return false; }),
        front(MakeGitFront(world.loop(), world.door(), key, world.folder() + "/tmp")),
        only(*front),
        server(world.loop().context(),
               {.handler = only, .clock = world.loop().clock(), .random = world.loop().random()}) {
    port = server.ListenTcp("127.0.0.1", 0).value();
    EXPECT_TRUE(
        world.Ask("codecommit", "CreateRepository", Json::Object{{"repositoryName", "demo"}})
            .has_value());
  }
  std::string Url(const std::string& path, const std::string& key_and_secret = "AKID:s3cret@") {
    return "http://" + key_and_secret + "127.0.0.1:" + std::to_string(port) + path;
  }
  /// A shell script while the server answers; its output and errors.
  std::string Shell(const std::string& script) {
    io::ProcessSpec spec;
    spec.argv = {"sh", "-ec", script + " 2>&1 || echo FAILED"};
    spec.env = {{"HOME", "/nonexistent"},
                {"GIT_CONFIG_NOSYSTEM", "1"},
                {"GIT_TERMINAL_PROMPT", "0"},
                {"GIT_AUTHOR_NAME", "A"},
                {"GIT_AUTHOR_EMAIL", "a@example.com"},
                {"GIT_COMMITTER_NAME", "A"},
                {"GIT_COMMITTER_EMAIL", "a@example.com"}};
    spec.working_dir = world.folder();
    const Result<io::ProcessResult> result =
        world.Run(io::RunProcess(world.loop(), std::move(spec)));
    return result ? result->output : result.error().message;
  }

  io::Loop random{1};
  MemoryBlobs blobs;
  TestWorld world;
  OneKey key;
  std::unique_ptr<FrontEnd> front;
  Only only;
  HttpServer server;
  int port = 0;
};

TEST_F(GitFrontTest, PushesAreKnownBeforeTheyReturnAndClonesGetThem) {
  // Over 1 MiB: git probes first and then sends chunks.
  const std::string pushed = Shell(
      "git init -q -b main w; cd w; head -c 2000000 /dev/urandom > big; git add .; "
      "git commit -q -m 最初; git push -q " +
      Url("/git/local/demo.git") +
      " main; "
      "git rev-parse HEAD");
  ASSERT_EQ(pushed.find("FAILED"), std::string::npos) << pushed;
  ASSERT_EQ(world.events.size(), 1u);
  EXPECT_EQ(world.events[0]["detail"].StringOr("event", ""), "referenceCreated");
  EXPECT_EQ(world.events[0]["detail"].StringOr("callerUserArn", ""),
            "arn:aws:iam::000000000000:user/alice");
  EXPECT_EQ(Shell("git clone -q " + Url("/git/demo.git") + " a; git -C a rev-parse HEAD"), pushed);
  EXPECT_EQ(Shell("git -c protocol.version=0 clone -q --depth 1 " + Url("/v1/repos/demo") +
                  " b; git -C b rev-parse HEAD"),
            pushed);
  EXPECT_EQ(
      Shell("cd a; git push -q origin HEAD:refs/pull/1/head").find("FAILED") == std::string::npos,
      false);
}

TEST_F(GitFrontTest, AMirrorIsFetchedFromIt) {
  Shell("git init -q -b main w; cd w; echo 1 > x; git add .; git commit -q -m one; git push -q " +
        Url("/git/demo.git") + " main");
  const RepoId mirror{"000000000000", "us-east-1", "mirror/0123"};
  const Result<std::string> tip =
      world.Run(world.ports().repos.Fetch(mirror, Url("/git/demo.git"), "main"));
  ASSERT_TRUE(tip.has_value()) << tip.error().message;
  EXPECT_EQ(*tip + "\n", Shell("git -C w rev-parse HEAD"));
  EXPECT_EQ(world.Run(world.ports().repos.Fetch(mirror, Url("/git/demo.git"), "none")).error().code,
            Code::kNotFound);
  EXPECT_EQ(world.Run(world.ports().repos.Fetch(mirror, Url("/git/no.git"), "main")).error().code,
            Code::kNotFound);
}

TEST_F(GitFrontTest, RefusesByName) {
  EXPECT_NE(Shell("git clone " + Url("/git/missing.git") + " c")
                .find("repository 'missing' does not exist; make it first"),
            std::string::npos);
  EXPECT_NE(Shell("git clone " + Url("/git/demo.git", "AKID:wrong@") + " d")
                .find("Authentication failed"),
            std::string::npos);
  EXPECT_NE(Shell("git clone " + Url("/git/demo.git", "") + " e").find("could not read Username"),
            std::string::npos);
}

}  // namespace
}  // namespace stepmill::wire
