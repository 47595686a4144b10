#include "service/states/http_task.h"

#include "gate/principal.h"
#include "lang/asl/http_task.h"
#include "service/ask.h"
#include "service/states/documents.h"
#include "service/states/http_request.h"

namespace stepmill::states {
namespace {

/// The machine whose execution asks; a tested state has none.
std::string MachineOf(const std::string& execution_arn) {
  const auto parsed = ParseArn(execution_arn);
  if (!parsed) return "*";
  return "arn:aws:states:" + parsed->region + ":" + parsed->account +
         ":stateMachine:" + parsed->name;
}

Task<> CheckAllowed(Asker asker, Json parameters, std::string machine) {
  const std::string endpoint = parameters.StringOr("ApiEndpoint", "");
  const Json input = Json::Object{
      {"stateMachineArn", machine}, {"endpoint", endpoint}, {"method", parameters["Method"]}};
  const auto allowed = co_await AskService(asker, "states", "InvokeHTTPEndpoint", input);
  if (allowed || allowed.error().code == Code::kUnavailable)
    co_return allowed ? Result<>() : Result<>(allowed.error());
  co_return Error{Code::kDenied, "States.Http.AccessDenied",
                  "AWS Step Functions is not authorized to perform states:InvokeHTTPEndpoint on "
                  "API Endpoint " +
                      endpoint +
                      ". Ensure that the StateMachine role contains the "
                      "states:InvokeHTTPEndpoint permission for the given API Endpoint"};
}

Task<Json> Retrieve(Asker asker, std::string connection) {
  const Json input = Json::Object{{"ConnectionArn", connection}};
  auto credentials = co_await AskService(asker, "events", "RetrieveConnectionCredentials", input);
  if (credentials || credentials.error().code == Code::kUnavailable ||
      credentials.error().name.starts_with("Events."))
    co_return credentials;
  if (credentials.error().code == Code::kDenied)
    co_return Error{Code::kDenied, "Events.ConnectionResource.AccessDenied",
                    "No permissions to call RetrieveConnectionCredentials on the connection "
                    "resource."};
  co_return Error{Code::kInternal, "Events.ConnectionResource.InternalError",
                  credentials.error().message};
}

/// Whether it is worth another try.
Task<bool> Renew(Asker asker, std::string connection, int status) {
  const Json input = Json::Object{{"ConnectionArn", connection}, {"status", status}};
  const auto renewed = co_await AskService(asker, "events", "RenewConnectionCredentials", input);
  co_return renewed && renewed->BoolOr("isRenewed", false);
}

struct Exchange {
  Json credentials;  ///< with which the request went
  Result<WebAnswer> answer = WebAnswer();
};

Task<Exchange> Send(Ports& ports, Asker asker, Json parameters) {
  const std::string connection = asl::ConnectionOf(parameters);
  Exchange exchange;
  for (int attempt = 0;; ++attempt) {
    MILL_CO_TRY(exchange.credentials, co_await Retrieve(asker, connection));
    MILL_CO_TRY(WebRequest request,
                MakeHttpRequest(parameters, exchange.credentials, asker.region));
    exchange.answer = co_await ports.web.Send(std::move(request));
    const int status = exchange.answer ? exchange.answer->status : 0;
    if ((status != 401 && status != 407) || attempt > 0) break;
    MILL_CO_TRY(const bool is_renewed, co_await Renew(asker, connection, status));
    if (!is_renewed) break;
  }
  co_return exchange;
}

Json Ended(const Result<Json>& result) {
  if (result) return Json::Object{{"output", *result}};
  Json::Object error{{"name", result.error().name}};
  if (!result.error().message.empty()) error.Add("message", result.error().message);
  return Json::Object{{"error", Json(std::move(error))}};
}

Json TraceOf(const Json& what, const Exchange& exchange) {
  Json::Object trace;
  trace.Add("request",
            ShownHttpRequest(what["input"], exchange.credentials, what.StringOr("region", ""),
                             what.StringOr("trace", "") == "revealed"));
  if (exchange.answer) trace.Add("response", ShownHttpAnswer(*exchange.answer));
  return Json(std::move(trace));
}

}  // namespace

Task<Json> PerformHttpTask(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  std::string session = what.StringOr("session", "");
  if (session.size() > 64) session.resize(64);
  auto role = RolePrincipal(what.StringOr("role", ""), session);
  if (!role) co_return Ended(role.error());
  const Asker asker{ports, *role, what.StringOr("account", ""), what.StringOr("region", "")};
  const Json parameters = what["input"];
  const auto allowed = co_await CheckAllowed(asker, parameters, MachineOf(performance.instance_id));
  if (!allowed && allowed.error().code == Code::kUnavailable) co_return allowed.error();
  if (!allowed) co_return Ended(allowed.error());
  const auto sent = co_await Send(ports, asker, parameters);
  if (!sent && sent.error().code == Code::kUnavailable) co_return sent.error();
  if (!sent) co_return Ended(sent.error());
  const Result<Json> result = sent->answer ? HttpTaskResult(*sent->answer)
                                           : Result<Json>(HttpTaskError(sent->answer.error()));
  const Json ended = Ended(result);
  co_return what.Has("trace") ? ended.With("trace", TraceOf(what, *sent)) : ended;
}

Task<Json> InvokeHTTPEndpoint(Call&) { co_return Json(Json::Object{}); }
Task<Json> RevealSecrets(Call&) { co_return Json(Json::Object{}); }

}  // namespace stepmill::states
