#include "repo/git/git_repos.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace stepmill {
namespace {

namespace fs = std::filesystem;

/// Real git in a folder of its own: a bare repository behind the port and a clone that pushes.
class GitReposTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "stepmill-git-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    loop_ = std::make_unique<io::Loop>(1);
    auto opened = OpenGitRepos(*loop_, folder_ + "/git");
    ASSERT_TRUE(opened.has_value());
    repos_ = std::move(opened).value();
    ASSERT_TRUE(Run(repos_->Create(kRepo)).has_value());
  }
  void TearDown() override { fs::remove_all(folder_); }

  template <class T>
  Result<T> Run(Task<T> task) {
    std::optional<Result<T>> result;
    asio::co_spawn(loop_->context(), Keep(std::move(task), result), asio::detached);
    loop_->context().restart();
    while (!result) loop_->context().run_one();
    return *std::move(result);
  }
  template <class T>
  static asio::awaitable<void> Keep(Task<T> task, std::optional<Result<T>>& result) {
    result.emplace(co_await std::move(task));
  }

  std::string Shell(const std::string& script) {
    const std::string out = folder_ + "/out";
    const std::string command =
        "cd '" + folder_ + "' && export HOME=/nonexistent GIT_CONFIG_NOSYSTEM=1 " +
        "GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.com GIT_COMMITTER_NAME=A " +
        "GIT_COMMITTER_EMAIL=a@example.com && set -e && (" + script + ") > out 2> err";
    EXPECT_EQ(std::system(command.c_str()), 0) << script;
    std::ifstream in(out);
    std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  /// main with one file, feature with another, both pushed.
  void Push() {
    Shell(
        "git clone -q '" + repos_->Path(kRepo) + "' work 2>/dev/null; cd work; " +
        "git checkout -q -b main; mkdir -p a; echo one > a/x.txt; git add .; " +
        "git commit -q -m 'first: はじめ'; git push -q origin main; git checkout -q -b feature; " +
        "echo two > y.txt; chmod +x y.txt; git add .; git commit -q -m second; " +
        "git push -q origin feature");
  }

  const RepoId kRepo{"000000000000", "us-east-1", "demo"};
  std::string folder_;
  std::unique_ptr<io::Loop> loop_;
  std::unique_ptr<Repos> repos_;
};

TEST_F(GitReposTest, ReadsWhatWasPushed) {
  Push();
  const auto refs = Run(repos_->Refs(kRepo)).value();
  ASSERT_EQ(refs.size(), 2u);
  EXPECT_EQ(refs[0].name, "refs/heads/feature");
  const std::string main = Run(repos_->Resolve(kRepo, "main")).value();
  EXPECT_EQ(main, Shell("git -C work rev-parse main"));
  EXPECT_EQ(Run(repos_->Resolve(kRepo, "refs/heads/main")).value(), main);
  EXPECT_EQ(Run(repos_->Resolve(kRepo, "none")).error().code, Code::kNotFound);
  EXPECT_EQ(Run(repos_->Resolve(kRepo, "--all")).error().code, Code::kNotFound);
  const Commit commit = Run(repos_->ReadCommit(kRepo, main)).value();
  EXPECT_EQ(commit.message, "first: はじめ\n");
  EXPECT_TRUE(commit.parents.empty());
  EXPECT_EQ(commit.author_email, "a@example.com");
  EXPECT_EQ(Run(repos_->ReadFile(kRepo, "feature", "a/x.txt", 10)).value(), "one\n");
  EXPECT_EQ(Run(repos_->ReadFile(kRepo, "feature", "a/x.txt", 2)).error().code, Code::kLimit);
  EXPECT_EQ(Run(repos_->ReadFile(kRepo, "main", "y.txt", 10)).error().code, Code::kNotFound);
  EXPECT_EQ(Run(repos_->ReadEntry(kRepo, "feature", "y.txt")).value().mode, "100755");
  EXPECT_EQ(Run(repos_->ListFiles(kRepo, "feature", "")).value(),
            (std::vector<std::string>{"a/x.txt", "y.txt"}));
  EXPECT_EQ(Run(repos_->ListFiles(kRepo, "feature", "a")).value(),
            (std::vector<std::string>{"a/x.txt"}));
  EXPECT_EQ(Run(repos_->ChangedFiles(kRepo, "main", "feature", true)).value(),
            (std::vector<std::string>{"y.txt"}));
  const auto differences = Run(repos_->Differences(kRepo, "", "main")).value();
  ASSERT_EQ(differences.size(), 1u);
  EXPECT_EQ(differences[0].kind, "A");
}

