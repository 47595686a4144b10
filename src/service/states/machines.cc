#include "service/states/machines.h"

#include "base/strings.h"
#include "gate/door.h"
#include "gate/principal.h"
#include "lang/asl/definition.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/execution_log.h"
#include "service/states/task_performer.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr int kPageDefault = 100;
constexpr size_t kTagsMax = 50;

Json OwnedKey() { return Json::Object{{"type", "AWS_OWNED_KEY"}}; }

/// Step Functions: "Logging"; the defaults are shown.
Result<Json> ReadLogging(const Json* given) {
  Json::Object out{{"level", "OFF"}, {"includeExecutionData", false}};
  if (!given) return Json(std::move(out));
  out.Set("level", given->StringOr("level", "OFF"));
  out.Set("includeExecutionData", given->BoolOr("includeExecutionData", false));
  const Json& destinations = (*given)["destinations"];
  if (destinations.is_array()) out.Set("destinations", destinations);
  const size_t count = destinations.is_array() ? destinations.size() : 0;
  const bool is_off = given->StringOr("level", "OFF") == "OFF";
  if (count > 1 || (!is_off && count != 1))
    return InvalidLoggingConfiguration("Must specify exactly one Log Destination.");
  return Json(std::move(out));
}

/// The destination must be a group of this account and region.
Task<> CheckLogDestination(Call& call, Json logging) {
  if (!logging["destinations"].is_array() || logging["destinations"].size() == 0)
    co_return Result<>();
  const LogSettings settings = ReadLogSettings(logging);
  const Error missing = InvalidLoggingConfiguration("Log Destination not found.");
  if (settings.group.empty()) co_return missing;
  const Json input = Json::Object{{"logGroupNamePrefix", settings.group}};
  const auto found = co_await AskToRead(call, "logs", "DescribeLogGroups", input);
  if (!found) co_return missing;
  for (const Json& group : found->output["logGroups"].items())
    if (group.StringOr("logGroupName", "") == settings.group) co_return Result<>();
  co_return missing;
}

Json ReadTracing(const Json* given) {
  return Json::Object{{"enabled", given ? given->BoolOr("enabled", false) : false}};
}

Result<> CheckEncryption(const Json& input) {
  const Json* encryption = input.Find("encryptionConfiguration");
  if (encryption && encryption->StringOr("type", "") != "AWS_OWNED_KEY")
    return NotBuilt("encryptionConfiguration with a key of your own");
  return {};
}

Result<> CheckRole(std::string_view arn) {
  if (!RolePrincipal(arn, "check")) return InvalidArnPrefix(arn);
  return {};
}

asl::CompileOptions OptionsOf(Call& call, bool is_express) {
  asl::CompileOptions options;
  options.is_express = is_express;
  options.check_parameters = [&door = call.ports.door](const asl::Resource& resource,
                                                       const Json& parameters) {
    return CheckTaskParameters(door, resource, parameters);
  };
  return options;
}

Result<std::shared_ptr<const asl::Definition>> Check(Call& call, const std::string& text,
                                                     bool is_express) {
  const asl::CompileOptions options = OptionsOf(call, is_express);
  asl::Compiled compiled = asl::Compile(text, options);
  if (!compiled.definition) return InvalidDefinition(asl::JoinFindings(compiled.findings));
  return compiled.definition;
}

Json Seconds(const Json& millis) { return Json(static_cast<double>(millis.AsInteger()) / 1000.0); }

Task<Document> RequireTagged(Call& call) {
  const std::string arn = call.input.StringOr("resourceArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  auto found = co_await RequireMachine(call, arn);
  if (!found) co_return ResourceNotFound(arn);
  co_return *std::move(found);
}

}  // namespace

