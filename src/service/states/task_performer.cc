#include "service/states/task_performer.h"

#include <cctype>

#include "base/checksum.h"
#include "base/strings.h"
#include "blob/blob_store.h"
#include "gate/door.h"
#include "gate/model.h"
#include "gate/principal.h"
#include "lang/asl/definition.h"
#include "lang/asl/http_task.h"
#include "lang/asl/limits.h"
#include "service/states/documents.h"
#include "service/states/http_task.h"
#include "service/states/lambda_task.h"
#include "service/states/shape_names.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

std::string Capitalised(std::string_view name) {
  std::string out(name);
  if (!out.empty()) out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out;
}

Json Failed(std::string_view name, std::string_view message) {
  return Json::Object{{"error", Json::Object{{"name", name}, {"message", message}}}};
}

/// "CloudWatch Logs" -> "cloudwatchlogs", the name in aws-sdk ARNs.
std::string SdkName(const Service& service) {
  if (!service.model) return "";
  return ToLower(ReplaceAll(service.model->service_id, " ", ""));
}

/// How the Java SDK spells a service in class names: "SFN" -> "Sfn", "DynamoDB" -> "DynamoDb".
std::string SdkClass(const Service& service) {
  std::string out;
  for (const std::string_view word : Split(service.model->service_id, ' ')) {
    std::string piece(word);
    for (size_t i = 1; i < piece.size(); ++i)  // only the first of a run of capitals stays one
      if (std::isupper(static_cast<unsigned char>(word[i])) &&
          (std::isupper(static_cast<unsigned char>(word[i - 1]))))
        piece[i] = static_cast<char>(std::tolower(static_cast<unsigned char>(piece[i])));
    out += Capitalised(piece);
  }
  return out;
}

/// The prefix of errors of the optimised integrations, and "Service:" in their causes.
struct OptimisedNames {
  std::string_view service, prefix, cause;
};
constexpr OptimisedNames kOptimised[] = {
    {"sagemaker", "SageMaker", "AmazonSageMaker"},
    {"codebuild", "CodeBuild", "AWSCodeBuild"},
    {"states", "StepFunctions", "AWSStepFunctions"},
    {"sqs", "SQS", "AmazonSQS"},
    {"sns", "SNS", "AmazonSNS"},
    {"events", "EventBridge", "AmazonEventBridge"},
    {"dynamodb", "DynamoDB", "AmazonDynamoDBv2"},
    {"lambda", "Lambda", "AWSLambda"},
    {"glue", "Glue", "AWSGlue"},
    {"batch", "Batch", "AWSBatch"},
    {"ecs", "ECS", "AmazonECS"},
};

int HttpStatus(const Service& service, const Error& error) {
  const Shape* shape = service.model ? service.model->FindError(error.name) : nullptr;
  if (shape && shape->http_status != 0) return shape->http_status;
  const bool is_rest =
      service.model && (service.model->protocol == ServiceModel::Protocol::kRestXml ||
                        service.model->protocol == ServiceModel::Protocol::kRestJson);
  switch (error.code) {
    case Code::kNotFound: return is_rest ? 404 : 400;
    case Code::kConflict: return is_rest ? 409 : 400;
    case Code::kDenied: return is_rest ? 403 : 400;
    case Code::kInternal: return 500;
    case Code::kUnavailable: return 503;
    default: return 400;
  }
}

/// What is asked, once its names are known.
struct Target {
  const Service* service = nullptr;
  const Operation* row = nullptr;
  const ModelOperation* model = nullptr;
  bool is_sdk = false;
  OptimisedNames names{};
};

/// The service and the row that a name means; null where they are not there.
void FindRow(const Door& door, const std::string& service, const std::string& operation,
             Target& target) {
  for (const Service* each : door.services())
    if (target.is_sdk ? SdkName(*each) == service : each->name == service) target.service = each;
  if (!target.service) return;
  for (const Operation& row : target.service->operations)
    if (!row.is_internal && EqualsIgnoreCase(row.name, operation)) target.row = &row;
  if (target.row) target.model = target.service->model->Find(target.row->name);
}

