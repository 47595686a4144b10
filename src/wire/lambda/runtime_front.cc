#include "wire/lambda/runtime_front.h"

#include "base/strings.h"
#include "blob/blob_store.h"

namespace stepmill::wire {

namespace {

constexpr std::string_view kRoot = "/2018-06-01/runtime/";
constexpr size_t kBodyBytesMax = 32 * 1024 * 1024;  ///< larger answers end the connection
constexpr size_t kAnswerBytesMax = 6 * 1024 * 1024 + 100;
constexpr int kServicePort = 4566;

HttpResponse Refused(int status, const std::string& type, const std::string& message) {
  return JsonResponse(status, Json::Object{{"errorMessage", message}, {"errorType", type}});
}

class RuntimeFront : public FrontEnd {
 public:
  RuntimeFront(Door& door, std::string account, std::string region)
      : door_(door), account_(std::move(account)), region_(std::move(region)) {}

  bool Takes(const HttpRequest& request) const override {
    return !request.job_id.empty() && request.relay_port == kServicePort &&
           request.path.starts_with(kRoot);
  }

  asio::awaitable<HttpResponse> Handle(HttpRequest& request) override {
    const std::string rest = request.path.substr(kRoot.size());
    if (request.method == "GET" && rest == "invocation/next")
      co_return co_await Next(request.job_id);
    const auto parts = Split(rest, '/');
    const bool is_post = request.method == "POST";
    if (is_post && rest == "init/error") co_return co_await Take(request, "RuntimeInitError", "");
    if (is_post && parts.size() == 3 && parts[0] == "invocation") {
      const std::string id(parts[1]);
      if (parts[2] == "response") co_return co_await Take(request, "RuntimeResponse", id);
      if (parts[2] == "error") co_return co_await Take(request, "RuntimeError", id);
    }
    co_return Refused(
        404, "NotFound",
        request.method + " " + request.path + " is not part of the runtime API here.");
  }

 private:
  asio::awaitable<Result<Json>> Ask(std::string operation, Json input) {
    Request ask;
    ask.service = "lambda";
    ask.operation = std::move(operation);
    ask.principal = ServicePrincipal("lambda.amazonaws.com", account_);
    ask.account = account_;
    ask.region = region_;
    ask.input = std::move(input);
    ask.is_internal = true;
    Result<Answer> answer = co_await door_.Ask(std::move(ask));
    if (!answer) co_return answer.error();
    co_return answer->output;
  }

  asio::awaitable<HttpResponse> Next(std::string job_id) {
    Json input = Json::Object{{"job", job_id}};
    const Result<Json> work = co_await Ask("RuntimeNext", std::move(input));
    if (!work) co_return Refused(410, work.error().name, work.error().message);
    HttpResponse response;
    response.headers.Add("Content-Type", "application/json");
    for (const auto& [header, member] :
         {std::pair("Lambda-Runtime-Aws-Request-Id", "requestId"),
          std::pair("Lambda-Runtime-Invoked-Function-Arn", "arn"),
          std::pair("Lambda-Runtime-Trace-Id", "traceId"),
          std::pair("Lambda-Runtime-Client-Context", "clientContext")}) {
      const std::string value = work->StringOr(member, "");
      if (!value.empty()) response.headers.Add(header, value);
    }
    response.headers.Add("Lambda-Runtime-Deadline-Ms",
                         std::to_string(work->IntOr("deadlineMs", 0)));
    response.body = Unbase64(work->StringOr("payload", "")).value_or("");
    co_return response;
  }

  asio::awaitable<HttpResponse> Take(HttpRequest& request, std::string operation, std::string id) {
    Result<std::string> body = co_await ReadAll(*request.body, kBodyBytesMax);
    if (!body) co_return Refused(413, "RequestEntityTooLarge", body.error().message);
    const bool is_large = body->size() > kAnswerBytesMax;
    const std::string type(request.headers.Get("lambda-runtime-function-error-type"));
    const std::string memory(request.headers.Get("x-stepmill-memory-mib"));
    Json input = Json::Object{{"job", request.job_id},
                              {"requestId", id},
                              {"body", Base64(*body)},
                              {"errorType", type},
                              {"memory", memory}};
    const Result<Json> taken = co_await Ask(std::move(operation), std::move(input));
    if (!taken) {
      const int status = taken.error().code == Code::kDenied ? 403 : 400;
      co_return Refused(status, taken.error().name, taken.error().message);
    }
    if (is_large)
      co_return Refused(413, "RequestEntityTooLarge",
                        "Exceeded maximum allowed payload size (6291556 bytes).");
    co_return JsonResponse(202, Json::Object{{"status", "OK"}});
  }

  Door& door_;
  std::string account_, region_;
};

}  // namespace

std::unique_ptr<FrontEnd> MakeRuntimeFront(Door& door, std::string account, std::string region) {
  return std::make_unique<RuntimeFront>(door, std::move(account), std::move(region));
}

}  // namespace stepmill::wire
