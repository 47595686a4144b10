#include "base/digest.h"
#include "base/strings.h"
#include "service/codecommit/errors.h"
#include "service/codecommit/repositories.h"
#include "service/counter.h"
#include "service/ports.h"

namespace stepmill::codecommit {
namespace {

constexpr int kPullsPageMax = 100;

Task<Document> RequirePull(Call& call, std::string id) {
  const Key key = call.KeyFor({"codecommit", "pull", id});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return PullRequestDoesNotExist(id);
  co_return *std::move(found);
}

struct NewPull {
  std::string repository, source_ref, destination_ref, source, destination, base;
};

Task<NewPull> CheckTarget(Call& call) {
  const Json& targets = call.input["pullRequestTargets"].is_null()
                            ? call.input["targets"]
                            : call.input["pullRequestTargets"];
  if (!targets.is_array() || targets.size() != 1)
    co_return Error{
        Code::kInvalid, "InvalidTargetsException",
        "A pull request has exactly one target, " + std::to_string(targets.size()) + " were given"};
  const Json target = targets.At(0);
  NewPull fresh;
  fresh.repository = target.StringOr("repositoryName", "");
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, fresh.repository));
  fresh.source_ref = BranchRef(target.StringOr("sourceReference", ""));
  fresh.destination_ref = BranchRef(
      target.StringOr("destinationReference", repository.body.StringOr("defaultBranch", "main")));
  for (const std::string& ref : {fresh.source_ref, fresh.destination_ref})
    if (!ref.starts_with("refs/heads/"))
      co_return Error{Code::kInvalid, "ReferenceTypeNotSupportedException",
                      "The reference " + ref + " is not a branch"};
  if (fresh.source_ref == fresh.destination_ref)
    co_return Error{Code::kInvalid, "SourceAndDestinationAreSameException",
                    "The source and the destination are the same branch: " + fresh.source_ref};
  MILL_CO_TRY(const std::optional<std::string> source,
              co_await FindCommit(call, fresh.repository, fresh.source_ref));
  if (!source) co_return ReferenceDoesNotExist(fresh.source_ref);
  MILL_CO_TRY(const std::optional<std::string> destination,
              co_await FindCommit(call, fresh.repository, fresh.destination_ref));
  if (!destination) co_return ReferenceDoesNotExist(fresh.destination_ref);
  MILL_CO_TRY(
      const std::optional<std::string> base,
      co_await call.ports.repos.MergeBase(IdOf(call, fresh.repository), *source, *destination));
  fresh.source = *source;
  fresh.destination = *destination;
  fresh.base = base.value_or("");
  co_return fresh;
}

Json TargetJson(const NewPull& fresh) {
  Json::Object target;
  target.Set("repositoryName", fresh.repository);
  target.Set("sourceReference", fresh.source_ref);
  target.Set("destinationReference", fresh.destination_ref);
  target.Set("destinationCommit", fresh.destination);
  target.Set("sourceCommit", fresh.source);
  if (!fresh.base.empty()) target.Set("mergeBase", fresh.base);
  target.Set("mergeMetadata", Json::Object{{"isMerged", false}});
  return target;
}

