#include "service/states/machines.h"

#include "engine/engine.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/execution_log.h"
#include "service/states/settings.h"
#include "service/states/sweep.h"
#include "service/states/tags.h"
#include "service/states/versions.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr int kOfMachineMax = 1000;  // versions or aliases of one machine

/// The members of a revision that a request gives or changes.
constexpr const char* kSettings[] = {"definition", "roleArn", "loggingConfiguration",
                                     "tracingConfiguration", "encryptionConfiguration"};

/// Adds the revision to the batch; its id.
std::string AddRevision(Call& call, const Json& revision) {
  const std::string id = call.ports.random.NewUuid();
  call.batch.Create(RevisionKey(call, id), revision);
  return id;
}

Result<> CheckDescription(const Json& input) {
  if (!input.Has("versionDescription") || input.BoolOr("publish", false)) return {};
  return Validation("Version description can only be set when publish is true");
}

/// A stream that says that the group can be written to, as AWS makes one.
void AnnounceLogging(Call& call, const Json& revision) {
  const Json& logging = revision["loggingConfiguration"];
  if (logging.StringOr("level", "OFF") == "OFF") return;
  call.ports.engine.Deliver(
      call.batch, call.ports.random.NewUuid(), kLogCheckPerformerName,
      Json::Object{{"logging", logging}, {"account", call.account}, {"region", call.region}});
}

/// The same request again answers as the first one did; any other is refused.
Task<Json> Repeat(Call& call, Document existing, Json wanted) {
  MILL_CO_TRY(const Json revision, co_await RequireRevision(call, existing.body));
  const std::string arn = existing.body.StringOr("stateMachineArn", "");
  bool is_same = revision.StringOr("type", "") == wanted.StringOr("type", "");
  for (const char* member : kSettings)
    is_same =
        is_same && (std::string_view(member) == "roleArn" || revision[member] == wanted[member]);
  Json::Object answer{{"stateMachineArn", arn},
                      {"creationDate", SecondsOf(existing.body["createdAt"])}};
  if (is_same && call.input.BoolOr("publish", false)) {
    const Key key =
        VersionKey(call, existing.body.StringOr("name", ""), existing.body.IntOr("version", 0));
    MILL_CO_TRY(const auto version, co_await call.ports.store.Get(key));
    is_same = version && version->body.StringOr("description", "") ==
                             call.input.StringOr("versionDescription", "");
    if (is_same) answer.Set("stateMachineVersionArn", version->body["stateMachineVersionArn"]);
  }
  if (!is_same) co_return StateMachineAlreadyExists(arn);
  co_return answer;
}

}  // namespace

Task<Json> CreateStateMachine(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  const std::string type = call.input.StringOr("type", "STANDARD");
  MILL_CO_CHECK(CheckName(name));
  MILL_CO_CHECK(CheckDescription(call.input));
  MILL_CO_CHECK(CheckRole(call.input.StringOr("roleArn", "")));
  MILL_CO_TRY(const Json encryption, ReadEncryption(call.input.Find("encryptionConfiguration")));
  MILL_CO_TRY(const Json logging, ReadLogging(call.input.Find("loggingConfiguration")));
  MILL_CO_CHECK(co_await CheckLogDestination(call, logging));
  const std::string definition = call.input.StringOr("definition", "");
  MILL_CO_TRY(const auto compiled, CheckDefinition(call, definition, type == "EXPRESS"));
  const std::string arn = MachineArn(call, name);
  const Json tags = call.input.Has("tags") ? call.input["tags"] : Json(Json::Array{});
  if (tags.size() > kTagsMax) co_return TooManyTags(arn);
  const int64_t now = MillisSinceEpoch(call.Now());
  const Json revision =
      Json::Object{{"stateMachineArn", arn},
                   {"name", name},
                   {"type", type},
                   {"definition", definition},
                   {"roleArn", call.input["roleArn"]},
                   {"loggingConfiguration", logging},
                   {"tracingConfiguration", ReadTracing(call.input.Find("tracingConfiguration"))},
                   {"encryptionConfiguration", encryption},
                   {"updatedAt", now}};
  MILL_CO_TRY(const auto existing, co_await call.ports.store.Get(MachineKey(call, name)));
  if (existing) co_return co_await Repeat(call, *existing, revision);
  Json machine = Json::Object{{"stateMachineArn", arn}, {"name", name},
                              {"type", type},           {"revision", AddRevision(call, revision)},
                              {"createdAt", now},       {"tags", tags}};
  Json::Object answer{{"stateMachineArn", arn}, {"creationDate", SecondsOf(now)}};
  if (call.input.BoolOr("publish", false)) {
    const std::string description = call.input.StringOr("versionDescription", "");
    MILL_CO_TRY(const Published published, co_await Publish(call, machine, description));
    machine = published.machine;
    answer.Set("stateMachineVersionArn", published.version["stateMachineVersionArn"]);
  }
  call.batch.Create(MachineKey(call, name), machine);
  AnnounceLogging(call, revision);
  co_return answer;
}

