#include "service/lambda/destinations.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/lambda/errors.h"

namespace stepmill::lambda {

namespace {

constexpr struct {
  std::string_view service, operation;
} kKinds[] = {
    {"sqs", "SendMessage"}, {"sns", "Publish"}, {"events", "PutEvents"}, {"lambda", "Invoke"}};

std::string_view ServiceOf(const std::string& arn) {
  const auto parts = Split(arn, ':');
  if (parts.size() < 6 || parts[0] != "arn") return "";
  for (const auto& kind : kKinds)
    if (parts[2] == kind.service) return kind.service;
  return "";
}
std::string_view OperationOf(std::string_view service) {
  for (const auto& kind : kKinds)
    if (service == kind.service) return kind.operation;
  return "";
}

Json TextAttribute(const Json& text) {
  return Json::Object{{"DataType", "String"}, {"StringValue", text}};
}

}  // namespace

Result<> CheckDestinations(const Call& call, const Json& config, const std::string& function_arn) {
  for (const char* when : {"OnSuccess", "OnFailure"}) {
    const std::string arn = config[when].StringOr("Destination", "");
    if (arn.empty()) continue;
    const std::string_view service = ServiceOf(arn);
    if (service.empty())
      return InvalidValue(
          "The provided destination config DestinationConfig(onSuccess=OnSuccess("
          "destination=" +
          config["OnSuccess"].StringOr("Destination", "null") +
          "), onFailure=OnFailure(destination=" +
          config["OnFailure"].StringOr("Destination", "null") + ")) is invalid.");
    if (arn == function_arn || function_arn == arn + ":$LATEST")
      return InvalidValue("You can't specify the function as a destination for itself.");
    if (!call.ports.door.FindOperation(service, OperationOf(service)))
      return NotBuilt("The destination " + arn);
  }
  return {};
}

Task<Json> TellDestination(Asker asker, std::string arn, Json record, Json attributes,
                           std::string effect_id) {
  const std::string service(ServiceOf(arn));
  const auto parts = Split(arn, ':');
  Json input;
  if (service == "sqs") {
    const std::string url = "https://sqs." + std::string(parts[3]) + ".amazonaws.com/" +
                            std::string(parts[4]) + "/" + std::string(parts[5]);
    input = Json::Object{{"QueueUrl", url}, {"MessageBody", record.Print()}};
  } else if (service == "sns") {
    input = Json::Object{{"TopicArn", arn}, {"Message", record.Print()}};
  } else if (service == "events") {
    const bool is_good = record["requestContext"].StringOr("condition", "") == "Success";
    const Json entry = Json::Object{
        {"Source", "lambda"},
        {"DetailType",
         std::string("Lambda Function Invocation Result - ") + (is_good ? "Success" : "Failure")},
        {"Detail", record.Print()},
        {"EventBusName", arn},
        {"Resources", Json::Array{Json(arn), record["requestContext"]["functionArn"]}}};
    input = Json::Object{{"Entries", Json::Array{entry}}};
  } else if (service == "lambda") {
    input = Json::Object{
        {"FunctionName", arn}, {"InvocationType", "Event"}, {"Payload", Base64(record.Print())}};
  } else {
    co_return NotBuilt("The destination " + arn);
  }
  if (attributes.is_object() && (service == "sqs" || service == "sns")) {
    Json::Object sent;
    for (const auto& attribute : attributes.members())
      sent.Add(attribute.name, TextAttribute(attribute.value));
    input = input.With("MessageAttributes", std::move(sent));
  }
  const std::string operation(OperationOf(service));
  co_return co_await AskService(asker, service, operation, input, effect_id);
}

}  // namespace stepmill::lambda
