#include "base/strings.h"
#include "gate/principal.h"
#include "json/each.h"
#include "service/codepipeline/declaration.h"
#include "service/codepipeline/errors.h"
#include "service/codepipeline/records.h"
#include "service/ports.h"

namespace stepmill::codepipeline {
namespace {

constexpr int kPageMax = 1000;
constexpr int kAllMax = 1'000'000;

std::string Padded(int64_t version) {
  const std::string digits = std::to_string(version);
  return std::string(digits.size() < 8 ? 8 - digits.size() : 0, '0') + digits;
}

Key FollowKey(const Call& call, const Followed& followed, const std::string& name) {
  return call.KeyFor(
      {"codepipeline", "follow", followed.kind, followed.first, followed.second, name});
}

/// The documents of a pipeline's structure: itself, this version, and what it follows.
void PutStructure(Call& call, const std::string& name, const Json& declaration) {
  call.batch.PutDocument(
      call.KeyFor({"codepipeline", "version", name, Padded(declaration.IntOr("version", 1))}),
      declaration);
  for (const Followed& followed : FollowedSources(declaration))
    call.batch.PutDocument(FollowKey(call, followed, name), Json::Object{});
}

Result<> CheckRoles(const Json& declaration) {
  MILL_CHECK(RolePrincipal(declaration.StringOr("roleArn", ""), "check"));
  for (const Json& stage : ItemsOf(declaration["stages"]))
    for (const Json& action : ItemsOf(stage["actions"]))
      if (action.Has("roleArn")) MILL_CHECK(RolePrincipal(action.StringOr("roleArn", ""), "check"));
  return {};
}

Task<Document> RequireByArn(Call& call) {
  const std::string arn = call.input.StringOr("resourceArn", "");
  const std::string prefix = call.Arn("codepipeline", "");
  if (!arn.starts_with(prefix))
    co_return Error{Code::kInvalid, "InvalidArnException", "No ARN of a pipeline: " + arn};
  Result<Document> found = co_await RequirePipeline(call, arn.substr(prefix.size()));
  if (!found) co_return Error{Code::kNotFound, "ResourceNotFoundException", found.error().message};
  co_return *std::move(found);
}

Json WithoutTag(const Json& tags, const std::string& key) {
  Json::Array left;
  for (const Json& tag : ItemsOf(tags))
    if (tag.StringOr("key", "") != key) left.push_back(tag);
  return left;
}

}  // namespace

Key RecordKey(std::string_view account, std::string_view region,
              std::initializer_list<std::string_view> parts) {
  return MakeKey({account, region}) + "/codepipeline/" + MakeKey(parts);
}

Task<Document> RequirePipeline(Call& call, std::string name) {
  const Key key = call.KeyFor({"codepipeline", "pipeline", name});
  MILL_CO_TRY(std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return PipelineNotFound(name, call.account);
  co_return *std::move(found);
}

Task<Json> CreatePipeline(Call& call) {
  const std::string name = call.input["pipeline"].StringOr("name", "");
  MILL_CO_TRY(const Json declaration, CheckDeclaration(call.input["pipeline"], 1, call.region));
  MILL_CO_CHECK(CheckRoles(declaration));
  const Key key = call.KeyFor({"codepipeline", "pipeline", name});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (found) co_return PipelineNameInUse(name, call.account);
  const double now = SecondsSinceEpoch(call.Now());
  Json::Object document;
  document.Set("declaration", declaration);
  document.Set("created", now);
  document.Set("updated", now);
  document.SetIf("tags", call.input.Find("tags"));
  call.batch.Create(key, document);
  PutStructure(call, name, declaration);
  Launch launch;
  launch.declaration = declaration;
  launch.trigger_type = "CreatePipeline";
  launch.trigger_detail = call.principal.arn;
  MILL_CO_CHECK(co_await AddExecution(call, launch));
  Json::Object output{{"pipeline", declaration}};
  output.SetIf("tags", call.input.Find("tags"));
  co_return Json(output);
}

Task<Json> GetPipeline(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  MILL_CO_TRY(const Document pipeline, co_await RequirePipeline(call, name));
  Json declaration = pipeline.body["declaration"];
  if (call.input.Has("version")) {
    const int64_t version = call.input.IntOr("version", 0);
    const Key key = call.KeyFor({"codepipeline", "version", name, Padded(version)});
    MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
    if (!found) co_return PipelineVersionNotFound(name, version);
    declaration = found->body;
  }
  Json::Object metadata;
  metadata.Set("pipelineArn", call.Arn("codepipeline", name));
  metadata.Set("created", pipeline.body["created"]);
  metadata.Set("updated", pipeline.body["updated"]);
  co_return Json::Object{{"pipeline", declaration}, {"metadata", metadata}};
}

Task<Json> ListPipelines(Call& call) {
  const Key prefix = call.KeyFor({"codepipeline", "pipeline", ""});
  const std::string after = Unbase64(call.input.StringOr("nextToken", "")).value_or("");
  const Key from = after.starts_with(prefix) ? after + '\0' : prefix;
  const int limit = static_cast<int>(call.input.IntOr("maxResults", kPageMax));
  MILL_CO_TRY(const std::vector<Document> found,
              co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward, limit));
  Json::Array pipelines;
  for (const Document& document : found) {
    const Json& declaration = document.body["declaration"];
    Json::Object summary;
    for (const char* member : {"name", "version", "pipelineType", "executionMode"})
      summary.Set(member, declaration[member]);
    summary.Set("created", document.body["created"]);
    summary.Set("updated", document.body["updated"]);
    pipelines.push_back(Json(summary));
  }
  Json::Object output{{"pipelines", pipelines}};
  if (static_cast<int>(found.size()) == limit) output.Set("nextToken", Base64(found.back().key));
  co_return Json(output);
}

Task<Json> UpdatePipeline(Call& call) {
  const std::string name = call.input["pipeline"].StringOr("name", "");
  const Result<Document> found = co_await RequirePipeline(call, name);
  // The model has no PipelineNotFoundException here; AWS answers this.
  if (!found && found.error().code == Code::kNotFound)
    co_return InvalidStructure("A pipeline with the name '" + name +
                               "' does not exist in account '" + call.account + "'");
  if (!found) co_return found.error();
  const Json before = found->body["declaration"];
  MILL_CO_TRY(
      const Json declaration,
      CheckDeclaration(call.input["pipeline"], before.IntOr("version", 1) + 1, call.region));
  MILL_CO_CHECK(CheckRoles(declaration));
  for (const Followed& followed : FollowedSources(before))
    call.batch.Delete(FollowKey(call, followed, name));
  // A stage that was taken out keeps nothing that would stand in its way when it comes back.
  for (const Json& stage : before["stages"].items()) {
    bool stays = false;
    for (const Json& now : declaration["stages"].items())
      stays = stays || now.StringOr("name", "") == stage.StringOr("name", "");
    if (!stays)
      call.batch.Delete(call.KeyFor({"codepipeline", "latest", name, stage.StringOr("name", "")}));
  }
  call.batch.Replace(
      *found,
      found->body.With("declaration", declaration).With("updated", SecondsSinceEpoch(call.Now())));
  PutStructure(call, name, declaration);
  co_return Json::Object{{"pipeline", declaration}};
}

Task<Json> DeletePipeline(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  const Key key = call.KeyFor({"codepipeline", "pipeline", name});
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found) co_return Json::Object{};  // AWS: no error
  const Key executions = call.KeyFor({"codepipeline", "execution", name, ""});
  MILL_CO_TRY(const std::vector<Document> all,
              co_await call.ports.store.Range(executions, PrefixEnd(executions),
                                              Direction::kForward, kAllMax));
  for (const Document& execution : all) {
    const std::string status = execution.body.StringOr("status", "");
    if (status == "InProgress" || status == "Stopping")
      call.ports.engine.Post(call.batch, execution.body.StringOr("instance", ""), "deleted",
                             Json::Object{});
  }
  for (const Followed& followed : FollowedSources(found->body["declaration"]))
    call.batch.Delete(FollowKey(call, followed, name));
  for (const std::string_view kind :
       {"version", "stage", "execution", "order", "latest", "action", "resume"}) {
    const Key prefix = call.KeyFor({"codepipeline", kind, name, ""});
    MILL_CO_TRY(
        const std::vector<Document> documents,
        co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kAllMax));
    for (const Document& document : documents) call.batch.Delete(document.key);
  }
  call.batch.Delete(key);
  co_return Json::Object{};
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document pipeline, co_await RequireByArn(call));
  Json tags = pipeline.body["tags"];
  for (const Json& tag : call.input["tags"].items())
    tags = WithoutTag(tags, tag.StringOr("key", "")).Push(tag);
  call.batch.Replace(pipeline, pipeline.body.With("tags", tags));
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document pipeline, co_await RequireByArn(call));
  Json tags = pipeline.body["tags"];
  for (const Json& key : call.input["tagKeys"].items()) tags = WithoutTag(tags, key.AsString());
  call.batch.Replace(pipeline, pipeline.body.With("tags", tags));
  co_return Json::Object{};
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document pipeline, co_await RequireByArn(call));
  const Json& tags = pipeline.body["tags"];
  co_return Json::Object{{"tags", tags.is_array() ? tags : Json(Json::Array{})}};
}

}  // namespace stepmill::codepipeline
