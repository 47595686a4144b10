#pragma once

#include <string>
#include <vector>

#include "compute/backend.h"
#include "json/json.h"

/// What a script finds: its sandbox, as Glue's documentation describes it. Pure.
///
/// Everything lies below two writable folders:
///
///     /tmp/glue/launch.py, run.json   starts the script (runtime.h): {"command", "args",
///                                     "modules", "installer", "archives"}
///     /tmp/glue/lib/awsglue/          our awsglue
///     /tmp/glue/script/NAME           the script
///     /tmp/glue/extra/N/NAME          --extra-py-files, wheels of --additional-python-modules
///     /tmp/glue-python-scripts/       the working folder; --extra-files
///     /tmp/glue/result/error          why it failed, written by launch.py
namespace stepmill::glue {

inline constexpr char kResultFile[] = "/tmp/glue/result/error";

struct Fetch {
  std::string bucket, key;
  std::string path;  ///< inside
};
/// What has to be brought from S3 before it starts; the script first. Errors name the argument.
Result<std::vector<Fetch>> FilesOf(const Json& job, const Json& run);

/// "glue-...": from the run's ARN-like name.
std::string SandboxId(const std::string& account, const std::string& region,
                      const std::string& run_id);
/// The sandbox without what is brought from S3.
JobSpec SandboxOf(const Json& job, const Json& run, const std::string& account,
                  const std::string& region);
/// "NAME" or an ARN -> the role's ARN.
std::string RoleArn(const Json& job, const std::string& account);
/// What the script's command line is made of, in order.
std::vector<std::string> ScriptArguments(const Json& job, const Json& run,
                                         const std::string& account, const std::string& region);

/// A log line carries where it came from (launch.py puts a mark before it): 'o', 'e'; lines without
/// a mark are the sandbox's own, errors.
char MarkOf(const std::string& line);
std::string WithoutMark(const std::string& line);

}  // namespace stepmill::glue