TEST_F(GitReposTest, MergesAndMovesRefsFromTheExpectedValueOnly) {
  Push();
  const std::string main = Run(repos_->Resolve(kRepo, "main")).value();
  const std::string feature = Run(repos_->Resolve(kRepo, "feature")).value();
  const Signature who{"B", "b@example.com"};
  using Kind = Repos::MergeKind;
  EXPECT_EQ(Run(repos_->Merge(kRepo, Kind::kFastForward, main, feature, "", who)).value(), feature);
  const auto merge =
      Run(repos_->Merge(kRepo, Kind::kThreeWay, main, feature, "マージ", who)).value();
  const Commit merged = Run(repos_->ReadCommit(kRepo, merge)).value();
  EXPECT_EQ(merged.parents, (std::vector<std::string>{main, feature}));
  EXPECT_EQ(merged.message, "マージ\n");
  const auto squash = Run(repos_->Merge(kRepo, Kind::kSquash, main, feature, "s", who)).value();
  EXPECT_EQ(Run(repos_->ReadCommit(kRepo, squash)).value().parents.size(), 1u);

  EXPECT_TRUE(Run(repos_->UpdateRef(kRepo, "refs/heads/main", merge, main)).has_value());
  EXPECT_EQ(Run(repos_->UpdateRef(kRepo, "refs/heads/main", squash, main)).error().code,
            Code::kConflict);
  EXPECT_EQ(Run(repos_->UpdateRef(kRepo, "refs/heads/main", squash, "")).error().code,
            Code::kConflict);
  EXPECT_TRUE(Run(repos_->UpdateRef(kRepo, "refs/heads/new", squash, "")).has_value());
  EXPECT_TRUE(Run(repos_->IsAncestor(kRepo, feature, "main")).value());
  EXPECT_FALSE(Run(repos_->IsAncestor(kRepo, "new", "main")).value());
  EXPECT_EQ(Run(repos_->MergeBase(kRepo, "new", "main")).value(), main);

  Shell(
      "cd work; git checkout -q main; echo other > y.txt; git add .; git commit -q -m c; "
      "git push -q origin main:clash");
  EXPECT_EQ(Run(repos_->Merge(kRepo, Kind::kThreeWay, "clash", feature, "m", who)).error().code,
            Code::kConflict);
  const auto tag = Run(repos_->MakeTag(kRepo, merge, "merged", "{\"a\":1}", who)).value();
  EXPECT_EQ(Run(repos_->ReadTag(kRepo, tag)).value(), "{\"a\":1}");
}

TEST_F(GitReposTest, ACloneChecksOutTheFirstBranch) {
  Shell(
      "git init -q -b dev first; cd first; echo 1 > x; git add .; git commit -q -m one; "
      "git push -q '" +
      repos_->Path(kRepo) + "' dev");
  ASSERT_TRUE(Run(repos_->Refs(kRepo)).has_value());
  EXPECT_EQ(Shell("git clone -q '" + repos_->Path(kRepo) + "' c; ls c"), "x");
}

TEST_F(GitReposTest, FetchesOverHttpOnly) {
  const RepoId mirror{"000000000000", "us-east-1", "mirror/0123"};
  EXPECT_EQ(Run(repos_->Fetch(mirror, repos_->Path(kRepo), "main")).error().code, Code::kNotFound);
  EXPECT_EQ(Run(repos_->Fetch(mirror, "file:///etc", "main")).error().code, Code::kNotFound);
  EXPECT_EQ(Run(repos_->Fetch(mirror, "http://127.0.0.1:1/x.git", "main")).error().code,
            Code::kUnavailable);
}

TEST_F(GitReposTest, ChecksOutAsCiServersDo) {
  Push();
  const std::string feature = Run(repos_->Resolve(kRepo, "feature")).value();
  const std::string url = "https://example.com/demo.git";
  const auto full = Run(repos_->Checkout(kRepo, feature, 0, url, folder_ + "/full"));
  ASSERT_TRUE(full.has_value()) << full.error().message;
  EXPECT_EQ(
      Shell("cd full; git rev-parse HEAD; git rev-parse --abbrev-ref HEAD; git status --short; "
            "git rev-parse --abbrev-ref origin/main; git remote get-url origin; "
            "git rev-list --count HEAD"),
      feature + "\nHEAD\norigin/main\n" + url + "\n2");
  ASSERT_TRUE(Run(repos_->Checkout(kRepo, feature, 1, url, folder_ + "/shallow")).has_value());
  EXPECT_EQ(Shell("cd shallow; git rev-parse HEAD; git rev-list --count HEAD; git branch -r"),
            feature + "\n1");
}

TEST_F(GitReposTest, ArchivesCreatesAgainAndRemoves) {
  Push();
  const std::string zip = folder_ + "/a.zip";
  ASSERT_TRUE(Run(repos_->ArchiveZip(kRepo, "feature", zip)).has_value());
  EXPECT_EQ(Shell("python3 -m zipfile -l a.zip | grep -c txt"), "2");
  EXPECT_TRUE(Run(repos_->Create(kRepo)).has_value());
  EXPECT_TRUE(Run(repos_->Resolve(kRepo, "main")).has_value());
  EXPECT_TRUE(Run(repos_->Remove(kRepo)).has_value());
  EXPECT_TRUE(Run(repos_->Remove(kRepo)).has_value());
  EXPECT_EQ(Run(repos_->Refs(kRepo)).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace stepmill