Result<Target> FindTarget(Ports& ports, const Json& what) {
  Target target;
  std::string service = what.StringOr("service", "");
  std::string operation = what.StringOr("operation", "");
  if (what.Has("arn")) {
    const std::string arn = what.StringOr("arn", "");
    const auto resource = asl::ParseResource(arn);
    if (!resource) return Error{Code::kInvalid, "States.Runtime", "no resource " + arn};
    target.is_sdk = resource->kind == asl::Resource::Kind::kSdk;
    service = resource->service;
    operation = Capitalised(resource->action);
  }
  for (const OptimisedNames& names : kOptimised)
    if (names.service == service) target.names = names;
  FindRow(ports.door, service, operation, target);
  if (!target.row) {
    const std::string prefix =
        target.is_sdk || target.names.prefix.empty()
            ? (target.service ? SdkClass(*target.service) : Capitalised(service))
            : std::string(target.names.prefix);
    return Error{Code::kInvalid, prefix + ".UnknownOperationException",
                 "The operation " + service + ":" + operation + " is not built in stepmill."};
  }
  return target;
}

/// "http://name:port/..." -> "name".
std::string HostOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  return std::string(url.substr(0, url.find_first_of(":/?")));
}

/// `url`: of the queue that an sqs task names.
Json FailedCall(const Target& target, const Error& error, const std::string& request_id,
                const std::string& url = "") {
  const std::string status = std::to_string(HttpStatus(*target.service, error));
  std::string code = error.name;
  std::string name = code;
  if (!name.ends_with("Exception")) name += "Exception";
  const bool is_modelled =
      target.service->model->FindError(code) || target.service->model->FindError(name);
  // As the SDKs print an error without a text.
  const std::string message = error.message.empty() ? "null" : error.message;
  if (target.is_sdk) {
    const std::string prefix = SdkClass(*target.service);
    if (!is_modelled) name = prefix + "Exception";
    std::string cause = message + " (Service: " + prefix + ", Status Code: " + status +
                        ", Request ID: " + request_id;
    if (target.service->name == "s3") cause += ", Extended Request ID: " + request_id;
    return Failed(prefix + "." + name, cause + ") (SDK Attempt Count: 1)");
  }
  const std::string prefix(target.names.prefix);
  const std::string cause_service(target.names.cause);
  // The SDK goes to the host of a queue's URL, and finds none there.
  if (target.service->name == "sqs" && code == "InvalidAddress")
    return Failed(prefix + ".SdkClientException",
                  "Unable to execute HTTP request: " + HostOf(url) + ": Name or service not known");
  // What the SDK calls an error that it does not know: "AmazonDynamoDBException" without the "v2".
  if (!is_modelled) name = ReplaceAll(cause_service, "v2", "") + "Exception";
  const Shape* shape = target.service->model->FindError(error.name);
  const bool is_query = target.service->model->protocol == ServiceModel::Protocol::kQuery;
  if (is_query && shape && !shape->error_code.empty()) code = std::string(shape->error_code);
  return Failed(prefix + "." + name, message + " (Service: " + cause_service +
                                         "; Status Code: " + status + "; Error Code: " + code +
                                         "; Request ID: " + request_id + "; Proxy: null)");
}

/// The CRC-32 of a text as a number, as DynamoDB's answers carry it.
std::string Crc32Of(const std::string& text) {
  Checksum checksum(Checksum::Kind::kCrc32);
  checksum.Update(text);
  uint32_t number = 0;
  for (const char c : checksum.Finish()) number = number << 8 | static_cast<unsigned char>(c);
  return std::to_string(number);
}

/// The bytes of an answer to sns:Publish, which is XML.
size_t PublishedSize(const Json& output) {
  constexpr size_t kFrame = 222;  // around both ids
  constexpr size_t kId = 36;
  size_t size = kFrame + 2 * kId;
  if (output.Has("SequenceNumber"))
    size += std::string_view("    <SequenceNumber></SequenceNumber>\n").size() +
            output.StringOr("SequenceNumber", "").size();
  return size;
}

