#pragma once

#include <map>
#include <string>
#include <vector>

#include "blob/blob_store.h"
#include "gate/operation.h"
#include "json/each.h"
#include "service/ports.h"

/// For tests: what builds and workflows ask of other services, as small as it can be. Everything is
/// kept in one place that the test resets.
namespace stepmill::test {

struct Kept {
  std::map<std::string, std::vector<std::string>> logs;  ///< "group stream" -> messages
  std::map<std::string, std::string> parameters, objects, secrets;
  std::vector<Json> statuses;
};
inline Kept& kept() {
  static Kept value;
  return value;
}

inline Task<Json> Nothing(Call&) { co_return Json::Object{}; }
inline Task<Json> PutLogEvents(Call& call) {
  const std::string name =
      call.input.StringOr("logGroupName", "") + " " + call.input.StringOr("logStreamName", "");
  for (const Json& event : ItemsOf(call.input["logEvents"]))
    kept().logs[name].push_back(event.StringOr("message", ""));
  co_return Json::Object{};
}
inline Task<Json> GetParameters(Call& call) {
  Json::Array found, missing;
  for (const Json& name : ItemsOf(call.input["Names"])) {
    const auto parameter = kept().parameters.find(name.AsString());
    if (parameter == kept().parameters.end())
      missing.push_back(name);
    else
      found.push_back(Json::Object{{"Name", name}, {"Value", parameter->second}});
  }
  co_return Json::Object{{"Parameters", found}, {"InvalidParameters", missing}};
}
inline Task<Json> GetParametersByPath(Call& call) {
  const std::string path = call.input.StringOr("Path", "");
  Json::Array found;
  for (const auto& [name, value] : kept().parameters)
    if (name.starts_with(path)) found.push_back(Json::Object{{"Name", name}, {"Value", value}});
  co_return Json::Object{{"Parameters", found}};
}
inline Task<Json> GetSecretValue(Call& call) {
  co_return Json::Object{{"SecretString", kept().secrets[call.input.StringOr("SecretId", "")]}};
}
inline Task<Json> GetObject(Call& call) {
  const std::string name = call.input.StringOr("Bucket", "") + "/" + call.input.StringOr("Key", "");
  if (!kept().objects.contains(name))
    co_return Error{Code::kNotFound, "NoSuchKey", "The specified key does not exist."};
  call.answer_body = BytesSource(kept().objects[name]);
  co_return Json::Object{{"ContentLength", static_cast<int64_t>(kept().objects[name].size())}};
}
inline Task<Json> PutObject(Call& call) {
  const std::string name = call.input.StringOr("Bucket", "") + "/" + call.input.StringOr("Key", "");
  MILL_CO_TRY(kept().objects[name], co_await ReadAll(*call.body, 1 << 24));
  co_return Json::Object{};
}
inline Task<Json> ListObjectsV2(Call& call) {
  const std::string bucket = call.input.StringOr("Bucket", "") + "/";
  const std::string prefix = bucket + call.input.StringOr("Prefix", "");
  Json::Array found;
  for (const auto& [name, text] : kept().objects)
    if (name.starts_with(prefix))
      found.push_back(Json::Object{{"Key", name.substr(bucket.size())}});
  co_return Json::Object{{"Contents", found}, {"IsTruncated", false}};
}
inline Task<Json> DeleteObject(Call& call) {
  kept().objects.erase(call.input.StringOr("Bucket", "") + "/" + call.input.StringOr("Key", ""));
  co_return Json::Object{};
}
inline Task<Json> PutCommitStatus(Call& call) {
  kept().statuses.push_back(call.input);
  co_return Json::Object{};
}
inline Task<Json> AssumeRole(Call&) {
  const Json credentials = Json::Object{
      {"AccessKeyId", "ASIATEST"}, {"SecretAccessKey", "hidden-key"}, {"SessionToken", "token"}};
  co_return Json::Object{{"Credentials", credentials}};
}
inline Task<Json> GetCallerIdentity(Call&) { co_return Json::Object{{"Account", "000000000000"}}; }

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&)) {
  return {.name = name, .handler = handler, .action = "test:Any", .is_internal = true};
}
inline constexpr Operation kLogsRows[] = {Row("CreateLogGroup", Nothing),
                                          Row("CreateLogStream", Nothing),
                                          Row("PutLogEvents", PutLogEvents)};
inline constexpr Operation kSsmRows[] = {Row("GetParameters", GetParameters),
                                         Row("GetParametersByPath", GetParametersByPath)};
inline constexpr Operation kSecretsRows[] = {Row("GetSecretValue", GetSecretValue)};
inline constexpr Operation kS3Rows[] = {Row("GetObject", GetObject), Row("PutObject", PutObject),
                                        Row("ListObjectsV2", ListObjectsV2),
                                        Row("DeleteObject", DeleteObject)};
inline constexpr Operation kStsRows[] = {Row("AssumeRole", AssumeRole),
                                         Row("GetCallerIdentity", GetCallerIdentity)};
inline const Service kLogs{.name = "logs", .host = "logs", .operations = kLogsRows};
inline const Service kSsm{.name = "ssm", .host = "ssm", .operations = kSsmRows};
inline const Service kSecrets{
    .name = "secretsmanager", .host = "secretsmanager", .operations = kSecretsRows};
inline const Service kS3{.name = "s3", .host = "s3", .operations = kS3Rows};
inline const Service kSts{.name = "sts", .host = "sts", .operations = kStsRows};

}  // namespace stepmill::test
