#include "base/log.h"
#include "gate/door.h"
#include "gate/model.h"
#include "gate/principal.h"
#include "service/codecommit/codecommit.h"
#include "service/codecommit/repositories.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codecommit {
namespace {

constexpr std::string_view kRepository = "arn:aws:codecommit:{region}:{account}:{repositoryName}";
constexpr std::string_view kAny = "arn:aws:codecommit:{region}:{account}:*";

constexpr int kRepositoriesMax = 100'000;  // of the installation

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access,
                        std::string_view resource = kRepository, std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}
constexpr Operation Internal(std::string_view name, Task<Json> (*handler)(Call&),
                             std::string_view action, Access access) {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = kRepository,
          .access = access,
          .is_internal = true};
}

constexpr Operation kOperations[] = {
    Row("CreateRepository", CreateRepository, "codecommit:CreateRepository", Access::kWrite),
    Row("GetRepository", GetRepository, "codecommit:GetRepository", Access::kRead),
    Row("ListRepositories", ListRepositories, "codecommit:ListRepositories", Access::kList, "*"),
    Row("DeleteRepository", DeleteRepository, "codecommit:DeleteRepository", Access::kWrite),
    Row("GetBranch", GetBranch, "codecommit:GetBranch", Access::kRead),
    Row("CreateBranch", CreateBranch, "codecommit:CreateBranch", Access::kWrite),
    Row("DeleteBranch", DeleteBranch, "codecommit:DeleteBranch", Access::kWrite),
    Row("ListBranches", ListBranches, "codecommit:ListBranches", Access::kList),
    Row("GetCommit", GetCommit, "codecommit:GetCommit", Access::kRead),
    Row("GetFile", GetFile, "codecommit:GetFile", Access::kRead),
    Row("GetDifferences", GetDifferences, "codecommit:GetDifferences", Access::kRead),
    Row("CreatePullRequest", CreatePullRequest, "codecommit:CreatePullRequest", Access::kWrite,
        kAny),
    Row("GetPullRequest", GetPullRequest, "codecommit:GetPullRequest", Access::kRead, kAny),
    Row("ListPullRequests", ListPullRequests, "codecommit:ListPullRequests", Access::kList),
    Row("UpdatePullRequestStatus", UpdatePullRequestStatus, "codecommit:UpdatePullRequestStatus",
        Access::kWrite, kAny),
    Row("MergePullRequestByFastForward", MergePullRequestByFastForward,
        "codecommit:MergePullRequestByFastForward", Access::kWrite),
    Row("MergePullRequestBySquash", MergePullRequestBySquash, "codecommit:MergePullRequestBySquash",
        Access::kWrite, kRepository, "conflictDetailLevel,keepEmptyFolders"),
    Row("MergePullRequestByThreeWay", MergePullRequestByThreeWay,
        "codecommit:MergePullRequestByThreeWay", Access::kWrite, kRepository,
        "conflictDetailLevel,keepEmptyFolders"),
    Row("PutCommitStatus", PutCommitStatus, "codecommit:PutCommitStatus", Access::kWrite),
    Row("ListCommitStatuses", ListCommitStatuses, "codecommit:ListCommitStatuses", Access::kList),
    Internal("GitPull", GitPull, "codecommit:GitPull", Access::kRead),
    Internal("GitPush", GitPush, "codecommit:GitPush", Access::kRead),
    Internal("PublishRefs", PublishRefs, "codecommit:GitPush", Access::kWrite),
};

/// At start: what git took in but nobody was told of, because the process stopped in between.
Task<> PublishAll(Ports& ports) {
  const Key prefix = AllRepositoriesKey("", "", "");
  MILL_CO_TRY(
      const std::vector<Document> all,
      co_await ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kRepositoriesMax));
  for (const Document& document : all) {
    const std::vector<std::string> parts = KeyParts(document.key);
    if (parts.size() != 5) continue;
    Request request;
    request.service = "codecommit";
    request.operation = "PublishRefs";
    request.principal = ServicePrincipal("codecommit.amazonaws.com", parts[2]);
    request.account = parts[2];
    request.region = parts[3];
    request.input = Json::Object{{"repositoryName", parts[4]}};
    request.is_internal = true;
    const Result<Answer> answer = co_await ports.door.Ask(std::move(request));
    if (!answer) MILL_LOG(kWarn, "codecommit: refs of " + parts[4] + ": " + answer.error().message);
  }
  co_return Result<>();
}

void WireUp(Ports& ports) { ports.spawner.Spawn("codecommit: publish", PublishAll(ports)); }

}  // namespace

const Service kService{.name = "codecommit",
                       .host = "codecommit.amazonaws.com",
                       .model = &models::kCodecommit,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::codecommit