Task<Json> UpdateStateMachine(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const Document machine, co_await RequireMachine(call, arn));
  bool has_change = false;
  for (const char* member : kSettings) has_change = has_change || call.input.Has(member);
  if (!has_change) co_return MissingRequiredParameter();
  MILL_CO_CHECK(CheckDescription(call.input));
  MILL_CO_TRY(const Json revision, co_await RequireRevision(call, machine.body));
  Json changed = revision;
  if (const Json* encryption = call.input.Find("encryptionConfiguration")) {
    MILL_CO_TRY(const Json read, ReadEncryption(encryption));
    changed = changed.With("encryptionConfiguration", read);
  }
  if (const Json* role = call.input.Find("roleArn")) {
    MILL_CO_CHECK(CheckRole(role->AsString()));
    changed = changed.With("roleArn", *role);
  }
  if (const Json* logging = call.input.Find("loggingConfiguration")) {
    MILL_CO_TRY(const Json read, ReadLogging(logging));
    MILL_CO_CHECK(co_await CheckLogDestination(call, read));
    changed = changed.With("loggingConfiguration", read);
  }
  if (const Json* tracing = call.input.Find("tracingConfiguration"))
    changed = changed.With("tracingConfiguration", ReadTracing(tracing));
  if (const Json* definition = call.input.Find("definition")) {
    const bool is_express = revision.StringOr("type", "") == "EXPRESS";
    MILL_CO_TRY(const auto compiled, CheckDefinition(call, definition->AsString(), is_express));
    changed = changed.With("definition", *definition);
  }
  const int64_t now = MillisSinceEpoch(call.Now());
  Json updated = machine.body;
  if (changed != revision) {
    const std::string revision_id = call.ports.random.NewUuid();
    changed = changed.With("revisionId", revision_id).With("updatedAt", now);
    updated = updated.With("revision", AddRevision(call, changed)).With("revisionId", revision_id);
    if (updated.Has("version")) updated = updated.Without("version");
    if (changed["loggingConfiguration"] != revision["loggingConfiguration"])
      AnnounceLogging(call, changed);
  }
  Json::Object answer{{"updateDate", SecondsOf(now)}};
  answer.SetIf("revisionId", updated.Find("revisionId"));
  if (call.input.BoolOr("publish", false)) {
    const std::string description = call.input.StringOr("versionDescription", "");
    MILL_CO_TRY(const Published published, co_await Publish(call, updated, description));
    updated = published.machine;
    answer.Set("stateMachineVersionArn", published.version["stateMachineVersionArn"]);
  }
  call.batch.Replace(machine, updated);
  co_return answer;
}

Task<Json> DescribeStateMachine(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const MachineTarget target, co_await RequireTarget(call, arn, false));
  MILL_CO_TRY(const Json revision, co_await RequireRevision(call, target.refers));
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  Json::Object out{{"stateMachineArn", arn}, {"name", revision["name"]}, {"status", "ACTIVE"}};
  if (with_data) out.Set("definition", revision["definition"]);
  out.Set("roleArn", revision["roleArn"]);
  out.Set("type", revision["type"]);
  out.Set("creationDate", SecondsOf(target.refers["createdAt"]));
  out.Set("loggingConfiguration", revision["loggingConfiguration"]);
  out.Set("tracingConfiguration", revision["tracingConfiguration"]);
  out.SetIf("revisionId", revision.Find("revisionId"));
  out.SetIf("description", target.version.Find("description"));
  out.Set("encryptionConfiguration", revision["encryptionConfiguration"]);
  if (with_data) AddVariableReferences(out, revision.StringOr("definition", ""));
  co_return out;
}

Task<Json> DeleteStateMachine(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  const auto machine = co_await RequireMachine(call, arn);
  if (!machine) co_return Json::Object{};
  call.batch.expects.push_back({machine->key, machine->version});
  call.batch.Delete(machine->key);
  const Key prefixes[] = {VersionPrefix(call, parsed.name), AliasPrefix(call, parsed.name)};
  for (const Key& prefix : prefixes) {
    const Key end = PrefixEnd(prefix);
    MILL_CO_TRY(const auto documents,
                co_await call.ports.store.Range(prefix, end, Direction::kForward, kOfMachineMax));
    for (const Document& document : documents) call.batch.Delete(document.key);
  }
  // Executions that run are ended behind it.
  call.ports.engine.Deliver(call.batch, call.ports.random.NewUuid(), kSweepPerformerName,
                            Json::Object{{"prefix", StartedPrefix(call, parsed.name)},
                                         {"machine", parsed.name},
                                         {"account", call.account},
                                         {"region", call.region},
                                         {"deletedAt", MillisSinceEpoch(call.Now())}});
  co_return Json::Object{};
}

Task<Json> ListStateMachines(Call& call) {
  const Key prefix = call.KeyFor({"states", "machine", ""});
  MILL_CO_TRY(const Page page, co_await ReadPage(call, prefix, Direction::kForward));
  Json::Array list;
  for (const Document& document : page.documents)
    list.push_back(Json::Object{{"stateMachineArn", document.body["stateMachineArn"]},
                                {"name", document.body["name"]},
                                {"type", document.body["type"]},
                                {"creationDate", SecondsOf(document.body["createdAt"])}});
  Json::Object out{{"stateMachines", Json(std::move(list))}};
  if (page.next_token) out.Set("nextToken", *page.next_token);
  co_return out;
}

}  // namespace stepmill::states
