#include <filesystem>

#include "archive/archive.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "lang/buildspec/batch.h"
#include "repo/repo.h"
#include "service/codebuild/batch_machine.h"
#include "service/codebuild/errors.h"
#include "service/codebuild/performers.h"
#include "service/codebuild/records.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::codebuild {
namespace {

constexpr uint64_t kSpecBytesMax = 1 << 20;

std::string BatchInstance(const Call& call, const std::string& id) {
  return "codebuild-batch/" + call.account + "/" + call.region + "/" + id;
}

/// "PROJECT:UUID" of an id or an ARN.
std::string BatchIdOf(std::string id_or_arn) {
  const size_t at = id_or_arn.find(":build-batch/");
  return at == std::string::npos ? id_or_arn : id_or_arn.substr(at + 13);
}

Task<Json> RequireBatch(Call& call, std::string id_or_arn) {
  const std::string id = BatchIdOf(std::move(id_or_arn));
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(BatchKey(call.account, call.region, id)));
  if (!found)
    co_return Error{Code::kNotFound, "ResourceNotFoundException",
                    "Build batch cannot be found: " + call.Arn("codebuild", "build-batch/" + id)};
  co_return found->body;
}

/// StartBuildBatch's overrides as StartBuild has them.
Json BuildInput(const Json& input) {
  Json build = input.Without("projectName").Without("idempotencyToken");
  if (input.Has("buildTimeoutInMinutesOverride"))
    build = build.With("timeoutInMinutesOverride", input["buildTimeoutInMinutesOverride"]);
  for (const char* name : {"buildTimeoutInMinutesOverride", "buildBatchConfigOverride",
                           "reportBuildBatchStatusOverride", "own", "initiator"})
    build = build.Without(name);
  return build;
}

Result<> CheckConfig(const Json& config) {
  if (config.StringOr("serviceRole", "").empty())
    return InvalidInput(
        "Build batch config must be set with a service role to start a build batch");
  if (config.BoolOr("combineArtifacts", false))
    return InvalidInput("buildBatchConfig.combineArtifacts is not available here");
  if (config.StringOr("batchReportMode", "REPORT_AGGREGATED_BATCH") != "REPORT_AGGREGATED_BATCH")
    return InvalidInput("batchReportMode REPORT_INDIVIDUAL_BUILDS is not available here");
  return {};
}

Result<> CheckRestrictions(const Json& restrictions, const Json& groups) {
  const int64_t most = restrictions.IntOr("maximumBuildsAllowed", 100);
  if (static_cast<int64_t>(groups.size()) > most)
    return InvalidInput("The batch has " + std::to_string(groups.size()) + " builds, " +
                        std::to_string(most) + " are allowed");
  if (restrictions["computeTypesAllowed"].size() == 0) return {};
  for (const Json& group : ItemsOf(groups)) {
    bool is_allowed = !group.Has("computeType");
    for (const Json& type : ItemsOf(restrictions["computeTypesAllowed"]))
      is_allowed = is_allowed || type == group["computeType"];
    if (!is_allowed)
      return InvalidInput("The compute type " + group.StringOr("computeType", "") +
                          " is not allowed in this batch");
  }
  return {};
}

}  // namespace

Key BatchKey(std::string_view account, std::string_view region, std::string_view id) {
  return MakeKey({account, region, "codebuild", "batch", id});
}

