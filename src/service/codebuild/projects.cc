#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/records.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr int kPage = 100;
constexpr int kProjectsMax = 10'000;  // read to sort them by time

std::string ProjectArn(const Call& call, const std::string& name) {
  return call.Arn("codebuild", "project/" + name);
}

Result<> CheckCache(const Json& cache, bool is_privileged) {
  const std::string type = cache.StringOr("type", "NO_CACHE");
  if (type == "S3" && cache.StringOr("location", "").empty())
    return InvalidInput("Invalid cache: location must be a valid S3 bucket, followed by a prefix");
  if (type == "LOCAL" && cache["modes"].size() == 0)
    return InvalidInput("Invalid cache: modes are required for the cache type LOCAL");
  for (const Json& mode : ItemsOf(cache["modes"]))
    if (mode == Json("LOCAL_DOCKER_LAYER_CACHE") && type == "LOCAL" && !is_privileged)
      return InvalidInput("Invalid cache: LOCAL_DOCKER_LAYER_CACHE requires privileged mode");
  return {};
}

/// Whatever would change a build and cannot be done here is refused by its name.
Result<> CheckCapabilities(const Json& project) {
  const Json& environment = project["environment"];
  const std::string type = environment.StringOr("type", "LINUX_CONTAINER");
  if (type != "LINUX_CONTAINER")
    return InvalidInput("environment type " + type +
                        " is not available here: builds run in LINUX_CONTAINER");
  for (const char* name : {"registryCredential", "certificate", "fleet", "dockerServer"})
    if (environment.Has(name))
      return InvalidInput("environment." + std::string(name) + " is not available here");
  for (const char* name : {"vpcConfig", "fileSystemLocations", "autoRetryLimit"})
    if (project[name].size() > 0 || project[name].is_number())
      return InvalidInput(std::string(name) + " is not available here");
  const int64_t limit = project.IntOr("concurrentBuildLimit", 1);
  if (limit < 1) return InvalidInput("Invalid concurrentBuildLimit: " + std::to_string(limit));
  if (project["logsConfig"]["s3Logs"].StringOr("status", "DISABLED") == "ENABLED")
    return InvalidInput("logsConfig.s3Logs is not available here: logs go to CloudWatch Logs");
  const Json& source = project["source"];
  const std::string source_type = source.StringOr("type", "");
  if (source_type == "NO_SOURCE" && source.StringOr("buildspec", "").empty())
    return InvalidInput(
        "Project source type NO_SOURCE requires a valid buildspec to be provided inline");
  if (source_type != "NO_SOURCE" && source_type != "CODEPIPELINE" &&
      source.StringOr("location", "").empty())
    return InvalidInput("Location is required for the source type " + source_type);
  MILL_CHECK(CheckCache(project["cache"], environment.BoolOr("privilegedMode", false)));
  const Json& artifacts = project["artifacts"];
  const std::string artifacts_type = artifacts.StringOr("type", "");
  if ((source_type == "CODEPIPELINE") != (artifacts_type == "CODEPIPELINE"))
    return InvalidInput("CODEPIPELINE must be used for both source type and artifacts type");
  if (artifacts_type == "S3" && artifacts.StringOr("location", "").empty())
    return InvalidInput("Invalid artifacts: artifact location must be set to an S3 bucket");
  if (!project.StringOr("serviceRole", "").starts_with("arn:"))
    return InvalidInput(
        "Invalid service role: Service role account ID does not match caller's "
        "account, or it is not an ARN");
  return {};
}

/// What AWS fills in.
Json WithDefaults(Json project) {
  const std::pair<const char*, Json> defaults[] = {
      {"secondarySources", Json::Array()},
      {"secondarySourceVersions", Json::Array()},
      {"secondaryArtifacts", Json::Array()},
      {"timeoutInMinutes", 60},
      {"queuedTimeoutInMinutes", 480},
      {"tags", Json::Array()},
      {"cache", Json::Object{{"type", "NO_CACHE"}}},
  };
  for (const auto& [name, value] : defaults)
    if (!project.Has(name)) project = project.With(name, value);
  Json environment = project["environment"];
  if (!environment.Has("environmentVariables"))
    environment = environment.With("environmentVariables", Json::Array());
  if (!environment.Has("privilegedMode")) environment = environment.With("privilegedMode", false);
  if (!environment.Has("imagePullCredentialsType"))
    environment = environment.With("imagePullCredentialsType", "CODEBUILD");
  Json::Array variables;
  for (const Json& variable : ItemsOf(environment["environmentVariables"]))
    variables.push_back(variable.Has("type") ? variable : variable.With("type", "PLAINTEXT"));
  project = project.With("environment", environment.With("environmentVariables", variables));
  if (!project.Has("encryptionKey")) project = project.With("encryptionKey", "alias/aws/s3");
  return project;
}

Json Shown(const Json& project) {
  return project.Without("buildCount").Without("batchCount").Without("cacheResets");
}

}  // namespace

Key ProjectKey(const Call& call, const std::string& name) {
  return call.KeyFor({"codebuild", "project", name});
}

std::string RepositoryOf(std::string location) {
  while (location.ends_with('/')) location.pop_back();
  location = location.substr(location.rfind('/') + 1);
  if (location.ends_with(".git")) location.resize(location.size() - 4);
  return location;
}

Task<Document> RequireProject(Call& call, std::string name) {
  if (const size_t slash = name.rfind(":project/"); slash != std::string::npos)
    name = name.substr(slash + 9);
  MILL_CO_TRY(auto document, co_await call.ports.store.Get(ProjectKey(call, name)));
  if (!document) co_return ProjectNotFound(ProjectArn(call, name));
  co_return *std::move(document);
}

