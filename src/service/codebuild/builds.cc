#include <algorithm>

#include "base/strings.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/codebuild/build_machine.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/records.h"
#include "service/counter.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr int kPage = 100;
constexpr int kPlacesMax = 10'000;   ///< builds of one project that run or wait
constexpr int64_t kQueueFactor = 5;  ///< so many times the limit may wait (CodeBuild: quotas)

Json Merged(const Json& base, const Json& over) {
  Json out = base.is_object() ? base : Json(Json::Object());
  for (const auto& member : MembersOf(over)) out = out.With(member.name, member.value);
  return out;
}

/// Project variables with those of the call over them, by name.
Json MergedVariables(const Json& project, const Json& overrides) {
  Json::Array out;
  for (const Json& variable : ItemsOf(project)) {
    bool is_replaced = false;
    for (const Json& other : ItemsOf(overrides))
      is_replaced = is_replaced || other["name"] == variable["name"];
    if (!is_replaced) out.push_back(variable);
  }
  for (const Json& variable : ItemsOf(overrides))
    out.push_back(variable.Has("type") ? variable : variable.With("type", "PLAINTEXT"));
  return out;
}

/// Members of StartBuild that cannot be honoured are refused, never dropped.
Result<> CheckStart(const Json& input) {
  for (const char* name : {"registryCredentialOverride", "certificateOverride", "fleetOverride",
                           "debugSessionEnabled", "autoRetryLimitOverride", "hostKernelOverride"})
    if (input.Has(name) && input[name] != Json(false))
      return InvalidInput(std::string(name) + " is not available here");
  const std::string type = input.StringOr("environmentTypeOverride", "LINUX_CONTAINER");
  if (type != "LINUX_CONTAINER")
    return InvalidInput("environment type " + type + " is not available here");
  return {};
}

Json SourceOf(const Json& project, const Json& input) {
  Json source = project["source"];
  const std::pair<const char*, const char*> kOverrides[] = {
      {"sourceTypeOverride", "type"},
      {"sourceLocationOverride", "location"},
      {"sourceAuthOverride", "auth"},
      {"gitCloneDepthOverride", "gitCloneDepth"},
      {"buildspecOverride", "buildspec"},
      {"reportBuildStatusOverride", "reportBuildStatus"},
      {"buildStatusConfigOverride", "buildStatusConfig"}};
  for (const auto& [from, to] : kOverrides)
    if (input.Has(from)) source = source.With(to, input[from]);
  return source;
}

Json EnvironmentOf(const Json& project, const Json& input) {
  Json environment = project["environment"];
  const std::pair<const char*, const char*> kOverrides[] = {
      {"imageOverride", "image"},
      {"computeTypeOverride", "computeType"},
      {"privilegedModeOverride", "privilegedMode"},
      {"imagePullCredentialsTypeOverride", "imagePullCredentialsType"}};
  for (const auto& [from, to] : kOverrides)
    if (input.Has(from)) environment = environment.With(to, input[from]);
  return environment.With(
      "environmentVariables",
      MergedVariables(environment["environmentVariables"], input["environmentVariablesOverride"]));
}