Task<Json> StartOwnBatch(Call& call, Document project, Json input) {
  const Json& own = project.body;
  Json config = own["buildBatchConfig"];
  for (const auto& member : MembersOf(input["buildBatchConfigOverride"]))
    config = config.With(member.name, member.value);
  MILL_CO_CHECK(CheckConfig(config));
  const std::string name = own.StringOr("name", "");
  const std::string id = name + ":" + call.ports.random.NewUuid();
  const int64_t number = own.IntOr("batchCount", 0) + 1;
  Json source = own["source"];
  const std::pair<const char*, const char*> kSource[] = {
      {"sourceTypeOverride", "type"},
      {"sourceLocationOverride", "location"},
      {"buildspecOverride", "buildspec"},
      {"reportBuildBatchStatusOverride", "reportBuildStatus"}};
  for (const auto& [from, to] : kSource)
    if (input.Has(from)) source = source.With(to, input[from]);
  if (source.StringOr("type", "") == "CODEPIPELINE")
    co_return InvalidInput(
        "Batches of projects with source type CODEPIPELINE are not available here");
  // The builds take the batch's buildspec only where they name none.
  Json record = Json::Object{{"id", id},
                             {"arn", call.Arn("codebuild", "build-batch/" + id)},
                             {"startTime", SecondsSinceEpoch(call.Now())},
                             {"currentPhase", "SUBMITTED"},
                             {"buildBatchStatus", "IN_PROGRESS"},
                             {"projectName", name},
                             {"phases", Json::Array{}},
                             {"source", source},
                             {"environment", own["environment"]},
                             {"serviceRole", config["serviceRole"]},
                             {"complete", false},
                             {"initiator", input.StringOr("initiator", InitiatorOf(call))},
                             {"buildBatchNumber", number},
                             {"buildBatchConfig", config},
                             {"buildGroups", Json::Array{}}};
  for (const char* member : {"secondarySources", "artifacts", "cache", "encryptionKey"})
    if (own.Has(member)) record = record.With(member, own[member]);
  for (const char* member : {"sourceVersion", "resolvedSourceVersion"})
    if (input.Has(member))
      record = record.With(member, input[member]);
    else if (own.Has(member))
      record = record.With(member, own[member]);
  MILL_CO_TRY(const int64_t order, co_await NextOrder(call));
  Json kept = Json::Object{{"start", BuildInput(input)}, {"order", order}};
  if (input["own"].Has("webhook")) kept = kept.With("webhook", input["own"]["webhook"]);
  record = record.With("own", kept);
  call.batch.Replace(project, own.With("batchCount", number));
  call.batch.PutDocument(BatchKey(call.account, call.region, id), record);
  for (const Key& key : {StartedKey(call, "batch-started", "", record),
                         StartedKey(call, "batch-started", name, record)})
    call.batch.PutDocument(key, Json::Object{{"id", id}});
  call.ports.engine.Start(call.batch, BatchInstance(call, id), kBatchMachine,
                          Json::Object{{"batch", record}});
  co_return Json::Object{{"buildBatch", ShownBuild(record)}};
}

