#include "lang/buildspec/cache.h"

#include "app/test_codebuild.h"

namespace stepmill::codebuild {
namespace {

class CacheTest : public CodeBuildTest {
 protected:
  Json Build(const std::string& buildspec) {
    return Finish(
        Ask("StartBuild", Json::Object{{"projectName", "demo"}, {"buildspecOverride", buildspec}}));
  }
  void Create(Json cache) {
    Ask("CreateProject",
        Project("demo", Inline("version: 0.2\n"), NoArtifacts()).With("cache", std::move(cache)));
  }
  static bool Says(const std::string& log, const std::string& text) {
    return log.find(text) != std::string::npos;
  }
  static Json S3() { return Json::Object{{"type", "S3"}, {"location", "bucket/caches/"}}; }
  std::string Home() { return world.folder() + "/home"; }
  /// Leaves files in and outside of the source folder, or shows those that are there.
  std::string Spec(const std::string& more, const std::string& command) {
    return "version: 0.2\nphases:\n  build:\n    commands:\n      - |\n        " + command +
           "\ncache:\n  paths: ['deps/**/*', '" + Home() + "/.m2/**/*', plain]\n" + more;
  }
  const std::string kMake =
      "mkdir -p deps/a $PLACE/.m2/x; echo one > deps/a/b; echo two > "
      "$PLACE/.m2/x/y; ln -s /bin/sh $PLACE/.m2/link; echo three > plain";
  std::string Make(const std::string& more = "") {
    return Spec(more, ReplaceAll(kMake, "$PLACE", Home()));
  }
  std::string Show(const std::string& more = "") {
    return Spec(
        more, "cat deps/a/b plain " + Home() + "/.m2/x/y; readlink " + Home() + "/.m2/link; true");
  }
  /// The sandbox of tests is this machine: what a container would have lost.
  void Forget() { std::filesystem::remove_all(Home()); }
};

TEST_F(CacheTest, OfS3) {
  Create(S3());
  Json build = Build(Make());
  EXPECT_EQ(build.StringOr("buildStatus", ""), "SUCCEEDED") << Log(build);
  EXPECT_TRUE(Says(Log(build), "> Unable to download cache: NoSuchKey")) << Log(build);
  EXPECT_TRUE(Says(Log(build), "> Uploading S3 cache...\n")) << Log(build);
  ASSERT_EQ(test::kept().objects.size(), 1u);
  const std::string object = test::kept().objects.begin()->first;
  EXPECT_TRUE(object.starts_with("bucket/caches/")) << object;
  Forget();
  build = Build(Show());
  EXPECT_TRUE(Says(Log(build), "\none\nthree\ntwo\n/bin/sh\n")) << Log(build);
  // A build that fails stores nothing.
  Forget();
  test::kept().objects[object] = "damaged";
  build = Build(Spec("", "exit 3"));
  EXPECT_EQ(build.StringOr("buildStatus", ""), "FAILED");
  EXPECT_TRUE(Says(Log(build), "> Unable to extract cache, going on without it: ")) << Log(build);
  EXPECT_EQ(test::kept().objects[object], "damaged");
  EXPECT_EQ(Build(Show()).StringOr("buildStatus", ""), "SUCCEEDED");
  Build(Make());
  Ask("InvalidateProjectCache", Json::Object{{"projectName", "demo"}});
  Forget();
  EXPECT_FALSE(Says(Log(Build(Show())), "\none\n"));
  EXPECT_EQ(Refused("InvalidateProjectCache", Json::Object{{"projectName", "none"}}).substr(0, 25),
            "ResourceNotFoundException");
}

TEST_F(CacheTest, Keys) {
  Create(S3());
  const std::string keyed = "  key: npm-$(codebuild-hash-files lock*)-$TAG\n";
  const auto with_lock = [&](const std::string& lock, const std::string& rest) {
    // The sources of this project are none: the key's file comes with the environment.
    return "version: 0.2\nenv: {variables: {TAG: '" + lock + "'}}\n" + rest.substr(13);
  };
  Json build = Build(with_lock("v1", Make(keyed)));
  ASSERT_EQ(test::kept().objects.size(), 1u) << Log(build);
  const std::string first = test::kept().objects.begin()->first;
  EXPECT_TRUE(first.ends_with("-v1")) << first;
  const std::string bytes = test::kept().objects[first];
  Forget();
  build = Build(with_lock("v1", Show(keyed)));
  EXPECT_TRUE(Says(Log(build), "\none\n")) << Log(build);
  EXPECT_TRUE(Says(Log(build), "is there already: not stored again")) << Log(build);
  EXPECT_EQ(test::kept().objects[first], bytes);
  Forget();
  build = Build(with_lock("v2", Show(keyed + "  action: restore\n")));
  EXPECT_FALSE(Says(Log(build), "\none\n"));
  build = Build(with_lock("v2", Show(keyed + "  fallback-keys: [no-, npm-]\n")));
  EXPECT_TRUE(Says(Log(build), "\none\n")) << Log(build);
  EXPECT_TRUE(Says(Log(build), "> Cache restored from key: npm-")) << Log(build);
  EXPECT_EQ(test::kept().objects.size(), 2u);
  build = Build(with_lock("v1", Show(keyed + "  action: save\n")));
  EXPECT_FALSE(Says(Log(build), "Cache restored")) << Log(build);
}

TEST_F(CacheTest, OfThisMachine) {
  EXPECT_EQ(Refused("CreateProject", Project("local", Inline("version: 0.2\n"), NoArtifacts())
                                         .With("cache", Json(Json::Object{{"type", "LOCAL"}}))),
            "InvalidInputException: Invalid cache: modes are required for the cache type LOCAL");
  Create(Json::Object{{"type", "LOCAL"},
                      {"modes", Json::Array{"LOCAL_CUSTOM_CACHE", "LOCAL_SOURCE_CACHE"}}});
  Build(Make());
  Forget();
  EXPECT_TRUE(Says(Log(Build(Show())), "\none\nthree\ntwo\n/bin/sh\n"));
  EXPECT_TRUE(test::kept().objects.empty());
  Ask("InvalidateProjectCache", Json::Object{{"projectName", "demo"}});
  Forget();
  EXPECT_FALSE(Says(Log(Build(Show())), "\none\n"));
}

TEST(BuildspecCache, Paths) {
  const Json cache = ParseJson(R"({"paths": ["/root/.m2/**/*", "/opt/tool", "/**/*", "/codebuild/*",
      "/etc/../x/*", "node_modules/**/*", "lock"]})")
                         .value();
  EXPECT_EQ(buildspec::CacheBases(cache, "/codebuild/output"),
            (std::vector<std::string>{"/root/.m2", "/opt/tool"}));
  EXPECT_TRUE(buildspec::CacheTakes(cache, "opt/tool/bin/x", true));
  EXPECT_TRUE(buildspec::CacheTakes(cache, "node_modules/a/b.js", false));
  EXPECT_TRUE(buildspec::CacheTakes(cache, "lock", false));
  EXPECT_FALSE(buildspec::CacheTakes(cache, "src/lock", false));
  std::string replaced;
  const auto calls = buildspec::HashCalls("a-$(codebuild-hash-files x.json 'y/*')-$B", replaced);
  EXPECT_EQ(replaced, "a-@0@-$B");
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0], (std::vector<std::string>{"x.json", "y/*"}));
}

}  // namespace
}  // namespace stepmill::codebuild