/// The record that a build begins with.
Json NewBuild(Call& call, const Json& project, const Json& input, int64_t number) {
  const std::string name = project.StringOr("name", "");
  const std::string uuid = call.ports.random.NewUuid();
  const std::string id = name + ":" + uuid;
  const Json source = SourceOf(project, input);
  Json build = Json::Object{{"id", id},
                            {"arn", call.Arn("codebuild", "build/" + id)},
                            {"buildNumber", number},
                            {"startTime", SecondsSinceEpoch(call.Now())},
                            {"currentPhase", "QUEUED"},
                            {"buildStatus", "IN_PROGRESS"},
                            {"projectName", name},
                            {"source", source},
                            {"environment", EnvironmentOf(project, input)},
                            {"buildComplete", false},
                            {"initiator", InitiatorOf(call, source.StringOr("type", ""))},
                            {"encryptionKey", project["encryptionKey"]},
                            {"phases", Json::Array()},
                            {"exportedEnvironmentVariables", Json::Array()}};
  for (const char* member : {"own", "buildBatchArn"})
    if (input.Has(member)) build = build.With(member, input[member]);
  const auto pick = [&](const char* from_input, const char* member) {
    if (input.Has(from_input))
      build = build.With(member, input[from_input]);
    else if (project.Has(member))
      build = build.With(member, project[member]);
  };
  pick("sourceVersion", "sourceVersion");
  pick("secondarySourcesOverride", "secondarySources");
  pick("secondarySourcesVersionOverride", "secondarySourceVersions");
  pick("secondaryArtifactsOverride", "secondaryArtifacts");
  pick("artifactsOverride", "artifacts");
  pick("cacheOverride", "cache");
  pick("serviceRoleOverride", "serviceRole");
  pick("timeoutInMinutesOverride", "timeoutInMinutes");
  pick("queuedTimeoutInMinutesOverride", "queuedTimeoutInMinutes");
  const Json logs = Merged(project["logsConfig"], input["logsConfigOverride"]);
  const Json& cloudwatch = logs["cloudWatchLogs"];
  const std::string group = cloudwatch.StringOr("groupName", "/aws/codebuild/" + name);
  std::string stream = cloudwatch.StringOr("streamName", "");
  stream += (stream.empty() ? "" : "/") + uuid;
  Json::Object shown{
      {"cloudWatchLogs",
       cloudwatch.is_object() ? cloudwatch : Json(Json::Object{{"status", "ENABLED"}})},
      {"s3Logs", Json::Object{{"status", "DISABLED"}, {"encryptionDisabled", false}}}};
  if (cloudwatch.StringOr("status", "ENABLED") == "ENABLED") {
    shown.Set("groupName", group);
    shown.Set("streamName", stream);
    shown.Set("cloudWatchLogsArn",
              call.Arn("logs", "log-group:" + group + ":log-stream:" + stream));
    shown.Set("deepLink", "https://console.aws.amazon.com/cloudwatch/home?region=" + call.region +
                              "#logsV2:log-groups/log-group/" + UrlEncode(group) + "/log-events/" +
                              UrlEncode(stream));
  }
  return build.With("logs", std::move(shown));
}

/// How many builds of a project run and wait.
struct Places {
  int64_t active = 0, waiting = 0;
};
Task<Places> FindPlaces(Call& call, std::string project) {
  Places places;
  const Key active = call.KeyFor({"codebuild", "active", project}) + "/";
  const Key waiting = call.KeyFor({"codebuild", "waiting", project}) + "/";
  MILL_CO_TRY(const auto running, co_await call.ports.store.Range(active, PrefixEnd(active),
                                                                  Direction::kForward, kPlacesMax));
  MILL_CO_TRY(const auto queued, co_await call.ports.store.Range(waiting, PrefixEnd(waiting),
                                                                 Direction::kForward, kPlacesMax));
  places.active = static_cast<int64_t>(running.size());
  places.waiting = static_cast<int64_t>(queued.size());
  co_return places;
}

