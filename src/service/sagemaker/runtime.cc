#include "base/strings.h"
#include "blob/blob_store.h"
#include "compute/backend.h"
#include "gate/model.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/sagemaker.h"
#include "service/sagemaker/serving.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr std::chrono::seconds kInvocationMax{60};

Error ValidationError(std::string message) {
  return {Code::kInvalid, "ValidationError", std::move(message)};
}

/// One of the containers that serve, by weight.
Result<Json> Choose(const Json& endpoint, const std::string& variant, Random& random) {
  Json::Array some;
  double total = 0;
  for (const Json& up : ItemsOf(endpoint["Own"]["up"])) {
    if (!variant.empty() && up.StringOr("variant", "") != variant) continue;
    some.push_back(up);
    total += up["weight"].AsDouble();
  }
  const std::string name = endpoint.StringOr("EndpointName", "");
  if (some.empty() && !variant.empty())
    return ValidationError("Variant " + variant + " not found for Request Endpoint " + name + ".");
  if (some.empty()) return ValidationError("Endpoint " + name + " is not in service.");
  constexpr uint64_t kSteps = 1 << 30;
  double at = total * static_cast<double>(random.Next() % kSteps) / static_cast<double>(kSteps);
  for (const Json& up : some) {
    at -= up["weight"].AsDouble();
    if (at < 0) return up;
  }
  return some.back();
}

Error ModelError(const Call& call, int status, const std::string& body) {
  const std::string name = call.input.StringOr("EndpointName", "");
  const std::string group = "/aws/sagemaker/Endpoints/" + name;
  const bool is_client = status >= 400 && status < 500;
  const std::string message =
      std::string("Received ") + (is_client ? "client" : "server") + " error (" +
      std::to_string(status) + ") from primary with message \"" + body + "\". See https://" +
      call.region + ".console.aws.amazon.com/cloudwatch/home?region=" + call.region +
      "#logEventViewer:group=" + group + " in account " + call.account + " for more information.";
  Error error{Code::kInvalid, "ModelError", message};
  error.fields = {
      {"OriginalStatusCode", std::to_string(status)},
      {"OriginalMessage", body},
      {"LogStreamArn", "arn:aws:logs:" + call.region + ":" + call.account + ":log-group:" + group}};
  return error;
}

Task<Json> InvokeEndpoint(Call& call) {
  const std::string name = call.input.StringOr("EndpointName", "");
  MILL_CO_TRY(const auto endpoint,
              co_await call.ports.store.Get(EndpointKey(call.account, call.region, name)));
  if (!endpoint)
    co_return ValidationError("Endpoint " + name + " of account " + call.account + " not found.");
  MILL_CO_TRY(const Json up,
              Choose(endpoint->body, call.input.StringOr("TargetVariant", ""), call.ports.random));
  JobRequest request;
  request.port = kServingPort;
  request.method = "POST";
  request.target = "/invocations";
  request.headers["Content-Type"] = call.input.StringOr("ContentType", "application/octet-stream");
  for (const auto& [member, header] :
       {std::pair("Accept", "Accept"),
        std::pair("CustomAttributes", "X-Amzn-SageMaker-Custom-Attributes"),
        std::pair("InferenceId", "X-Amzn-SageMaker-Inference-Id")}) {
    const std::string value = call.input.StringOr(member, "");
    if (!value.empty()) request.headers[header] = value;
  }
  request.body = Unbase64(call.input.StringOr("Body", "")).value_or("");
  request.timeout = kInvocationMax;
  const JobId id{up.StringOr("job", "")};
  const Flight flight(id);
  const auto answer = co_await call.ports.backend.Exchange(id, std::move(request));
  if (!answer) {
    co_return ModelError(call, 0,
                         answer.error().code == Code::kTimeout
                             ? "Your invocation timed out while waiting for a response from "
                               "container primary. Review the latency metrics for each container "
                               "in Amazon CloudWatch, resolve the issue, and try again."
                             : answer.error().message);
  }
  constexpr int kGood = 200, kNotGood = 300;
  if (answer->status < kGood || answer->status >= kNotGood)
    co_return ModelError(call, answer->status, answer->body);
  call.answer_body = BytesSource(answer->body);
  Json::Object output{{"Body", Base64(answer->body)}, {"InvokedProductionVariant", up["variant"]}};
  for (const auto& [header, member] :
       {std::pair("content-type", "ContentType"),
        std::pair("x-amzn-sagemaker-custom-attributes", "CustomAttributes")}) {
    const auto found = answer->headers.find(header);
    if (found != answer->headers.end()) output.Set(member, found->second);
  }
  co_return output;
}

constexpr Operation kOperations[] = {
    {.name = "InvokeEndpoint",
     .handler = InvokeEndpoint,
     .action = "sagemaker:InvokeEndpoint",
     .resource = "arn:aws:sagemaker:{region}:{account}:endpoint/{EndpointName}",
     .access = Access::kRead},
};

}  // namespace

const Service kRuntime{.name = "sagemaker-runtime",
                       .host = "sagemaker.amazonaws.com",
                       .model = &models::kSagemakerRuntime,
                       .operations = kOperations};

}  // namespace stepmill::sagemaker
