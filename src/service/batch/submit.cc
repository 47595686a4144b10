// SubmitJob: what a job is made of, by its definition and what the call sets over it.
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/batch/operations.h"
#include "service/batch/records.h"
#include "service/container_host.h"
#include "service/counter.h"
#include "service/ports.h"

namespace stepmill::batch {

namespace {

constexpr int64_t kArrayMin = 2, kArrayMax = 10'000;
constexpr size_t kDependenciesMax = 20;

bool IsJobName(const std::string& name) {
  if (name.empty() || name.size() > 128) return false;
  const auto is_word = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  };
  for (const char c : name)
    if (!is_word(c) && c != '_' && c != '-') return false;
  return is_word(name.front());
}

/// "Ref::name" of a command stands for the parameter.
Json WithParameters(const Json& command, const Json& parameters) {
  Json::Array out;
  for (const Json& word : ItemsOf(command)) {
    const std::string& text = word.AsString();
    const Json& value = text.starts_with("Ref::") ? parameters[text.substr(5)] : parameters[""];
    out.push_back(value.is_string() ? value : word);
  }
  return Json(std::move(out));
}

Json ContainerOf(const Json& definition, const Json& input, const Json& parameters) {
  Json container = definition["containerProperties"];
  const Json& over = input["containerOverrides"];
  for (const char* member : {"vcpus", "memory", "command", "instanceType"})
    if (over.Has(member)) container = container.With(member, over[member]);
  container =
      container.With("environment", Overlaid(container["environment"], over["environment"], "name"))
          .With("resourceRequirements",
                Overlaid(container["resourceRequirements"], over["resourceRequirements"], "type"))
          .With("command", WithParameters(container["command"], parameters));
  for (const char* list : {"volumes", "mountPoints", "ulimits", "secrets", "networkInterfaces"})
    if (!container.Has(list)) container = container.With(list, Json::Array{});
  return container;
}

Result<> CheckInput(const Json& input) {
  if (!IsJobName(input.StringOr("jobName", "")))
    return ClientError("Error executing request, Exception : Job name should match valid pattern");
  const int64_t size = input["arrayProperties"].IntOr("size", 0);
  if (size != 0 && (size < kArrayMin || size > kArrayMax))
    return ClientError(
        "Error executing request, Exception : Array size must be between 2 and "
        "10000.");
  if (input["dependsOn"].size() > kDependenciesMax)
    return ClientError(
        "Error executing request, Exception : A job can have at most 20 "
        "dependencies.");
  for (const Json& need : ItemsOf(input["dependsOn"])) {
    const std::string type = need.StringOr("type", "");
    if (!need.Has("jobId") && (type != "SEQUENTIAL" || size == 0))
      return ClientError("Error executing request, Exception : A dependency needs a jobId.");
    if (type == "N_TO_N" && size == 0)
      return ClientError(
          "Error executing request, Exception : N_TO_N dependencies are for array "
          "jobs.");
  }
  return Result<>();
}

/// The dependencies of a job; of an array's child with its index.
Json NeedsOf(const Json& input, const std::string& job_id, int64_t index) {
  Json::Array out;
  for (const Json& need : ItemsOf(input["dependsOn"])) {
    const std::string type = need.StringOr("type", "");
    if (type == "SEQUENTIAL" && !need.Has("jobId")) {
      if (index > 0) out.push_back(Json(job_id + ":" + std::to_string(index - 1)));
    } else if (type == "N_TO_N") {
      if (index >= 0) out.push_back(Json(need.StringOr("jobId", "") + ":" + std::to_string(index)));
    } else {
      out.push_back(need["jobId"]);
    }
  }
  return Json(std::move(out));
}

Json Base(const Call& call, const Json& input, const Json& definition, const Json& queue) {
  Json parameters =
      definition["parameters"].is_object() ? definition["parameters"] : Json(Json::Object{});
  for (const Json::Member& member : MembersOf(input["parameters"]))
    parameters = parameters.With(member.name, member.value);
  Json job = Json::Object{
      {"jobName", input["jobName"]},
      {"jobQueue", queue["jobQueueArn"]},
      {"status", "SUBMITTED"},
      {"attempts", Json::Array{}},
      {"createdAt", MillisSinceEpoch(call.now)},
      {"dependsOn", input["dependsOn"].is_array() ? input["dependsOn"] : Json(Json::Array{})},
      {"jobDefinition", definition["jobDefinitionArn"]},
      {"parameters", parameters},
      {"container", ContainerOf(definition, input, parameters)},
      {"tags", input["tags"].is_object() ? input["tags"] : Json(Json::Object{})},
      {"propagateTags", input.BoolOr("propagateTags", false)},
      {"isCancelled", false},
      {"isTerminated", false}};
  for (const char* member : {"retryStrategy", "timeout", "platformCapabilities"}) {
    const Json& value = input.Has(member) ? input[member] : definition[member];
    if (!value.is_null()) job = job.With(member, value);
  }
  if (!job.Has("platformCapabilities")) job = job.With("platformCapabilities", Json::Array{});
  return job;
}

void Start(Call& call, const Json& job, Json needs, int64_t number, const std::string& parent) {
  const std::string id = job.StringOr("jobId", "");
  call.batch.Create(JobKey(call.account, call.region, id), job);
  call.ports.engine.Start(
      call.batch, InstanceId(call, id), kMachine,
      Json::Object{
          {"job", job}, {"needs", std::move(needs)}, {"number", number}, {"parent", parent}});
}

}  // namespace