Task<Json> Start(Call& call, Document project, Json input, bool is_by_pipeline) {
  MILL_CO_CHECK(CheckStart(input));
  const int64_t limit = project.body.IntOr("concurrentBuildLimit", INT64_MAX);
  MILL_CO_TRY(const Places places, co_await FindPlaces(call, project.body.StringOr("name", "")));
  const bool is_queued = places.active + places.waiting >= limit;
  if (is_queued && places.waiting >= limit * kQueueFactor)
    co_return TooManyQueued(limit * kQueueFactor);
  const int64_t number = project.body.IntOr("buildCount", 0) + 1;
  Json build = NewBuild(call, project.body, input, number);
  for (const char* name : {"initiator", "resolvedSourceVersion"})
    if (input.Has(name)) build = build.With(name, input[name]);
  const std::string source_type = build["source"].StringOr("type", "");
  if (source_type == "CODEPIPELINE" && !is_by_pipeline)
    co_return InvalidInput(
        "Build with source type CODEPIPELINE can only be started by a pipeline: run the pipeline");
  const std::string id = build.StringOr("id", ""), name = build.StringOr("projectName", "");
  call.batch.Replace(project, project.body.With("buildCount", number));
  MILL_CO_TRY(const int64_t order, co_await NextOrder(call));
  const Json own = build["own"].is_object() ? build["own"] : Json(Json::Object{});
  build = build.With(
      "own", own.With("order", order).With("cacheResets", project.body.IntOr("cacheResets", 0)));
  for (const Key& key :
       {StartedKey(call, "started", "", build), StartedKey(call, "started", name, build)})
    call.batch.PutDocument(key, Json::Object{{"id", id}});
  const Json shown = Queued(build, call.Now());
  call.batch.PutDocument(BuildKey(call.account, call.region, id), shown);
  if (is_queued)
    call.batch.PutDocument(WaitingKey(call.account, call.region, shown), Json::Object{{"id", id}});
  else
    call.batch.PutDocument(ActiveKey(call.account, call.region, id), Json::Object{});
  // What the build does with its role's session may be followed from its commit.
  if (build["own"].Has("webhook") || build["source"].BoolOr("reportBuildStatus", false))
    call.batch.PutDocument(call.KeyFor({"codebuild", "session", JobIdOf(build)}),
                           Json::Object{{"id", id}});
  const Json data = Json::Object{{"build", shown},
                                 {"folder", call.ports.random.Next() % 1'000'000'000},
                                 {"isQueued", is_queued}};
  call.ports.engine.Start(call.batch, InstanceId(call.account, call.region, id), kMachine, data);
  const std::string token = input.StringOr("idempotencyToken", "");
  if (!token.empty())
    call.batch.Create(call.KeyFor({"codebuild", "token", token}),
                      Json::Object{{"id", id}, {"project", name}});
  co_return Json::Object{{"build", ShownBuild(shown)}};
}

Task<std::optional<Json>> FindBuild(Call& call, std::string id_or_arn) {
  const Key key = BuildKey(call.account, call.region, BuildIdOf(std::move(id_or_arn)));
  MILL_CO_TRY(const auto document, co_await call.ports.store.Get(key));
  if (!document) co_return std::optional<Json>();
  co_return std::optional<Json>(document->body);
}

Task<Json> RequireBuild(Call& call, std::string id_or_arn) {
  MILL_CO_TRY(const auto build, co_await FindBuild(call, id_or_arn));
  if (!build) co_return BuildNotFound(call.Arn("codebuild", "build/" + BuildIdOf(id_or_arn)));
  co_return *build;
}

}  // namespace

Task<int64_t> NextOrder(Call& call) {
  const Key counter = call.KeyFor({"codebuild", "counter"});
  co_return co_await NextNumber(call, counter);
}

Key StartedKey(const Call& call, std::string index, std::string_view project, const Json& record) {
  Key key = call.KeyFor({"codebuild", project.empty() ? index : index + "-of"}) + "/";
  if (!project.empty()) key += MakeKey({project}) + "/";
  const Time at = TimeFromSeconds(record["startTime"].AsDouble());
  return key + MakeKey({PaddedNumber(MillisSinceEpoch(at)),
                        PaddedNumber(record["own"].IntOr("order", 0)), record.StringOr("id", "")});
}

std::string InitiatorOf(const Call& call, const std::string& source_type) {
  const std::string& arn = call.principal.arn;
  const size_t slash = arn.rfind('/');
  if (call.principal.kind == Principal::Kind::kAssumedRole && source_type == "CODEPIPELINE")
    return "codepipeline/" + arn.substr(slash + 1);
  if (call.principal.kind == Principal::Kind::kUser) return arn.substr(slash + 1);
  if (call.principal.kind == Principal::Kind::kAssumedRole)
    return arn.substr(arn.find(":assumed-role/") + 14);
  return call.principal.kind == Principal::Kind::kRoot ? "root" : arn;
}

