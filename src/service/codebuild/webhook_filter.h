#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "json/json.h"

/// Which builds a webhook wants (CodeBuild: "Filter GitHub webhook events"). Pure.
namespace stepmill::codebuild {

/// Something that happened in a repository, whoever hosts it.
struct Happening {
  std::string event;  ///< "PUSH", "PULL_REQUEST_CREATED", ...
  std::string repository;
  std::string actor;
  std::string head_ref;  ///< "refs/heads/feature", "refs/tags/v1"
  std::string base_ref;  ///< of a pull request
  std::vector<std::string> paths;
  std::string commit_message;       ///< of the head
  std::string commit;               ///< the head
  std::string previous_commit;      ///< of a push: what the branch was at
  std::string merge_commit;         ///< of one that was merged
  std::string pull_request_number;  ///< "" for pushes
};

/// InvalidInputException for groups that CodeBuild refuses.
Result<> CheckFilterGroups(const Json& groups);
/// Any group whose filters all agree; without groups every change of code. `branch_filter`: the
/// older regular expression over a branch's name, or "".
bool Wants(const Json& groups, const std::string& branch_filter, const Happening& happening);

}  // namespace stepmill::codebuild
