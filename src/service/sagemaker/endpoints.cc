#include "engine/engine.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sagemaker/endpoint_machine.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"
#include "task/ports.h"

namespace stepmill::sagemaker {

namespace {

constexpr int64_t kInstancesMax = 20;

Key ConfigKey(const Call& call, const std::string& name) {
  return call.KeyFor({"sagemaker", "endpoint-config", name});
}
std::string ConfigArn(const Call& call, const std::string& name) {
  return ResourceArn(call.account, call.region, "endpoint-config", name);
}
std::string EndpointArn(const Call& call, const std::string& name) {
  return ResourceArn(call.account, call.region, "endpoint", name);
}

Task<Document> RequireConfig(Call& call, std::string name) {
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(ConfigKey(call, name)));
  if (!found)
    co_return Invalid("Could not find endpoint configuration \"" + ConfigArn(call, name) + "\".");
  co_return *found;
}

Task<Document> RequireEndpoint(Call& call) {
  const std::string name = call.input.StringOr("EndpointName", "");
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(EndpointKey(call.account, call.region, name)));
  if (!found) co_return Invalid("Could not find endpoint \"" + EndpointArn(call, name) + "\".");
  co_return *found;
}

Result<> CheckVariant(const Json& variant) {
  const std::string name = variant.StringOr("VariantName", "");
  if (variant.Has("ServerlessConfig"))
    return Invalid("ServerlessConfig of variant " + name + " is not available here");
  if (!variant.Has("ModelName") || !variant.Has("InstanceType"))
    return Invalid("ModelName and InstanceType of variant " + name + " must be specified");
  if (variant.IntOr("InitialInstanceCount", 1) > kInstancesMax) {
    return Error{Code::kLimit, "ResourceLimitExceeded", "a variant has at most 20 instances here"};
  }
  return {};
}

double WeightOf(const Json& variant) {
  const Json& weight = variant["InitialVariantWeight"];
  return weight.is_number() ? weight.AsDouble() : 1.0;
}

/// What the machine brings up for a configuration (endpoint_machine.h).
Task<Json> PlanOf(Call& call, std::string config_name) {
  MILL_CO_TRY(const Document config, co_await RequireConfig(call, config_name));
  Json::Array variants, hosts;
  for (const Json& variant : ItemsOf(config.body["ProductionVariants"])) {
    MILL_CO_TRY(const Document model,
                co_await RequireModel(call, variant.StringOr("ModelName", "")));
    const int64_t count = variant.IntOr("InitialInstanceCount", 1);
    const double weight = WeightOf(variant);
    for (int64_t i = 0; i < count; ++i) {
      hosts.push_back(Json::Object{{"variant", variant["VariantName"]},
                                   {"weight", weight / static_cast<double>(count)},
                                   {"type", variant["InstanceType"]},
                                   {"model", model.body}});
    }
    variants.push_back(Json::Object{{"VariantName", variant["VariantName"]},
                                    {"CurrentWeight", weight},
                                    {"DesiredWeight", weight},
                                    {"CurrentInstanceCount", count},
                                    {"DesiredInstanceCount", count}});
  }
  co_return Json::Object{
      {"config", config_name}, {"variants", std::move(variants)}, {"hosts", std::move(hosts)}};
}

Json Shown(const Json& endpoint) { return endpoint.Without("Own"); }

Json ConfigSummary(const Json& config) {
  return Picked(config, {"EndpointConfigName", "EndpointConfigArn", "CreationTime"});
}
Json Summary(const Json& endpoint) {
  return Picked(endpoint, {"EndpointName", "EndpointArn", "CreationTime", "LastModifiedTime",
                           "EndpointStatus"});
}

}  // namespace

Key EndpointKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "endpoint", name});
}

Task<Json> CreateEndpointConfig(Call& call) {
  const std::string name = call.input.StringOr("EndpointConfigName", "");
  const std::string arn = ConfigArn(call, name);
  const Key key = ConfigKey(call, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known)
    co_return Invalid("Cannot create already existing endpoint configuration \"" + arn + "\".");
  if (!call.input.StringOr("KmsKeyId", "").empty())
    co_return Invalid("KmsKeyId of endpoint configurations is not available here");
  if (call.input.BoolOr("EnableNetworkIsolation", false) || call.input.Has("ExecutionRoleArn"))
    co_return Invalid("inference components are not available here");
  for (const Json& variant : ItemsOf(call.input["ProductionVariants"])) {
    MILL_CO_CHECK(CheckVariant(variant));
    MILL_CO_TRY(const Document model,
                co_await RequireModel(call, variant.StringOr("ModelName", "")));
  }
  KeepTags(call, arn);
  call.batch.Create(key, call.input.Without("Tags")
                             .With("EndpointConfigArn", arn)
                             .With("CreationTime", SecondsSinceEpoch(call.Now())));
  co_return Json::Object{{"EndpointConfigArn", arn}};
}