/// `prefix`: the index; the token is the last key's part after it.
Task<Json> ListIndex(Call& call, Key prefix) {
  const bool is_descending = call.input.StringOr("sortOrder", "DESCENDING") == "DESCENDING";
  const std::string token = call.input.StringOr("nextToken", "");
  const auto most =
      static_cast<size_t>(std::clamp<int64_t>(call.input.IntOr("maxResults", kPage), 1, kPage));
  Key from = prefix, to = PrefixEnd(prefix);
  if (!token.empty()) {
    const auto rest = Unhex(token);
    if (!rest) co_return InvalidInput("Invalid next token");
    (is_descending ? to : from) = prefix + *rest + (is_descending ? "" : "\x01");
  }
  MILL_CO_TRY(const auto documents,
              co_await call.ports.store.Range(
                  from, to, is_descending ? Direction::kBackward : Direction::kForward,
                  static_cast<int>(most) + 1));
  Json::Array ids;
  Json::Object output;
  for (const Document& document : documents) {
    if (ids.size() == most) break;
    ids.push_back(document.body["id"]);
    if (ids.size() == most && documents.size() > most)
      output.Set("nextToken", Hex(document.key.substr(prefix.size())));
  }
  output.Set("ids", std::move(ids));
  co_return Json(std::move(output));
}

Key BuildKey(std::string_view account, std::string_view region, std::string_view id) {
  return MakeKey({account, region, "codebuild", "build", id});
}

std::string InstanceId(std::string_view account, std::string_view region, std::string_view id) {
  return "codebuild/" + std::string(account) + "/" + std::string(region) + "/" + std::string(id);
}

Key ActiveKey(std::string_view account, std::string_view region, std::string_view id) {
  return MakeKey({account, region, "codebuild", "active", ProjectOf(id), id});
}

Key WaitingKey(std::string_view account, std::string_view region, const Json& build) {
  const std::string id = build.StringOr("id", "");
  return MakeKey({account, region, "codebuild", "waiting", ProjectOf(id),
                  PaddedNumber(build["own"].IntOr("order", 0)), id});
}

std::string ProjectOf(std::string_view build_id) {
  return std::string(build_id.substr(0, build_id.rfind(':')));
}

Task<Json> StartOwnBuild(Call& call, Document project, Json input) {
  co_return co_await Start(call, std::move(project), std::move(input), false);
}

Task<Json> AdmitBuild(Call& call) {
  const std::string id = call.input.StringOr("id", "");
  const std::string name = ProjectOf(id);
  const Json waiting = Json::Object{{"isAdmitted", false}};
  const auto project = co_await RequireProject(call, name);
  if (!project && project.error().code != Code::kNotFound) co_return project.error();
  // A project that was deleted bounds nothing any more.
  const int64_t limit =
      project ? project->body.IntOr("concurrentBuildLimit", INT64_MAX) : INT64_MAX;
  MILL_CO_TRY(const Places places, co_await FindPlaces(call, name));
  const Key prefix = call.KeyFor({"codebuild", "waiting", name}) + "/";
  MILL_CO_TRY(const auto queue, co_await call.ports.store.Range(prefix, PrefixEnd(prefix),
                                                                Direction::kForward, kPlacesMax));
  int64_t before = 0;
  for (const Document& entry : queue) {
    if (entry.body.StringOr("id", "") != id) {
      ++before;
      continue;
    }
    if (places.active + before >= limit) co_return waiting;
    // Whoever ends the build takes the entry away: then this does not count.
    call.batch.expects.push_back({entry.key, entry.version});
    call.batch.Delete(entry.key);
    if (project) call.batch.Replace(*project, project->body);  // two admissions that meet conflict
    call.batch.PutDocument(ActiveKey(call.account, call.region, id), Json::Object{});
    co_return Json::Object{{"isAdmitted", true}};
  }
  co_return waiting;
}

Task<Json> BatchDeleteBuilds(Call& call) {
  Json::Array deleted, kept;
  for (const Json& given : ItemsOf(call.input["ids"])) {
    const std::string id = BuildIdOf(given.AsString());
    MILL_CO_TRY(const auto build, co_await FindBuild(call, id));
    if (!build || !build->BoolOr("buildComplete", false)) {
      const char* why = build ? "BUILD_IN_PROGRESS" : "BUILD_NOT_FOUND";
      kept.push_back(Json::Object{{"id", given}, {"statusCode", why}});
      continue;
    }
    call.batch.Delete(BuildKey(call.account, call.region, id));
    call.batch.Delete(call.KeyFor({"codebuild", "session", JobIdOf(*build)}));
    call.batch.Delete(StartedKey(call, "started", "", *build));
    call.batch.Delete(StartedKey(call, "started", ProjectOf(id), *build));
    deleted.push_back((*build)["arn"]);
  }
  co_return Json::Object{{"buildsDeleted", std::move(deleted)},
                         {"buildsNotDeleted", std::move(kept)}};
}

