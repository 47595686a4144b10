#include "service/states/lambda_task.h"

#include "base/strings.h"
#include "gate/door.h"
#include "service/states/task_performer.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

using Kind = asl::Resource::Kind;

Json Failed(std::string_view name, std::string_view message) {
  return Json::Object{{"error", Json::Object{{"name", name}, {"message", message}}}};
}

/// Recorded: a text that is JSON is the payload itself, another value is printed.
std::string PayloadText(const Json& payload) {
  if (payload.is_string() && ParseJson(payload.AsString())) return payload.AsString();
  return payload.Print();
}

/// The call's input. Null is no payload.
Json InputOf(const Json& what, const asl::Resource& resource) {
  if (resource.kind == Kind::kLambda)
    return Json::Object{{"FunctionName", what["arn"]}, {"Payload", Base64(what["input"].Print())}};
  const Json& given = what["input"];
  const Json& payload = given["Payload"];
  Json input = given.Without("Payload");
  if (!payload.is_null()) input = input.With("Payload", Base64(PayloadText(payload)));
  // A text that the API takes in a header.
  const Json& context = given["ClientContext"];
  if (context.is_object()) input = input.With("ClientContext", Base64(context.Print()));
  return input;
}

/// How Lambda's answer looks on the wire. Recorded: the names as they are spelt, in this order.
Json WithSdkMembers(const Json& output, const std::string& payload, const Json& parsed,
                    const std::string& request_id, Time now) {
  const std::string root = ReplaceAll(request_id, "-", "");
  const std::string version = output.StringOr("ExecutedVersion", "");
  std::vector<std::pair<std::string, std::string>> headers{
      {"Connection", "keep-alive"},
      {"Content-Length", std::to_string(payload.size())},
      {"Content-Type", "application/json"},
      {"Date", FormatTime(now, "%a, %d %b %Y %H:%M:%S GMT")}};
  if (!version.empty()) headers.push_back({"X-Amz-Executed-Version", version});
  if (output.Has("LogResult"))
    headers.push_back({"X-Amz-Log-Result", output.StringOr("LogResult", "")});
  headers.push_back({"x-amzn-Remapped-Content-Length", "0"});
  headers.push_back({"x-amzn-RequestId", request_id});
  headers.push_back(
      {"X-Amzn-Trace-Id", "root=1-" + root.substr(0, 8) + "-" + root.substr(8, 24) + ";sampled=0"});
  Json::Object one, all;
  for (const auto& [name, value] : headers) {
    one.Add(name, value);
    all.Add(name, Json::Array{Json(value)});
  }
  const Json status = output["StatusCode"];
  Json::Object result;
  if (!version.empty()) result.Add("ExecutedVersion", version);
  result.SetIf("LogResult", output.Find("LogResult"));
  if (!payload.empty()) result.Add("Payload", parsed);
  result.Add("SdkHttpMetadata", Json::Object{{"AllHttpHeaders", std::move(all)},
                                             {"HttpHeaders", std::move(one)},
                                             {"HttpStatusCode", status}});
  result.Add("SdkResponseMetadata", Json::Object{{"RequestId", request_id}});
  result.Add("StatusCode", status);
  return Json(std::move(result));
}

/// What the function raised: a Lambda task's own bytes, else rewritten.
Json FunctionFailed(const std::string& payload, const Result<Json>& parsed, bool is_direct) {
  std::string name;
  if (parsed && parsed->is_object()) name = parsed->StringOr("errorType", "");
  if (name.empty()) name = "Lambda.Unknown";
  return Failed(name, is_direct || !parsed ? payload : parsed->Print());
}

}  // namespace

bool IsFunctionTask(const asl::Resource& resource) {
  return resource.kind == Kind::kLambda ||
         (resource.service == "lambda" && resource.action == "invoke");
}

Task<Json> PerformFunctionTask(Ports& ports, Engine::Performance performance,
                               asl::Resource resource) {
  const Json what = performance.what;
  const bool is_direct = resource.kind == Kind::kLambda;
  const bool is_sdk = resource.kind == Kind::kSdk;
  if (!ports.door.FindService("lambda"))
    co_return Failed("Lambda.UnknownOperationException",
                     "The operation lambda:Invoke is not built in stepmill.");
  if (!is_direct) {
    const auto problems = CheckTaskParameters(ports.door, resource, what["input"]);
    if (!problems.empty())
      co_return Failed("States.Runtime", "The Parameters '" + what["input"].Print() +
                                             "' could not be used to start the Task: [" +
                                             Join(problems, ", ") + "]");
  }
  Request request;
  request.service = "lambda";
  request.operation = "Invoke";
  request.account = what.StringOr("account", "");
  request.region = what.StringOr("region", "");
  request.effect_id = performance.effect_id;
  request.request_id = ports.random.NewUuid();
  request.input = InputOf(what, resource);
  constexpr size_t kSessionMax = 64;
  auto principal =
      RolePrincipal(what.StringOr("role", ""), what.StringOr("session", "").substr(0, kSessionMax));
  if (!principal) co_return Failed(principal.error().name, principal.error().message);
  request.principal = *std::move(principal);
  const std::string request_id = request.request_id;
  const auto answer = co_await ports.door.Ask(std::move(request));
  if (!answer) {
    if (answer.error().code == Code::kUnavailable) co_return answer.error();
    co_return FailureOfCall(ports.door, "lambda", is_sdk, answer.error(), request_id);
  }
  const Json& output = answer->output;
  const std::string payload = Unbase64(output.StringOr("Payload", "")).value_or("");
  const Result<Json> parsed = ParseJson(payload);
  if (!is_sdk && output.Has("FunctionError")) co_return FunctionFailed(payload, parsed, is_direct);
  // A custom runtime may answer with anything.
  const Json value = parsed ? *parsed : Json(payload);
  Json result = value;
  if (is_sdk)
    result = output.With("Payload", payload);
  else if (!is_direct)
    result = WithSdkMembers(output, payload, value, request_id, ports.clock.Now());
  co_return Json(Json::Object{{"output", result}});
}

}  // namespace stepmill::states
