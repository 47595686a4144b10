#include "lang/buildspec/buildspec.h"
#include "lang/buildspec/limits.h"
#include "lang/yaml/yaml.h"

namespace stepmill::buildspec {

Parsed Parse(std::string_view text) {
  if (text.size() > kTextBytesMax)
    return {Json(),
            {{{}, "The buildspec is larger than " + std::to_string(kTextBytesMax) + " bytes"}}};
  Positions positions;
  YamlOptions options = YamlOptions::Buildspec();
  options.positions = &positions;
  const auto document = ParseYaml(text, options);
  if (!document) {
    // The message ends in "at line L, column C": CodeBuild's texts give the line the same way.
    TextPosition at;
    const std::string& message = document.error().message;
    if (const size_t line = message.rfind("line "); line != std::string::npos)
      std::sscanf(message.c_str() + line, "line %d, column %d", &at.line, &at.column);
    return {Json(), {{at, message}}};
  }
  return Read(*document, positions);
}

Result<Json> ParseOrError(std::string_view text) {
  Parsed parsed = Parse(text);
  if (parsed.findings.empty()) return std::move(parsed.spec);
  return Error{Code::kInvalid, "YAML_FILE_ERROR", parsed.findings.front().message};
}

}  // namespace stepmill::buildspec
