#include "base/digest.h"
#include "base/log.h"
#include "base/strings.h"
#include "json/each.h"
#include "repo/repo.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/records.h"
#include "service/codebuild/webhook_filter.h"
#include "service/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr int kWebhooksMax = 10'000;
constexpr int kShownHashDigits = 7;

Key WebhookKey(const Call& call, const std::string& project) {
  return call.KeyFor({"codebuild", "webhook", project});
}

Error NoWebhook(const std::string& project) {
  return {Code::kNotFound, "ResourceNotFoundException",
          "Webhook does not exist for project " + project};
}

Result<> CheckWebhook(const Json& input) {
  MILL_CHECK(CheckFilterGroups(input["filterGroups"]));
  const std::string type = input.StringOr("buildType", "BUILD");
  if (type != "BUILD" && type != "BUILD_BATCH")
    return InvalidInput("Webhooks of build type " + type + " are not available here");
  for (const char* name : {"manualCreation", "rotateSecret"})
    if (input.BoolOr(name, false))
      return InvalidInput(std::string(name) + " is not available here: the host is built in");
  if (input.Has("scopeConfiguration"))
    return InvalidInput("scopeConfiguration is not available here");
  const std::string approval =
      input["pullRequestBuildPolicy"].StringOr("requiresCommentApproval", "DISABLED");
  if (approval == "ALL_PULL_REQUESTS")
    return InvalidInput("requiresCommentApproval ALL_PULL_REQUESTS is not available here");
  return {};
}

Json WithSettings(Json webhook, const Json& input) {
  for (const char* name : {"branchFilter", "filterGroups", "buildType", "pullRequestBuildPolicy"})
    if (input.Has(name)) webhook = webhook.With(name, input[name]);
  // A filter over branches and groups exclude each other: the newer one replaces.
  if (input["filterGroups"].size() > 0) webhook = webhook.Without("branchFilter");
  if (!input.StringOr("branchFilter", "").empty())
    webhook = webhook.With("filterGroups", Json::Array{});
  return webhook;
}

std::string NameOf(const std::string& arn) {
  const size_t slash = arn.find_last_of("/:");
  return slash == std::string::npos ? arn : arn.substr(slash + 1);
}

// --- the built-in host's events

std::string PullRequestEvent(const Json& detail) {
  const std::string event = detail.StringOr("event", "");
  if (event == "pullRequestCreated") return "PULL_REQUEST_CREATED";
  if (event == "pullRequestSourceBranchUpdated") return "PULL_REQUEST_UPDATED";
  if (event == "pullRequestMergeStatusUpdated") return "PULL_REQUEST_MERGED";
  if (event != "pullRequestStatusChanged") return "";
  return detail.StringOr("pullRequestStatus", "") == "Open" ? "PULL_REQUEST_REOPENED"
                                                            : "PULL_REQUEST_CLOSED";
}

/// An event without a name is none of ours.
Happening HappeningOf(const Json& event) {
  const Json& detail = event["detail"];
  Happening found;
  found.actor = NameOf(detail.StringOr("callerUserArn", ""));
  if (event.StringOr("detail-type", "").find("Pull Request") != std::string::npos) {
    found.event = PullRequestEvent(detail);
    found.repository =
        detail["repositoryNames"].size() > 0 ? detail["repositoryNames"].At(0).AsString() : "";
    found.head_ref = detail.StringOr("sourceReference", "");
    found.base_ref = detail.StringOr("destinationReference", "");
    found.commit = detail.StringOr("sourceCommit", "");
    found.previous_commit = detail.StringOr("destinationCommit", "");
    found.merge_commit = detail.StringOr("mergeCommitId", "");
    found.pull_request_number = detail.StringOr("pullRequestId", "");
    return found;
  }
  if (detail.StringOr("event", "") == "referenceDeleted") return found;
  found.event = "PUSH";
  found.repository = detail.StringOr("repositoryName", "");
  found.head_ref = detail.StringOr("referenceFullName", "");
  found.commit = detail.StringOr("commitId", "");
  found.previous_commit = detail.StringOr("oldCommitId", "");
  return found;
}

/// What only git knows: message and files.
Task<> ReadCommits(Call& call, Happening& happening) {
  const RepoId repo{call.account, call.region, happening.repository};
  MILL_CO_TRY(const Commit commit, co_await call.ports.repos.ReadCommit(repo, happening.commit));
  happening.commit_message = commit.message;
  if (happening.previous_commit.empty()) {
    // A new branch or tag: every file is new with it.
    MILL_CO_TRY(happening.paths, co_await call.ports.repos.ListFiles(repo, happening.commit, ""));
    co_return Result<>();
  }
  const bool is_pull = !happening.pull_request_number.empty();
  const auto paths = co_await call.ports.repos.ChangedFiles(repo, happening.previous_commit,
                                                            happening.commit, is_pull);
  if (!paths) co_return paths.error();
  happening.paths = *paths;
  co_return Result<>();
}

