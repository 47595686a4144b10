#include "repo/git/git_repos.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "repo/git/checkout.h"
#include "repo/git/run.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;
using repo::GitOutput;
using repo::GitRun;

constexpr std::string_view kNoObject = "0000000000000000000000000000000000000000";
constexpr std::string_view kEmptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

Error Failed(const std::string& command, const GitOutput& output) {
  return Error{Code::kUnavailable, "GitFailed",
               "git " + command + " ended with " + std::to_string(output.exit_code) + ": " +
                   std::string(Trim(output.err))};
}
Error NotFound(std::string message) {
  return Error{Code::kNotFound, "NotFound", std::move(message)};
}
Error Conflict(std::string message) {
  return Error{Code::kConflict, "Conflict", std::move(message)};
}

/// Nothing that git would take for an option, or that would break a line of its protocols.
bool IsPlain(std::string_view text) {
  return !text.empty() && text.front() != '-' && text.find('\n') == text.npos &&
         text.find('\0') == text.npos;
}

std::vector<std::string> SplitTexts(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (const std::string_view part : Split(text, separator))
    if (!part.empty()) parts.emplace_back(part);
  return parts;
}

void SyncFolder(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  ::fsync(fd);
  ::close(fd);
}

/// What a revision may be: a branch first, then anything else that git knows.
struct Worker {
  std::string root, home;

  std::string Path(const RepoId& repo) const {
    return root + "/" + repo.account + "/" + repo.region + "/" + repo.name + ".git";
  }

  Result<GitOutput> Run(const RepoId& repo, std::vector<std::string> args, std::string input = {},
                        std::vector<std::string> env = {}) const {
    GitRun run{.git_dir = Path(repo),
               .args = std::move(args),
               .input = std::move(input),
               .env = std::move(env)};
    if (::access((run.git_dir + "/HEAD").c_str(), F_OK) != 0)
      return NotFound("no repository " + repo.name);
    return repo::RunGit(run, home);
  }
  /// The output of a run that ended well.
  Result<std::string> Ask(const RepoId& repo, std::vector<std::string> args, std::string input = {},
                          std::vector<std::string> env = {}) const {
    const std::string named = args.front();
    MILL_TRY(GitOutput output, Run(repo, std::move(args), std::move(input), std::move(env)));
    if (output.exit_code != 0) return Failed(named, output);
    return std::move(output.out);
  }

