#include <algorithm>
#include <map>

#include "base/digest.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "service/codecommit/errors.h"
#include "service/codecommit/repositories.h"
#include "service/ports.h"

namespace stepmill::codecommit {
namespace {

constexpr int kOpenPullsMax = 1000;  // AWS: open pull requests of a repository
constexpr int kAttemptsMax = 10;     // of one publishing that meets others
constexpr std::string_view kEventSource = "aws.codecommit";

using Tips = std::map<std::string, std::string>;

Tips TipsOf(const std::vector<Ref>& refs) {
  Tips tips;
  for (const Ref& ref : refs)
    if (ref.name.starts_with("refs/heads/") || ref.name.starts_with("refs/tags/"))
      tips.emplace(ref.name, ref.commit);
  return tips;
}

std::string FindRef(const std::vector<Ref>& refs, std::string_view name) {
  for (const Ref& ref : refs)
    if (ref.name == name) return ref.commit;
  return "";
}

struct TipChange {
  std::string ref, before, after;  ///< empty: absent
};

std::vector<TipChange> Compare(const Json& published, const Tips& tips) {
  std::vector<TipChange> changes;
  for (const auto& [ref, commit] : tips) {
    const std::string before = published.StringOr(ref, "");
    if (before != commit) changes.push_back({ref, before, commit});
  }
  if (published.is_object())
    for (const Json::Member& member : published.members())
      if (!tips.contains(member.name))
        changes.push_back({member.name, member.value.AsString(), ""});
  return changes;
}

/// "CodeCommit Repository State Change", as AWS documents it.
Json RepositoryEvent(const Call& call, const std::string& name, const std::string& id,
                     const TipChange& change) {
  const char* event = change.before.empty()  ? "referenceCreated"
                      : change.after.empty() ? "referenceDeleted"
                                             : "referenceUpdated";
  Json::Object detail;
  detail.Set("callerUserArn", call.principal.arn);
  if (!change.after.empty()) detail.Set("commitId", change.after);
  detail.Set("event", event);
  if (!change.before.empty()) detail.Set("oldCommitId", change.before);
  detail.Set("referenceFullName", change.ref);
  detail.Set("referenceName", ShortName(change.ref));
  detail.Set("referenceType", change.ref.starts_with("refs/tags/") ? "tag" : "branch");
  detail.Set("repositoryId", id);
  detail.Set("repositoryName", name);
  return MakeEvent(kEventSource, "CodeCommit Repository State Change", call.account, call.region,
                   {Json(RepositoryArn(call, name))}, detail);
}

Json Target(const Json& pull) { return pull["pullRequestTargets"].At(0); }

Json WithTarget(const Json& pull, Json target) {
  Json::Array targets;
  targets.push_back(std::move(target));
  return pull.With("pullRequestTargets", targets);
}

Json Merged(const Json& pull, const std::string& by, const std::string& commit,
            const std::string& option) {
  Json::Object metadata;
  metadata.Set("isMerged", true);
  metadata.Set("mergedBy", by);
  metadata.Set("mergeCommitId", commit);
  metadata.Set("mergeOption", option);
  return WithTarget(pull.With("pullRequestStatus", "CLOSED"),
                    Target(pull).With("mergeMetadata", metadata));
}

/// Follows the branches of one open pull request. The tag refs/stepmill/merged/N was made in the
/// same transaction of git as the merge that it tells of, so a merge is never known by halves.
Task<> FollowPull(Call& call, std::string repository, Document document, std::vector<Ref> refs) {
  const RepoId repo = IdOf(call, repository);
  const Json before = document.body;
  const std::string id = before.StringOr("pullRequestId", "");
  const Json target = Target(before);
  const std::string source = FindRef(refs, target.StringOr("sourceReference", ""));
  const std::string destination = FindRef(refs, target.StringOr("destinationReference", ""));
  const std::string merged_tag = FindRef(refs, "refs/stepmill/merged/" + id);
  const bool source_moved = !source.empty() && source != target.StringOr("sourceCommit", "");
  const bool destination_moved =
      !destination.empty() && destination != target.StringOr("destinationCommit", "");

  Json after = before;
  std::string event, caller = call.principal.arn;
  if (!merged_tag.empty()) {
    MILL_CO_TRY(const std::string text, co_await call.ports.repos.ReadTag(repo, merged_tag));
    MILL_CO_TRY(const Json told, ParseJson(text));
    caller = told.StringOr("mergedBy", caller);
    after = Merged(before, caller, told.StringOr("mergeCommitId", ""),
                   told.StringOr("mergeOption", ""));
    event = "pullRequestMergeStatusUpdated";
  } else if (source_moved || destination_moved) {
    const std::string source_now = source.empty() ? target.StringOr("sourceCommit", "") : source;
    const std::string destination_now =
        destination.empty() ? target.StringOr("destinationCommit", "") : destination;
    MILL_CO_TRY(const std::optional<std::string> base,
                co_await call.ports.repos.MergeBase(repo, source_now, destination_now));
    Json moved = target.With("sourceCommit", source_now);
    moved = moved.With("destinationCommit", destination_now);
    if (base) moved = moved.With("mergeBase", *base);
    after =
        WithTarget(before.With("revisionId", RevisionId(id, source_now, destination_now)), moved);
    if (source_moved) event = "pullRequestSourceBranchUpdated";
    // Merged with git alone and pushed.
    if (destination_moved && base && *base == source_now) {
      after = Merged(after, caller, destination_now, "FAST_FORWARD_MERGE");
      event = "pullRequestMergeStatusUpdated";
    }
  } else {
    co_return Result<>();
  }
  if (event != "") after = after.With("lastActivityDate", SecondsSinceEpoch(call.Now()));
  call.batch.Replace(document, after);
  if (event != "") call.batch.events.push_back(PullRequestEvent(call, after, event, caller));
  if (after.StringOr("pullRequestStatus", "") == "CLOSED") {
    call.batch.Delete(call.KeyFor({"codecommit", "open-pull", repository, PaddedId(id)}));
    co_return Result<>();
  }
  MILL_CO_CHECK(co_await MovePullRefs(call, repository, after, std::move(refs)));
  co_return Result<>();
}

/// Java's Date.toString, which CodeCommit's events carry.
std::string EventDate(const Json& seconds) {
  const double value = seconds.is_number() ? seconds.AsDouble() : 0;
  return FormatTime(TimeFromSeconds(value), "%a %b %d %H:%M:%S UTC %Y");
}

}  // namespace

std::string PaddedId(std::string_view id) {
  return std::string(id.size() < 10 ? 10 - id.size() : 0, '0') + std::string(id);
}

std::string RevisionId(std::string_view id, std::string_view source, std::string_view destination) {
  return Hex(Sha256(std::string(id) + " " + std::string(source) + " " + std::string(destination)));
}

/// "CodeCommit Pull Request State Change", as AWS documents it.
Json PullRequestEvent(const Call& call, const Json& pull, std::string_view event,
                      const std::string& caller_arn) {
  const Json target = Target(pull);
  const Json& merge = target["mergeMetadata"];
  const bool is_merged = merge.BoolOr("isMerged", false);
  const std::string name = target.StringOr("repositoryName", "");
  const std::string id = pull.StringOr("pullRequestId", "");
  Json::Object detail;
  detail.Set("author", pull["authorArn"]);
  detail.Set("callerUserArn", caller_arn);
  detail.Set("creationDate", EventDate(pull["creationDate"]));
  detail.SetIf("description", pull.Find("description"));
  detail.Set("destinationCommit", target["destinationCommit"]);
  detail.Set("destinationReference", target["destinationReference"]);
  detail.Set("event", event);
  detail.Set("isMerged", is_merged ? "True" : "False");
  if (is_merged) {
    detail.Set("mergeOption", merge["mergeOption"]);
    detail.Set("mergeCommitId", merge["mergeCommitId"]);
  }
  detail.Set("lastModifiedDate", EventDate(pull["lastActivityDate"]));
  detail.Set("notificationBody",
             "A pull request event occurred in the following AWS CodeCommit repository: " + name +
                 ". User: " + caller_arn + ". Event: " + std::string(event) +
                 ". Pull request: " + id + ". Title: " + pull.StringOr("title", ""));
  detail.Set("pullRequestId", id);
  detail.Set("pullRequestStatus",
             pull.StringOr("pullRequestStatus", "") == "OPEN" ? "Open" : "Closed");
  detail.Set("repositoryNames", Json(Json::Array{Json(name)}));
  detail.Set("revisionId", pull["revisionId"]);
  detail.Set("sourceCommit", target["sourceCommit"]);
  detail.Set("sourceReference", target["sourceReference"]);
  detail.Set("title", pull["title"]);
  return MakeEvent(kEventSource, "CodeCommit Pull Request State Change", call.account, call.region,
                   {Json(RepositoryArn(call, name))}, detail);
}

Task<> MovePullRefs(Call& call, std::string repository, Json pull, std::vector<Ref> refs) {
  const RepoId repo = IdOf(call, repository);
  const Json target = Target(pull);
  const std::string id = pull.StringOr("pullRequestId", "");
  const std::string source = target.StringOr("sourceCommit", "");
  const std::string destination = target.StringOr("destinationCommit", "");
  const std::string message = "Merge " + source + " into " + destination;
  // The merge that checkouts of a pull request get; none when the branches clash.
  const Result<std::string> merge = co_await call.ports.repos.Merge(
      repo, Repos::MergeKind::kThreeWay, destination, source, message, SignatureOf(call.principal));
  if (!merge && merge.error().code != Code::kConflict) co_return merge.error();
  const std::string head_ref = "refs/pull/" + id + "/head";
  const std::string merge_ref = "refs/pull/" + id + "/merge";
  const std::string head_before = FindRef(refs, head_ref);
  const std::string merge_before = FindRef(refs, merge_ref);
  std::vector<RefChange> changes;
  changes.push_back({head_ref, source, head_before});
  if (merge) changes.push_back({merge_ref, *merge, merge_before});
  if (!merge && !merge_before.empty()) changes.push_back({merge_ref, "", merge_before});
  const Result<> moved = co_await call.ports.repos.UpdateRefs(repo, std::move(changes));
  if (!moved && moved.error().code == Code::kConflict)
    co_return ConcurrentReferenceUpdate(head_ref);
  co_return moved;
}

namespace {

Task<> PublishOnce(Call& call, std::string repository) {
  MILL_CO_TRY(const Document known, co_await RequireRepository(call, repository));
  const Key tips_key = call.KeyFor({"codecommit", "tips", repository});
  MILL_CO_TRY(const std::optional<Document> published, co_await call.ports.store.Get(tips_key));
  MILL_CO_TRY(const std::vector<Ref> refs, co_await call.ports.repos.Refs(IdOf(call, repository)));
  const Tips tips = TipsOf(refs);
  const std::vector<TipChange> changes = Compare(published ? published->body : Json(), tips);
  if (!changes.empty()) {
    Json::Object now;
    for (const auto& [ref, commit] : tips) now.Add(ref, commit);
    if (published) {
      call.batch.Replace(*published, now);
    } else {
      call.batch.Create(tips_key, now);
    }
    Json metadata = known.body.With("modifiedAt", SecondsSinceEpoch(call.Now()));
    if (!metadata.Has("defaultBranch")) {
      // The branch that HEAD names when it is there, else the first one pushed.
      const std::string first = tips.contains("refs/heads/main") ? "main" : "";
      for (const TipChange& change : changes)
        if (!metadata.Has("defaultBranch") && change.ref.starts_with("refs/heads/"))
          metadata = metadata.With("defaultBranch", first.empty() ? ShortName(change.ref) : first);
    }
    call.batch.Replace(known, metadata);
    for (const TipChange& change : changes)
      call.batch.events.push_back(
          RepositoryEvent(call, repository, known.body.StringOr("id", ""), change));
  }
  const Key prefix = call.KeyFor({"codecommit", "open-pull", repository, ""});
  MILL_CO_TRY(const std::vector<Document> open,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kOpenPullsMax));
  for (const Document& index : open) {
    const Key key = call.KeyFor({"codecommit", "pull", index.body.StringOr("pullRequestId", "")});
    MILL_CO_TRY(std::optional<Document> pull, co_await call.ports.store.Get(key));
    if (pull) MILL_CO_CHECK(co_await FollowPull(call, repository, *std::move(pull), refs));
  }
  co_return Result<>();
}

}  // namespace

Task<> PublishDifferences(Call& call, std::string repository) {
  const Batch before = call.batch;
  for (int attempt = 1;; ++attempt) {
    const Result<> done = co_await PublishOnce(call, repository);
    // Two pushes at once may follow the same pull request: the later one reads git again.
    if (done || done.error().name != "ConcurrentReferenceUpdateException" ||
        attempt == kAttemptsMax)
      co_return done;
    call.batch = before;
  }
}

}  // namespace stepmill::codecommit
