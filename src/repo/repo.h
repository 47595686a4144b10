#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "task/task.h"

namespace stepmill {

/// One bare git repository per (account, region, name). Refs in git are the truth.
struct RepoId {
  std::string account, region, name;
};
struct Ref {
  std::string name;    ///< "refs/heads/main"
  std::string commit;  ///< 40 hex digits
};
struct Commit {
  std::string id, tree;
  std::vector<std::string> parents;
  std::string author_name, author_email, author_date;           ///< date as git's %aI
  std::string committer_name, committer_email, committer_date;  ///< %cI
  std::string message;
};
struct Signature {
  std::string name, email;
};
/// What stands at a path of a commit. `mode` as git prints it: "100644", "100755", "120000".
struct TreeEntry {
  std::string path, mode, blob;
  uint64_t size_bytes = 0;
};
/// One path that differs: `kind` is "A", "M" or "D"; mode and blob are empty on the absent side.
struct TreeDifference {
  std::string kind, path;
  std::string before_mode = {}, before_blob = {}, after_mode = {}, after_blob = {};
};
/// One ref of a transaction. `expected` as in UpdateRef; an empty `commit` deletes.
struct RefChange {
  std::string ref, commit, expected;
};

/// Git repositories. Every call is repeatable. Errors: kNotFound (repository, ref, path),
/// kConflict (a merge that does not apply, a ref that moved), kUnavailable (git failed: its words).
class Repos {
 public:
  enum class MergeKind { kFastForward, kSquash, kThreeWay };
  virtual ~Repos() = default;

  virtual Task<> Create(RepoId repo) = 0;  ///< bare, HEAD at main
  virtual Task<> Remove(RepoId repo) = 0;
  /// The folder of the bare repository, for serving by git's own programs and for staging.
  virtual std::string Path(const RepoId& repo) const = 0;
  virtual Task<std::vector<Ref>> Refs(RepoId repo) = 0;
  /// The commit a revision (branch, full ref, tag, id) names; kNotFound.
  virtual Task<std::string> Resolve(RepoId repo, std::string revision) = 0;
  virtual Task<Commit> ReadCommit(RepoId repo, std::string commit) = 0;
  /// A file's bytes at a commit; kNotFound, kLimit.
  virtual Task<std::string> ReadFile(RepoId repo, std::string commit, std::string path,
                                     uint64_t bytes_max) = 0;
  /// Paths (recursive) below `folder` ("" for all) at a commit.
  virtual Task<std::vector<std::string>> ListFiles(RepoId repo, std::string commit,
                                                   std::string folder) = 0;
  /// Paths that differ between two commits (`three_dot`: since their merge base).
  virtual Task<std::vector<std::string>> ChangedFiles(RepoId repo, std::string from, std::string to,
                                                      bool three_dot) = 0;
  virtual Task<std::optional<std::string>> MergeBase(RepoId repo, std::string a, std::string b) = 0;
  virtual Task<bool> IsAncestor(RepoId repo, std::string ancestor, std::string commit) = 0;
  /// Makes (does not publish) the merge of `source` into `target`: the commit's id. kConflict.
  virtual Task<std::string> Merge(RepoId repo, MergeKind kind, std::string target,
                                  std::string source, std::string message, Signature author) = 0;
  /// Moves a ref, provided it is at `expected` ("" : absent). kConflict.
  virtual Task<> UpdateRef(RepoId repo, std::string ref, std::string commit,
                           std::string expected) = 0;
  /// Moves several refs or none. kConflict.
  virtual Task<> UpdateRefs(RepoId repo, std::vector<RefChange> changes) = 0;
  /// Makes (does not publish) an annotated tag object on a commit: its id.
  virtual Task<std::string> MakeTag(RepoId repo, std::string commit, std::string name,
                                    std::string message, Signature tagger) = 0;
  /// The message of a tag object.
  virtual Task<std::string> ReadTag(RepoId repo, std::string tag) = 0;
  /// kNotFound when nothing, or no file, stands at `path`.
  virtual Task<TreeEntry> ReadEntry(RepoId repo, std::string commit, std::string path) = 0;
  /// Differences of two commits ("" : the empty tree), without renames, in path order.
  virtual Task<std::vector<TreeDifference>> Differences(RepoId repo, std::string from,
                                                        std::string to) = 0;
  /// Brings a branch of another server's repository (http or https, no credentials) into `mirror`,
  /// which is made when it is missing, without its history: the branch's commit. kNotFound: no such
  /// repository or branch; kUnavailable: the server does not answer.
  virtual Task<std::string> Fetch(RepoId mirror, std::string url, std::string branch) = 0;
  /// Clones into `folder` (which is empty, or made) and checks the commit out, detached, as CI
  /// servers do: the remote "origin" is `url`, its branches and tags are there. With a depth above
  /// 0 the history ends there, and only the commit is there. Pull references come by their ids.
  virtual Task<> Checkout(RepoId repo, std::string commit, int64_t depth, std::string url,
                          std::string folder) = 0;
  /// Writes the tree of a commit as a zip at `to_path` (no .git): a pipeline's source artifact.
  virtual Task<> ArchiveZip(RepoId repo, std::string commit, std::string to_path) = 0;
};

}  // namespace stepmill
