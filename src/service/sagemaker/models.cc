#include "json/each.h"
#include "service/ask.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/serving.h"

namespace stepmill::sagemaker {

namespace {

constexpr ListMembers kMembers{"ModelName", "ModelName"};
constexpr int64_t kResultsDefault = 10;

std::string ModelArn(const Call& call, const std::string& name) {
  return ResourceArn(call.account, call.region, "model", name);
}

/// AWS looks before it takes the model.
Task<> CheckData(Call& call, const Json& container) {
  const std::string uri = ModelDataOf(container);
  if (uri.empty()) co_return Result<>();
  MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
  MILL_CO_TRY(const Principal principal,
              RolePrincipal(call.input.StringOr("ExecutionRoleArn", ""), "SageMaker"));
  const Asker asker{call.ports, principal, call.account, call.region};
  const Json asked = Json::Object{{"Bucket", where.bucket}, {"Prefix", where.key}, {"MaxKeys", 1}};
  const auto page = co_await AskService(asker, "s3", "ListObjectsV2", asked);
  if (!page && IsPassing(page.error())) co_return page.error();
  if (!page || (*page)["Contents"].size() == 0)
    co_return Invalid("Could not find model data at " + uri + ".");
  co_return Result<>();
}

}  // namespace

Key ModelKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "model", name});
}

Task<Document> RequireModel(Call& call, std::string name) {
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(ModelKey(call.account, call.region, name)));
  if (!found) co_return Invalid("Could not find model \"" + ModelArn(call, name) + "\".");
  co_return *found;
}

Task<Json> CreateModel(Call& call) {
  MILL_CO_CHECK(CheckModelRequest(call.input));
  const std::string name = call.input.StringOr("ModelName", "");
  const std::string arn = ModelArn(call, name);
  const Key key = ModelKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return Invalid("Cannot create already existing model \"" + arn + "\".");
  MILL_CO_CHECK(co_await CheckData(call, ContainerOf(call.input)));
  Json model =
      call.input.Without("Tags")
          .With("ModelArn", arn)
          .With("CreationTime", SecondsSinceEpoch(call.Now()))
          .With("EnableNetworkIsolation", call.input.BoolOr("EnableNetworkIsolation", false));
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
  call.batch.Create(key, std::move(model));
  co_return Json::Object{{"ModelArn", arn}};
}

Task<Json> DescribeModel(Call& call) {
  MILL_CO_TRY(const Document model,
              co_await RequireModel(call, call.input.StringOr("ModelName", "")));
  co_return model.body;
}

Task<Json> DeleteModel(Call& call) {
  MILL_CO_TRY(const Document model,
              co_await RequireModel(call, call.input.StringOr("ModelName", "")));
  call.batch.Delete(model.key);
  call.batch.Delete(TagsKey(call, model.body.StringOr("ModelArn", "")));
  co_return Json::Object{};
}

Task<Json> ListModels(Call& call) {
  MILL_CO_TRY(const std::vector<Json> all, co_await AllOf(call, "model"));
  std::vector<Json> models;
  for (const Json& model : all) {
    if (!IsListed(model, call.input, kMembers)) continue;
    Json::Object summary;
    for (const char* name : {"ModelName", "ModelArn", "CreationTime"})
      summary.SetIf(name, model.Find(name));
    models.push_back(std::move(summary));
  }
  SortListed(models, call.input, kMembers, "CreationTime");
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  co_return PageOf(input, "Models", models, "MaxResults", "NextToken",
                   Invalid("NextToken is not one of ours"));
}

}  // namespace stepmill::sagemaker
