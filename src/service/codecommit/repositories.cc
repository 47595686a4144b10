#include "service/codecommit/repositories.h"

#include "base/digest.h"
#include "base/strings.h"
#include "service/codecommit/errors.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codecommit {
namespace {

constexpr int kPageMax = 1000;
constexpr uint64_t kFileBytesMax = 6 << 20;  // AWS: 6 MB of a file by GetFile

Json Metadata(const Call& call, const std::string& name, const Json& document) {
  const std::string host = "git-codecommit." + call.region + ".amazonaws.com/v1/repos/" + name;
  Json::Object metadata;
  metadata.Set("accountId", call.account);
  metadata.Set("repositoryId", document["id"]);
  metadata.Set("repositoryName", name);
  metadata.SetIf("repositoryDescription", document.Find("description"));
  metadata.SetIf("defaultBranch", document.Find("defaultBranch"));
  metadata.Set("lastModifiedDate", document["modifiedAt"]);
  metadata.Set("creationDate", document["createdAt"]);
  metadata.Set("cloneUrlHttp", "https://" + host);
  metadata.Set("cloneUrlSsh", "ssh://" + host);
  metadata.Set("Arn", RepositoryArn(call, name));
  return metadata;
}

/// What git refuses in the name of a ref, as far as users meet it.
bool IsBranchName(std::string_view name) {
  if (name.empty() || name.size() > 256 || name.front() == '-' || name.front() == '/' ||
      name.back() == '/' || name.back() == '.' || name.ends_with(".lock"))
    return false;
  if (name.find("..") != name.npos || name.find("//") != name.npos || name.find("@{") != name.npos)
    return false;
  for (const char c : name)
    if (static_cast<unsigned char>(c) <= ' ' || c == '~' || c == '^' || c == ':' || c == '?' ||
        c == '*' || c == '[' || c == '\\' || c == 0x7f)
      return false;
  return true;
}

Json User(std::string_view name, std::string_view email, std::string_view date) {
  return Json::Object{{"name", name}, {"email", email}, {"date", date}};
}

/// git's %aI ("2022-07-18T01:02:03+09:00") as CodeCommit prints dates: "1658073723 +0900".
std::string RawDate(const std::string& iso) {
  const Result<Time> time = ParseIso(iso);
  if (!time) return iso;
  std::string zone = "+0000";
  if (iso.size() >= 6 && (iso[iso.size() - 6] == '+' || iso[iso.size() - 6] == '-'))
    zone = ReplaceAll(iso.substr(iso.size() - 6), ":", "");
  return std::to_string(MillisSinceEpoch(*time) / 1000) + " " + zone;
}

}  // namespace

Key AllRepositoriesKey(std::string_view account, std::string_view region, std::string_view name) {
  if (account.empty()) return MakeKey({"codecommit", "repository", ""});
  return MakeKey({"codecommit", "repository", account, region, name});
}

RepoId IdOf(const Call& call, std::string_view name) {
  return {call.account, call.region, std::string(name)};
}

std::string RepositoryArn(const Call& call, std::string_view name) {
  return call.Arn("codecommit", name);
}

Task<Document> RequireRepository(Call& call, std::string name) {
  const Key key = call.KeyFor({"codecommit", "repository", name});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return RepositoryDoesNotExist(name);
  co_return *std::move(found);
}

std::string BranchRef(std::string_view name) {
  return name.starts_with("refs/") ? std::string(name) : "refs/heads/" + std::string(name);
}

std::string ShortName(std::string_view ref) {
  for (const std::string_view prefix : {"refs/heads/", "refs/tags/"})
    if (ref.starts_with(prefix)) return std::string(ref.substr(prefix.size()));
  return std::string(ref);
}

Signature SignatureOf(const Principal& principal) {
  const size_t slash = principal.arn.rfind('/');
  const size_t colon = principal.arn.rfind(':');
  std::string name = principal.arn;
  if (slash != name.npos) {
    name = name.substr(slash + 1);
  } else if (colon != name.npos) {
    name = name.substr(colon + 1);
  }
  if (name.empty()) name = "unknown";
  return {name, name + "@example.com"};
}

