#include "service/ask.h"

#include "base/secret.h"
#include "base/strings.h"
#include "blob/blob_store.h"
#include "blob/owned_blobs.h"
#include "json/each.h"

namespace stepmill {
namespace {

constexpr int kAttemptsMax = 6;           // about half a minute
constexpr size_t kParametersAtOnce = 10;  // GetParameters' own bound

Request RequestOf(const Asker& asker, std::string service, std::string operation, Json input) {
  Request request;
  request.service = std::move(service);
  request.operation = std::move(operation);
  request.principal = asker.principal;
  request.account = asker.account;
  request.region = asker.region;
  request.input = std::move(input);
  request.is_internal = true;
  return request;
}

}  // namespace

Task<Json> AskService(Asker asker, std::string service, std::string operation, Json input,
                      std::string effect_id) {
  Request request = RequestOf(asker, std::move(service), std::move(operation), std::move(input));
  request.effect_id = std::move(effect_id);
  MILL_CO_TRY(const Answer answer, co_await asker.ports.door.Ask(std::move(request)));
  co_return answer.output;
}

Task<Json> AskWithin(Call& call, std::string service, std::string operation, Json input) {
  const Operation* row = call.ports.door.FindOperation(service, operation);
  if (!row)
    co_return Error{Code::kInternal, "InternalFailure",
                    service + ":" + operation + " is not built in stepmill."};
  Call inner{.principal = call.principal,
             .account = call.account,
             .region = call.region,
             .request_id = call.request_id,
             .effect_id = "",
             .now = call.now,
             .input = std::move(input),
             .body = nullptr,
             .ports = call.ports,
             .batch = {},
             .kept = {},
             .answer_body = nullptr,
             .answer_headers = {}};
  MILL_CO_TRY(const Json output, co_await row->handler(inner));
  call.batch.Merge(std::move(inner.batch));
  co_return output;
}

Error FinalError(Error error, int attempt) {
  const bool is_final = attempt >= kAttemptsMax || error.name == "JobLimitsUnavailable";
  if (error.code == Code::kUnavailable && is_final) error.code = Code::kInternal;
  return error;
}

Task<std::map<std::string, Secret>> ReadParameters(Asker asker, std::vector<std::string> names) {
  std::map<std::string, Secret> out;
  for (size_t from = 0; from < names.size(); from += kParametersAtOnce) {
    Json::Array some;
    for (size_t i = from; i < names.size() && i < from + kParametersAtOnce; ++i)
      some.push_back(names[i]);
    const Json input = Json::Object{{"Names", std::move(some)}, {"WithDecryption", true}};
    MILL_CO_TRY(const Json output, co_await AskService(asker, "ssm", "GetParameters", input));
    for (const Json& parameter : ItemsOf(output["Parameters"])) {
      // A parameter is asked for by name, by name:version or by ARN.
      const std::string value = parameter.StringOr("Value", "");
      out[parameter.StringOr("Name", "")] = Secret(value);
      out[parameter.StringOr("ARN", "")] = Secret(value);
      out[parameter.StringOr("Name", "") + parameter.StringOr("Selector", "")] = Secret(value);
    }
    for (const Json& name : ItemsOf(output["InvalidParameters"]))
      co_return Error{
          Code::kNotFound, "ParameterNotFound",
          "parameter does not exist: " + (name.is_string() ? name.AsString() : name.Print())};
  }
  co_return out;
}

Task<Secret> ReadSecret(Asker asker, std::string reference) {
  // An ARN has six parts of its own, the last one with the name.
  std::vector<std::string> parts;
  for (const auto part : Split(reference, ':')) parts.emplace_back(part);
  if (reference.starts_with("arn:") && parts.size() >= 7) {
    std::string arn = parts[0];
    for (size_t i = 1; i < 7; ++i) arn += ":" + parts[i];
    parts.erase(parts.begin(), parts.begin() + 7);
    parts.insert(parts.begin(), arn);
  }
  Json::Object input{{"SecretId", parts[0]}};
  if (parts.size() > 2 && !parts[2].empty()) input.Set("VersionStage", parts[2]);
  if (parts.size() > 3 && !parts[3].empty()) input.Set("VersionId", parts[3]);
  const Json asked = std::move(input);
  MILL_CO_TRY(const Json output,
              co_await AskService(asker, "secretsmanager", "GetSecretValue", asked));
  const std::string text = output.StringOr("SecretString", "");
  if (parts.size() < 2 || parts[1].empty()) co_return Secret(text);
  const auto object = ParseJson(text);
  if (!object || !object->Has(parts[1]))
    co_return Error{Code::kNotFound, "ResourceNotFoundException",
                    "secret " + parts[0] + " has no key '" + parts[1] + "'"};
  const Json& value = (*object)[parts[1]];
  co_return Secret(value.is_string() ? value.AsString() : value.Print());
}

Task<Answer> OpenObject(Asker asker, std::string bucket, std::string key) {
  const Json input = Json::Object{{"Bucket", bucket}, {"Key", key}};
  co_return co_await asker.ports.door.Ask(RequestOf(asker, "s3", "GetObject", input));
}

Task<BlobInfo> FetchBlob(Asker asker, std::string bucket, std::string key) {
  MILL_CO_TRY(Answer answer, co_await OpenObject(asker, bucket, key));
  if (!answer.body) answer.body = BytesSource("");
  MILL_CO_TRY(const auto writer, co_await CreateBlobFor(asker.ports.blobs, "", BlobHashes::kNone));
  while (true) {
    MILL_CO_TRY(std::string bytes, co_await answer.body->Read());
    if (bytes.empty()) break;
    MILL_CO_CHECK(co_await writer->Write(std::move(bytes)));
  }
  co_return co_await writer->Finish();
}

Task<> FetchObject(Asker asker, std::string bucket, std::string key, std::string to_path) {
  MILL_CO_TRY(const BlobInfo blob, co_await FetchBlob(asker, bucket, key));
  const auto exported = co_await asker.ports.blobs.Export(blob.id, to_path);
  MILL_CO_CHECK(co_await asker.ports.blobs.Remove(blob.id));
  co_return exported;
}

Task<Json> StoreObject(Asker asker, std::string path, std::string bucket, std::string key,
                       std::string content_type, std::string effect_id) {
  MILL_CO_TRY(const BlobInfo blob, co_await asker.ports.blobs.Import(path));
  MILL_CO_TRY(const std::unique_ptr<ByteSource> source,
              co_await asker.ports.blobs.Open(blob.id, 0, UINT64_MAX));
  const Json input = Json::Object{{"Bucket", bucket}, {"Key", key}, {"ContentType", content_type}};
  Request request = RequestOf(asker, "s3", "PutObject", input);
  request.body = source.get();
  request.effect_id = std::move(effect_id);
  const auto answer = co_await asker.ports.door.Ask(std::move(request));
  MILL_CO_CHECK(co_await asker.ports.blobs.Remove(blob.id));
  if (!answer) co_return answer.error();
  co_return Json::Object{{"md5", Hex(blob.md5)},
                         {"sha256", Hex(blob.sha256)},
                         {"size", static_cast<int64_t>(blob.size_bytes)}};
}

}  // namespace stepmill
