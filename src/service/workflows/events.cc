#include "base/log.h"
#include "base/strings.h"
#include "json/each.h"
#include "lang/workflow/trigger.h"
#include "lang/workflow/workflow.h"
#include "repo/repo.h"
#include "service/ports.h"
#include "service/workflows/records.h"

namespace stepmill::workflows {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;
constexpr size_t kPathsMax = 300;  // as on GitHub: with more changed files, path filters pass
constexpr char kZeros[] = "0000000000000000000000000000000000000000";

std::string NameOf(const std::string& arn) {
  const size_t slash = arn.find_last_of("/:");
  return slash == std::string::npos ? arn : arn.substr(slash + 1);
}
std::string ShortRef(std::string ref) {
  for (const std::string_view prefix : {"refs/heads/", "refs/tags/"})
    if (ref.starts_with(prefix)) return ref.substr(prefix.size());
  return ref;
}
Json RepositoryOf(const std::string& name) {
  return Json::Object{{"name", name}, {"full_name", "local/" + name}};
}

/// What happened, and which workflows it may start.
struct Found {
  Cause cause;
  workflow::Happening happening;
  bool is_of_interest = true;
};

Task<Found> FromPush(Call& call, Json detail) {
  Found found;
  Cause& cause = found.cause;
  cause.event = "push";
  cause.repository = detail.StringOr("repositoryName", "");
  cause.ref = detail.StringOr("referenceFullName", "");
  cause.commit = detail.StringOr("commitId", "");
  cause.status_commit = cause.commit;
  cause.actor = NameOf(detail.StringOr("callerUserArn", ""));
  if (detail.StringOr("event", "") == "referenceDeleted" || cause.commit.empty()) {
    found.is_of_interest = false;
    co_return found;
  }
  const RepoId repo{call.account, call.region, cause.repository};
  MILL_CO_TRY(const Commit commit, co_await call.ports.repos.ReadCommit(repo, cause.commit));
  cause.title = commit.message.substr(0, commit.message.find('\n'));
  found.is_of_interest = !workflow::SkipsWorkflows(commit.message);
  const std::string before = detail.StringOr("oldCommitId", "");
  found.happening = {"push", "", cause.ref, ""};
  if (!before.empty()) {
    const auto paths = co_await call.ports.repos.ChangedFiles(repo, before, cause.commit, false);
    if (paths && paths->size() <= kPathsMax) found.happening.paths = *paths;
  }
  const Json head = Json::Object{
      {"id", cause.commit},
      {"message", commit.message},
      {"timestamp", commit.committer_date},
      {"author", Json::Object{{"name", commit.author_name}, {"email", commit.author_email}}}};
  cause.payload = Json::Object{{"ref", cause.ref},
                               {"before", before.empty() ? kZeros : before},
                               {"after", cause.commit},
                               {"created", before.empty()},
                               {"deleted", false},
                               {"forced", false},
                               {"head_commit", head},
                               {"commits", Json(Json::Array{head})},
                               {"pusher", Json::Object{{"name", cause.actor}}},
                               {"sender", Json::Object{{"login", cause.actor}}},
                               {"repository", RepositoryOf(cause.repository)}};
  co_return found;
}

std::string ActionOf(const Json& detail) {
  const std::string event = detail.StringOr("event", "");
  if (event == "pullRequestCreated") return "opened";
  if (event == "pullRequestSourceBranchUpdated") return "synchronize";
  if (event == "pullRequestMergeStatusUpdated") return "closed";
  if (event == "pullRequestStatusChanged")
    return detail.StringOr("pullRequestStatus", "") == "Open" ? "reopened" : "closed";
  return "";
}

Task<Found> FromPullRequest(Call& call, Json detail) {
  Found found;
  Cause& cause = found.cause;
  const std::string action = ActionOf(detail);
  const std::string number = detail.StringOr("pullRequestId", "");
  cause.event = "pull_request";
  if (detail["repositoryNames"].size() > 0)
    cause.repository = detail["repositoryNames"].At(0).AsString();
  cause.head_ref = ShortRef(detail.StringOr("sourceReference", ""));
  cause.base_ref = ShortRef(detail.StringOr("destinationReference", ""));
  cause.status_commit = detail.StringOr("sourceCommit", "");
  cause.title = detail.StringOr("title", "");
  cause.actor = NameOf(detail.StringOr("callerUserArn", ""));
  cause.ref = "refs/pull/" + number + "/merge";
  found.happening = {"pull_request", action, "", cause.base_ref};
  const bool is_merged = detail.StringOr("isMerged", "") == "True";
  const RepoId repo{call.account, call.region, cause.repository};
  if (action.empty() || cause.repository.empty()) {
    found.is_of_interest = false;
    co_return found;
  }
  // While the branches clash there is nothing to run on, as on GitHub. A closed one runs on what
  // was merged, or on its head.
  const auto merge = co_await call.ports.repos.Resolve(repo, cause.ref);
  if (merge) {
    cause.commit = *merge;
  } else if (action == "closed") {
    cause.commit =
        is_merged ? detail.StringOr("mergeCommitId", cause.status_commit) : cause.status_commit;
  } else {
    MILL_LOG(kInfo, "workflows: pull request " + number + " of " + cause.repository +
                        " does not merge: nothing runs");
    found.is_of_interest = false;
    co_return found;
  }
  const auto head = co_await call.ports.repos.ReadCommit(repo, cause.status_commit);
  if (head && workflow::SkipsWorkflows(head->message)) found.is_of_interest = false;
  const std::string base_commit = detail.StringOr("destinationCommit", "");
  const auto paths =
      co_await call.ports.repos.ChangedFiles(repo, base_commit, cause.status_commit, true);
  if (paths && paths->size() <= kPathsMax) found.happening.paths = *paths;
  const auto side = [&](const std::string& ref, const std::string& sha) {
    return Json(Json::Object{{"ref", ref}, {"sha", sha}, {"repo", RepositoryOf(cause.repository)}});
  };
  Json pull =
      Json::Object{{"number", ParseInt(number).value_or(0)},
                   {"title", cause.title},
                   {"body", detail["description"]},
                   {"state", action == "closed" ? "closed" : "open"},
                   {"merged", is_merged},
                   {"draft", false},
                   {"head", side(cause.head_ref, cause.status_commit)},
                   {"base", side(cause.base_ref, base_commit)},
                   {"merge_commit_sha", cause.commit},
                   {"user", Json::Object{{"login", NameOf(detail.StringOr("author", ""))}}}};
  cause.payload = Json::Object{{"action", action},
                               {"number", pull["number"]},
                               {"pull_request", pull},
                               {"sender", Json::Object{{"login", cause.actor}}},
                               {"repository", RepositoryOf(cause.repository)}};
  co_return found;
}

}  // namespace