Task<std::optional<std::string>> FindCommit(Call& call, std::string repository,
                                            std::string revision) {
  Result<std::string> commit =
      co_await call.ports.repos.Resolve(IdOf(call, repository), std::move(revision));
  if (!commit && commit.error().code == Code::kNotFound) co_return std::optional<std::string>();
  if (!commit) co_return commit.error();
  co_return std::optional<std::string>(*std::move(commit));
}

Task<Json> CreateRepository(Call& call) {
  MILL_CO_TRY(const std::string name, call.input.RequireString("repositoryName"));
  if (name.ends_with(".git"))
    co_return Error{Code::kInvalid, "InvalidRepositoryNameException",
                    "The repository name is not valid: names do not end in .git"};
  if (call.input.Has("kmsKeyId"))
    co_return NotBuilt("kmsKeyId", call.input.StringOr("kmsKeyId", ""));
  const Key key = call.KeyFor({"codecommit", "repository", name});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (found) co_return RepositoryNameExists(name);
  // First git, then its document: a folder without one is taken over by the next attempt.
  MILL_CO_CHECK(co_await call.ports.repos.Create(IdOf(call, name)));
  const double now = SecondsSinceEpoch(call.Now());
  Json::Object document;
  document.Set("id", call.ports.random.NewUuid());
  document.SetIf("description", call.input.Find("repositoryDescription"));
  document.Set("createdAt", now);
  document.Set("modifiedAt", now);
  document.SetIf("tags", call.input.Find("tags"));
  const Json body(document);
  call.batch.Create(key, body);
  call.batch.PutDocument(AllRepositoriesKey(call.account, call.region, name), Json::Object{});
  co_return Json::Object{{"repositoryMetadata", Metadata(call, name, body)}};
}

Task<Json> GetRepository(Call& call) {
  MILL_CO_TRY(const std::string name, call.input.RequireString("repositoryName"));
  MILL_CO_TRY(const Document document, co_await RequireRepository(call, name));
  co_return Json::Object{{"repositoryMetadata", Metadata(call, name, document.body)}};
}

Task<Json> ListRepositories(Call& call) {
  const Key prefix = call.KeyFor({"codecommit", "repository", ""});
  const bool is_descending = call.input.StringOr("order", "ascending") == "descending";
  if (const std::string by = call.input.StringOr("sortBy", "repositoryName");
      by != "repositoryName")
    co_return NotBuilt("sortBy", by);
  Key from = prefix, to = PrefixEnd(prefix);
  const std::string token = call.input.StringOr("nextToken", "");
  if (!token.empty()) {
    const std::optional<std::string> after = Unbase64(token);
    if (!after || !after->starts_with(prefix)) co_return BadToken();
    (is_descending ? to : from) = is_descending ? *after : *after + '\0';
  }
  MILL_CO_TRY(const std::vector<Document> found,
              co_await call.ports.store.Range(
                  from, to, is_descending ? Direction::kBackward : Direction::kForward, kPageMax));
  Json::Array repositories;
  for (const Document& document : found)
    repositories.push_back(Json::Object{{"repositoryName", KeyParts(document.key).back()},
                                        {"repositoryId", document.body["id"]}});
  Json::Object output{{"repositories", repositories}};
  if (found.size() == kPageMax) output.Set("nextToken", Base64(found.back().key));
  co_return Json(output);
}