Task<Json> StartBuildBatch(Call& call) {
  MILL_CO_TRY(Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  const std::string token = call.input.StringOr("idempotencyToken", "");
  const Key key = call.KeyFor({"codebuild", "batch-token", token});
  if (!token.empty()) {
    MILL_CO_TRY(const auto used, co_await call.ports.store.Get(key));
    if (used) {
      MILL_CO_TRY(const Json known, co_await RequireBatch(call, used->body.StringOr("id", "")));
      co_return Json::Object{{"buildBatch", ShownBuild(known)}};
    }
  }
  MILL_CO_TRY(const Json started, co_await StartOwnBatch(call, std::move(project), call.input));
  if (!token.empty()) call.batch.Create(key, Json::Object{{"id", started["buildBatch"]["id"]}});
  co_return started;
}

Task<Json> StartBuildOfBatch(Call& call) {
  MILL_CO_TRY(Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  co_return co_await StartOwnBuild(call, std::move(project), call.input);
}

Task<Json> StopBuildBatch(Call& call) {
  MILL_CO_TRY(const Json known, co_await RequireBatch(call, call.input.StringOr("id", "")));
  if (!known.BoolOr("complete", false))
    call.ports.engine.Post(call.batch, BatchInstance(call, known.StringOr("id", "")), "stop",
                           Json::Object{});
  co_return Json::Object{{"buildBatch", ShownBuild(known)}};
}

Task<Json> RetryBuildBatch(Call& call) {
  MILL_CO_TRY(const Json known, co_await RequireBatch(call, call.input.StringOr("id", "")));
  if (!known.BoolOr("complete", false))
    co_return InvalidInput("Build batch is still in progress: " + known.StringOr("arn", ""));
  const Json data = Json::Object{{"type", call.input.StringOr("retryType", "RETRY_ALL_BUILDS")}};
  MILL_CO_CHECK(co_await call.ports.engine.Reopen(
      call.batch, BatchInstance(call, known.StringOr("id", "")), "retry", data));
  co_return Json::Object{{"buildBatch", ShownBuild(known)}};
}

Task<Json> BatchGetBuildBatches(Call& call) {
  Json::Array found, missing;
  for (const Json& id : ItemsOf(call.input["ids"])) {
    const auto known = co_await RequireBatch(call, id.AsString());
    if (known)
      found.push_back(ShownBuild(*known));
    else if (known.error().code == Code::kNotFound)
      missing.push_back(id);
    else
      co_return known.error();
  }
  co_return Json::Object{{"buildBatches", std::move(found)},
                         {"buildBatchesNotFound", std::move(missing)}};
}

namespace {

/// A page of ids, those of one status when the filter names one.
Task<Json> ListBatches(Call& call, Key prefix) {
  MILL_CO_TRY(const Json page, co_await ListIndex(call, prefix));
  const std::string status = call.input["filter"].StringOr("status", "");
  if (status.empty()) co_return page;
  Json::Array ids;
  for (const Json& id : ItemsOf(page["ids"])) {
    MILL_CO_TRY(const Json known, co_await RequireBatch(call, id.AsString()));
    if (known.StringOr("buildBatchStatus", "") == status) ids.push_back(id);
  }
  co_return page.With("ids", std::move(ids));
}

}  // namespace

Task<Json> ListBuildBatches(Call& call) {
  const Key prefix = call.KeyFor({"codebuild", "batch-started", ""});
  co_return co_await ListBatches(call, prefix);
}

Task<Json> ListBuildBatchesForProject(Call& call) {
  MILL_CO_TRY(const Document project,
              co_await RequireProject(call, call.input.StringOr("projectName", "")));
  const Key prefix =
      call.KeyFor({"codebuild", "batch-started-of", project.body.StringOr("name", ""), ""});
  co_return co_await ListBatches(call, prefix);
}

/// The batch's buildspec, read where the source is: inline, in git, in a zip of S3.
Task<Json> ReadBatchSpec(Ports& ports, Json what) {
  const Json& batch = what["batch"];
  MILL_CO_TRY(const Asker asker, AskerOf(ports, batch));
  const Json& source = batch["source"];
  const std::string given = source.StringOr("buildspec", "");
  const std::string type = source.StringOr("type", "");
  const bool is_inline = given.find('\n') != std::string::npos || given.starts_with("version");
  const std::string path = given.empty() ? "buildspec.yml" : given;
  std::string text = given, resolved;
  if (type == "S3" && !is_inline) {
    const std::string location = source.StringOr("location", "");
    const size_t slash = location.find('/');
    if (slash == std::string::npos)
      co_return Error{Code::kInvalid, "CLIENT_ERROR", location + " names no object"};
    const std::string file = ports.data_dir + "/tmp/" + ports.random.NewUuid();
    MILL_CO_CHECK(
        co_await FetchObject(asker, location.substr(0, slash), location.substr(slash + 1), file));
    const auto entry = co_await ports.archive.ReadEntry(file, path, kSpecBytesMax);
    std::error_code ignored;  // a leftover of the temporary folder goes at the next start
    std::filesystem::remove(file, ignored);
    if (!entry) co_return Error{Code::kInvalid, "YAML_FILE_ERROR", entry.error().message};
    text = *entry;
  } else if (type != "NO_SOURCE" && type != "S3") {
    const RepoId repo{asker.account, asker.region, RepositoryOf(source.StringOr("location", ""))};
    const std::string version =
        batch.StringOr("resolvedSourceVersion", batch.StringOr("sourceVersion", ""));
    const auto commit = co_await ResolveVersion(asker, repo, version);
    if (!commit) co_return Error{Code::kInvalid, "CLIENT_ERROR", "git: " + commit.error().message};
    resolved = *commit;
    if (!is_inline) {
      const auto file = co_await ports.repos.ReadFile(repo, resolved, path, kSpecBytesMax);
      if (!file) co_return Error{Code::kInvalid, "YAML_FILE_ERROR", file.error().message};
      text = *file;
    }
  }
  MILL_CO_TRY(Json spec, buildspec::BatchOf(text));
  MILL_CO_CHECK(CheckRestrictions(batch["buildBatchConfig"]["restrictions"], spec["groups"]));
  if (!resolved.empty()) spec = spec.With("resolvedSourceVersion", resolved);
  co_return spec;
}

}  // namespace stepmill::codebuild