  Result<> Create(const RepoId& repo) const {
    const std::string path = Path(repo);
    std::error_code failed;
    if (fs::exists(path + "/HEAD", failed)) return {};
    const std::string fresh = path + ".new";
    fs::remove_all(fresh, failed);
    fs::create_directories(fresh, failed);
    if (failed) return Error{Code::kUnavailable, "GitFailed", fresh + ": " + failed.message()};
    GitRun init{.args = {"init", "-q", "--bare", "-b", "main", "--template=", fresh}};
    MILL_TRY(GitOutput made, repo::RunGit(init, home));
    if (made.exit_code != 0) return Failed("init", made);
    const std::pair<const char*, const char*> settings[] = {
        {"core.fsync", "all"},
        {"core.hooksPath", "/dev/null"},
        {"gc.auto", "0"},
        {"receive.autogc", "false"},
        {"receive.hideRefs", "refs/pull"},
        {"transfer.hideRefs", "refs/stepmill"},
        {"transfer.advertiseSID", "false"},
        {"uploadpack.allowAnySHA1InWant", "true"},
        {"uploadpack.allowFilter", "true"},
        {"http.receivepack", "true"},
    };
    std::string config = "\n";
    for (const auto& [name, value] : settings) {
      const std::vector<std::string_view> parts = Split(name, '.');
      config +=
          "[" + std::string(parts[0]) + "]\n\t" + std::string(parts[1]) + " = " + value + "\n";
    }
    const int fd = ::open((fresh + "/config").c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    const bool is_written =
        fd >= 0 &&
        ::write(fd, config.data(), config.size()) == static_cast<ssize_t>(config.size()) &&
        ::fsync(fd) == 0;
    if (fd >= 0) ::close(fd);
    if (!is_written)
      return Error{Code::kUnavailable, "GitFailed", "cannot write " + fresh + "/config"};
    SyncFolder(fresh);
    fs::rename(fresh, path, failed);
    if (failed) return Error{Code::kUnavailable, "GitFailed", path + ": " + failed.message()};
    SyncFolder(fs::path(path).parent_path());
    return {};
  }

  Result<> Remove(const RepoId& repo) const {
    const std::string path = Path(repo);
    const std::string gone = path + ".gone";
    std::error_code failed;
    fs::remove_all(gone, failed);
    // First out of sight in one step, so that a crash leaves no half of a repository.
    fs::rename(path, gone, failed);
    fs::remove_all(gone, failed);
    if (failed && failed != std::errc::no_such_file_or_directory)
      return Error{Code::kUnavailable, "GitFailed", gone + ": " + failed.message()};
    return {};
  }

  Result<std::vector<Ref>> Refs(const RepoId& repo) const {
    MILL_TRY(const std::string out,
             Ask(repo, {"for-each-ref", "--format=%(objectname) %(*objectname) %(refname)"}));
    std::vector<Ref> refs;
    for (const std::string& line : SplitTexts(out, '\n')) {
      const std::vector<std::string_view> parts = Split(line, ' ');
      if (parts.size() != 3) continue;
      refs.push_back({std::string(parts[2]), std::string(parts[0])});
    }
    MILL_CHECK(LeadHead(repo, refs));
    return refs;
  }

  /// HEAD names main until another branch comes first; a clone checks out what HEAD names, so it
  /// then leads to the first branch that is there.
  Result<> LeadHead(const RepoId& repo, const std::vector<Ref>& refs) const {
    std::ifstream file(Path(repo) + "/HEAD");
    std::string head;
    std::getline(file, head);
    std::string first;
    for (const Ref& ref : refs) {
      if (!ref.name.starts_with("refs/heads/")) continue;
      if (head == "ref: " + ref.name) return {};
      if (first.empty()) first = ref.name;
    }
    if (first.empty()) return {};
    MILL_CHECK(Ask(repo, {"symbolic-ref", "HEAD", first}));
    return {};
  }

  Result<std::string> Resolve(const RepoId& repo, const std::string& revision) const {
    if (!IsPlain(revision)) return NotFound("no revision " + revision);
    for (const std::string& candidate : {"refs/heads/" + revision, revision}) {
      MILL_TRY(GitOutput output, Run(repo, {"rev-parse", "--verify", "--quiet", "--end-of-options",
                                            candidate + "^{commit}"}));
      if (output.exit_code != 0) continue;
      const std::string id(Trim(output.out));
      if (id.size() == kNoObject.size()) return id;
      // git 2.39 prints the option itself before the id.
      const size_t at = id.rfind('\n');
      if (at != id.npos) return id.substr(at + 1);
    }
    return NotFound("no revision " + revision);
  }

  Result<Commit> ReadCommit(const RepoId& repo, const std::string& commit) const {
    MILL_TRY(const std::string id, Resolve(repo, commit));
    MILL_TRY(const std::string out,
             Ask(repo, {"log", "-1", "--no-show-signature", "--encoding=UTF-8",
                        "--format=%H%n%T%n%P%n%an%n%ae%n%aI%n%cn%n%ce%n%cI%n%B", id, "--"}));
    std::vector<std::string> lines;
    size_t at = 0;
    while (lines.size() < 9) {
      const size_t end = out.find('\n', at);
      if (end == out.npos) return Error{Code::kUnavailable, "GitFailed", "git log: short answer"};
      lines.push_back(out.substr(at, end - at));
      at = end + 1;
    }
    Commit read;
    read.id = lines[0];
    read.tree = lines[1];
    read.parents = SplitTexts(lines[2], ' ');
    read.author_name = lines[3];
    read.author_email = lines[4];
    read.author_date = lines[5];
    read.committer_name = lines[6];
    read.committer_email = lines[7];
    read.committer_date = lines[8];
    read.message = out.substr(at);
    // log ends the format with one more newline.
    if (!read.message.empty() && read.message.back() == '\n') read.message.pop_back();
    return read;
  }

  Result<TreeEntry> ReadEntry(const RepoId& repo, const std::string& commit,
                              const std::string& path) const {
    if (!IsPlain(path)) return NotFound("no file " + path);
    MILL_TRY(const std::string id, Resolve(repo, commit));
    MILL_TRY(const std::string out,
             Ask(repo, {"ls-tree", "-z", "-l", "--full-tree", id, "--", path}));
    const std::vector<std::string> rows = SplitTexts(out, '\0');
    if (rows.size() != 1) return NotFound("no file " + path);
    const size_t tab = rows[0].find('\t');
    const std::vector<std::string> facts = SplitTexts(rows[0].substr(0, tab), ' ');
    if (tab == rows[0].npos || facts.size() != 4 || facts[1] != "blob")
      return NotFound("no file " + path);
    return TreeEntry{.path = rows[0].substr(tab + 1),
                     .mode = facts[0],
                     .blob = facts[2],
                     .size_bytes = static_cast<uint64_t>(ParseInt(facts[3]).value_or(0))};
  }

  Result<std::string> ReadFile(const RepoId& repo, const std::string& commit,
                               const std::string& path, uint64_t bytes_max) const {
    MILL_TRY(const TreeEntry entry, ReadEntry(repo, commit, path));
    if (entry.size_bytes > bytes_max)
      return Error{Code::kLimit, "FileTooLarge",
                   path + " has " + std::to_string(entry.size_bytes) + " bytes, at most " +
                       std::to_string(bytes_max) + " are read"};
    GitRun run{.git_dir = Path(repo),
               .args = {"cat-file", "blob", entry.blob},
               .output_bytes_max = bytes_max};
    MILL_TRY(GitOutput output, repo::RunGit(run, home));
    if (output.exit_code != 0) return Failed("cat-file", output);
    return std::move(output.out);
  }

  Result<std::vector<std::string>> ListFiles(const RepoId& repo, const std::string& commit,
                                             const std::string& folder) const {
    MILL_TRY(const std::string id, Resolve(repo, commit));
    std::vector<std::string> args = {"ls-tree", "-r", "-z", "--name-only", "--full-tree", id};
    if (!folder.empty()) {
      if (!IsPlain(folder)) return NotFound("no folder " + folder);
      args.push_back("--");
      args.push_back(folder.back() == '/' ? folder : folder + "/");
    }
    MILL_TRY(const std::string out, Ask(repo, std::move(args)));
    return SplitTexts(out, '\0');
  }

  Result<std::optional<std::string>> MergeBase(const RepoId& repo, const std::string& a,
                                               const std::string& b) const {
    MILL_TRY(const std::string first, Resolve(repo, a));
    MILL_TRY(const std::string second, Resolve(repo, b));
    const std::string named = "merge-base";
    MILL_TRY(GitOutput output, Run(repo, {"merge-base", first, second}));
    if (output.exit_code == 1) return std::optional<std::string>();
    if (output.exit_code != 0) return Failed(named, output);
    return std::optional<std::string>(std::string(Trim(output.out)));
  }

  Result<std::vector<TreeDifference>> Differences(const RepoId& repo, const std::string& from,
                                                  const std::string& to) const {
    std::string before(kEmptyTree), after(kEmptyTree);
    if (!from.empty()) {
      MILL_TRY(before, Resolve(repo, from));
    }
    if (!to.empty()) {
      MILL_TRY(after, Resolve(repo, to));
    }
    MILL_TRY(const std::string out,
             Ask(repo, {"diff-tree", "-r", "-z", "--no-renames", before, after}));
    // ":100644 100644 <old> <new> M\0path\0"
    std::vector<TreeDifference> differences;
    const std::vector<std::string> parts = SplitTexts(out, '\0');
    for (size_t i = 0; i + 1 < parts.size(); i += 2) {
      const std::vector<std::string> facts = SplitTexts(parts[i], ' ');
      if (facts.size() != 5) continue;
      TreeDifference difference{.kind = facts[4] == "T" ? "M" : facts[4], .path = parts[i + 1]};
      if (facts[2] != kNoObject) {
        difference.before_mode = facts[0].substr(1);
        difference.before_blob = facts[2];
      }
      if (facts[3] != kNoObject) {
        difference.after_mode = facts[1];
        difference.after_blob = facts[3];
      }
      differences.push_back(std::move(difference));
    }
    return differences;
  }

  Result<std::vector<std::string>> ChangedFiles(const RepoId& repo, const std::string& from,
                                                const std::string& to, bool three_dot) const {
    std::string start = from;
    if (three_dot) {
      MILL_TRY(const std::optional<std::string> base, MergeBase(repo, from, to));
      start = base.value_or("");
    }
    MILL_TRY(const std::vector<TreeDifference> differences, Differences(repo, start, to));
    std::vector<std::string> paths;
    for (const TreeDifference& difference : differences) paths.push_back(difference.path);
    return paths;
  }

  Result<bool> IsAncestor(const RepoId& repo, const std::string& ancestor,
                          const std::string& commit) const {
    MILL_TRY(const std::string first, Resolve(repo, ancestor));
    MILL_TRY(const std::string second, Resolve(repo, commit));
    const std::string named = "merge-base";
    MILL_TRY(GitOutput output, Run(repo, {"merge-base", "--is-ancestor", first, second}));
    if (output.exit_code > 1) return Failed(named, output);
    return output.exit_code == 0;
  }

  static std::vector<std::string> Identity(const Signature& who) {
    return {"GIT_AUTHOR_NAME=" + who.name, "GIT_AUTHOR_EMAIL=" + who.email,
            "GIT_COMMITTER_NAME=" + who.name, "GIT_COMMITTER_EMAIL=" + who.email};
  }

  Result<std::string> Merge(const RepoId& repo, Repos::MergeKind kind, const std::string& target,
                            const std::string& source, const std::string& message,
                            const Signature& author) const {
    MILL_TRY(const std::string ours, Resolve(repo, target));
    MILL_TRY(const std::string theirs, Resolve(repo, source));
    if (kind == Repos::MergeKind::kFastForward) {
      MILL_TRY(const bool is_ahead, IsAncestor(repo, ours, theirs));
      if (!is_ahead) return Conflict(source + " does not contain " + target);
      return theirs;
    }
    const std::string named = "merge-tree";
    MILL_TRY(GitOutput merged, Run(repo, {"merge-tree", "--write-tree", "-z", "--name-only",
                                          "--no-messages", ours, theirs}));
    const std::vector<std::string> parts = SplitTexts(merged.out, '\0');
    if (merged.exit_code == 1) {
      std::vector<std::string> paths;
      for (size_t i = 1; i < parts.size() && i <= 20; ++i) paths.push_back(parts[i]);
      return Conflict("conflicts in " + Join(paths, ", "));
    }
    if (merged.exit_code != 0 && merged.err.find("unrelated histories") != std::string::npos)
      return Conflict("the branches have no common commit");
    if (merged.exit_code != 0 || parts.empty()) return Failed(named, merged);
    std::vector<std::string> args = {"commit-tree", std::string(Trim(parts[0])), "-p", ours};
    if (kind == Repos::MergeKind::kThreeWay) {
      args.push_back("-p");
      args.push_back(theirs);
    }
    const std::string text = message.ends_with('\n') ? message : message + "\n";
    MILL_TRY(const std::string id, Ask(repo, std::move(args), text, Identity(author)));
    return std::string(Trim(id));
  }

  Result<> UpdateRefs(const RepoId& repo, const std::vector<RefChange>& changes) const {
    std::string lines;
    for (const RefChange& change : changes) {
      if (!IsPlain(change.ref) || !change.ref.starts_with("refs/") ||
          change.ref.find(' ') != change.ref.npos)
        return Error{Code::kInvalid, "InvalidRef", "no name of a ref: " + change.ref};
      const std::string expected =
          change.expected.empty() ? std::string(kNoObject) : change.expected;
      if (change.commit.empty()) {
        lines += "delete " + change.ref + " " + expected + "\n";
      } else {
        lines += "update " + change.ref + " " + change.commit + " " + expected + "\n";
      }
    }
    if (lines.empty()) return {};
    const std::string named = "update-ref";
    MILL_TRY(GitOutput output, Run(repo, {"update-ref", "--stdin"}, lines));
    if (output.exit_code == 0) return {};
    if (output.err.find("cannot lock ref") != std::string::npos)
      return Conflict(std::string(Trim(output.err)));
    if (output.err.find("invalid ref format") != std::string::npos)
      return Error{Code::kInvalid, "InvalidRef", std::string(Trim(output.err))};
    return Failed(named, output);
  }

  Result<std::string> MakeTag(const RepoId& repo, const std::string& commit,
                              const std::string& name, const std::string& message,
                              const Signature& tagger) const {
    MILL_TRY(const std::string id, Resolve(repo, commit));
    MILL_TRY(const std::string ident,
             Ask(repo, {"var", "GIT_COMMITTER_IDENT"}, "", Identity(tagger)));
    const std::string text = "object " + id + "\ntype commit\ntag " + name + "\ntagger " +
                             std::string(Trim(ident)) + "\n\n" + message + "\n";
    MILL_TRY(const std::string tag, Ask(repo, {"mktag"}, text));
    return std::string(Trim(tag));
  }

  Result<std::string> ReadTag(const RepoId& repo, const std::string& tag) const {
    if (!IsPlain(tag)) return NotFound("no tag " + tag);
    const std::string named = "cat-file";
    MILL_TRY(GitOutput output, Run(repo, {"cat-file", "tag", tag}));
    if (output.exit_code != 0) return NotFound("no tag object " + tag);
    const size_t at = output.out.find("\n\n");
    if (at == output.out.npos) return std::string();
    return std::string(Trim(std::string_view(output.out).substr(at + 2)));
  }

  Result<std::string> Fetch(const RepoId& mirror, const std::string& url,
                            const std::string& branch) const {
    if ((!url.starts_with("http://") && !url.starts_with("https://")) || !IsPlain(branch))
      return NotFound("no repository " + url);
    MILL_CHECK(Create(mirror));
    const std::string ref = "refs/heads/" + branch;
    const std::vector<std::string> args = {"-c",        "http.lowSpeedLimit=1000",
                                           "-c",        "http.lowSpeedTime=60",
                                           "fetch",     "-q",
                                           "--no-tags", "--depth=1",
                                           url,         "+" + ref + ":" + ref};
    MILL_TRY(GitOutput output, Run(mirror, args, "", {"GIT_ALLOW_PROTOCOL=http:https"}));
    if (output.exit_code == 0) return Resolve(mirror, ref);
    for (const char* sign : {"not found", "couldn't find remote ref", "could not read Username"})
      if (output.err.find(sign) != std::string::npos)
        return NotFound(url + ", branch " + branch + ": " + std::string(Trim(output.err)));
    return Failed("fetch", output);
  }

  Result<> Checkout(const RepoId& repo, const std::string& commit, int64_t depth,
                    const std::string& url, const std::string& folder) const {
    MILL_TRY(const std::string id, Resolve(repo, commit));
    return repo::CheckOut(Path(repo), id, depth, url, folder, home);
  }

  Result<> ArchiveZip(const RepoId& repo, const std::string& commit,
                      const std::string& to_path) const {
    MILL_TRY(const std::string id, Resolve(repo, commit));
    MILL_CHECK(Ask(repo, {"archive", "--format=zip", "-1", "-o", to_path, id}));
    return {};
  }
};

class GitRepos : public Repos {
 public:
  GitRepos(io::Loop& loop, Worker worker) : loop_(loop), worker_(std::move(worker)) {}