/// The members that optimised integrations add to their results.
Json WithSdkMembers(Json output, const std::string& request_id, const Target& target,
                    size_t body_bytes, const std::string& crc, Time now) {
  const ServiceModel& model = *target.service->model;
  const bool is_xml = model.protocol == ServiceModel::Protocol::kQuery;
  const bool is_dynamodb = target.service->name == "dynamodb";
  const std::string type =
      is_xml ? "text/xml" : "application/x-amz-json-" + std::string(model.json_version);
  std::vector<std::pair<const char*, std::string>> headers = {
      {is_dynamodb ? "Connection" : "connection", "keep-alive"},
      {"x-amzn-RequestId", request_id},
      {"Content-Length", std::to_string(body_bytes)},
      {"Date", FormatTime(now, "%a, %d %b %Y %H:%M:%S GMT")},
      {"Content-Type", type}};
  if (is_dynamodb) {
    headers.insert(headers.begin(), {"Server", "Server"});
    headers.push_back({"x-amz-crc32", crc});
  }
  Json::Object one, all;
  for (const auto& [name, value] : headers) {
    one.Add(name, value);
    all.Add(name, Json::Array{Json(value)});
  }
  return output
      .With("SdkHttpMetadata", Json::Object{{"AllHttpHeaders", std::move(all)},
                                            {"HttpHeaders", std::move(one)},
                                            {"HttpStatusCode", 200}})
      .With("SdkResponseMetadata", Json::Object{{"RequestId", request_id}});
}

/// Step Functions, "Amazon EventBridge": where an event comes from stands in its Resources.
Json WithSources(const Json& input, const Json& sources) {
  if (!sources.is_array() || !input["Entries"].is_array()) return input;
  Json::Array entries;
  for (const Json& entry : input["Entries"].items()) {
    if (!entry.is_object()) return input;
    Json::Array resources;
    if (entry["Resources"].is_array()) resources = entry["Resources"].items();
    for (const Json& source : sources.items()) resources.push_back(source);
    entries.push_back(entry.With("Resources", Json(std::move(resources))));
  }
  return input.With("Entries", Json(std::move(entries)));
}

/// The SDK sends a checksum of its own where the caller gives none.
Json WithChecksum(const Target& target, const Json& input, const std::string& body) {
  if (target.service->name != "s3" || !target.model->input->Find("ChecksumCRC32")) return input;
  for (const Json::Member& member : input.members())
    if (member.name.starts_with("Checksum") || member.name == "ContentMD5") return input;
  Checksum checksum(Checksum::Kind::kCrc32);
  checksum.Update(body);
  return input.With("ChecksumCRC32", Base64(checksum.Finish()));
}

/// Parameters to a request; an Error of States.Runtime where they cannot be used.
Result<Request> MakeRequest(const Target& target, const Json& what, const std::string& effect_id,
                            std::unique_ptr<ByteSource>& body) {
  Request request;
  request.service = target.service->name;
  request.operation = target.row->name;
  request.account = what.StringOr("account", "");
  request.region = what.StringOr("region", "");
  std::string session = what.StringOr("session", "");
  if (session.size() > 64) session.resize(64);
  MILL_TRY(request.principal, RolePrincipal(what.StringOr("role", ""), session));
  if (target.row->access == Access::kWrite) request.effect_id = effect_id;
  Json input = WithSources(what["input"], what["sources"]);
  const std::string_view stream = target.model->input_stream();
  if (!stream.empty() && input.Has(stream)) {
    // aws-sdk bodies are always JSON: a text keeps its quotes.
    body = BytesSource(input[stream].Print());
    request.body = body.get();
    input = WithChecksum(target, input.Without(stream), input[stream].Print());
    if (target.model->input->Find("ContentType") && !input.Has("ContentType"))
      input = input.With("ContentType", "text/plain; charset=UTF-8");
  }
  if (!target.model->input) return request;
  std::vector<std::string> unknown;
  request.input = ToService(*target.model->input, input, unknown);
  if (unknown.empty()) return request;
  std::string reasons;
  for (const std::string& name : unknown)
    reasons += (reasons.empty() ? "" : ", ") + ("The field \"" + name) +
               "\" is not supported by Step Functions";
  return Error{Code::kInvalid, "States.Runtime",
               "The Parameters '" + what["input"].Print() +
                   "' could not be used to start the Task: [" + reasons + "]"};
}

bool IsHttp(const std::string& arn) {
  const auto resource = asl::ParseResource(arn);
  return resource && asl::IsHttpTask(*resource);
}

/// Whether an activity is there: its workers come for the task by themselves.
Task<Json> FindActivity(Ports& ports, Json what) {
  const std::string arn = what.StringOr("arn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  std::optional<Document> found;
  if (parsed.account == what.StringOr("account", "") && parsed.rest.empty()) {
    const Key key = MakeKey({parsed.account, parsed.region, "states", "activity", parsed.name});
    MILL_CO_TRY(found, co_await ports.store.Get(key));
  }
  if (!found) co_return Failed("States.Runtime", "The activity " + arn + " does not exist.");
  co_return Json(Json::Object{{"output", Json::Object{}}});
}

}  // namespace

