#pragma once

#include <string>
#include <vector>

#include "json/json.h"

namespace stepmill {

/// `stepmill validate PATH...`: every problem of state machines, templates, buildspecs, pipelines
/// and workflow files on standard error, as "FILE:LINE:COLUMN: error: MESSAGE" (or "warning"). A
/// folder stands for all such files below it; what a file is, is told by its content, else by its
/// name and place. 0: no error; 1: there was one; 2: usage.
int ValidateCommand(const std::vector<std::string>& paths);

/// What a template or a pipeline is refused for, with its place.
struct TemplateProblem {
  int line = 0, column = 0;
  std::string message;
};
/// `folder`: where its local files are looked for.
std::vector<TemplateProblem> TemplateProblems(const std::string& text, const std::string& folder);

}  // namespace stepmill
