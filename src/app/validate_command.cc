#include "app/validate_command.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "app/run_command.h"
#include "app/sam_options.h"
#include "app/validate_pipeline.h"
#include "base/strings.h"
#include "lang/buildspec/buildspec.h"
#include "lang/template/document.h"
#include "lang/template/template.h"
#include "lang/workflow/workflow.h"
#include "lang/yaml/yaml.h"
#include "service/cloudformation/plan.h"
#include "service/cloudformation/types.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

enum class Sort { kUnknown, kStateMachine, kTemplate, kBuildspec, kPipeline, kWorkflow };

bool HasEnding(const std::string& name, std::initializer_list<const char*> endings) {
  return std::any_of(endings.begin(), endings.end(),
                     [&name](const char* ending) { return name.ends_with(ending); });
}

bool IsData(const std::string& name) { return HasEnding(name, {".json", ".yaml", ".yml"}); }

bool IsStateMachine(const Json& document) {
  if (document.Has("StartAt")) return true;
  const Json& states = document["States"];
  if (!states.is_object() || states.size() == 0) return false;
  return std::all_of(states.members().begin(), states.members().end(),
                     [](const Json::Member& state) { return state.value["Type"].is_string(); });
}

/// What a file holds.
Sort SortOfContent(const Json& document) {
  if (IsStateMachine(document)) return Sort::kStateMachine;
  if (document.Has("Resources")) return Sort::kTemplate;
  if (document.Has("version") && document.Has("phases")) return Sort::kBuildspec;
  if (document["pipeline"]["stages"].is_array()) return Sort::kPipeline;
  if (document["stages"].is_array() && (document.Has("roleArn") || document.Has("artifactStore")))
    return Sort::kPipeline;
  if (document["jobs"].is_object() && (document.Has("on") || document.Has("true")))
    return Sort::kWorkflow;
  return Sort::kUnknown;
}

/// What a file is by its name and place, where its content does not tell.
Sort SortOfName(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  if (path.find(".github/workflows/") != std::string::npos && HasEnding(name, {".yml", ".yaml"}))
    return Sort::kWorkflow;
  if (HasEnding(name, {".asl.json", ".asl.yaml", ".asl.yml"})) return Sort::kStateMachine;
  if (name.starts_with("buildspec") && IsData(name)) return Sort::kBuildspec;
  if (name.starts_with("template.")) return Sort::kTemplate;
  return Sort::kUnknown;
}

/// "... at line 3, column 5", as the readers end their messages.
TextPosition PlaceIn(const std::string& message) {
  TextPosition at{1, 1};
  const size_t line = message.rfind("at line ");
  if (line == std::string::npos) return at;
  const size_t column = message.find("column ", line);
  at.line = std::max(1, std::atoi(message.c_str() + line + 8));
  if (column != std::string::npos) {
    at.column = std::max(1, std::atoi(message.c_str() + column + 7));
  }
  return at;
}

/// Looks for the value that a message is about.
class Finder {
 public:
  explicit Finder(const std::string& message) : message_(message) {}

  /// The pointer of a reference whose name the message has in brackets or at its end.
  std::string Find(const Json& value, const std::string& pointer) {
    if (value.is_object()) {
      for (const Json::Member& member : value.members()) {
        const std::string below = PointerAppend(pointer, member.name);
        if (member.name == "Ref" && member.value.is_string() && Names(member.value.AsString())) {
          return below;
        }
        const Json& target =
            member.name == "Fn::GetAtt" && member.value.is_array() && member.value.size() > 0
                ? member.value.At(0)
                : Json();
        if (target.is_string() && Names(target.AsString())) return below;
        const std::string found = Find(member.value, below);
        if (!found.empty()) return found;
      }
    } else if (value.is_array()) {
      for (size_t i = 0; i < value.size(); ++i) {
        const std::string found = Find(value.At(i), PointerAppend(pointer, std::to_string(i)));
        if (!found.empty()) return found;
      }
    }
    return "";
  }

