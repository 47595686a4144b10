#include "service/lambda/async_run.h"

#include "base/log.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "service/ask.h"
#include "service/lambda/destinations.h"
#include "service/lambda/errors.h"
#include "service/lambda/invoke.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

using Performance = Engine::Performance;

/// What is to become of the event, as the function says now.
Task<Json> SettingsOf(Ports& ports, Json what, Json config) {
  const std::string qualifier = what.StringOr("qualifier", "");
  const Key key = EventConfigKey(what.StringOr("account", ""), what.StringOr("region", ""),
                                 what.StringOr("name", ""), qualifier);
  MILL_CO_TRY(const auto found, co_await ports.store.Get(key));
  const Json settings = found ? found->body : Json(Json::Object{});
  const Json& destinations = settings["DestinationConfig"];
  Json::Object out{{"retries", settings.IntOr("MaximumRetryAttempts", kRetriesDefault)},
                   {"maxAge", settings.IntOr("MaximumEventAgeInSeconds", kEventAgeSecondsDefault)},
                   {"deadLetters", config["DeadLetterConfig"].StringOr("TargetArn", "")}};
  out.SetIf("onSuccess", destinations["OnSuccess"].Find("Destination"));
  out.SetIf("onFailure", destinations["OnFailure"].Find("Destination"));
  co_return out;
}

Task<Json> InvokeEvent(Ports& ports, Performance performance) {
  const Json what = performance.what;
  const std::string account = what.StringOr("account", "");
  Call call{.principal = ServicePrincipal("lambda.amazonaws.com", account),
            .account = account,
            .region = what.StringOr("region", ""),
            .request_id = what.StringOr("requestId", ""),
            .effect_id = "",
            .now = ports.clock.Now(),
            .input = {},
            .body = nullptr,
            .ports = ports,
            .batch = {},
            .kept = {},
            .answer_body = nullptr,
            .answer_headers = {}};
  const FunctionName name{what.StringOr("name", ""), what.StringOr("qualifier", "")};
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  Work work;
  work.request_id = call.request_id;
  work.payload = what.StringOr("payload", "");
  work.client_context = what.StringOr("clientContext", "");
  work.arn = FunctionArn(call, name);
  MILL_CO_TRY(const Outcome outcome, co_await RunFunction(call, found, std::move(work)));
  MILL_CO_TRY(const Json settings, co_await SettingsOf(ports, what, found.config));
  co_return settings.With("payload", outcome.payload)
      .With("error", outcome.error)
      .With("version", found.version)
      .With("role", found.config["Role"]);
}

Json RecordOf(const Json& what, Time now) {
  const Json& last = what["last"];
  const std::string arn = FunctionArn(
      what.StringOr("account", ""), what.StringOr("region", ""), what.StringOr("name", ""),
      what.StringOr("qualifier", "").empty() ? kLatest : what.StringOr("qualifier", ""));
  const auto parsed = [](const std::string& text) {
    const Result<Json> json = ParseJson(text);
    return json ? *json : Json(text);
  };
  const Json context = Json::Object{{"requestId", what["requestId"]},
                                    {"functionArn", arn},
                                    {"condition", what["condition"]},
                                    {"approximateInvokeCount", what["attempt"]}};
  Json::Object response{{"statusCode", 200}, {"executedVersion", last["version"]}};
  if (!last.StringOr("error", "").empty()) response.Set("functionError", last["error"]);
  return Json::Object{{"version", "1.0"},
                      {"timestamp", FormatIso(now)},
                      {"requestContext", context},
                      {"requestPayload", parsed(what.StringOr("payload", ""))},
                      {"responseContext", std::move(response)},
                      {"responsePayload", parsed(last.StringOr("payload", ""))}};
}

Task<Json> Tell(Ports& ports, Performance performance) {
  const Json what = performance.what;
  const Json& last = what["last"];
  MILL_CO_TRY(const Principal principal,
              RolePrincipal(last.StringOr("role", ""), what.StringOr("name", "")));
  const Asker asker{ports, principal, what.StringOr("account", ""), what.StringOr("region", "")};
  const std::string destination = what.StringOr("destination", "");
  if (!destination.empty()) {
    const auto told = co_await TellDestination(
        asker, destination, RecordOf(what, ports.clock.Now()), Json(), performance.effect_id);
    if (!told && told.error().code == Code::kUnavailable) co_return told.error();
    if (!told) MILL_LOG(kWarn, "lambda: destination " + destination + ": " + told.error().message);
  }
  const std::string letters = what.StringOr("deadLetters", "");
  if (!letters.empty()) {
    const Result<Json> failure = ParseJson(last.StringOr("payload", ""));
    const std::string message =
        failure && failure->is_object() ? failure->StringOr("errorMessage", "") : "";
    const Json attributes = Json::Object{{"RequestID", what["requestId"]},
                                         {"ErrorCode", "200"},
                                         {"ErrorMessage", TruncateUtf8(message, 1024)}};
    const Result<Json> event = ParseJson(what.StringOr("payload", ""));
    const Json record = event ? *event : Json(Json::Object{});
    const std::string id = performance.effect_id + "+letters";
    const auto told = co_await TellDestination(asker, letters, record, attributes, id);
    if (!told && told.error().code == Code::kUnavailable) co_return told.error();
    if (!told) MILL_LOG(kWarn, "lambda: dead letters " + letters + ": " + told.error().message);
  }
  co_return Json::Object{};
}

}  // namespace

void AddEventPerformers(Ports& ports, std::shared_ptr<Fleet> fleet) {
  ports.engine.AddPerformer("lambda.event.invoke", [&ports, fleet](Performance performance) {
    return InvokeEvent(ports, std::move(performance));
  });
  ports.engine.AddPerformer("lambda.event.tell", [&ports](Performance performance) {
    return Tell(ports, std::move(performance));
  });
}

}  // namespace stepmill::lambda