Task<Json> CreateStateMachine(Call& call) {
  const std::string name = call.input.StringOr("name", "");
  const std::string definition = call.input.StringOr("definition", "");
  const std::string type = call.input.StringOr("type", "STANDARD");
  MILL_CO_CHECK(CheckName(name));
  if (call.input.Has("versionDescription") && !call.input.BoolOr("publish", false))
    co_return Error{Code::kInvalid, "ValidationException",
                    "Version description can only be set when publish is true"};
  MILL_CO_CHECK(CheckRole(call.input.StringOr("roleArn", "")));
  MILL_CO_CHECK(CheckEncryption(call.input));
  MILL_CO_TRY(const Json logging, ReadLogging(call.input.Find("loggingConfiguration")));
  MILL_CO_CHECK(co_await CheckLogDestination(call, logging));
  MILL_CO_TRY(const auto compiled, Check(call, definition, type == "EXPRESS"));
  if (type == "EXPRESS")
    co_return StateMachineTypeNotSupported(
        "State machines of type EXPRESS are not built in stepmill: use STANDARD");
  if (call.input.BoolOr("publish", false)) co_return NotBuilt("publishing versions");
  const Json tags = call.input.Has("tags") ? call.input["tags"] : Json(Json::Array{});
  const std::string arn = MachineArn(call, name);
  if (tags.size() > kTagsMax) co_return TooManyTags(arn);
  const Json tracing = ReadTracing(call.input.Find("tracingConfiguration"));
  MILL_CO_TRY(const auto existing, co_await call.ports.store.Get(MachineKey(call, name)));
  if (existing) {
    const Json& old = existing->body;
    const bool is_same =
        old.StringOr("definition", "") == definition && old.StringOr("type", "") == type &&
        old["loggingConfiguration"] == logging && old["tracingConfiguration"] == tracing;
    if (!is_same) co_return StateMachineAlreadyExists(arn);
    co_return Json::Object{{"stateMachineArn", arn}, {"creationDate", Seconds(old["createdAt"])}};
  }
  const int64_t now = MillisSinceEpoch(call.Now());
  Json::Object document{{"stateMachineArn", arn},
                        {"name", name},
                        {"type", type},
                        {"definition", definition},
                        {"roleArn", call.input["roleArn"]},
                        {"loggingConfiguration", logging},
                        {"tracingConfiguration", tracing},
                        {"createdAt", now},
                        {"updatedAt", now},
                        {"tags", tags}};
  call.batch.Create(MachineKey(call, name), std::move(document));
  co_return Json::Object{{"stateMachineArn", arn}, {"creationDate", Seconds(now)}};
}

Task<Json> UpdateStateMachine(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const Document machine, co_await RequireMachine(call, arn));
  const bool has_change = call.input.Has("definition") || call.input.Has("roleArn") ||
                          call.input.Has("loggingConfiguration") ||
                          call.input.Has("tracingConfiguration") ||
                          call.input.Has("encryptionConfiguration");
  if (!has_change && !call.input.BoolOr("publish", false)) co_return MissingRequiredParameter();
  MILL_CO_CHECK(CheckEncryption(call.input));
  if (call.input.Has("versionDescription") && !call.input.BoolOr("publish", false))
    co_return Error{Code::kInvalid, "ValidationException",
                    "Version description can only be set when publish is true"};
  if (call.input.BoolOr("publish", false)) co_return NotBuilt("publishing versions");
  Json changed = machine.body;
  if (const Json* definition = call.input.Find("definition")) {
    MILL_CO_TRY(const auto compiled, Check(call, definition->AsString(), false));
    changed = changed.With("definition", *definition);
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
  const int64_t now = MillisSinceEpoch(call.Now());
  if (changed != machine.body)
    changed = changed.With("revisionId", call.ports.random.NewUuid()).With("updatedAt", now);
  call.batch.Replace(machine, changed);
  Json::Object answer{{"updateDate", Seconds(now)}};
  answer.SetIf("revisionId", changed.Find("revisionId"));
  co_return answer;
}

Task<Json> DescribeStateMachine(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const Document machine, co_await RequireMachine(call, arn));
  const Json& body = machine.body;
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  Json::Object out{{"stateMachineArn", arn}, {"name", body["name"]}, {"status", "ACTIVE"}};
  if (with_data) out.Set("definition", body["definition"]);
  out.Set("roleArn", body["roleArn"]);
  out.Set("type", body["type"]);
  out.Set("creationDate", Seconds(body["createdAt"]));
  out.Set("loggingConfiguration", body["loggingConfiguration"]);
  out.Set("tracingConfiguration", body["tracingConfiguration"]);
  out.SetIf("revisionId", body.Find("revisionId"));
  out.Set("encryptionConfiguration", OwnedKey());
  if (with_data) {
    const asl::Compiled compiled = asl::Compile(body.StringOr("definition", ""));
    const Json references =
        compiled.definition ? asl::VariableReferences(*compiled.definition) : Json();
    if (!references.is_null()) out.Set("variableReferences", references);
  }
  co_return out;
}