  Task<> Create(RepoId repo) override {
    const auto work = [worker = worker_, repo] { return worker.Create(repo); };
    return io::Offload(loop_.pool(), work);
  }
  Task<> Remove(RepoId repo) override {
    const auto work = [worker = worker_, repo] { return worker.Remove(repo); };
    return io::Offload(loop_.pool(), work);
  }
  std::string Path(const RepoId& repo) const override { return worker_.Path(repo); }
  Task<std::vector<Ref>> Refs(RepoId repo) override {
    const auto work = [worker = worker_, repo] { return worker.Refs(repo); };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::string> Resolve(RepoId repo, std::string revision) override {
    const auto work = [worker = worker_, repo, revision] { return worker.Resolve(repo, revision); };
    return io::Offload(loop_.pool(), work);
  }
  Task<Commit> ReadCommit(RepoId repo, std::string commit) override {
    const auto work = [worker = worker_, repo, commit] { return worker.ReadCommit(repo, commit); };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::string> ReadFile(RepoId repo, std::string commit, std::string path,
                             uint64_t bytes_max) override {
    const auto work = [worker = worker_, repo, commit, path, bytes_max] {
      return worker.ReadFile(repo, commit, path, bytes_max);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<TreeEntry> ReadEntry(RepoId repo, std::string commit, std::string path) override {
    const auto work = [worker = worker_, repo, commit, path] {
      return worker.ReadEntry(repo, commit, path);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::vector<std::string>> ListFiles(RepoId repo, std::string commit,
                                           std::string folder) override {
    const auto work = [worker = worker_, repo, commit, folder] {
      return worker.ListFiles(repo, commit, folder);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::vector<std::string>> ChangedFiles(RepoId repo, std::string from, std::string to,
                                              bool three_dot) override {
    const auto work = [worker = worker_, repo, from, to, three_dot] {
      return worker.ChangedFiles(repo, from, to, three_dot);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::vector<TreeDifference>> Differences(RepoId repo, std::string from,
                                                std::string to) override {
    const auto work = [worker = worker_, repo, from, to] {
      return worker.Differences(repo, from, to);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::optional<std::string>> MergeBase(RepoId repo, std::string a, std::string b) override {
    const auto work = [worker = worker_, repo, a, b] { return worker.MergeBase(repo, a, b); };
    return io::Offload(loop_.pool(), work);
  }
  Task<bool> IsAncestor(RepoId repo, std::string ancestor, std::string commit) override {
    const auto work = [worker = worker_, repo, ancestor, commit] {
      return worker.IsAncestor(repo, ancestor, commit);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::string> Merge(RepoId repo, MergeKind kind, std::string target, std::string source,
                          std::string message, Signature author) override {
    const auto work = [worker = worker_, repo, kind, target, source, message, author] {
      return worker.Merge(repo, kind, target, source, message, author);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<> UpdateRef(RepoId repo, std::string ref, std::string commit,
                   std::string expected) override {
    std::vector<RefChange> changes;
    changes.push_back({std::move(ref), std::move(commit), std::move(expected)});
    return UpdateRefs(std::move(repo), std::move(changes));
  }
  Task<> UpdateRefs(RepoId repo, std::vector<RefChange> changes) override {
    const auto work = [worker = worker_, repo, changes] {
      return worker.UpdateRefs(repo, changes);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::string> MakeTag(RepoId repo, std::string commit, std::string name, std::string message,
                            Signature tagger) override {
    const auto work = [worker = worker_, repo, commit, name, message, tagger] {
      return worker.MakeTag(repo, commit, name, message, tagger);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::string> ReadTag(RepoId repo, std::string tag) override {
    const auto work = [worker = worker_, repo, tag] { return worker.ReadTag(repo, tag); };
    return io::Offload(loop_.pool(), work);
  }
  Task<std::string> Fetch(RepoId mirror, std::string url, std::string branch) override {
    const auto work = [worker = worker_, mirror, url, branch] {
      return worker.Fetch(mirror, url, branch);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<> Checkout(RepoId repo, std::string commit, int64_t depth, std::string url,
                  std::string folder) override {
    const auto work = [worker = worker_, repo, commit, depth, url, folder] {
      return worker.Checkout(repo, commit, depth, url, folder);
    };
    return io::Offload(loop_.pool(), work);
  }
  Task<> ArchiveZip(RepoId repo, std::string commit, std::string to_path) override {
    const auto work = [worker = worker_, repo, commit, to_path] {
      return worker.ArchiveZip(repo, commit, to_path);
    };
    return io::Offload(loop_.pool(), work);
  }

 private:
  io::Loop& loop_;
  Worker worker_;
};

}  // namespace

Result<std::unique_ptr<Repos>> OpenGitRepos(io::Loop& loop, std::string root) {
  std::error_code failed;
  const std::string home = root + "/.home";
  fs::create_directories(home, failed);
  if (failed) return Error{Code::kUnavailable, "GitUnavailable", home + ": " + failed.message()};
  Worker worker{.root = std::move(root), .home = home};
  return std::unique_ptr<Repos>(std::make_unique<GitRepos>(loop, std::move(worker)));
}

}  // namespace stepmill