Task<Json> SubmitJob(Call& call) {
  const Json input = call.input;
  MILL_CO_CHECK(CheckInput(input));
  MILL_CO_TRY(const Document queue, co_await RequireQueue(call, input.StringOr("jobQueue", "")));
  if (queue.body.StringOr("state", "") != "ENABLED")
    co_return ClientError("Job Queue " + queue.body.StringOr("jobQueueArn", "") + " is disabled.");
  MILL_CO_TRY(const Json definition,
              co_await RequireDefinition(call, input.StringOr("jobDefinition", "")));
  if (definition.StringOr("status", "") != "ACTIVE")
    co_return ClientError("JobDefinition " + definition.StringOr("jobDefinitionArn", "") +
                          " is not ACTIVE.");
  for (const Json& need : ItemsOf(input["dependsOn"])) {
    if (!need.Has("jobId")) continue;
    const std::string id = need.StringOr("jobId", "");
    MILL_CO_TRY(const auto there,
                co_await call.ports.store.Get(JobKey(call.account, call.region, id)));
    if (!there) co_return ClientError("Job " + id + " not found.");
  }
  const std::string queue_name = queue.body.StringOr("jobQueueName", "");
  const Key counter = call.KeyFor({"batch", "number", queue_name});
  MILL_CO_TRY(const int64_t number, co_await NextNumber(call, counter));
  const std::string id = call.ports.random.NewUuid();
  const std::string arn = call.Arn("batch", "job/" + id);
  Json job = Base(call, input, definition, queue.body).With("jobId", id).With("jobArn", arn);
  call.batch.PutDocument(call.KeyFor({"batch", "listed", queue_name, PaddedNumber(number)}),
                         Json::Object{{"jobId", id}});
  const int64_t size = input["arrayProperties"].IntOr("size", 0);
  const Json parent = size == 0 ? job : job.With("arrayProperties", Json::Object{{"size", size}});
  Start(call, parent, size == 0 ? NeedsOf(input, id, -1) : Json(Json::Array{}), number, "");
  for (int64_t index = 0; index < size; ++index) {
    const std::string child_id = id + ":" + std::to_string(index);
    const Json child = job.With("jobId", child_id)
                           .With("jobArn", arn + ":" + std::to_string(index))
                           .With("arrayProperties", Json::Object{{"index", index}});
    Start(call, child, NeedsOf(input, id, index), number, id);
  }
  co_return Json::Object{{"jobArn", arn}, {"jobName", input["jobName"]}, {"jobId", id}};
}

}  // namespace stepmill::batch
