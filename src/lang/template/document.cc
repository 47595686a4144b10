#include "lang/template/document.h"

#include "base/strings.h"
#include "lang/yaml/yaml.h"

namespace stepmill::cfn {

Result<Json> ParseDocument(std::string_view text, Positions* positions) {
  const auto bad = [](const std::string& what) {
    return Error{Code::kInvalid, "ValidationError", "Template format error: " + what};
  };
  if (Trim(text).starts_with('{')) {
    ParseOptions options;
    options.refuse_duplicates = true;
    options.positions = positions;
    auto json = ParseJson(text, options);
    if (json) return json;
    // A flow map of YAML starts the same way.
    if (positions) positions->clear();
    YamlOptions yaml = YamlOptions::Template();
    yaml.positions = positions;
    auto flow = ParseYaml(text, yaml);
    if (flow && flow->is_object()) return flow;
    return bad("JSON not well-formed. (" + json.error().message + ")");
  }
  YamlOptions options = YamlOptions::Template();
  options.positions = positions;
  auto value = ParseYaml(text, options);
  if (!value) return bad("YAML not well-formed. (" + value.error().message + ")");
  if (!value->is_object()) return bad("unsupported structure.");
  return value;
}

}  // namespace stepmill::cfn
