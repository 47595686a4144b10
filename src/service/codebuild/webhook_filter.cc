#include "service/codebuild/webhook_filter.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "json/each.h"
#include "service/codebuild/errors.h"

namespace stepmill::codebuild {
namespace {

constexpr std::array<std::string_view, 9> kEvents = {
    "PUSH",
    "PULL_REQUEST_CREATED",
    "PULL_REQUEST_UPDATED",
    "PULL_REQUEST_REOPENED",
    "PULL_REQUEST_MERGED",
    "PULL_REQUEST_CLOSED",
    "RELEASED",
    "PRERELEASED",
    "WORKFLOW_JOB_QUEUED",
};
/// What builds without filter groups.
constexpr std::array<std::string_view, 4> kChanges = {
    "PUSH", "PULL_REQUEST_CREATED", "PULL_REQUEST_UPDATED", "PULL_REQUEST_REOPENED"};

std::vector<std::string> EventsOf(const std::string& pattern) {
  std::vector<std::string> events;
  for (const std::string_view event : Split(pattern, ',')) events.emplace_back(Trim(event));
  return events;
}

/// Searched, not anchored. Patterns were checked when the webhook was made.
bool Finds(const std::string& pattern, const std::string& text) {
  const RE2 compiled(pattern, RE2::Quiet);
  return compiled.ok() && RE2::PartialMatch(text, compiled);
}

bool Agrees(const std::string& type, const std::string& pattern, const Happening& happening) {
  if (type == "EVENT") {
    const std::vector<std::string> events = EventsOf(pattern);
    return std::find(events.begin(), events.end(), happening.event) != events.end();
  }
  if (type == "ACTOR_ACCOUNT_ID") return Finds(pattern, happening.actor);
  if (type == "HEAD_REF") return Finds(pattern, happening.head_ref);
  if (type == "COMMIT_MESSAGE") return Finds(pattern, happening.commit_message);
  if (type == "REPOSITORY_NAME") return Finds(pattern, happening.repository);
  if (type == "TAG_NAME") return Finds(pattern, ReplaceAll(happening.head_ref, "refs/tags/", ""));
  if (type == "FILE_PATH")
    return std::any_of(happening.paths.begin(), happening.paths.end(),
                       [&](const std::string& path) { return Finds(pattern, path); });
  return Finds(pattern, happening.base_ref);
}

/// Some filters speak of what only some events have: then they do not agree, excluded or not.
bool Concerns(const std::string& type, const Happening& happening) {
  if (type == "BASE_REF") return !happening.pull_request_number.empty();
  if (type == "TAG_NAME") return happening.head_ref.starts_with("refs/tags/");
  return true;
}

bool AgreesAll(const Json& group, const Happening& happening) {
  for (const Json& filter : ItemsOf(group)) {
    const std::string type = filter.StringOr("type", "");
    if (!Concerns(type, happening)) return false;
    const bool is_met = Agrees(type, filter.StringOr("pattern", ""), happening);
    if (is_met == filter.BoolOr("excludeMatchedPattern", false)) return false;
  }
  return true;
}

}  // namespace

Result<> CheckFilterGroups(const Json& groups) {
  constexpr size_t kGroupsMax = 100;
  if (groups.size() > kGroupsMax) return InvalidInput("A webhook has at most 100 filter groups");
  for (const Json& group : ItemsOf(groups)) {
    bool has_event = false;
    for (const Json& filter : ItemsOf(group)) {
      const std::string type = filter.StringOr("type", "");
      const std::string pattern = filter.StringOr("pattern", "");
      if (type == "WORKFLOW_NAME" || type == "RELEASE_NAME" || type == "ORGANIZATION_NAME")
        return InvalidInput("Webhook filters of type " + type + " are not available here");
      if (type != "EVENT") {
        const RE2 compiled(pattern, RE2::Quiet);
        if (!compiled.ok())
          return InvalidInput("Webhook filter pattern '" + pattern +
                              "' is not a valid regular expression: " + compiled.error());
        continue;
      }
      has_event = true;
      for (const std::string& event : EventsOf(pattern))
        if (std::find(kEvents.begin(), kEvents.end(), event) == kEvents.end())
          return InvalidInput("Invalid event type in webhook filter: " + event);
    }
    if (!has_event)
      return InvalidInput("Each webhook filter group must contain at least one EVENT filter");
  }
  return {};
}

bool Wants(const Json& groups, const std::string& branch_filter, const Happening& happening) {
  if (!branch_filter.empty()) {
    const std::string branch = ReplaceAll(happening.head_ref, "refs/heads/", "");
    if (!Finds(branch_filter, branch)) return false;
  }
  if (groups.size() == 0)
    return std::find(kChanges.begin(), kChanges.end(), happening.event) != kChanges.end();
  for (const Json& group : ItemsOf(groups))
    if (AgreesAll(group, happening)) return true;
  return false;
}

}  // namespace stepmill::codebuild