/// StartBuild's input, and what builds of webhooks know of their cause.
Json StartOf(const Json& project, const Happening& happening) {
  const bool is_pull = !happening.pull_request_number.empty();
  const std::string& head = happening.head_ref;
  std::string trigger = "pr/" + happening.pull_request_number;
  if (!is_pull && head.starts_with("refs/tags/")) trigger = "tag/" + head.substr(10);
  if (!is_pull && head.starts_with("refs/heads/")) trigger = "branch/" + head.substr(11);
  Json::Object webhook{{"ACTOR_ACCOUNT_ID", happening.actor},
                       {"EVENT", happening.event},
                       {"HEAD_REF", head},
                       {"TRIGGER", trigger}};
  if (is_pull) webhook.Set("BASE_REF", happening.base_ref);
  if (!happening.merge_commit.empty()) webhook.Set("MERGE_COMMIT", happening.merge_commit);
  if (!is_pull && !happening.previous_commit.empty())
    webhook.Set("PREV_COMMIT", happening.previous_commit);
  const std::string hook = Hex(Sha256(project.StringOr("arn", ""))).substr(0, kShownHashDigits);
  return Json::Object{{"projectName", project["name"]},
                      {"sourceVersion", is_pull ? trigger : happening.commit},
                      {"resolvedSourceVersion", happening.commit},
                      {"initiator", "GitHub-Hookshot/" + hook},
                      {"own", Json::Object{{"webhook", Json(std::move(webhook))}}}};
}

}  // namespace

Task<Json> CreateWebhook(Call& call) {
  MILL_CO_TRY(const Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  const std::string name = project.body.StringOr("name", "");
  if (project.body.Has("webhook"))
    co_return Error{Code::kConflict, "ResourceAlreadyExistsException",
                    "Webhook already exists for project " + name};
  MILL_CO_CHECK(CheckWebhook(call.input));
  const std::string type = project.body["source"].StringOr("type", "");
  if (!type.starts_with("GITHUB") && !type.starts_with("GITLAB") && type != "BITBUCKET")
    co_return InvalidInput("Webhooks are not supported for source type " + type);
  const std::string id = Hex(Sha256(project.body.StringOr("arn", ""))).substr(0, 8);
  const std::string repository = RepositoryOf(project.body["source"].StringOr("location", ""));
  Json webhook =
      Json::Object{{"url", "https://api.github.com/repos/local/" + repository + "/hooks/" + id},
                   {"payloadUrl", "https://codebuild." + call.region +
                                      ".amazonaws.com/webhooks?t=" + id + "&v=1"},
                   {"filterGroups", Json::Array{}},
                   {"buildType", "BUILD"},
                   {"manualCreation", false},
                   {"status", "ACTIVE"}};
  webhook = WithSettings(webhook, call.input);
  call.batch.Replace(project, project.body.With("webhook", webhook));
  call.batch.PutDocument(WebhookKey(call, name), Json::Object{{"project", name}});
  co_return Json::Object{{"webhook", webhook}};
}

Task<Json> UpdateWebhook(Call& call) {
  MILL_CO_TRY(const Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  if (!project.body.Has("webhook")) co_return NoWebhook(project.body.StringOr("name", ""));
  MILL_CO_CHECK(CheckWebhook(call.input));
  const Json webhook = WithSettings(project.body["webhook"], call.input);
  call.batch.Replace(project, project.body.With("webhook", webhook));
  co_return Json::Object{{"webhook", webhook}};
}

Task<Json> DeleteWebhook(Call& call) {
  MILL_CO_TRY(const Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  const std::string name = project.body.StringOr("name", "");
  if (!project.body.Has("webhook")) co_return NoWebhook(name);
  call.batch.Replace(project, project.body.Without("webhook"));
  call.batch.Delete(WebhookKey(call, name));
  co_return Json::Object{};
}

/// Internal row: an event of the git host starts the builds that want it.
Task<Json> OnRepositoryEvent(Call& call) {
  Happening happening = HappeningOf(call.input["event"]);
  Json::Array started;
  const Json none = Json::Object{{"builds", started}};
  if (happening.event.empty() || happening.commit.empty()) co_return none;
  const Key prefix = WebhookKey(call, "");
  MILL_CO_TRY(const auto webhooks,
              co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward,
                                              kWebhooksMax));
  bool is_read = false;
  for (const Document& entry : webhooks) {
    const auto project = co_await RequireProject(call, entry.body.StringOr("project", ""));
    if (!project && project.error().code == Code::kNotFound) continue;
    if (!project) co_return project.error();
    const Json& webhook = project->body["webhook"];
    const std::string location = project->body["source"].StringOr("location", "");
    if (!webhook.is_object() || RepositoryOf(location) != happening.repository) continue;
    if (!is_read) {
      const Result<> read = co_await ReadCommits(call, happening);
      if (!read && read.error().code == Code::kNotFound) co_return none;  // gone meanwhile
      if (!read) co_return read.error();
      is_read = true;
    }
    if (!Wants(webhook["filterGroups"], webhook.StringOr("branchFilter", ""), happening)) continue;
    const Json input = StartOf(project->body, happening);
    const bool is_batch = webhook.StringOr("buildType", "BUILD") == "BUILD_BATCH";
    Result<Json> begun = Json();
    if (is_batch)
      begun = co_await StartOwnBatch(call, *project, input);
    else
      begun = co_await StartOwnBuild(call, *project, input);
    if (begun)
      started.push_back((*begun)[is_batch ? "buildBatch" : "build"]["id"]);
    else  // the others go on
      MILL_LOG(kWarn, "codebuild: webhook of " + project->body.StringOr("name", "") + ": " +
                          begun.error().message);
  }
  co_return Json::Object{{"builds", std::move(started)}};
}

}  // namespace stepmill::codebuild
