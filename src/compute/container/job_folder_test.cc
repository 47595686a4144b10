#include "compute/container/job_folder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/files.h"

namespace stepmill::container {
namespace {

JobInput Input(JobInput::Kind kind, const std::string& path) {
  JobInput input;
  input.kind = kind;
  input.path = path;
  return input;
}

TEST(JobFolder, FoldersHoldWhatLiesInThem) {
  JobSpec spec;
  spec.output_paths = {"/opt/ml/processing/output/"};
  spec.inputs = {Input(JobInput::Kind::kText, "/srv/src/a.txt"),
                 Input(JobInput::Kind::kGitTree, "/srv/src"),
                 Input(JobInput::Kind::kFolder, "/srv/src/out"),
                 Input(JobInput::Kind::kBlobFile, "/opt/ml/config/x.json")};
  const auto mounts = PlanMounts(spec, "/d");
  ASSERT_TRUE(mounts);
  ASSERT_EQ(mounts->size(), 3u);
  EXPECT_EQ(FindHostPath(*mounts, "/opt/ml/processing/output/a/b"), "/d/mounts/0/a/b");
  EXPECT_EQ(FindHostPath(*mounts, "/srv/src/a.txt"), "/d/mounts/1/a.txt");
  EXPECT_EQ(FindHostPath(*mounts, "/srv/src/out"), "/d/mounts/1/out");
  EXPECT_EQ(FindHostPath(*mounts, "/opt/ml/config/x.json"), "/d/files/2");
  EXPECT_TRUE((*mounts)[2].is_read_only);
  EXPECT_FALSE(FindHostPath(*mounts, "/srv/srcs"));
  EXPECT_FALSE(FindHostPath(*mounts, "/srv/src/../../etc"));
}

TEST(JobFolder, PathsThatLeaveAreRefused) {
  JobSpec spec;
  spec.output_paths = {"/a/../../etc"};
  EXPECT_FALSE(PlanMounts(spec, "/d"));
  spec.output_paths = {"relative"};
  EXPECT_FALSE(PlanMounts(spec, "/d"));
  spec.output_paths = {"/"};
  EXPECT_FALSE(PlanMounts(spec, "/d"));
}

TEST(JobFolder, LinksAreSeen) {
  const std::string root = ::testing::TempDir() + "/links";
  ASSERT_TRUE(io::RemoveTree(root));
  ASSERT_TRUE(io::MakeFolders(root + "/real"));
  ASSERT_EQ(::symlink("/etc", (root + "/away").c_str()), 0);
  EXPECT_TRUE(CheckNoLinks(root, root + "/real/new/file"));
  EXPECT_FALSE(CheckNoLinks(root, root + "/away/passwd"));
}

TEST(JobFolder, EngineLogGivesTheBytesBack) {
  const std::string raw =
      "2026-11-21T19:56:28.1+00:00 stdout P par\n"
      "2026-11-21T19:56:28.1+00:00 stdout F tial\n"
      "2026-11-21T19:56:28.1+00:00 stderr F \n"
      "2026-11-21T19:56:28.1+00:00 stdout F 日本 語\n"
      "2026-11-21T19:56:28.1+00:00 stdout P no ";
  std::string out;
  const size_t taken = DecodeEngineLog(raw, out);
  EXPECT_EQ(out, "partial\n\n日本 語\n");
  EXPECT_EQ(taken, raw.rfind('\n') + 1);
}

TEST(JobFolder, Ids) {
  EXPECT_TRUE(IsJobId("job-1"));
  EXPECT_FALSE(IsJobId(""));
  EXPECT_FALSE(IsJobId("../x"));
  EXPECT_FALSE(IsJobId(std::string(64, 'a')));
}

}  // namespace
}  // namespace stepmill::container
