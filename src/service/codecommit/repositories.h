#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gate/operation.h"
#include "repo/repo.h"

namespace stepmill::codecommit {

// Documents, below ACCOUNT/REGION/codecommit:
//   repository/NAME        {id, description, createdAt, modifiedAt, tags}
//   tips/NAME              {"refs/heads/main": COMMIT, ...}: what was last published
//   pull/ID                the modelled PullRequest; open-pull/NAME/ID: {} while it is open
//   pull-of/NAME/ID        {}: every pull request of a repository; ID is padded to ten digits
//   pull-token/TOKEN       {id, digest}; pull-counter: {last}
//   status/NAME/COMMIT/CONTEXT
// and one index over all accounts, for the start: codecommit/repository/ACCOUNT/REGION/NAME

Key AllRepositoriesKey(std::string_view account, std::string_view region, std::string_view name);
RepoId IdOf(const Call& call, std::string_view name);
/// The repository's document; RepositoryDoesNotExistException.
Task<Document> RequireRepository(Call& call, std::string name);
std::string RepositoryArn(const Call& call, std::string_view name);
/// A full ref from what callers write for a branch: "main" or "refs/heads/main".
std::string BranchRef(std::string_view name);
/// "main" of "refs/heads/main".
std::string ShortName(std::string_view ref);
/// The name that a principal's commits carry.
Signature SignatureOf(const Principal& principal);
/// nullopt when it is not there.
Task<std::optional<std::string>> FindCommit(Call& call, std::string repository,
                                            std::string revision);

/// The one function that makes git's refs known: compares them with the tips last published, adds
/// the new tips, the pull requests that moved with them and the events of both to the call's batch,
/// and moves refs/pull/N/{head,merge}. Repeatable; ConcurrentReferenceUpdateException.
Task<> PublishDifferences(Call& call, std::string repository);

Json PullRequestEvent(const Call& call, const Json& pull, std::string_view event,
                      const std::string& caller_arn);
std::string PaddedId(std::string_view id);
std::string RevisionId(std::string_view id, std::string_view source, std::string_view destination);
/// Moves refs/pull/N/head and refs/pull/N/merge to where they belong.
Task<> MovePullRefs(Call& call, std::string repository, Json pull, std::vector<Ref> refs);

// The rows (service.cc).
Task<Json> CreateRepository(Call& call);
Task<Json> GetRepository(Call& call);
Task<Json> ListRepositories(Call& call);
Task<Json> DeleteRepository(Call& call);
Task<Json> GetBranch(Call& call);
Task<Json> CreateBranch(Call& call);
Task<Json> DeleteBranch(Call& call);
Task<Json> ListBranches(Call& call);
Task<Json> GetCommit(Call& call);
Task<Json> GetFile(Call& call);
Task<Json> GetDifferences(Call& call);
Task<Json> CreatePullRequest(Call& call);
Task<Json> GetPullRequest(Call& call);
Task<Json> ListPullRequests(Call& call);
Task<Json> UpdatePullRequestStatus(Call& call);
Task<Json> MergePullRequestByFastForward(Call& call);
Task<Json> MergePullRequestBySquash(Call& call);
Task<Json> MergePullRequestByThreeWay(Call& call);
Task<Json> PutCommitStatus(Call& call);
Task<Json> ListCommitStatuses(Call& call);
Task<Json> GitPull(Call& call);
Task<Json> GitPush(Call& call);
Task<Json> PublishRefs(Call& call);

}  // namespace stepmill::codecommit