std::string BuildIdOf(std::string id_or_arn) {
  const size_t at = id_or_arn.find(":build/");
  return at == std::string::npos ? id_or_arn : id_or_arn.substr(at + 7);
}

Task<Json> StartBuild(Call& call) {
  const std::string token = call.input.StringOr("idempotencyToken", "");
  if (!token.empty()) {
    const Key key = call.KeyFor({"codebuild", "token", token});
    MILL_CO_TRY(const auto used, co_await call.ports.store.Get(key));
    if (used) {
      MILL_CO_TRY(const Json build, co_await RequireBuild(call, used->body.StringOr("id", "")));
      co_return Json::Object{{"build", ShownBuild(build)}};
    }
  }
  const std::string name = call.input.StringOr("projectName", "");
  MILL_CO_TRY(Document project, co_await RequireProject(call, name));
  co_return co_await Start(call, std::move(project), call.input, false);
}

/// Internal row, asked by codepipeline as its role: see that service's README for the input. The
/// artifacts become overrides of StartBuild that name their objects.
Task<Json> StartBuildForPipeline(Call& call) {
  const std::string name = call.input.StringOr("projectName", "");
  MILL_CO_TRY(Document project, co_await RequireProject(call, name));
  if (project.body["source"].StringOr("type", "") != "CODEPIPELINE")
    project.body = project.body.With("source", project.body["source"].With("type", "CODEPIPELINE"));
  const auto place = [](const Json& artifact) {
    return artifact.StringOr("bucket", "") + "/" + artifact.StringOr("key", "");
  };
  Json::Object input;
  for (const char* member : {"sourceVersion", "initiator", "resolvedSourceVersion"})
    if (!call.input.StringOr(member, "").empty()) input.Set(member, call.input[member]);
  if (call.input.Has("environmentVariables"))
    input.Set("environmentVariablesOverride", call.input["environmentVariables"]);
  Json::Array secondary;
  const std::string primary = call.input.StringOr("primarySource", "");
  for (const Json& artifact : ItemsOf(call.input["inputArtifacts"])) {
    const bool is_primary = artifact.StringOr("name", "") == primary ||
                            (primary.empty() && call.input["inputArtifacts"].size() == 1);
    if (is_primary)
      input.Set("sourceLocationOverride", place(artifact));
    else
      secondary.push_back(Json::Object{{"type", "CODEPIPELINE"},
                                       {"location", place(artifact)},
                                       {"sourceIdentifier", artifact["name"]}});
  }
  if (!secondary.empty()) input.Set("secondarySourcesOverride", std::move(secondary));
  const Json& outputs = call.input["outputArtifacts"];
  Json::Array written;
  for (const Json& artifact : ItemsOf(outputs))
    written.push_back(Json::Object{{"type", "CODEPIPELINE"},
                                   {"artifactIdentifier", artifact["name"]},
                                   {"location", artifact["bucket"]},
                                   {"name", artifact["key"]},
                                   {"packaging", "ZIP"}});
  if (written.size() == 1)
    input.Set("artifactsOverride", written[0]);
  else
    input.Set("artifactsOverride", Json::Object{{"type", "CODEPIPELINE"}});
  if (written.size() > 1) input.Set("secondaryArtifactsOverride", std::move(written));
  Document started = project;
  MILL_CO_TRY(const Document stored, co_await RequireProject(call, name));
  const Json asked = std::move(input);
  MILL_CO_TRY(const Json output, co_await Start(call, std::move(started), asked, true));
  for (Batch::Put& put : call.batch.puts)  // the project keeps its own source
    if (put.key == stored.key)
      put.body = stored.body.With("buildCount", stored.body.IntOr("buildCount", 0) + 1);
  co_return output;
}

