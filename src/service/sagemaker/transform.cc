#include "service/sagemaker/errors.h"
#include "service/sagemaker/job_operations.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/s3_data.h"
#include "service/sagemaker/transform_contract.h"

namespace stepmill::sagemaker {

namespace {

Json Summary(const Json& job) {
  return Picked(job, {"TransformJobName", "TransformJobArn", "CreationTime", "TransformEndTime",
                      "LastModifiedTime", "TransformJobStatus", "FailureReason"});
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

Task<Json> CreateTransformJob(Call& call) {
  MILL_CO_CHECK(CheckTransformRequest(call.input));
  MILL_CO_CHECK(co_await CheckNameIsFree(call, kTransformJob));
  MILL_CO_TRY(const Document model,
              co_await RequireModel(call, call.input.StringOr("ModelName", "")));
  const std::string role = model.body.StringOr("ExecutionRoleArn", "");
  const std::string uri =
      call.input["TransformInput"]["DataSource"]["S3DataSource"].StringOr("S3Uri", "");
  MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
  MILL_CO_TRY(const bool is_there, co_await HasObjects(call, role, uri));
  if (!is_there) co_return NoObjects(uri, where.bucket, call.region, role);
  co_return StartJob(call, kTransformJob, WithTransformDefaults(call.input.Without("Tags")),
                     Json::Object{{"model", model.body}});
}

Task<Json> DescribeTransformJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kTransformJob));
  co_return job.body.Without("LastModifiedTime");
}

Task<Json> ListTransformJobs(Call& call) {
  co_return co_await ListAll(
      call, Listing(kTransformJob.type, ListMembers("TransformJobName", "TransformJobStatus"),
                    "TransformJobSummaries", Summary));
}

Task<Json> StopTransformJob(Call& call) { co_return co_await StopJob(call, kTransformJob); }

}  // namespace stepmill::sagemaker
