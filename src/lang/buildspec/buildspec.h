#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

namespace stepmill::buildspec {

/// One problem of a file. `message` is the text of CodeBuild's YAML_FILE_ERROR.
struct Finding {
  TextPosition at;
  std::string message;
};

/// A buildspec (version 0.2 or 0.1) in its one checked shape, so that builds keep it as JSON and
/// nothing reads the file a second time:
///
///     {"version": "0.2", "shell": "sh" | "bash", "runAs": USER or "",
///      "variables": {K: text}, "parameterStore": {K: name}, "secrets": {K: reference},
///      "exported": [K], "gitCredentialHelper": bool,
///      "phases": {"INSTALL" | "PRE_BUILD" | "BUILD" | "POST_BUILD": {
///         "commands": [text], "finally": [text], "runAs": USER or "",
///         "onFailure": {"action": "" | "ABORT" | "CONTINUE" | "RETRY", "retries": N, "pattern":
///         RE2}, "runtimeVersions": {name: version}}},
///      "artifacts": {"files": [glob], "exclude": [glob], "baseDirectory": path,
///                    "discardPaths": bool, "name": text, "s3Prefix": text, "symlinks": bool},
///      "secondary": {id: as artifacts},
///      "reports": [{"name": name or ARN, "files": [glob], "exclude": [], "baseDirectory": path,
///                   "discardPaths": bool, "format": "JUNITXML"...}],
///      "cache": {"paths": [glob], "key": text, "fallbackKeys": [text],
///                "action": "" | "restore" | "save"}}
///
/// `phases` holds only what the file names; `artifacts` and `cache` are absent when
/// the file has none.
struct Parsed {
  Json spec;  ///< null when there are findings
  std::vector<Finding> findings;
};

/// Reads YAML (or JSON) text.
Parsed Parse(std::string_view text);
/// The same from a value that was read already; `positions` gives findings their place.
Parsed Read(const Json& document, const Positions& positions);

/// Parse for those who need one error: kInvalid, name YAML_FILE_ERROR, the first finding's text.
Result<Json> ParseOrError(std::string_view text);

}  // namespace stepmill::buildspec
