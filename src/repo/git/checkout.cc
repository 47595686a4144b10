#include "repo/git/checkout.h"

#include "base/strings.h"
#include "repo/git/run.h"

namespace stepmill::repo {
namespace {

Result<> Run(GitRun git, const std::string& what, const std::string& home) {
  MILL_TRY(const GitOutput output, RunGit(git, home));
  if (output.exit_code == 0) return {};
  return Error{Code::kUnavailable, "GitFailed",
               "git " + what + " ended with " + std::to_string(output.exit_code) + ": " +
                   std::string(Trim(output.err))};
}

}  // namespace

Result<> CheckOut(const std::string& bare, const std::string& commit, int64_t depth,
                  const std::string& url, const std::string& folder, const std::string& home) {
  // A build's folder is made again after a crash: nothing in it is synced.
  const auto inside = [&](std::vector<std::string> args) {
    const std::string what = args.front();
    args.insert(args.begin(), {"-c", "core.hooksPath=/dev/null", "-c", "core.fsync=none"});
    GitRun git{.git_dir = folder + "/.git", .args = std::move(args)};
    git.env = {"GIT_WORK_TREE=" + folder};
    return Run(std::move(git), what, home);
  };
  GitRun init{.args = {"init", "-q", "-b", "main", "--template=", folder}};
  MILL_CHECK(Run(std::move(init), "init", home));
  MILL_CHECK(inside({"config", "remote.origin.url", url}));
  MILL_CHECK(inside({"config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"}));
  const std::string from = "file://" + bare;
  std::vector<std::string> fetch = {"fetch", "-q"};
  if (depth > 0)
    fetch.insert(fetch.end(), {"--no-tags", "--depth=" + std::to_string(depth), from, commit});
  else
    fetch.insert(fetch.end(), {"--tags", from, "+refs/heads/*:refs/remotes/origin/*", commit});
  MILL_CHECK(inside(std::move(fetch)));
  return inside({"checkout", "-q", "-f", "--detach", commit});
}

}  // namespace stepmill::repo