Task<Json> PerformTask(Ports& ports, Engine::Performance performance) {
  const Json what = performance.what;
  if (Split(what.StringOr("arn", ""), ':').size() == 7 &&
      Split(what.StringOr("arn", ""), ':')[5] == "activity")
    co_return co_await FindActivity(ports, what);
  if (what.Has("arn") && IsHttp(what.StringOr("arn", "")))
    co_return co_await PerformHttpTask(ports, std::move(performance));
  if (const auto resource = asl::ParseResource(what.StringOr("arn", ""));
      resource && IsFunctionTask(*resource))
    co_return co_await PerformFunctionTask(ports, std::move(performance), *resource);
  Result<Target> found = FindTarget(ports, what);
  if (!found) co_return Failed(found.error().name, found.error().message);
  const Target target = *found;
  std::unique_ptr<ByteSource> body;
  Result<Request> request = MakeRequest(target, what, performance.effect_id, body);
  if (!request) co_return Failed(request.error().name, request.error().message);
  const std::string request_id = ports.random.NewUuid();
  request->request_id = request_id;
  Request asked = *std::move(request);
  auto answer = co_await ports.door.Ask(std::move(asked));
  if (!answer) {
    if (answer.error().code == Code::kUnavailable) co_return answer.error();
    co_return FailedCall(target, answer.error(), request_id,
                         what["input"].StringOr("QueueUrl", ""));
  }
  Json output = answer->output.is_object() ? answer->output : Json(Json::Object{});
  const std::string_view stream = target.model->output_stream();
  if (!stream.empty() && answer->body) {
    const auto text = co_await ReadAll(*answer->body, asl::kPayloadBytesMax);
    if (!text)
      co_return Failed("States.DataLimitExceeded",
                       "The state/task '" + std::string(target.service->name) +
                           "' returned a result with a size exceeding the maximum number of bytes "
                           "service limit.");
    output = output.With(stream, *text);
  }
  size_t body_bytes =
      target.model->output ? AwsJsonSize(*target.model->output, output) : output.PrintedSize();
  if (target.service->name == "sns") body_bytes = PublishedSize(output);
  const std::string crc = target.service->name == "dynamodb" ? Crc32Of(output.Print()) : "";
  const bool is_of_definition = what.Has("arn");
  const bool has_failed_entries = what.Has("sources") && output.IntOr("FailedEntryCount", 0) > 0;
  if (has_failed_entries)  // those that are fine are delivered all the same
    co_return Failed("EventBridge.FailedEntry",
                     Json(Json::Object{{"Entries", output["Entries"]},
                                       {"FailedEntryCount", output["FailedEntryCount"]}})
                         .Print());
  if (target.model->output)
    output = FromService(*target.model->output, output,
                         target.is_sdk ? DateStyle::kIso : DateStyle::kEpochMillis);
  if (is_of_definition && !target.is_sdk)
    output = WithSdkMembers(output, answer->request_id, target, body_bytes, crc, ports.clock.Now());
  Json::Object result{{"output", output}};
  if (target.model->has_secret_output) result.Add("isSecret", true);  // its record is kept sealed
  co_return Json(std::move(result));
}

std::vector<std::string> CheckTaskParameters(const Door& door, const asl::Resource& resource,
                                             const Json& parameters) {
  Target target;
  target.is_sdk = resource.kind == asl::Resource::Kind::kSdk;
  FindRow(door, resource.service, Capitalised(resource.action), target);
  std::vector<std::string> messages;
  if (!target.model || !target.model->input) return messages;
  std::vector<std::string> unknown;
  FindUnknownNames(*target.model->input, parameters, unknown);
  for (const std::string& name : unknown)
    messages.push_back("The field \"" + name + "\" is not supported by Step Functions");
  return messages;
}

Json FailureOfCall(const Door& door, const std::string& service, bool is_sdk, const Error& error,
                   const std::string& request_id) {
  Target target;
  target.is_sdk = is_sdk;
  for (const OptimisedNames& names : kOptimised)
    if (names.service == service) target.names = names;
  target.service = door.FindService(service);
  return FailedCall(target, error, request_id);
}

Engine::Performer MakeTaskPerformer(Ports& ports) {
  return [&ports](Engine::Performance performance) {
    return PerformTask(ports, std::move(performance));
  };
}

}  // namespace stepmill::states