Task<Json> CreateProject(Call& call) {
  MILL_CO_TRY(const std::string name, call.input.RequireString("name"));
  const Key key = ProjectKey(call, name);
  MILL_CO_TRY(const auto there, co_await call.ports.store.Get(key));
  if (there) co_return ProjectExists(ProjectArn(call, name));
  MILL_CO_CHECK(CheckCapabilities(call.input));
  const double now = SecondsSinceEpoch(call.Now());
  Json project = Json::Object{{"name", name}, {"arn", ProjectArn(call, name)}};
  for (const auto& member : call.input.members()) project = project.With(member.name, member.value);
  project = WithDefaults(project)
                .With("created", now)
                .With("lastModified", now)
                .With("badge", Json::Object{{"badgeEnabled", false}});
  call.batch.Create(key, project.With("buildCount", 0));
  co_return Json::Object{{"project", Shown(project)}};
}

Task<Json> UpdateProject(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  MILL_CO_TRY(const Document document, co_await RequireProject(call, name));
  Json project = document.body;
  for (const auto& member : call.input.members()) project = project.With(member.name, member.value);
  if (project.IntOr("concurrentBuildLimit", 0) == -1)  // "To remove this limit, set it to -1."
    project = project.Without("concurrentBuildLimit");
  MILL_CO_CHECK(CheckCapabilities(project));
  project = WithDefaults(project).With("lastModified", SecondsSinceEpoch(call.Now()));
  call.batch.Replace(document, project);
  co_return Json::Object{{"project", Shown(project)}};
}

/// What the cache has is not found any more (AWS: "Resets the cache for a project").
Task<Json> InvalidateProjectCache(Call& call) {
  MILL_CO_TRY(const Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  const int64_t resets = project.body.IntOr("cacheResets", 0) + 1;
  call.batch.Replace(project, project.body.With("cacheResets", resets));
  co_return Json::Object{};
}

Task<Json> DeleteProject(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  call.batch.Delete(ProjectKey(call, name));  // AWS does not mind when it is not there
  call.batch.Delete(call.KeyFor({"codebuild", "webhook", name}));
  co_return Json::Object{};
}

Task<Json> BatchGetProjects(Call& call) {
  Json::Array projects, missing;
  for (const Json& name : ItemsOf(call.input["names"])) {
    const auto document = co_await RequireProject(call, name.AsString());
    if (document)
      projects.push_back(Shown(document->body));
    else if (document.error().code == Code::kNotFound)
      missing.push_back(name);
    else
      co_return document.error();
  }
  co_return Json::Object{{"projects", std::move(projects)},
                         {"projectsNotFound", std::move(missing)}};
}

/// By created or lastModified: all of them are read, since keys stand in the order of names.
Task<Json> ListProjectsByTime(Call& call, std::string member, bool is_descending) {
  const Key prefix = ProjectKey(call, "");
  MILL_CO_TRY(auto projects, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                             Direction::kForward, kProjectsMax));
  std::stable_sort(projects.begin(), projects.end(), [&](const Document& a, const Document& b) {
    const double left = a.body[member].AsDouble(), right = b.body[member].AsDouble();
    return is_descending ? left > right : left < right;
  });
  Json::Array names;
  for (const Document& project : projects) names.push_back(project.body["name"]);
  co_return PageOf(call.input.With("page", kPage), "projects", names, "page", "nextToken",
                   InvalidInput("Invalid nextToken"));
}

Task<Json> ListProjects(Call& call) {
  const Key prefix = ProjectKey(call, "");
  const bool is_descending = call.input.StringOr("sortOrder", "ASCENDING") == "DESCENDING";
  const std::string by = call.input.StringOr("sortBy", "NAME");
  if (by == "CREATED_TIME") co_return co_await ListProjectsByTime(call, "created", is_descending);
  if (by == "LAST_MODIFIED_TIME")
    co_return co_await ListProjectsByTime(call, "lastModified", is_descending);
  const std::string token = call.input.StringOr("nextToken", "");
  Key from = prefix, to = PrefixEnd(prefix);
  if (!token.empty())
    (is_descending ? to : from) = ProjectKey(call, token) + (is_descending ? "" : "\x01");
  MILL_CO_TRY(const auto documents,
              co_await call.ports.store.Range(
                  from, to, is_descending ? Direction::kBackward : Direction::kForward, kPage + 1));
  Json::Array names;
  for (const Document& document : documents)
    if (names.size() < kPage) names.push_back(document.body["name"]);
  Json::Object output;
  if (documents.size() > kPage) output.Set("nextToken", names.back());
  output.Set("projects", std::move(names));
  co_return Json(std::move(output));
}

/// The names that CodeBuild publishes for Linux; each one means the local runner image.
Task<Json> ListCuratedEnvironmentImages(Call&) {
  const std::pair<const char*, std::vector<const char*>> kPlatforms[] = {
      {"UBUNTU",
       {"aws/codebuild/standard:5.0", "aws/codebuild/standard:6.0", "aws/codebuild/standard:7.0"}},
      {"AMAZON_LINUX",
       {"aws/codebuild/amazonlinux-x86_64-standard:4.0",
        "aws/codebuild/amazonlinux-x86_64-standard:5.0"}}};
  Json::Array platforms;
  for (const auto& [platform, names] : kPlatforms) {
    Json::Array images;
    for (const char* name : names)
      images.push_back(Json::Object{{"name", name},
                                    {"description", "the local image `runner`, by this name"},
                                    {"versions", Json::Array{name}}});
    const Json language = Json::Object{{"language", "BASE"}, {"images", std::move(images)}};
    platforms.push_back(Json::Object{{"platform", platform}, {"languages", Json::Array{language}}});
  }
  co_return Json::Object{{"platforms", std::move(platforms)}};
}

}  // namespace stepmill::codebuild