  bool Names(const std::string& name) const {
    return message_.find("[" + name + "]") != std::string::npos ||
           message_.find("[" + name + ",") != std::string::npos ||
           message_.find(", " + name + "]") != std::string::npos ||
           message_.ends_with(" " + name) ||
           message_.find(" " + name + " is ") != std::string::npos ||
           message_.find("for resource " + name + " ") != std::string::npos;
  }

 private:
  const std::string& message_;
};

TemplateProblem ProblemAt(const Json& document, const Positions& positions,
                          const std::string& message) {
  Finder finder(message);
  std::string pointer = finder.Find(document, "");
  if (pointer.empty() && document["Resources"].is_object()) {
    for (const Json::Member& resource : document["Resources"].members()) {
      // An event's id starts with that of its resource.
      if (finder.Names(resource.name) || message.find("[" + resource.name) != std::string::npos) {
        pointer = PointerAppend("/Resources", resource.name);
      }
    }
  }
  const TextPosition at = NearestPosition(positions, pointer);
  return {std::max(1, at.line), std::max(1, at.column), message};
}

/// Types that cannot be made, and properties that a type does not have.
void FindUnknown(const Json& document, const Positions& positions,
                 std::vector<TemplateProblem>& problems) {
  for (const Json::Member& resource : document["Resources"].members()) {
    const std::string pointer = PointerAppend("/Resources", resource.name);
    const std::string type = resource.value.StringOr("Type", "");
    if (type.starts_with("AWS::Serverless::")) continue;  // the transform has checked it
    const auto* known = cloudformation::FindResourceType(type);
    if (!known) {
      const TextPosition at = NearestPosition(positions, PointerAppend(pointer, "Type"));
      problems.push_back({at.line, at.column,
                          "Template format error: Unrecognized resource types: [" + type + "]"});
      continue;
    }
    const Json& properties = resource.value["Properties"];
    if (!properties.is_object()) continue;
    for (const Json::Member& property : properties.members()) {
      if (cloudformation::IsListed(known->properties, property.name)) continue;
      const TextPosition at = NearestPosition(
          positions, PointerAppend(PointerAppend(pointer, "Properties"), property.name));
      problems.push_back({at.line, at.column,
                          "#: extraneous key [" + property.name + "] is not permitted in " + type});
    }
  }
}

/// Local files of serverless resources, which packaging replaces: each is looked for, and stands as
/// an object from here on.
Json WithoutLocalFiles(Json document, const Positions& positions, const std::string& folder,
                       std::vector<TemplateProblem>& problems) {
  if (!document["Resources"].is_object()) return document;
  Json resources = document["Resources"];
  for (const Json::Member& resource : document["Resources"].members()) {
    if (!resource.value.StringOr("Type", "").starts_with("AWS::Serverless::")) continue;
    for (const char* name : {"DefinitionUri", "CodeUri", "ContentUri"}) {
      const Json properties = resources[resource.name]["Properties"];
      const std::string path = properties.StringOr(name, "s3://");
      if (path.starts_with("s3://") || path.find("://") != std::string::npos) continue;
      if (!fs::exists(fs::path(folder) / path)) {
        const TextPosition at =
            NearestPosition(positions, "/Resources/" + resource.name + "/Properties/" + name);
        problems.push_back(
            {at.line, at.column,
             std::string(name) + " refers to a file or folder that does not exist: " + path});
      }
      resources = resources.With(
          resource.name,
          resources[resource.name].With("Properties", properties.With(name, "s3://bucket/key")));
    }
  }
  return document.With("Resources", resources);
}

int Print(const std::string& path, int line, int column, bool is_warning,
          const std::string& message) {
  std::fprintf(stderr, "%s:%d:%d: %s: %s\n", path.c_str(), line, column,
               is_warning ? "warning" : "error", ReplaceAll(message, "\n", " ").c_str());
  return is_warning ? 0 : 1;
}

