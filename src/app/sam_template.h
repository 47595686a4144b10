#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace stepmill {

/// A path in a template that names a local file: the definition of a state machine.
struct LocalArtifact {
  std::string logical_id;
  std::string property;  ///< "DefinitionUri"
  std::string pointer;   ///< of the value
  std::string path;      ///< as the template has it
};

/// The local files that a template names. A property that would need a folder to be packed (a
/// function's code) is refused by name.
Result<std::vector<LocalArtifact>> LocalArtifacts(std::string_view template_text);

/// The template with the value of `artifact` replaced by `text`, all else as it was: comments,
/// order and short tags stay. `text` is written as it is: a quoted string, a map.
Result<std::string> WithArtifact(std::string_view template_text, const LocalArtifact& artifact,
                                 const std::string& text);

}  // namespace stepmill