Task<Json> DescribeEndpointConfig(Call& call) {
  MILL_CO_TRY(const Document config,
              co_await RequireConfig(call, call.input.StringOr("EndpointConfigName", "")));
  co_return config.body;
}

Task<Json> DeleteEndpointConfig(Call& call) {
  MILL_CO_TRY(const Document config,
              co_await RequireConfig(call, call.input.StringOr("EndpointConfigName", "")));
  DeleteResource(call, config, "EndpointConfigArn");
  co_return Json::Object{};
}

Task<Json> ListEndpointConfigs(Call& call) {
  co_return co_await ListAll(
      call, Listing("endpoint-config", ListMembers("EndpointConfigName", "EndpointConfigName"),
                    "EndpointConfigs", ConfigSummary));
}

Task<Json> CreateEndpoint(Call& call) {
  const std::string name = call.input.StringOr("EndpointName", "");
  const std::string arn = EndpointArn(call, name);
  const Key key = EndpointKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return Invalid("Cannot create already existing endpoint \"" + arn + "\".");
  const std::string config = call.input.StringOr("EndpointConfigName", "");
  MILL_CO_TRY(const Json plan, co_await PlanOf(call, config));
  // A name may be used again after its deletion: the machine's id is unique.
  const std::string instance = "sagemaker/" + call.account + "/" + call.region + "/endpoint/" +
                               name + "/" + call.ports.random.NewUuid();
  const double now = SecondsSinceEpoch(call.Now());
  const Json endpoint = Json::Object{{"EndpointName", name},
                                     {"EndpointArn", arn},
                                     {"EndpointConfigName", config},
                                     {"EndpointStatus", "Creating"},
                                     {"CreationTime", now},
                                     {"LastModifiedTime", now},
                                     {"Own", Json::Object{{"instance", instance}}}};
  KeepTags(call, arn);
  call.batch.Create(key, endpoint);
  const Json data = Json::Object{{"endpoint", endpoint}, {"plan", plan}};
  call.ports.engine.Start(call.batch, instance, kEndpointMachine, data);
  co_return Json::Object{{"EndpointArn", arn}};
}

Task<Json> DescribeEndpoint(Call& call) {
  MILL_CO_TRY(const Document endpoint, co_await RequireEndpoint(call));
  co_return Shown(endpoint.body);
}

Task<Json> UpdateEndpoint(Call& call) {
  MILL_CO_TRY(const Document endpoint, co_await RequireEndpoint(call));
  const std::string arn = endpoint.body.StringOr("EndpointArn", "");
  const std::string status = endpoint.body.StringOr("EndpointStatus", "");
  if (status != "InService" && status != "Failed")
    co_return Invalid("Cannot update in-progress endpoint \"" + arn + "\".");
  MILL_CO_TRY(const Json plan,
              co_await PlanOf(call, call.input.StringOr("EndpointConfigName", "")));
  call.batch.Replace(endpoint, endpoint.body.With("EndpointStatus", "Updating"));
  call.ports.engine.Post(call.batch, endpoint.body["Own"].StringOr("instance", ""), "update",
                         Json::Object{{"plan", plan}});
  co_return Json::Object{{"EndpointArn", arn}};
}

Task<Json> DeleteEndpoint(Call& call) {
  MILL_CO_TRY(const Document endpoint, co_await RequireEndpoint(call));
  call.batch.Replace(endpoint, endpoint.body.With("EndpointStatus", "Deleting"));
  call.batch.Delete(TagsKey(call, endpoint.body.StringOr("EndpointArn", "")));
  call.ports.engine.Post(call.batch, endpoint.body["Own"].StringOr("instance", ""), "delete",
                         Json::Object{});
  co_return Json::Object{};
}

Task<Json> ListEndpoints(Call& call) {
  co_return co_await ListAll(
      call,
      Listing("endpoint", ListMembers("EndpointName", "EndpointStatus"), "Endpoints", Summary));
}

}  // namespace stepmill::sagemaker