int PrintAll(const std::string& path, const std::vector<TemplateProblem>& problems) {
  int worst = 0;
  for (const TemplateProblem& problem : problems)
    worst |= Print(path, problem.line, problem.column, false, problem.message);
  return worst;
}

int ValidateFile(const std::string& path, bool is_given) {
  const auto text = ReadFileText(path);
  if (!text) {
    std::fprintf(stderr, "%s: error: %s\n", path.c_str(), text.error().message.c_str());
    return 1;
  }
  Positions positions;
  const auto document =
      IsData(path) || is_given ? cfn::ParseDocument(*text, &positions) : Result<Json>(Json());
  Sort sort = document ? SortOfContent(*document) : Sort::kUnknown;
  if (sort == Sort::kUnknown) sort = SortOfName(path);
  int worst = 0;
  switch (sort) {
    case Sort::kStateMachine: return ValidateStateMachines({path});
    case Sort::kTemplate:
      return PrintAll(path, TemplateProblems(*text, fs::path(path).parent_path().string()));
    case Sort::kPipeline: return PrintAll(path, PipelineProblems(*document, positions));
    case Sort::kBuildspec:
      for (const buildspec::Finding& finding : buildspec::Parse(*text).findings) {
        worst |= Print(path, finding.at.line, finding.at.column, false, finding.message);
      }
      return worst;
    case Sort::kWorkflow:
      for (const workflow::Finding& finding : workflow::Parse(*text).findings) {
        worst |=
            Print(path, finding.at.line, finding.at.column, finding.is_warning, finding.message);
      }
      return worst;
    case Sort::kUnknown: break;
  }
  if (!is_given) return 0;  // met in a folder: not ours to judge
  if (!document) {
    const TextPosition at = PlaceIn(document.error().message);
    return Print(path, at.line, at.column, false, document.error().message);
  }
  return Print(path, 1, 1, false,
               "expected a state machine, a template, a buildspec, a pipeline or a workflow file");
}

}  // namespace

std::vector<TemplateProblem> TemplateProblems(const std::string& text, const std::string& folder) {
  std::vector<TemplateProblem> problems;
  Positions positions;
  const auto document = cfn::ParseDocument(text, &positions);
  if (!document) {
    const TextPosition at = PlaceIn(document.error().message);
    problems.push_back({at.line, at.column, document.error().message});
    return problems;
  }
  const Json packaged = WithoutLocalFiles(*document, positions, folder, problems);
  const auto processed = cloudformation::Transformed(packaged);
  if (!processed) {
    problems.push_back(ProblemAt(*document, positions, processed.error().message));
    return problems;
  }
  if (const auto checked = cfn::CheckTemplate(*processed); !checked) {
    problems.push_back(ProblemAt(*document, positions, checked.error().message));
    return problems;
  }
  FindUnknown(*document, positions, problems);
  return problems;
}

int ValidateCommand(const std::vector<std::string>& paths) {
  if (paths.empty()) {
    std::fprintf(stderr, "usage: stepmill validate PATH...\n");
    return 2;
  }
  int worst = 0;
  for (const std::string& path : paths) {
    std::error_code trouble;
    if (!fs::is_directory(path, trouble)) {
      worst |= ValidateFile(path, true);
      continue;
    }
    std::vector<std::string> files;
    for (fs::recursive_directory_iterator it(path, trouble), end; it != end && !trouble;
         it.increment(trouble)) {
      const std::string name = it->path().filename().string();
      if (it->is_directory() && (name == ".git" || name == ".aws-sam" || name == "node_modules")) {
        it.disable_recursion_pending();
      } else if (it->is_regular_file() && HasEnding(name, {".json", ".yaml", ".yml"})) {
        files.push_back(it->path().string());
      }
    }
    std::sort(files.begin(), files.end());
    for (const std::string& file : files) worst |= ValidateFile(file, false);
  }
  return worst;
}

}  // namespace stepmill
