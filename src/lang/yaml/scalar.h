#pragma once

#include <string>

#include "lang/yaml/yaml.h"

namespace stepmill::yaml {

/// The value of a plain scalar by the options: boolean, number, or its text.
Json PlainScalar(const std::string& text, const YamlOptions& options);

/// The value of a scalar with one of YAML's own tags ("int", "float", "bool", "null", "str", ...).
/// An empty optional: the text does not fit the tag, or the tag is none of YAML's.
std::optional<Json> TaggedScalar(const std::string& text, std::string_view tag,
                                 const YamlOptions& options);

}  // namespace stepmill::yaml
