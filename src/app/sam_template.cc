#include "app/sam_template.h"

#include "base/strings.h"
#include "json/json.h"
#include "lang/template/document.h"
#include "lang/yaml/yaml.h"

namespace stepmill {
namespace {

struct ArtifactProperty {
  std::string_view type, property;
  bool is_definition;  ///< a file; otherwise code that would have to be packed
};
constexpr ArtifactProperty kProperties[] = {
    {"AWS::Serverless::StateMachine", "DefinitionUri", true},
    {"AWS::StepFunctions::StateMachine", "DefinitionS3Location", true},
    {"AWS::Serverless::Function", "CodeUri", false},
    {"AWS::Serverless::LayerVersion", "ContentUri", false},
    {"AWS::Serverless::Api", "DefinitionUri", false},
    {"AWS::Serverless::Application", "Location", false},
    {"AWS::Lambda::Function", "Code", false},
};

bool IsLocal(const Json& value) {
  return value.is_string() && !value.AsString().starts_with("s3://") &&
         !value.AsString().starts_with("https://") && !value.AsString().starts_with("http://");
}

/// Byte offset of a position whose column counts characters.
size_t OffsetOf(std::string_view text, TextPosition at) {
  size_t i = 0;
  for (int line = 1; line < at.line && i < text.size(); ++i) {
    if (text[i] == '\n') ++line;
  }
  if (at.line == 1 && text.starts_with("\xEF\xBB\xBF")) i = 3;
  for (int column = 1; column < at.column && i < text.size(); ++column) {
    ++i;
    while (i < text.size() && (static_cast<unsigned char>(text[i]) & 0xC0) == 0x80) ++i;
  }
  return i;
}

/// Bytes of the scalar at `start` that means `value`; 0 when it is not written in one piece.
size_t ScalarBytes(std::string_view text, size_t start, const std::string& value) {
  const char quote = start < text.size() ? text[start] : '\0';
  if (quote == '"' || quote == '\'') {
    if (text.substr(start + 1, value.size()) != value) return 0;
    const size_t end = start + 1 + value.size();
    return end < text.size() && text[end] == quote ? value.size() + 2 : 0;
  }
  return text.substr(start, value.size()) == value ? value.size() : 0;
}

}  // namespace

Result<std::vector<LocalArtifact>> LocalArtifacts(std::string_view template_text) {
  MILL_TRY(const Json document, cfn::ParseDocument(template_text));
  std::vector<LocalArtifact> found;
  if (!document["Resources"].is_object()) return found;
  for (const Json::Member& resource : document["Resources"].members()) {
    const std::string type = resource.value.StringOr("Type", "");
    for (const ArtifactProperty& known : kProperties) {
      if (known.type != type) continue;
      const Json& value = resource.value["Properties"][known.property];
      if (!IsLocal(value)) continue;
      if (!known.is_definition) {
        return Error{Code::kInvalid, "Package",
                     "The local path " + value.AsString() + " of " + std::string(known.property) +
                         " in " + resource.name +
                         " cannot be packaged by stepmill: give an s3:// place."};
      }
      const std::string pointer = PointerAppend(
          PointerAppend(PointerAppend("/Resources", resource.name), "Properties"), known.property);
      found.push_back({resource.name, std::string(known.property), pointer, value.AsString()});
    }
  }
  return found;
}

Result<std::string> WithArtifact(std::string_view template_text, const LocalArtifact& artifact,
                                 const std::string& text) {
  Positions positions;
  MILL_CHECK(cfn::ParseDocument(template_text, &positions));
  const auto at = positions.find(artifact.pointer);
  const size_t start =
      at == positions.end() ? std::string::npos : OffsetOf(template_text, at->second);
  const size_t size =
      start == std::string::npos ? 0 : ScalarBytes(template_text, start, artifact.path);
  if (size == 0) {
    return Error{Code::kInvalid, "Package",
                 "The value of " + artifact.property + " in " + artifact.logical_id +
                     " must stand on one line of the template, without escapes."};
  }
  return std::string(template_text.substr(0, start)) + text +
         std::string(template_text.substr(start + size));
}

}  // namespace stepmill