Task<Json> RetryBuild(Call& call) {
  const std::string id = call.input.StringOr("id", "");
  MILL_CO_TRY(const Json old, co_await RequireBuild(call, id));
  if (!old.BoolOr("buildComplete", false))
    co_return InvalidInput("Build is still in progress: " + old.StringOr("arn", ""));
  MILL_CO_TRY(Document project, co_await RequireProject(call, old.StringOr("projectName", "")));
  // What the build was started with, as overrides of the project as it is now.
  Json::Object input;
  const std::pair<const char*, const char*> kKept[] = {
      {"sourceVersion", "sourceVersion"},
      {"secondarySources", "secondarySourcesOverride"},
      {"secondarySourceVersions", "secondarySourcesVersionOverride"},
      {"artifacts", "artifactsOverride"},
      {"secondaryArtifacts", "secondaryArtifactsOverride"},
      {"timeoutInMinutes", "timeoutInMinutesOverride"},
      {"queuedTimeoutInMinutes", "queuedTimeoutInMinutesOverride"},
      {"serviceRole", "serviceRoleOverride"},
      {"resolvedSourceVersion", "resolvedSourceVersion"},
      {"own", "own"}};
  for (const auto& [from, to] : kKept)
    if (old.Has(from)) input.Set(to, old[from]);
  project.body = project.body.With("source", old["source"]).With("environment", old["environment"]);
  Document stored = project;
  MILL_CO_TRY(const Document current,
              co_await RequireProject(call, old.StringOr("projectName", "")));
  const Json asked = std::move(input);
  MILL_CO_TRY(const Json output, co_await Start(call, std::move(stored), asked, true));
  // The project itself stays as it is, but for its count.
  for (Batch::Put& put : call.batch.puts)
    if (put.key == current.key)
      put.body = current.body.With("buildCount", current.body.IntOr("buildCount", 0) + 1);
  co_return output;
}

Task<Json> StopBuild(Call& call) {
  const std::string id = call.input.StringOr("id", "");
  MILL_CO_TRY(const Json build, co_await RequireBuild(call, id));
  if (!build.BoolOr("buildComplete", false))
    call.ports.engine.Post(call.batch,
                           InstanceId(call.account, call.region, build.StringOr("id", "")), "stop",
                           Json::Object());
  co_return Json::Object{{"build", ShownBuild(build)}};
}

/// A build that has no room on the machine is queued, and says what it waits for.
Json WithQueue(const Call& call, Json build) {
  if (build.StringOr("currentPhase", "") != "PROVISIONING") return build;
  const std::string reason = call.ports.backend.WaitsFor(JobId{JobIdOf(build)});
  if (reason.empty()) return build;
  Json::Array phases = build["phases"].items();
  const Json context = Json::Object{{"statusCode", ""}, {"message", reason}};
  phases.back() = phases.back().With("phaseType", "QUEUED").With("contexts", Json::Array{context});
  return build.With("phases", std::move(phases)).With("currentPhase", "QUEUED");
}

Task<Json> BatchGetBuilds(Call& call) {
  Json::Array builds, missing;
  for (const Json& id : ItemsOf(call.input["ids"])) {
    MILL_CO_TRY(const auto build, co_await FindBuild(call, id.AsString()));
    if (build)
      builds.push_back(WithQueue(call, ShownBuild(*build)));
    else
      missing.push_back(id);
  }
  co_return Json::Object{{"builds", std::move(builds)}, {"buildsNotFound", std::move(missing)}};
}

Task<Json> ListBuilds(Call& call) {
  const Key prefix = call.KeyFor({"codebuild", "started", ""});
  co_return co_await ListIndex(call, prefix);
}

Task<Json> ListBuildsForProject(Call& call) {
  const std::string name = call.input.StringOr("projectName", "");
  MILL_CO_TRY(const Document project, co_await RequireProject(call, name));
  const Key prefix =
      call.KeyFor({"codebuild", "started-of", project.body.StringOr("name", ""), ""});
  co_return co_await ListIndex(call, prefix);
}

}  // namespace stepmill::codebuild
