#include "io/watch.h"

#include <gtest/gtest.h>

#include "io/files.h"
#include "io/run_on.h"

namespace stepmill::io {
namespace {

Task<std::string> SeeFile(Loop& loop, std::string folder) {
  Watcher watcher(loop);
  MILL_CO_TRY(const auto watch, watcher.Add(folder));
  MILL_CO_CHECK(WriteFile(folder + "/a", "text", true));
  MILL_CO_CHECK(co_await watch->Next());
  co_return ReadFile(folder + "/a");
}

TEST(Watch, SeesAFileThatComes) {
  Loop loop(1);
  const std::string folder = ::testing::TempDir() + "/watched";
  ASSERT_TRUE(RemoveTree(folder));
  ASSERT_TRUE(MakeFolders(folder));
  EXPECT_EQ(RunOn(loop, SeeFile(loop, folder)).value(), "text");
}

TEST(Watch, MissingFolderIsNotFound) {
  Loop loop(1);
  Watcher watcher(loop);
  EXPECT_EQ(watcher.Add("/no/such/folder").error().code, Code::kNotFound);
}

}  // namespace
}  // namespace stepmill::io
