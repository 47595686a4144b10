// `sam build`: the template with its paths made good for the build folder.
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "app/sam_commands.h"
#include "app/sam_template.h"
#include "base/strings.h"

namespace stepmill {

namespace fs = std::filesystem;

Result<std::string> FindTemplate(const SamOptions& options) {
  const std::string given = options.Text("template_file");
  if (!given.empty()) return given;
  for (const char* name : {"template.yaml", "template.yml", "template.json"}) {
    std::error_code ignored;
    if (fs::is_regular_file(name, ignored)) return std::string(name);
  }
  return Error{Code::kNotFound, "NoTemplate",
               "Template file not found at " + (fs::current_path() / "template.yml").string()};
}

Result<std::string> WithRelativeArtifacts(std::string text, const std::string& from_folder,
                                          const std::string& to_folder) {
  MILL_TRY(const std::vector<LocalArtifact> artifacts, LocalArtifacts(text));
  const fs::path target = fs::weakly_canonical(fs::path(to_folder));
  for (const LocalArtifact& artifact : artifacts) {
    const fs::path file = fs::path(artifact.path).is_absolute()
                              ? fs::path(artifact.path)
                              : fs::path(from_folder) / artifact.path;
    const std::string moved = fs::weakly_canonical(file).lexically_relative(target).string();
    MILL_TRY(text, WithArtifact(text, artifact, Json(moved).Print()));
  }
  return text;
}

Result<> SamBuild(const SamOptions& options) {
  MILL_TRY(const std::string path, FindTemplate(options));
  MILL_TRY(std::string text, ReadFileText(path));
  const std::string folder = options.Text("build_dir", ".aws-sam/build");
  std::error_code trouble;
  fs::remove_all(folder, trouble);
  fs::create_directories(folder, trouble);
  if (trouble) return Error{Code::kInvalid, "Build", folder + ": " + trouble.message()};
  std::string from = options.Text("base_dir", fs::path(path).parent_path().string());
  if (from.empty()) from = ".";
  MILL_TRY(text, WithRelativeArtifacts(std::move(text), from, folder));
  const std::string target = (fs::path(folder) / "template.yaml").string();
  std::ofstream file(target, std::ios::binary | std::ios::trunc);
  file << text;
  if (!file.flush()) return Error{Code::kInvalid, "Build", "cannot write " + target};
  std::printf(
      "\nBuild Succeeded\n\nBuilt Artifacts  : %s\nBuilt Template   : %s\n\n"
      "Commands you can use next\n=========================\n[*] Deploy: sam deploy\n\n",
      folder.c_str(), target.c_str());
  return {};
}

}  // namespace stepmill