Task<Json> Merge(Call& call, Repos::MergeKind kind, std::string option) {
  const std::string id = call.input.StringOr("pullRequestId", "");
  const std::string repository = call.input.StringOr("repositoryName", "");
  const std::string strategy = call.input.StringOr("conflictResolutionStrategy", "NONE");
  if (strategy != "NONE") co_return NotBuilt("conflictResolutionStrategy", strategy);
  if (call.input.Has("conflictResolution")) co_return NotBuilt("conflictResolution", "");
  MILL_CO_TRY(const Document pull, co_await RequirePull(call, id));
  const Json target = pull.body["pullRequestTargets"].At(0);
  if (target.StringOr("repositoryName", "") != repository)
    co_return RepositoryNotAssociated(repository, id);
  if (pull.body.StringOr("pullRequestStatus", "") != "OPEN") co_return PullRequestAlreadyClosed(id);
  const RepoId repo = IdOf(call, repository);
  const std::string merged_ref = "refs/stepmill/merged/" + id;
  const std::string source_ref = target.StringOr("sourceReference", "");
  const std::string destination_ref = target.StringOr("destinationReference", "");

  MILL_CO_TRY(const std::optional<std::string> merged,
              co_await FindCommit(call, repository, merged_ref));
  if (!merged) {
    MILL_CO_TRY(const std::optional<std::string> source,
                co_await FindCommit(call, repository, source_ref));
    if (!source) co_return ReferenceDoesNotExist(source_ref);
    MILL_CO_TRY(const std::optional<std::string> destination,
                co_await FindCommit(call, repository, destination_ref));
    if (!destination) co_return ReferenceDoesNotExist(destination_ref);
    const std::string expected = call.input.StringOr("sourceCommitId", "");
    if (!expected.empty() && expected != *source)
      co_return TipOfSourceIsDifferent(expected, *source);
    const std::string message = call.input.StringOr(
        "commitMessage", "Merge pull request #" + id + " from " + ShortName(source_ref) + " into " +
                             ShortName(destination_ref) + "\n\n" + pull.body.StringOr("title", ""));
    Signature author = SignatureOf(call.principal);
    author.name = call.input.StringOr("authorName", author.name);
    author.email = call.input.StringOr("email", author.email);
    const Result<std::string> commit =
        co_await call.ports.repos.Merge(repo, kind, *destination, *source, message, author);
    if (!commit && commit.error().code == Code::kConflict)
      co_return ManualMergeRequired(commit.error().message);
    if (!commit) co_return commit.error();
    Json::Object told;
    told.Set("mergeCommitId", *commit);
    told.Set("mergeOption", option);
    told.Set("mergedBy", call.principal.arn);
    const std::string text = Json(told).Print();
    MILL_CO_TRY(const std::string tag,
                co_await call.ports.repos.MakeTag(repo, *commit, "pull-" + id, text,
                                                  SignatureOf(call.principal)));
    // The branch moves and says why, together or not at all.
    std::vector<RefChange> changes;
    changes.push_back({destination_ref, *commit, *destination});
    changes.push_back({merged_ref, tag, ""});
    const Result<> moved = co_await call.ports.repos.UpdateRefs(repo, std::move(changes));
    if (!moved && moved.error().code == Code::kConflict)
      co_return ConcurrentReferenceUpdate(destination_ref);
    if (!moved) co_return moved.error();
  }
  MILL_CO_CHECK(co_await PublishDifferences(call, repository));
  for (const Batch::Put& put : call.batch.puts)
    if (put.key == pull.key) co_return Json::Object{{"pullRequest", put.body}};
  co_return Json::Object{{"pullRequest", pull.body}};
}

}  // namespace

Task<Json> CreatePullRequest(Call& call) {
  const std::string token = call.input.StringOr("clientRequestToken", "");
  const std::string digest = Hex(Sha256(call.input.Without("clientRequestToken").Print()));
  const Key token_key = call.KeyFor({"codecommit", "pull-token", token});
  if (!token.empty()) {
    MILL_CO_TRY(const std::optional<Document> used, co_await call.ports.store.Get(token_key));
    if (used && used->body.StringOr("digest", "") != digest)
      co_return Error{Code::kConflict, "IdempotencyParameterMismatchException",
                      "The client request token was used before with other parameters"};
    if (used) {
      MILL_CO_TRY(const Document made, co_await RequirePull(call, used->body.StringOr("id", "")));
      co_return Json::Object{{"pullRequest", made.body}};
    }
  }
  MILL_CO_TRY(const NewPull fresh, co_await CheckTarget(call));
  const Key counter_key = call.KeyFor({"codecommit", "pull-counter"});
  MILL_CO_TRY(const int64_t number, co_await NextNumber(call, counter_key));
  const std::string id = std::to_string(number);
  const double now = SecondsSinceEpoch(call.Now());
  Json::Object pull;
  pull.Set("pullRequestId", id);
  pull.Set("title", call.input["title"]);
  pull.SetIf("description", call.input.Find("description"));
  pull.Set("lastActivityDate", now);
  pull.Set("creationDate", now);
  pull.Set("pullRequestStatus", "OPEN");
  pull.Set("authorArn", call.principal.arn);
  pull.Set("pullRequestTargets", Json(Json::Array{TargetJson(fresh)}));
  if (!token.empty()) pull.Set("clientRequestToken", token);
  pull.Set("revisionId", RevisionId(id, fresh.source, fresh.destination));
  pull.Set("approvalRules", Json(Json::Array{}));
  const Json body(pull);
  MILL_CO_TRY(const std::vector<Ref> refs,
              co_await call.ports.repos.Refs(IdOf(call, fresh.repository)));
  MILL_CO_CHECK(co_await MovePullRefs(call, fresh.repository, body, refs));
  const Json pointer = Json::Object{{"pullRequestId", id}};
  call.batch.Create(call.KeyFor({"codecommit", "pull", id}), body);
  call.batch.PutDocument(call.KeyFor({"codecommit", "open-pull", fresh.repository, PaddedId(id)}),
                         pointer);
  call.batch.PutDocument(call.KeyFor({"codecommit", "pull-of", fresh.repository, PaddedId(id)}),
                         pointer);
  if (!token.empty()) call.batch.Create(token_key, Json::Object{{"id", id}, {"digest", digest}});
  call.batch.events.push_back(
      PullRequestEvent(call, body, "pullRequestCreated", call.principal.arn));
  co_return Json::Object{{"pullRequest", body}};
}

