// Tags, concurrency, what becomes of asynchronous invocations, the account.
#include "base/strings.h"
#include "gate/door.h"
#include "json/each.h"
#include "service/lambda/destinations.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"
#include "service/page.h"
#include "service/ports.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

/// The function that an ARN of "Resource" names.
Task<Document> RequireTagged(Call& call) {
  const std::string arn = call.input.StringOr("Resource", "");
  const auto parts = Split(arn, ':');
  const bool is_function = parts.size() == 7 && parts[2] == "lambda" && parts[5] == "function";
  if (!is_function)
    co_return InvalidValue(
        "Tags on function aliases and versions are not supported. Please specify "
        "either a function ARN or a function name.");
  const FunctionName name{std::string(parts[6]), ""};
  const Key key = FunctionKey(call.account, call.region, name.name);
  MILL_CO_TRY(auto found, co_await call.ports.store.Get(key));
  if (!found) co_return FunctionNotFound(arn);
  co_return *std::move(found);
}

Task<int64_t> ReservedOfOthers(Call& call, std::string name) {
  constexpr int kPage = 1000;
  const Key prefix = call.KeyFor({"lambda", "function"}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> all,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kPage));
  int64_t sum = 0;
  for (const Document& one : all)
    if (one.body["config"].StringOr("FunctionName", "") != name)
      sum += one.body.IntOr("reserved", 0);
  co_return sum;
}

Error NoEventConfig(const std::string& arn) {
  return NotFound("The function " + arn + " doesn't have an EventInvokeConfig");
}

Task<Json> WriteEventConfig(Call& call, bool keeps_old) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  const std::string qualifier = name.qualifier.empty() ? kLatest : name.qualifier;
  const Key key = EventConfigKey(call.account, call.region, name.name, qualifier);
  const std::string arn = FunctionArn(call.account, call.region, name.name, qualifier);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (keeps_old && !known) co_return NoEventConfig(arn);
  const Json& asked = call.input;
  const bool is_empty = !asked.Has("MaximumRetryAttempts") &&
                        !asked.Has("MaximumEventAgeInSeconds") && !asked.Has("DestinationConfig");
  if (is_empty && !keeps_old)
    co_return InvalidValue(
        "You must specify at least one of error handling or destination setting.");
  MILL_CO_CHECK(CheckDestinations(call, asked["DestinationConfig"], arn));
  Json config = keeps_old ? known->body : Json(Json::Object{});
  config = config.With("LastModified", SecondsSinceEpoch(call.Now())).With("FunctionArn", arn);
  for (const char* member :
       {"MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig"})
    if (const Json* given = asked.Find(member)) config = config.With(member, *given);
  if (!config.Has("DestinationConfig"))
    config = config.With("DestinationConfig", Json::Object{{"OnSuccess", Json::Object{}},
                                                           {"OnFailure", Json::Object{}}});
  if (known)
    call.batch.Replace(*known, config);
  else
    call.batch.Create(key, config);
  co_return config;
}

}  // namespace

Task<Json> TagResource(Call& call) {
  MILL_CO_TRY(const Document function, co_await RequireTagged(call));
  Json tags = function.body["tags"];
  for (const auto& tag : MembersOf(call.input["Tags"])) tags = tags.With(tag.name, tag.value);
  if (tags.size() > kTagsMax) co_return InvalidValue("Number of tags exceeds resource tag limit.");
  call.batch.Replace(function, function.body.With("tags", tags));
  co_return Json::Object{};
}

Task<Json> UntagResource(Call& call) {
  MILL_CO_TRY(const Document function, co_await RequireTagged(call));
  Json tags = function.body["tags"];
  for (const Json& name : ItemsOf(call.input["TagKeys"])) tags = tags.Without(name.AsString());
  call.batch.Replace(function, function.body.With("tags", tags));
  co_return Json::Object{};
}

Task<Json> ListTags(Call& call) {
  MILL_CO_TRY(const Document function, co_await RequireTagged(call));
  co_return Json::Object{{"Tags", function.body["tags"]}};
}

