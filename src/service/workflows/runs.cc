#include "base/digest.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "lang/workflow/expression.h"
#include "lang/workflow/workflow.h"
#include "repo/repo.h"
#include "service/counter.h"
#include "service/ports.h"
#include "service/workflows/errors.h"
#include "service/workflows/records.h"

namespace stepmill::workflows {
namespace {

constexpr uint64_t kFileBytesMax = 1 << 20;
constexpr int kVariablesMax = 100;

std::string Padded(const std::string& id) {
  return std::string(12 - std::min<size_t>(12, id.size()), '0') + id;
}

Json GithubContext(const Call& call, const Cause& cause, const Json& run, const std::string& path) {
  const bool is_tag = cause.ref.starts_with("refs/tags/");
  std::string ref_name = cause.ref;
  for (const std::string_view prefix : {"refs/heads/", "refs/tags/", "refs/pull/"})
    if (ref_name.starts_with(prefix)) ref_name = ref_name.substr(prefix.size());
  const std::string folder = "/home/runner/work/" + cause.repository + "/" + cause.repository;
  return Json::Object{{"actor", cause.actor},
                      {"triggering_actor", cause.actor},
                      {"event_name", cause.event},
                      {"event", cause.payload},
                      {"event_path", "/home/runner/work/_temp/_github_workflow/event.json"},
                      {"repository", "local/" + cause.repository},
                      {"repository_owner", "local"},
                      {"ref", cause.ref},
                      {"ref_name", ref_name},
                      {"ref_type", is_tag ? "tag" : "branch"},
                      {"ref_protected", false},
                      {"sha", cause.commit},
                      {"head_ref", cause.head_ref},
                      {"base_ref", cause.base_ref},
                      {"run_id", run["runId"]},
                      {"run_number", std::to_string(run.IntOr("runNumber", 1))},
                      {"run_attempt", "1"},
                      {"workflow", run["workflowName"]},
                      {"workflow_ref", "local/" + cause.repository + "/" + path + "@" + cause.ref},
                      {"workflow_sha", cause.commit},
                      {"workspace", folder},
                      {"server_url", "http://127.0.0.1:4566"},
                      {"api_url", "http://127.0.0.1:4566/api"},
                      {"graphql_url", "http://127.0.0.1:4566/api/graphql"},
                      {"aws_account_id", call.account},
                      {"aws_region", call.region}};
}

/// Plain variables of the repository: /stepmill/workflows/REPOSITORY/vars/NAME.
Task<Json> Variables(Call& call, std::string repository) {
  const std::string path = "/stepmill/workflows/" + repository + "/vars/";
  Json::Object out;
  const Asker asker{call.ports, ServicePrincipal(kHost, call.account), call.account, call.region};
  const Json input = Json::Object{{"Path", path}};
  const auto found = co_await AskService(asker, "ssm", "GetParametersByPath", input);
  if (!found) co_return Json(std::move(out));  // none are kept here
  int count = 0;
  for (const Json& parameter : ItemsOf((*found)["Parameters"]))
    if (++count <= kVariablesMax)
      out.Set(parameter.StringOr("Name", "").substr(path.size()), parameter["Value"]);
  co_return Json(std::move(out));
}

/// Checks the inputs of workflow_dispatch and fills in defaults.
Result<Json> InputsOf(const Json& declared, const Json& given) {
  Json::Object out;
  for (const auto& member : MembersOf(given))
    if (!declared.Has(member.name))
      return Invalid("Unexpected inputs provided: [\"" + member.name + "\"]");
  for (const auto& [name, input] : MembersOf(declared)) {
    Json value = given.Has(name) ? given[name] : input["default"];
    const std::string type = input.StringOr("type", "string");
    if (value.is_null() && input.BoolOr("required", false))
      return Invalid("Required input '" + name + "' not provided");
    const std::string text = workflow::ToText(value);
    if (type == "boolean") value = text == "true";
    if (type == "choice" && !value.is_null()) {
      bool is_option = false;
      for (const Json& option : ItemsOf(input["options"]))
        is_option = is_option || workflow::ToText(option) == text;
      if (!is_option)
        return Invalid("Provided value '" + text + "' for input '" + name +
                       "' not in the list of allowed values");
    }
    if (type == "number" && !value.is_null() && !value.is_number()) {
      const auto number = ParseJson(text);
      if (!number || !number->is_number())
        return Invalid("Provided value '" + text + "' for input '" + name + "' is no number");
      value = *number;
    }
    if (value.is_null()) value = type == "boolean" ? Json(false) : Json("");
    out.Set(name, value);
  }
  return Json(std::move(out));
}

Task<Document> RequireRun(Call& call) {
  const std::string repository = call.input.StringOr("repositoryName", "");
  const std::string id = call.input.StringOr("runId", "");
  const Key key = RunKey(call.account, call.region, repository, id);
  MILL_CO_TRY(auto document, co_await call.ports.store.Get(key));
  if (!document) co_return RunNotFound(repository, id);
  co_return *std::move(document);
}

}  // namespace

Key RunKey(std::string_view account, std::string_view region, std::string_view repository,
           std::string_view id) {
  return MakeKey({account, region, "workflows", "run", repository, Padded(std::string(id))});
}

std::string InstanceId(std::string_view account, std::string_view region,
                       std::string_view repository, std::string_view id) {
  return "workflows/" + std::string(account) + "/" + std::string(region) + "/" +
         std::string(repository) + "/" + std::string(id);
}

Asker AskerOf(Ports& ports, const Json& run) {
  const std::string account = run.StringOr("account", "");
  return {ports, ServicePrincipal(kHost, account), account, run.StringOr("region", "")};
}

std::string JobIdOf(const Json& run, std::string_view job_key) {
  const std::string name = run.StringOr("account", "") + "/" + run.StringOr("region", "") + "/" +
                           run.StringOr("repositoryName", "") + "/" + run.StringOr("runId", "") +
                           "/" + std::string(job_key);
  return "workflow-" + Hex(Sha256(name)).substr(0, 32);
}

LogTarget LogTargetOf(const Json& run, std::string_view job_key) {
  return {run.StringOr("logGroupName", ""), run.StringOr("runId", "") + "/" + std::string(job_key)};
}

Task<Json> StartRun(Call& call, Cause cause, std::string path, std::string text) {
  const workflow::Parsed parsed = workflow::Parse(text);
  const Key counter_key = call.KeyFor({"workflows", "counter"});
  MILL_CO_TRY(const int64_t id, co_await NextNumber(call, counter_key));
  const Key number_key = call.KeyFor({"workflows", "number", cause.repository, path});
  MILL_CO_TRY(const int64_t number, co_await NextNumber(call, number_key));
  std::string name = parsed.workflow.StringOr("name", "");
  if (name.empty()) name = path;
  Json run = Json::Object{{"runId", std::to_string(id)},
                          {"runNumber", number},
                          {"repositoryName", cause.repository},
                          {"workflowName", name},
                          {"workflowPath", path},
                          {"title", cause.title},
                          {"event", cause.event},
                          {"ref", cause.ref},
                          {"commitId", cause.commit},
                          {"headCommitId", cause.status_commit},
                          {"actor", cause.actor},
                          {"status", "queued"},
                          {"createdAt", SecondsSinceEpoch(call.Now())},
                          {"logGroupName", "/stepmill/workflows/" + cause.repository},
                          {"account", call.account},
                          {"region", call.region}};
  Json::Object data;
  if (parsed.workflow.is_null()) {
    std::string message = "Invalid workflow file";
    for (const workflow::Finding& finding : parsed.findings)
      if (!finding.is_warning) {
        message += ": " + path + ":" + std::to_string(finding.at.line) + ":" +
                   std::to_string(finding.at.column) + ": " + finding.message;
        break;
      }
    run = run.With("message", message);
  } else {
    MILL_CO_TRY(const Json variables, co_await Variables(call, cause.repository));
    const Json github = GithubContext(call, cause, run, path);
    const Json contexts =
        Json::Object{{"github", github}, {"inputs", cause.inputs}, {"vars", variables}};
    const std::string wanted = parsed.workflow.StringOr("runName", "");
    if (!wanted.empty())
      if (const auto title = workflow::Interpolate(wanted, workflow::Scope{contexts}))
        run = run.With("title", *title);
    const auto concurrency =
        workflow::InterpolateValue(parsed.workflow["concurrency"], workflow::Scope{contexts});
    if (!concurrency) {
      run = run.With("message", "concurrency: " + concurrency.error().message);
    } else {
      data.Set("workflow", parsed.workflow);
      data.Set("contexts", contexts);
      const Json group = workflow::GroupOf(*concurrency);
      if (!group.is_null()) data.Set("group", group);
    }
  }
  data.Set("run", run);
  const std::string run_id = run.StringOr("runId", "");
  call.batch.PutDocument(RunKey(call.account, call.region, cause.repository, run_id), run);
  call.ports.engine.Start(call.batch,
                          InstanceId(call.account, call.region, cause.repository, run_id), kMachine,
                          Json(std::move(data)));
  co_return run;
}

Task<Json> StartWorkflowRun(Call& call) {
  Cause cause;
  cause.event = "workflow_dispatch";
  cause.repository = call.input.StringOr("repositoryName", "");
  const RepoId repo{call.account, call.region, cause.repository};
  std::string ref = call.input.StringOr("ref", "");
  if (ref.empty()) ref = "HEAD";
  const auto commit = co_await call.ports.repos.Resolve(repo, ref);
  if (!commit && commit.error().code == Code::kNotFound)
    co_return Error{Code::kNotFound, "ResourceNotFoundException",
                    "No ref found for: " + ref + " in repository " + cause.repository};
  if (!commit) co_return commit.error();
  cause.commit = cause.status_commit = *commit;
  cause.ref = ref.starts_with("refs/") || ref == "HEAD" ? ref : "refs/heads/" + ref;
  const std::string& arn = call.principal.arn;
  cause.actor = arn.substr(arn.find_last_of("/:") + 1);
  std::string path = call.input.StringOr("workflow", "");
  if (path.find('/') == std::string::npos) path = ".github/workflows/" + path;
  cause.title = path;
  const auto text = co_await call.ports.repos.ReadFile(repo, *commit, path, kFileBytesMax);
  if (!text && text.error().code == Code::kNotFound)
    co_return Error{Code::kNotFound, "ResourceNotFoundException",
                    "Workflow " + path + " does not exist at " + ref};
  if (!text) co_return text.error();
  MILL_CO_TRY(const Json workflow, workflow::ParseOrError(*text));
  if (!workflow["on"].Has("workflow_dispatch"))
    co_return Invalid("Workflow does not have 'workflow_dispatch' trigger");
  MILL_CO_TRY(cause.inputs,
              InputsOf(workflow["on"]["workflow_dispatch"]["inputs"], call.input["inputs"]));
  cause.payload = Json::Object{{"inputs", cause.inputs},
                               {"ref", cause.ref},
                               {"workflow", path},
                               {"sender", Json::Object{{"login", cause.actor}}},
                               {"repository", Json::Object{{"name", cause.repository}}}};
  const Cause known = cause;
  MILL_CO_TRY(const Json run, co_await StartRun(call, known, path, *text));
  co_return Json::Object{{"workflowRun", run}};
}

Task<Json> GetWorkflowRun(Call& call) {
  MILL_CO_TRY(const Document run, co_await RequireRun(call));
  co_return Json::Object{{"workflowRun", run.body}};
}

Task<Json> StopWorkflowRun(Call& call) {
  MILL_CO_TRY(const Document run, co_await RequireRun(call));
  if (run.body.StringOr("status", "") != "completed")
    call.ports.engine.Post(
        call.batch,
        InstanceId(call.account, call.region, run.body.StringOr("repositoryName", ""),
                   run.body.StringOr("runId", "")),
        "stop", Json::Object());
  co_return Json::Object{{"workflowRun", run.body}};
}

Task<Json> ListWorkflowRuns(Call& call) {
  const std::string repository = call.input.StringOr("repositoryName", "");
  const Key prefix = call.KeyFor({"workflows", "run", repository, ""});
  const int64_t limit = call.input.IntOr("maxResults", 30);
  const std::string token = call.input.StringOr("nextToken", "");
  const Key to =
      token.empty() ? PrefixEnd(prefix) : RunKey(call.account, call.region, repository, token);
  MILL_CO_TRY(const auto documents,
              co_await call.ports.store.Range(prefix, to, Direction::kBackward,
                                              static_cast<int>(limit) + 1));
  Json::Array runs;
  for (const Document& document : documents)
    if (static_cast<int64_t>(runs.size()) < limit) runs.push_back(document.body.Without("jobs"));
  Json::Object output;
  if (static_cast<int64_t>(documents.size()) > limit) output.Set("nextToken", runs.back()["runId"]);
  output.Set("workflowRuns", std::move(runs));
  co_return Json(std::move(output));
}

}  // namespace stepmill::workflows