Task<Json> GetPullRequest(Call& call) {
  MILL_CO_TRY(const Document pull,
              co_await RequirePull(call, call.input.StringOr("pullRequestId", "")));
  co_return Json::Object{{"pullRequest", pull.body}};
}

Task<Json> ListPullRequests(Call& call) {
  const std::string name = call.input.StringOr("repositoryName", "");
  const std::string status = call.input.StringOr("pullRequestStatus", "");
  const std::string author = call.input.StringOr("authorArn", "");
  const std::string token = call.input.StringOr("nextToken", "");
  const int64_t limit = call.input.IntOr("maxResults", kPullsPageMax);
  MILL_CO_TRY(const Document repository, co_await RequireRepository(call, name));
  const Key prefix = call.KeyFor({"codecommit", "pull-of", name, ""});
  const Key to = token.empty() ? PrefixEnd(prefix) : prefix + token;
  MILL_CO_TRY(const std::vector<Document> found,
              co_await call.ports.store.Range(prefix, to, Direction::kBackward, 10'000));
  Json::Array ids;
  std::string next;
  for (const Document& index : found) {
    const std::string id = index.body.StringOr("pullRequestId", "");
    if (static_cast<int64_t>(ids.size()) == limit) break;
    MILL_CO_TRY(const Document pull, co_await RequirePull(call, id));
    if (!status.empty() && pull.body.StringOr("pullRequestStatus", "") != status) continue;
    if (!author.empty() && pull.body.StringOr("authorArn", "") != author) continue;
    ids.push_back(id);
    next = PaddedId(id);
  }
  Json::Object output{{"pullRequestIds", ids}};
  if (static_cast<int64_t>(ids.size()) == limit) output.Set("nextToken", next);
  co_return Json(output);
}

Task<Json> UpdatePullRequestStatus(Call& call) {
  const std::string id = call.input.StringOr("pullRequestId", "");
  MILL_CO_TRY(const Document pull, co_await RequirePull(call, id));
  if (call.input.StringOr("pullRequestStatus", "") != "CLOSED" ||
      pull.body.StringOr("pullRequestStatus", "") != "OPEN")
    co_return InvalidStatusUpdate();
  Json closed = pull.body.With("pullRequestStatus", "CLOSED");
  closed = closed.With("lastActivityDate", SecondsSinceEpoch(call.Now()));
  const std::string name = closed["pullRequestTargets"].At(0).StringOr("repositoryName", "");
  call.batch.Replace(pull, closed);
  call.batch.Delete(call.KeyFor({"codecommit", "open-pull", name, PaddedId(id)}));
  call.batch.events.push_back(
      PullRequestEvent(call, closed, "pullRequestStatusChanged", call.principal.arn));
  co_return Json::Object{{"pullRequest", closed}};
}

Task<Json> MergePullRequestByFastForward(Call& call) {
  return Merge(call, Repos::MergeKind::kFastForward, "FAST_FORWARD_MERGE");
}
Task<Json> MergePullRequestBySquash(Call& call) {
  return Merge(call, Repos::MergeKind::kSquash, "SQUASH_MERGE");
}
Task<Json> MergePullRequestByThreeWay(Call& call) {
  return Merge(call, Repos::MergeKind::kThreeWay, "THREE_WAY_MERGE");
}

}  // namespace stepmill::codecommit
