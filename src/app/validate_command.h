#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill validate PATH...`: every problem of state machines, templates, buildspecs and workflow
/// files on standard error, as "FILE:LINE:COLUMN: error: MESSAGE". A folder stands for all such
/// files below it; what a file is, is told by its place, name or content. 0: no error; 1: there was
/// one; 2: usage.
int ValidateCommand(const std::vector<std::string>& paths);

/// What a template is refused for, with its place.
struct TemplateProblem {
  int line = 0, column = 0;
  std::string message;
};
/// `folder`: where its local files are looked for.
std::vector<TemplateProblem> TemplateProblems(const std::string& text, const std::string& folder);

}  // namespace stepmill
