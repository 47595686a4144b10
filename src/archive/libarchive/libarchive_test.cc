#include "archive/libarchive/libarchive.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "archive/libarchive/names.h"
#include "task/blocking.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

class LibarchiveTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "stepmill-archive-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override {
    pool_.join();
    fs::remove_all(folder_);
  }
  void WriteFile(const std::string& path, const std::string& text) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path, std::ios::binary) << text;
  }
  std::string ReadFile(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(folder_ / path, std::ios::binary).rdbuf();
    return text.str();
  }
  template <class T>
  Result<T> Do(Task<T> task) {
    return RunBlocking(context_, std::move(task));
  }
  /// An archive as an unfriendly tool writes it.
  void MakeWithPython(const std::string& code) {
    WriteFile("make.py", "import io, tarfile, zipfile\nt = tarfile.open('" +
                             (folder_ / "bad.tar").string() +
                             "', 'w')\n"
                             "def add(name, text=b'', **more):\n"
                             "  i = tarfile.TarInfo(name); i.size = len(text)\n"
                             "  for k, v in more.items(): setattr(i, k, v)\n"
                             "  t.addfile(i, io.BytesIO(text))\n" +
                             code + "\nt.close()\n");
    ASSERT_EQ(std::system(("python3 " + (folder_ / "make.py").string()).c_str()), 0);
  }
  Result<> UnpackBad(Archive::Limits limits = {}) {
    return Do(archive_.Unpack(folder_ / "bad.tar", folder_ / "out", limits));
  }

  fs::path folder_;
  asio::io_context context_;
  asio::thread_pool pool_{1};
  Libarchive archive_{pool_};
};

class LibarchiveFormats : public LibarchiveTest,
                          public testing::WithParamInterface<Archive::Format> {};

INSTANTIATE_TEST_SUITE_P(Formats, LibarchiveFormats,
                         testing::Values(Archive::Format::kZip, Archive::Format::kTar,
                                         Archive::Format::kTarGz));

TEST_P(LibarchiveFormats, BringsAFolderBack) {
  WriteFile("in/config/設定.txt", "日本語\n");
  WriteFile("in/run.sh", "#!/bin/sh\n");
  WriteFile("in/large", std::string(1 << 20, 'x'));
  WriteFile("in/empty", "");
  chmod((folder_ / "in/run.sh").c_str(), 0755);
  fs::create_symlink("config/設定.txt", folder_ / "in/link");
  fs::create_directories(folder_ / "in/hollow");
  const std::string file = folder_ / "archive";
  const auto packed = Do(archive_.PackFolder(GetParam(), folder_ / "in", file));
  ASSERT_TRUE(packed) << packed.error().message;
  const auto unpacked = Do(archive_.Unpack(file, folder_ / "out/deep", {}));
  ASSERT_TRUE(unpacked) << unpacked.error().message;
  EXPECT_EQ(ReadFile("out/deep/config/設定.txt"), "日本語\n");
  EXPECT_EQ(ReadFile("out/deep/large").size(), size_t{1} << 20);
  EXPECT_TRUE(fs::exists(folder_ / "out/deep/empty"));
  EXPECT_TRUE(fs::is_directory(folder_ / "out/deep/hollow"));
  EXPECT_EQ(fs::read_symlink(folder_ / "out/deep/link"), "config/設定.txt");
  struct stat about {};
  ASSERT_EQ(stat((folder_ / "out/deep/run.sh").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0755u);

  EXPECT_EQ(*Do(archive_.ReadEntry(file, "config/設定.txt", 100)), "日本語\n");
  EXPECT_EQ(Do(archive_.ReadEntry(file, "nothing", 100)).error().code, Code::kNotFound);
  EXPECT_EQ(Do(archive_.ReadEntry(file, "large", 100)).error().code, Code::kLimit);
}

TEST_P(LibarchiveFormats, PacksChosenFiles) {
  WriteFile("a", "1");
  const std::vector<Archive::Entry> entries{{"x/y.txt", folder_ / "a"}};
  const std::string file = folder_ / "archive";
  ASSERT_TRUE(Do(archive_.Pack(GetParam(), entries, file)));
  EXPECT_EQ(*Do(archive_.ReadEntry(file, "x/y.txt", 100)), "1");
  const std::vector<Archive::Entry> missing{{"x", folder_ / "not there"}};
  const auto refused = Do(archive_.Pack(GetParam(), missing, file));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kNotFound);
  EXPECT_FALSE(fs::exists(file));
}

TEST_F(LibarchiveTest, RefusesWhatLeadsOut) {
  const char* cases[] = {
      "add('../evil', b'x')",
      "add('a/../../evil', b'x')",
      "add('/tmp/stepmill-evil', b'x')",
      "add('link', type=tarfile.SYMTYPE, linkname='/etc')",
      "add('link', type=tarfile.SYMTYPE, linkname='../..')",
      "add('d/link', type=tarfile.SYMTYPE, linkname='../../x')",
      "add('link', type=tarfile.SYMTYPE, linkname='d/../..')",
      "add('hard', type=tarfile.LNKTYPE, linkname='../../etc/passwd')",
      "add('hard', type=tarfile.LNKTYPE, linkname='/etc/passwd')",
      "add('pipe', type=tarfile.FIFOTYPE)",
      "add('device', type=tarfile.CHRTYPE)",
      // Through a link that is itself harmless.
      "add('d', type=tarfile.DIRTYPE, mode=0o755); add('l', type=tarfile.SYMTYPE, linkname='d'); "
      "add('l/x', b'x')",
  };
  for (const char* code : cases) {
    fs::remove_all(folder_ / "out");
    MakeWithPython(code);
    const auto refused = UnpackBad();
    ASSERT_FALSE(refused) << code;
    EXPECT_EQ(refused.error().code, Code::kInvalid) << code << ": " << refused.error().message;
    EXPECT_FALSE(fs::exists(folder_ / "evil"));
  }
}

TEST_F(LibarchiveTest, KeepsToItsLimits) {
  MakeWithPython("add('a', b'12345')\nadd('b', b'12345')");
  EXPECT_TRUE(UnpackBad());
  EXPECT_EQ(UnpackBad({.bytes_max = 9}).error().code, Code::kLimit);
  EXPECT_EQ(UnpackBad({.bytes_max = 100, .entries_max = 1}).error().code, Code::kLimit);
}

TEST_F(LibarchiveTest, NamesWhatIsNoArchive) {
  WriteFile("bad.tar", "this is no archive at all, just some text");
  const auto refused = UnpackBad();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().name, "InvalidArchive");
  EXPECT_EQ(Do(archive_.Unpack(folder_ / "missing", folder_ / "out", {})).error().code,
            Code::kNotFound);
}

TEST(ArchiveNames, AreCleanedAndKeptInside) {
  EXPECT_EQ(*archives::CleanPath("./a//b/"), "a/b");
  EXPECT_EQ(*archives::CleanPath("./"), "");
  EXPECT_FALSE(archives::CleanPath(""));
  EXPECT_TRUE(archives::CheckLink("a/b/link", "../../c/d"));
  EXPECT_FALSE(archives::CheckLink("a/b/link", "../../../c"));
}

}  // namespace
}  // namespace stepmill