Task<Json> DeleteRepository(Call& call) {
  MILL_CO_TRY(const std::string name, call.input.RequireString("repositoryName"));
  const Key key = call.KeyFor({"codecommit", "repository", name});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return Json::Object{};  // AWS: no error, no id
  MILL_CO_CHECK(co_await call.ports.repos.Remove(IdOf(call, name)));
  call.batch.Delete(key);
  call.batch.Delete(AllRepositoriesKey(call.account, call.region, name));
  call.batch.Delete(call.KeyFor({"codecommit", "tips", name}));
  for (const std::string_view kind : {"open-pull", "pull-of"}) {
    const Key prefix = call.KeyFor({"codecommit", kind, name, ""});
    MILL_CO_TRY(
        const std::vector<Document> pulls,
        co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, 100'000));
    for (const Document& pull : pulls) {
      call.batch.Delete(pull.key);
      if (kind == "pull-of")
        call.batch.Delete(
            call.KeyFor({"codecommit", "pull", pull.body.StringOr("pullRequestId", "")}));
    }
  }
  const Key statuses = call.KeyFor({"codecommit", "status", name, ""});
  MILL_CO_TRY(
      const std::vector<Document> found_statuses,
      co_await call.ports.store.Range(statuses, PrefixEnd(statuses), Direction::kForward, 100'000));
  for (const Document& status : found_statuses) call.batch.Delete(status.key);
  co_return Json::Object{{"repositoryId", found->body["id"]}};
}

Task<Json> GetBranch(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string branch = call.input.StringOr("branchName", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  if (!IsBranchName(branch)) co_return InvalidBranchName(branch);
  MILL_CO_TRY(const std::optional<std::string> commit,
              co_await FindCommit(call, name, BranchRef(branch)));
  if (!commit) co_return BranchDoesNotExist(branch);
  co_return Json::Object{
      {"branch", Json::Object{{"branchName", ShortName(branch)}, {"commitId", *commit}}}};
}

Task<Json> CreateBranch(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string branch = call.input.StringOr("branchName", "");
  const std::string given = call.input.StringOr("commitId", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  if (!IsBranchName(branch)) co_return InvalidBranchName(branch);
  MILL_CO_TRY(const std::optional<std::string> commit, co_await FindCommit(call, name, given));
  if (!commit) co_return CommitDoesNotExist(given);
  const Result<> moved =
      co_await call.ports.repos.UpdateRef(IdOf(call, name), "refs/heads/" + branch, *commit, "");
  if (!moved && moved.error().code == Code::kConflict) co_return BranchNameExists(branch);
  if (!moved) co_return moved.error();
  MILL_CO_CHECK(co_await PublishDifferences(call, name));
  co_return Json::Object{};
}

Task<Json> DeleteBranch(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string branch = call.input.StringOr("branchName", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  if (!IsBranchName(branch)) co_return InvalidBranchName(branch);
  if (branch == repository.body.StringOr("defaultBranch", "main"))
    co_return Error{Code::kInvalid, "DefaultBranchCannotBeDeletedException",
                    "The default branch " + branch + " cannot be deleted"};
  MILL_CO_TRY(const std::optional<std::string> commit,
              co_await FindCommit(call, name, BranchRef(branch)));
  if (!commit) co_return Json::Object{};
  MILL_CO_CHECK(
      co_await call.ports.repos.UpdateRef(IdOf(call, name), BranchRef(branch), "", *commit));
  MILL_CO_CHECK(co_await PublishDifferences(call, name));
  co_return Json::Object{
      {"deletedBranch", Json::Object{{"branchName", ShortName(branch)}, {"commitId", *commit}}}};
}

Task<Json> ListBranches(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  MILL_CO_TRY(const std::vector<Ref> refs, co_await call.ports.repos.Refs(IdOf(call, name)));
  Json::Array branches;
  for (const Ref& ref : refs)
    if (ref.name.starts_with("refs/heads/")) branches.push_back(ShortName(ref.name));
  co_return PageOf(call.input, "branches", branches, "", "nextToken", BadToken());
}

Task<Json> GetCommit(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string given = call.input.StringOr("commitId", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  MILL_CO_TRY(const std::optional<std::string> id, co_await FindCommit(call, name, given));
  if (!id) co_return CommitIdDoesNotExist(given);
  MILL_CO_TRY(const Commit commit, co_await call.ports.repos.ReadCommit(IdOf(call, name), *id));
  Json::Array parents;
  for (const std::string& parent : commit.parents) parents.push_back(parent);
  Json::Object body;
  body.Set("commitId", commit.id);
  body.Set("treeId", commit.tree);
  body.Set("parents", parents);
  body.Set("message", commit.message);
  body.Set("author", User(commit.author_name, commit.author_email, RawDate(commit.author_date)));
  body.Set("committer",
           User(commit.committer_name, commit.committer_email, RawDate(commit.committer_date)));
  body.Set("additionalData", "");
  co_return Json::Object{{"commit", body}};
}

Task<Json> GetFile(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string given = call.input.StringOr("commitSpecifier", "main");
  const std::string path = call.input.StringOr("filePath", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  MILL_CO_TRY(const std::optional<std::string> id, co_await FindCommit(call, name, given));
  if (!id) co_return CommitDoesNotExist(given);
  const Result<TreeEntry> entry = co_await call.ports.repos.ReadEntry(IdOf(call, name), *id, path);
  if (!entry && entry.error().code == Code::kNotFound) co_return FileDoesNotExist(path);
  if (!entry) co_return entry.error();
  if (entry->size_bytes > kFileBytesMax)
    co_return Error{Code::kLimit, "FileTooLargeException",
                    path + " has " + std::to_string(entry->size_bytes) +
                        " bytes; GetFile gives files up to 6 MB"};
  MILL_CO_TRY(const std::string content,
              co_await call.ports.repos.ReadFile(IdOf(call, name), *id, path, kFileBytesMax));
  Json::Object output;
  output.Set("commitId", *id);
  output.Set("blobId", entry->blob);
  output.Set("filePath", path);
  output.Set("fileMode", entry->mode == "100755"   ? "EXECUTABLE"
                         : entry->mode == "120000" ? "SYMLINK"
                                                   : "NORMAL");
  output.Set("fileSize", entry->size_bytes);
  output.Set("fileContent", Base64(content));
  co_return Json(output);
}

Task<Json> GetDifferences(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string after_given = call.input.StringOr("afterCommitSpecifier", "");
  const std::string before_given = call.input.StringOr("beforeCommitSpecifier", "");
  for (const std::string_view member : {"beforePath", "afterPath"})
    if (call.input.Has(member)) co_return NotBuilt(member, call.input.StringOr(member, ""));
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  MILL_CO_TRY(const std::optional<std::string> after, co_await FindCommit(call, name, after_given));
  if (!after) co_return CommitDoesNotExist(after_given);
  std::string before;
  if (!before_given.empty()) {
    MILL_CO_TRY(const std::optional<std::string> found,
                co_await FindCommit(call, name, before_given));
    if (!found) co_return CommitDoesNotExist(before_given);
    before = *found;
  }
  MILL_CO_TRY(const std::vector<TreeDifference> found,
              co_await call.ports.repos.Differences(IdOf(call, name), before, *after));
  const size_t from = static_cast<size_t>(
      std::max<int64_t>(0, ParseInt(call.input.StringOr("NextToken", "0")).value_or(0)));
  const size_t limit = static_cast<size_t>(call.input.IntOr("MaxResults", 100));
  Json::Array differences;
  for (size_t i = from; i < found.size() && differences.size() < limit; ++i) {
    const TreeDifference& difference = found[i];
    Json::Object item;
    if (!difference.before_blob.empty())
      item.Set("beforeBlob", Json::Object{{"blobId", difference.before_blob},
                                          {"path", difference.path},
                                          {"mode", difference.before_mode}});
    if (!difference.after_blob.empty())
      item.Set("afterBlob", Json::Object{{"blobId", difference.after_blob},
                                         {"path", difference.path},
                                         {"mode", difference.after_mode}});
    item.Set("changeType", difference.kind);
    differences.push_back(Json(item));
  }
  Json::Object output{{"differences", differences}};
  if (from + limit < found.size()) output.Set("NextToken", std::to_string(from + limit));
  co_return Json(output);
}

/// Who may read or write by git's own protocol: asked by the wire before git's programs run.
static Task<Json> GitAccess(Call& call) {
  MILL_CO_TRY(const std::string name, call.input.RequireString("repositoryName"));
  MILL_CO_TRY(const Document document, co_await RequireRepository(call, name));
  co_return Json::Object{{"path", call.ports.repos.Path(IdOf(call, name))}};
}
Task<Json> GitPull(Call& call) { return GitAccess(call); }
Task<Json> GitPush(Call& call) { return GitAccess(call); }

Task<Json> PublishRefs(Call& call) {
  MILL_CO_TRY(const std::string name, call.input.RequireString("repositoryName"));
  MILL_CO_TRY(const Document document, co_await RequireRepository(call, name));
  MILL_CO_CHECK(co_await PublishDifferences(call, name));
  co_return Json::Object{};
}

}  // namespace stepmill::codecommit