Task<Json> DeleteStateMachine(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  if (parsed.type != "stateMachine") co_return InvalidArnType(parsed.type);
  auto machine = co_await RequireMachine(call, arn);
  if (machine) call.batch.Delete(machine->key);
  co_return Json::Object{};
}

Task<Json> ListStateMachines(Call& call) {
  int limit = static_cast<int>(call.input.IntOr("maxResults", 0));
  if (limit == 0) limit = kPageDefault;
  const Key prefix = call.KeyFor({"states", "machine", ""});
  Key from = prefix;
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(from, ReadPageToken(token->AsString()));
    if (!from.starts_with(prefix)) co_return InvalidToken();
  }
  const Key to = PrefixEnd(prefix);
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Range(from, to, Direction::kForward, limit + 1));
  Json::Array list;
  Json::Object out;
  for (const Document& document : found) {
    if (static_cast<int>(list.size()) == limit) {
      out.Set("nextToken", PageToken(document.key));
      break;
    }
    list.push_back(Json::Object{{"stateMachineArn", document.body["stateMachineArn"]},
                                {"name", document.body["name"]},
                                {"type", document.body["type"]},
                                {"creationDate", Seconds(document.body["createdAt"])}});
  }
  out.Set("stateMachines", Json(std::move(list)));
  co_return out;
}

Task<Json> ValidateStateMachineDefinition(Call& call) {
  const asl::CompileOptions options =
      OptionsOf(call, call.input.StringOr("type", "STANDARD") == "EXPRESS");
  const asl::Compiled compiled = asl::Compile(call.input.StringOr("definition", ""), options);
  int64_t limit = call.input.IntOr("maxResults", 0);
  if (limit == 0) limit = kPageDefault;
  const bool wants_warnings = call.input.StringOr("severity", "ERROR") == "WARNING";
  Json::Array diagnostics;
  bool has_error = false;
  bool is_truncated = false;
  for (const asl::Finding& finding : compiled.findings) {
    has_error = has_error || finding.is_error;
    if (!finding.is_error && !wants_warnings) continue;
    if (static_cast<int64_t>(diagnostics.size()) >= limit) {
      is_truncated = true;
      break;
    }
    Json::Object diagnostic{{"severity", finding.is_error ? "ERROR" : "WARNING"},
                            {"code", finding.code},
                            {"message", finding.message}};
    if (!finding.location.empty()) diagnostic.Set("location", finding.location);
    diagnostics.push_back(std::move(diagnostic));
  }
  co_return Json::Object{{"result", has_error ? "FAIL" : "OK"},
                         {"diagnostics", Json(std::move(diagnostics))},
                         {"truncated", is_truncated}};
}

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document machine, co_await RequireTagged(call));
  Json::Array tags = machine.body["tags"].items();
  for (const Json& tag : call.input["tags"].items()) {
    bool is_known = false;
    for (Json& old : tags) {
      if (old["key"] != tag["key"]) continue;
      old = tag;
      is_known = true;
    }
    if (!is_known) tags.push_back(tag);
  }
  if (tags.size() > kTagsMax) co_return TooManyTags(call.input.StringOr("resourceArn", ""));
  call.batch.Replace(machine, machine.body.With("tags", Json(std::move(tags))));
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document machine, co_await RequireTagged(call));
  Json::Array tags;
  for (const Json& tag : machine.body["tags"].items()) {
    bool is_gone = false;
    for (const Json& key : call.input["tagKeys"].items()) is_gone = is_gone || tag["key"] == key;
    if (!is_gone) tags.push_back(tag);
  }
  call.batch.Replace(machine, machine.body.With("tags", Json(std::move(tags))));
  co_return Json::Object{};
}

Task<Json> ListTagsForResource(Call& call) {
  MILL_CO_TRY(const Document machine, co_await RequireTagged(call));
  co_return Json::Object{{"tags", machine.body["tags"]}};
}

}  // namespace stepmill::states