Task<Json> PutFunctionConcurrency(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  const int64_t wanted = call.input.IntOr("ReservedConcurrentExecutions", 0);
  MILL_CO_TRY(const int64_t others, co_await ReservedOfOthers(call, name.name));
  if (wanted > 0 && wanted + others > kConcurrencyOfAccount - kUnreservedMin)
    co_return InvalidValue(
        "Specified ReservedConcurrentExecutions for function decreases account's "
        "UnreservedConcurrentExecution below its minimum value of [100].");
  call.batch.Replace(function, function.body.With("reserved", wanted));
  co_return Json::Object{{"ReservedConcurrentExecutions", wanted}};
}

Task<Json> GetFunctionConcurrency(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  Json::Object answer;
  answer.SetIf("ReservedConcurrentExecutions", function.body.Find("reserved"));
  co_return answer;
}

Task<Json> DeleteFunctionConcurrency(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  call.batch.Replace(function, function.body.Without("reserved"));
  co_return Json::Object{};
}

Task<Json> GetAccountSettings(Call& call) {
  constexpr int kPage = 1000;
  constexpr int64_t kCodeBytes = 80'530'636'800;
  const Key prefix = call.KeyFor({"lambda", "function"}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> all,
      co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, kPage));
  int64_t bytes = 0, reserved = 0;
  for (const Document& one : all) {
    bytes += one.body["config"].IntOr("CodeSize", 0);
    reserved += one.body.IntOr("reserved", 0);
  }
  const Json limit =
      Json::Object{{"TotalCodeSize", kCodeBytes},
                   {"CodeSizeUnzipped", static_cast<int64_t>(kUnzippedBytesMax)},
                   {"CodeSizeZipped", static_cast<int64_t>(kZipBytesMax)},
                   {"ConcurrentExecutions", kConcurrencyOfAccount},
                   {"UnreservedConcurrentExecutions", kConcurrencyOfAccount - reserved}};
  const Json usage =
      Json::Object{{"TotalCodeSize", bytes}, {"FunctionCount", static_cast<int64_t>(all.size())}};
  co_return Json::Object{{"AccountLimit", limit}, {"AccountUsage", usage}};
}

Task<Json> PutFunctionEventInvokeConfig(Call& call) {
  co_return co_await WriteEventConfig(call, false);
}
Task<Json> UpdateFunctionEventInvokeConfig(Call& call) {
  co_return co_await WriteEventConfig(call, true);
}

Task<Json> GetFunctionEventInvokeConfig(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  const Key key = EventConfigKey(call.account, call.region, name.name, name.qualifier);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  const std::string qualifier = name.qualifier.empty() ? kLatest : name.qualifier;
  if (!known) co_return NoEventConfig(FunctionArn(call.account, call.region, name.name, qualifier));
  co_return known->body;
}

Task<Json> DeleteFunctionEventInvokeConfig(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Resolved found, co_await Resolve(call, name));
  const Key key = EventConfigKey(call.account, call.region, name.name, name.qualifier);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  const std::string qualifier = name.qualifier.empty() ? kLatest : name.qualifier;
  if (!known) co_return NoEventConfig(FunctionArn(call.account, call.region, name.name, qualifier));
  call.batch.Delete(key);
  co_return Json::Object{};
}

Task<Json> ListFunctionEventInvokeConfigs(Call& call) {
  MILL_CO_TRY(const FunctionName name, NameOf(call));
  MILL_CO_TRY(const Document function, co_await RequireFunction(call, name));
  MILL_CO_TRY(const auto configs, co_await AllOf(call, "event-config", name.name));
  Json::Array all;
  for (const Document& config : configs) all.push_back(config.body);
  MILL_CO_TRY(const Json page, PageOf(call.input, "FunctionEventInvokeConfigs", all, "MaxItems",
                                      "Marker", InvalidValue("Invalid marker.")));
  co_return page.Has("Marker") ? page.Without("Marker").With("NextMarker", page["Marker"]) : page;
}

}  // namespace stepmill::lambda