/// Internal row: an event of the git host starts the workflows of the commit that want it.
Task<Json> OnRepositoryEvent(Call& call) {
  const Json& event = call.input["event"];
  const bool is_pull = event.StringOr("detail-type", "").find("Pull Request") != std::string::npos;
  const Json detail = event["detail"];
  Result<Found> found = Found();
  if (is_pull)
    found = co_await FromPullRequest(call, detail);
  else
    found = co_await FromPush(call, detail);
  if (!found && found.error().code == Code::kNotFound) co_return Json::Object{};  // gone meanwhile
  if (!found) co_return found.error();
  if (!is_pull && !found->cause.commit.empty()) {
    // The tip of the default branch: what it schedules from now on.
    const RepoId pushed{call.account, call.region, found->cause.repository};
    const auto head = co_await call.ports.repos.Resolve(pushed, "HEAD");
    if (head && *head == found->cause.commit)
      MILL_CO_CHECK(co_await FollowSchedules(call, found->cause.repository, *head));
  }
  if (!found->is_of_interest) co_return Json::Object{};
  const Cause& cause = found->cause;
  const RepoId repo{call.account, call.region, cause.repository};
  MILL_CO_TRY(const std::vector<std::string> files,
              co_await call.ports.repos.ListFiles(repo, cause.commit, ".github/workflows"));
  Json::Array started;
  for (std::string path : files) {
    if (!path.starts_with(".github/")) path = ".github/workflows/" + path;
    const bool is_workflow = (path.ends_with(".yml") || path.ends_with(".yaml")) &&
                             path.find('/', 18) == std::string::npos;
    if (!is_workflow) continue;
    MILL_CO_TRY(const std::string text,
                co_await call.ports.repos.ReadFile(repo, cause.commit, path, kFileBytesMax));
    const workflow::Parsed parsed = workflow::Parse(text);
    // A file that cannot be read fails visibly on every push, since nobody knows what it wants.
    const bool is_wanted =
        parsed.workflow.is_null() || workflow::Wants(parsed.workflow["on"], found->happening);
    if (!is_wanted) continue;
    MILL_CO_TRY(const Json run, co_await StartRun(call, cause, path, text));
    started.push_back(run["runId"]);
  }
  co_return Json::Object{{"runs", std::move(started)}};
}

}  // namespace stepmill::workflows
