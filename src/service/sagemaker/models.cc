#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_operations.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/serving.h"

namespace stepmill::sagemaker {

namespace {

std::string ModelArn(const Call& call, const std::string& name) {
  return ResourceArn(call.account, call.region, "model", name);
}

/// The artifacts must be there.
Task<> CheckData(Call& call, const Json& container) {
  const std::string uri = ModelDataOf(container);
  if (uri.empty()) co_return Result<>();
  const std::string role = call.input.StringOr("ExecutionRoleArn", "");
  MILL_CO_TRY(const bool is_there, co_await HasObjects(call, role, uri));
  if (!is_there) co_return Invalid("Could not find model data at " + uri + ".");
  co_return Result<>();
}

Json Summary(const Json& model) { return Picked(model, {"ModelName", "ModelArn", "CreationTime"}); }

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
  KeepTags(call, arn);
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
  DeleteResource(call, model, "ModelArn");
  co_return Json::Object{};
}

Task<Json> ListModels(Call& call) {
  co_return co_await ListAll(
      call, Listing("model", ListMembers("ModelName", "ModelName"), "Models", Summary));
}

}  // namespace stepmill::sagemaker
