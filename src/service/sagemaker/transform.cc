#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/page.h"
#include "service/ports.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/transform_contract.h"
#include "service/sagemaker/transform_machine.h"

namespace stepmill::sagemaker {

namespace {

constexpr ListMembers kMembers{"TransformJobName", "TransformJobStatus"};
constexpr int64_t kResultsDefault = 10;

std::string InstanceOf(const Call& call, const std::string& name) {
  return "sagemaker/" + call.account + "/" + call.region + "/transform-job/" + name;
}

Task<Document> RequireJob(Call& call) {
  const std::string name = call.input.StringOr("TransformJobName", "");
  MILL_CO_TRY(const auto found,
              co_await call.ports.store.Get(TransformKey(call.account, call.region, name)));
  if (!found) co_return JobNotFound(name);
  co_return *found;
}

Json Summary(const Json& job) {
  Json::Object summary;
  for (const char* name :
       {"TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime",
        "LastModifiedTime", "TransformJobStatus", "FailureReason"})
    summary.SetIf(name, job.Find(name));
  return summary;
}

Task<> CheckObjects(Call& call, std::string role) {
  const std::string uri =
      call.input["TransformInput"]["DataSource"]["S3DataSource"].StringOr("S3Uri", "");
  MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
  MILL_CO_TRY(const Principal principal, RolePrincipal(role, "SageMaker"));
  const Asker asker{call.ports, principal, call.account, call.region};
  const Json asked = Json::Object{{"Bucket", where.bucket}, {"Prefix", where.key}, {"MaxKeys", 1}};
  const auto page = co_await AskService(asker, "s3", "ListObjectsV2", asked);
  if (!page && IsPassing(page.error())) co_return page.error();
  if (!page || (*page)["Contents"].size() == 0)
    co_return NoObjects(uri, where.bucket, call.region, role);
  co_return Result<>();
}

Json WithTransformDefaults(const Json& request) {
  Json job = request;
  Json input = request["TransformInput"];
  for (const char* name : {"CompressionType", "SplitType"})
    if (!input.Has(name)) input = input.With(name, "None");
  Json output = request["TransformOutput"];
  if (!output.Has("AssembleWith")) output = output.With("AssembleWith", "None");
  if (!output.Has("KmsKeyId")) output = output.With("KmsKeyId", "");
  Json processing = request["DataProcessing"];
  if (!processing.is_object()) processing = Json::Object{};
  for (const char* name : {"InputFilter", "OutputFilter"})
    if (!processing.Has(name)) processing = processing.With(name, "$");
  if (!processing.Has("JoinSource")) processing = processing.With("JoinSource", "None");
  return job.With("TransformInput", input)
      .With("TransformOutput", output)
      .With("DataProcessing", processing);
}

}  // namespace

Key TransformKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "transform-job", name});
}

Task<Json> CreateTransformJob(Call& call) {
  MILL_CO_CHECK(CheckTransformRequest(call.input));
  const std::string name = call.input.StringOr("TransformJobName", "");
  const std::string arn = ResourceArn(call.account, call.region, "transform-job", name);
  const Key key = TransformKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return JobExists(arn);
  MILL_CO_TRY(const Document model,
              co_await RequireModel(call, call.input.StringOr("ModelName", "")));
  MILL_CO_CHECK(co_await CheckObjects(call, model.body.StringOr("ExecutionRoleArn", "")));
  const Json job = WithTransformDefaults(call.input.Without("Tags"))
                       .With("TransformJobArn", arn)
                       .With("TransformJobStatus", "InProgress")
                       .With("CreationTime", SecondsSinceEpoch(call.Now()));
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
  call.batch.Create(key, job);
  const Json data = Json::Object{{"job", job}, {"model", model.body}};
  call.ports.engine.Start(call.batch, InstanceOf(call, name), kTransformMachine, data);
  co_return Json::Object{{"TransformJobArn", arn}};
}

Task<Json> DescribeTransformJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call));
  co_return job.body.Without("LastModifiedTime");
}

Task<Json> ListTransformJobs(Call& call) {
  MILL_CO_TRY(const std::vector<Json> all, co_await AllOf(call, "transform-job"));
  std::vector<Json> jobs;
  for (const Json& job : all)
    if (IsListed(job, call.input, kMembers)) jobs.push_back(Summary(job));
  SortListed(jobs, call.input, kMembers, "CreationTime");
  Json input = call.input;
  if (!input.Has("MaxResults")) input = input.With("MaxResults", kResultsDefault);
  co_return PageOf(input, "TransformJobSummaries", jobs, "MaxResults", "NextToken",
                   Invalid("NextToken is not one of ours"));
}

Task<Json> StopTransformJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call));
  const std::string status = job.body.StringOr("TransformJobStatus", "");
  if (status == "Stopping") co_return Json::Object{};
  if (status != "InProgress")
    co_return Invalid("The request was rejected because the transform job is in status " + status +
                      ".");
  call.ports.engine.Post(call.batch, InstanceOf(call, job.body.StringOr("TransformJobName", "")),
                         "stop", Json::Object{});
  co_return Json::Object{};
}

}  // namespace stepmill::sagemaker
