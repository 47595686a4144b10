#pragma once

#include <string>
#include <variant>
#include <vector>

#include "json/json.h"

/// The pure build machine: which command and which phase comes next. It decides, the service does.
namespace stepmill::buildspec {

/// What happened to the last thing that was asked for.
struct Started {};
struct CommandEnded {
  int exit_code = 0;
};
struct UploadEnded {
  bool is_done = true;
  std::string code;     ///< of the failure, e.g. CLIENT_ERROR
  std::string message;  ///< e.g. no matching artifact paths found
};
using Event = std::variant<Started, CommandEnded, UploadEnded>;

/// What is to be done now, in this order.
struct EnterPhase {
  std::string phase;
};
struct LeavePhase {
  std::string phase;
  bool is_succeeded = true;
  std::string code;  ///< of the phase context; empty after success
  std::string message;
};
struct RunCommand {
  std::string phase;
  std::string command;
  std::string run_as;
  bool is_succeeding = true;  ///< CODEBUILD_BUILD_SUCCEEDING
  int last_exit = 0;
};
/// Collect and store the artifacts (also when there are none), then send UploadEnded.
struct Upload {};
/// FINALIZING: read exported variables, end the sandbox. `status` is the build's.
struct Finish {
  std::string status;
};
/// A line for the log that belongs to no command.
struct Note {
  std::string text;
};
using Effect = std::variant<EnterPhase, LeavePhase, RunCommand, Upload, Finish, Note>;

struct Step {
  Json progress;  ///< plain JSON, a few hundred bytes
  std::vector<Effect> effects;
};

/// The phase that `progress` stands in; empty before the start.
std::string PhaseOf(const Json& progress);

/// Decides what follows `event`. `spec` is Parsed::spec, `progress` null at the start. Phases run
/// INSTALL PRE_BUILD BUILD POST_BUILD UPLOAD_ARTIFACTS; a failure follows CodeBuild's transitions:
/// after INSTALL and PRE_BUILD to the end, after BUILD still POST_BUILD and the upload, after
/// POST_BUILD still the upload, unless on-failure says otherwise.
Step Advance(const Json& spec, const Json& progress, const Event& event);

}  // namespace stepmill::buildspec
