#include <filesystem>

#include "archive/archive.h"
#include "base/strings.h"
#include "compute/backend.h"
#include "json/each.h"
#include "lang/buildspec/cache.h"
#include "lang/buildspec/glob.h"
#include "lang/buildspec/script.h"
#include "service/codebuild/build_machine.h"
#include "service/codebuild/cache.h"
#include "service/codebuild/files.h"
#include "service/codebuild/performers.h"
#include "service/codebuild/reports.h"

namespace stepmill::codebuild {
namespace {

namespace fs = std::filesystem;

Error ClientError(const std::string& message) { return {Code::kInvalid, "CLIENT_ERROR", message}; }

/// One artifact of the build: what the buildspec selects and where the project wants it.
struct Wanted {
  Json set;       ///< of the buildspec
  Json artifact;  ///< ProjectArtifacts
  std::string name;
  bool is_primary = true;
};

struct Context {
  Asker asker;
  Json build;
  std::string host_folder, temporary, effect_id;
  std::vector<std::string> files;
};

std::string KeyOf(const Context& context, const Wanted& wanted) {
  const Json& artifact = wanted.artifact;
  const std::string uuid = JobIdOf(context.build).substr(6);
  if (artifact.StringOr("type", "") == "CODEPIPELINE")  // the pipeline names the object itself
    return artifact.StringOr("path", "") + artifact.StringOr("name", "");
  std::string key = artifact.StringOr("path", "");
  while (key.starts_with('/')) key.erase(0, 1);
  while (key.ends_with('/')) key.pop_back();
  if (artifact.StringOr("namespaceType", "NONE") == "BUILD_ID")
    key += (key.empty() ? "" : "/") + uuid;
  std::string name = artifact.StringOr("name", "");
  if (artifact.BoolOr("overrideArtifactName", false) && !wanted.name.empty()) name = wanted.name;
  if (name.empty()) name = context.build.StringOr("projectName", "");
  if (name != "/") key += (key.empty() ? "" : "/") + name;
  return key;
}

/// {"location", "md5sum", "sha256sum"} as builds show it.
Task<Json> UploadOne(Context context, Wanted wanted, std::vector<std::string>& lines) {
  const auto selected = buildspec::SelectArtifacts(wanted.set, context.files);
  std::string base = wanted.set.StringOr("baseDirectory", "");
  if (base.empty()) base = ".";
  lines.push_back("Expanding base directory path: " + base);
  lines.push_back("Assembling file list");
  for (const Json& pattern : ItemsOf(wanted.set["files"]))
    lines.push_back("Expanding " + pattern.AsString());
  lines.push_back("Expanding file paths for base directory " + base);
  if (selected.empty()) co_return ClientError("no matching artifact paths found");
  lines.push_back("Found " + std::to_string(selected.size()) + " file(s)");
  const std::string bucket = wanted.artifact.StringOr("location", "");
  const std::string key = KeyOf(context, wanted);
  const bool is_zip = wanted.artifact.StringOr("type", "") == "CODEPIPELINE" ||
                      wanted.artifact.StringOr("packaging", "NONE") == "ZIP";
  Json::Object shown;
  shown.Set("location", "arn:aws:s3:::" + bucket + "/" + key);
  if (!wanted.is_primary) shown.Set("artifactIdentifier", wanted.artifact["artifactIdentifier"]);
  if (is_zip) {
    std::vector<Archive::Entry> entries;
    for (const auto& file : selected)
      entries.push_back({file.name, context.host_folder + "/" + file.path});
    const std::string zip = context.temporary + ".zip";
    MILL_CO_CHECK(
        co_await context.asker.ports.archive.Pack(Archive::Format::kZip, std::move(entries), zip));
    MILL_CO_TRY(const Json stored, co_await StoreObject(context.asker, zip, bucket, key,
                                                        "application/zip", context.effect_id));
    shown.Set("md5sum", stored["md5"]);
    shown.Set("sha256sum", stored["sha256"]);
    co_return Json(std::move(shown));
  }
  int number = 0;
  for (const auto& file : selected) {
    const std::string copy = context.temporary + ".file";
    std::error_code failed;
    fs::copy_file(context.host_folder + "/" + file.path, copy, fs::copy_options::overwrite_existing,
                  failed);
    if (failed) co_return ClientError(file.path + ": " + failed.message());
    MILL_CO_TRY(const Json stored,
                co_await StoreObject(context.asker, copy, bucket, key + "/" + file.name,
                                     "application/octet-stream",
                                     context.effect_id + ":" + std::to_string(++number)));
  }
  co_return Json(std::move(shown));
}

/// Runs the last step: says what is pending, reads variables and names back. The values stand in
/// a file of the state folder, each ended by a NUL.
Task<std::vector<std::string>> ReadBack(Ports& ports, Json what, std::vector<std::string> names,
                                        std::vector<std::string> texts, bool saves_cache) {
  const Json& build = what["build"];
  const std::string file = std::string(kStateFolder) + "/script.sh";
  std::string script;
  for (const Json& line : ItemsOf(what["lines"]))
    script += "printf '%s\\n' " + buildspec::ShellQuote(line.AsString()) + "\n";
  if (saves_cache)
    script += "(" + buildspec::CacheSaveScript(what["spec"]["cache"], kCacheOut, kOutputFolder) +
              ") 2>/dev/null\n";
  script += "exec >" + std::string(kStateFolder) + "/values\n";
  script += buildspec::ReadBackScript(names, texts, kStateFolder);
  StepSpec step;
  step.sequence = what.IntOr("sequence", 0);
  step.argv = {what["spec"].StringOr("shell", "sh") == "bash" ? "bash" : "/bin/sh", file};
  step.working_dir = SourceFolder(build, what["folder"]);
  step.files = {{file, std::move(script)}};
  const JobId job{JobIdOf(build)};
  MILL_CO_TRY(const StepResult result, co_await ports.backend.RunStep(job, std::move(step)));
  if (result.exit_code != 0)
    co_return ClientError("an artifact's name could not be read: exit status " +
                          std::to_string(result.exit_code));
  MILL_CO_TRY(const std::string read_from,
              ports.backend.HostPath(job, std::string(kStateFolder) + "/values"));
  std::vector<std::string> out;
  const std::string values = ReadHostFile(read_from);
  for (const auto value : Split(values, '\0')) out.emplace_back(value);
  out.resize(names.size() + texts.size());
  co_return out;
}

}  // namespace

Task<Json> UploadArtifacts(Ports& ports, Json what, std::string effect_id) {
  const Json& build = what["build"];
  const Json& spec = what["spec"];
  MILL_CO_TRY(const Asker asker, AskerOf(ports, build));
  const JobId job{JobIdOf(build)};
  const bool saves_cache = what.BoolOr("succeeding", false) && IsSaved(build, spec);

  std::vector<Wanted> wanted;
  const Json& primary = build["artifacts"];
  const std::string type = primary.StringOr("type", "NO_ARTIFACTS");
  const bool has_primary = spec["artifacts"]["files"].size() > 0;
  const bool has_place = type != "NO_ARTIFACTS" && !primary.StringOr("location", "").empty();
  const std::string own_id = primary.StringOr("artifactIdentifier", "");
  if (has_place && has_primary)
    wanted.push_back({spec["artifacts"], primary, spec["artifacts"].StringOr("name", ""), true});
  else if (has_place && spec["secondary"].Has(own_id))  // a pipeline's only output, by its name
    wanted.push_back({spec["secondary"][own_id], primary, "", true});
  const bool has_any = has_primary || spec["secondary"].size() > 0;
  std::string fault;
  for (const Json& artifact : ItemsOf(build["secondaryArtifacts"])) {
    const std::string id = artifact.StringOr("artifactIdentifier", "");
    if (!has_any) continue;  // a buildspec without artifacts stores none, and succeeds
    if (!spec["secondary"].Has(id))
      fault = "the buildspec has no secondary-artifacts named " + id;
    else
      wanted.push_back(
          {spec["secondary"][id], artifact, spec["secondary"][id].StringOr("name", ""), false});
  }

  std::vector<std::string> names, texts;
  for (const Json& name : ItemsOf(spec["exported"])) names.push_back(name.AsString());
  for (const Wanted& one : wanted) texts.push_back(one.name);
  MILL_CO_TRY(const std::vector<std::string> values,
              co_await ReadBack(ports, what, names, texts, saves_cache));
  Json::Array exported;
  for (size_t i = 0; i < names.size(); ++i)
    if (!spec["parameterStore"].Has(names[i]) && !spec["secrets"].Has(names[i]))
      exported.push_back(Json::Object{{"name", names[i]}, {"value", values[i]}});
  for (size_t i = 0; i < wanted.size(); ++i) wanted[i].name = values[names.size() + i];

  Json::Object out{{"exported", std::move(exported)}};
  std::vector<std::string> lines;
  Json::Array secondary;
  // Links on the way there, which the build may have made, are refused.
  const auto source_folder = ports.backend.HostPath(job, SourceFolder(build, what["folder"]));
  if (!source_folder) co_return ClientError(source_folder.error().message);
  Context context{asker,          build,
                  *source_folder, ports.data_dir + "/tmp/" + job.value + ".artifact",
                  effect_id,      {}};
  if (saves_cache)
    MILL_CO_CHECK(
        co_await StoreCache(asker, build, spec, *source_folder, effect_id + ":cache", lines));
  const bool has_reports = spec["reports"].size() > 0;
  if (!wanted.empty() || has_reports) {
    MILL_CO_TRY(context.files, FilesBelow(context.host_folder));
  }
  std::string report_fault;
  if (has_reports) {
    const ReportSource from{
        build, spec, context.host_folder, context.temporary, effect_id + ":reports", context.files};
    MILL_CO_TRY(const Collected collected, co_await CollectReports(asker, from, lines));
    for (const std::string& one : collected.faults)
      report_fault += (report_fault.empty() ? "" : ", ") + one;
    if (!collected.arns.empty()) out.Set("reportArns", collected.arns);
  }
  if (!wanted.empty()) lines.push_back("Phase is UPLOAD_ARTIFACTS");
  for (size_t i = 0; i < wanted.size() && fault.empty(); ++i) {
    context.effect_id = effect_id + ":" + std::to_string(i);
    const auto uploaded = co_await UploadOne(context, wanted[i], lines);
    if (!uploaded && uploaded.error().code == Code::kUnavailable) co_return uploaded.error();
    if (!uploaded)
      fault = uploaded.error().message;
    else if (wanted[i].is_primary)
      out.Set("artifacts", *uploaded);
    else
      secondary.push_back(*uploaded);
  }
  if (fault.empty() && !report_fault.empty())
    fault = "Error in UPLOAD_ARTIFACTS phase: [" + report_fault + "]";
  if (secondary.size() > 0) out.Set("secondaryArtifacts", std::move(secondary));
  if (!fault.empty()) out.Set("fault", fault);
  Json::Array said;
  for (const std::string& line : lines) said.push_back(line);
  out.Set("lines", std::move(said));
  co_return Json(std::move(out));
}

}  // namespace stepmill::codebuild
