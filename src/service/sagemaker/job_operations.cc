#include "service/sagemaker/job_operations.h"

#include "base/strings.h"
#include "compute/backend.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ask.h"
#include "service/ports.h"
#include "service/sagemaker/job_host.h"
#include "service/sagemaker/job_machine.h"
#include "service/sagemaker/records.h"
#include "service/sagemaker/s3_data.h"

namespace stepmill::sagemaker {

namespace {

std::string NameOf(const Call& call, const JobKind& kind) {
  return call.input.StringOr(kind.Member("JobName"), "");
}

Task<std::optional<Document>> FindJob(Call& call, const JobKind& kind) {
  co_return co_await call.ports.store.Get(
      JobKey(call.account, call.region, kind, NameOf(call, kind)));
}

std::string ArnOf(const Call& call, const JobKind& kind) {
  return ResourceArn(call.account, call.region, kind.type, NameOf(call, kind));
}

}  // namespace

std::string JobInstance(const Call& call, const JobKind& kind, std::string_view name) {
  return "sagemaker/" + call.account + "/" + call.region + "/" + std::string(kind.type) + "/" +
         std::string(name);
}

Task<Document> RequireJob(Call& call, const JobKind& kind) {
  MILL_CO_TRY(const auto found, co_await FindJob(call, kind));
  if (!found) co_return kind.missing(NameOf(call, kind));
  co_return *found;
}

Task<> CheckNameIsFree(Call& call, const JobKind& kind) {
  MILL_CO_TRY(const auto known, co_await FindJob(call, kind));
  if (known) co_return kind.exists(NameOf(call, kind), ArnOf(call, kind));
  co_return Result<>();
}

Json StartJob(Call& call, const JobKind& kind, const Json& job, const Json& more) {
  const double now = SecondsSinceEpoch(call.Now());
  const std::string name = NameOf(call, kind), arn = ArnOf(call, kind);
  const Json document = job.With(kind.Member("JobArn"), arn)
                            .With(kind.Member("JobStatus"), "InProgress")
                            .With("CreationTime", now)
                            .With("LastModifiedTime", now);
  KeepTags(call, arn);
  call.batch.Create(JobKey(call.account, call.region, kind, name), document);
  call.ports.engine.Start(call.batch, JobInstance(call, kind, name), kind.machine,
                          more.With("job", document));
  return Json::Object{{kind.Member("JobArn"), arn}};
}

Task<Json> StopJob(Call& call, const JobKind& kind) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, kind));
  const std::string status = job.body.StringOr(kind.Member("JobStatus"), "");
  if (status == "Stopping") co_return Json::Object{};
  if (status != "InProgress")
    co_return Invalid("The request was rejected because the " + ToLower(kind.word) +
                      " job is in status " + status + ".");
  call.ports.engine.Post(call.batch, JobInstance(call, kind, NameOf(call, kind)), "stop",
                         Json::Object{});
  co_return Json::Object{};
}

std::string WaitReason(const Call& call, const JobKind& kind, const Json& job) {
  return call.ports.backend.WaitsFor(HostId(kind, job, 0));
}

Json WithItems(const Call& call, Json answer, const char* list,
               Json (*show)(const Call& call, Json item)) {
  Json::Array items;
  for (const Json& item : ItemsOf(answer[list])) items.push_back(show(call, item));
  return answer.With(list, std::move(items));
}

Task<bool> HasObjects(Call& call, std::string role, std::string uri) {
  MILL_CO_TRY(const S3Location where, ParseS3Uri(uri));
  MILL_CO_TRY(const Principal principal, RolePrincipal(role, "SageMaker"));
  const Asker asker{call.ports, principal, call.account, call.region};
  const Json asked = Json::Object{{"Bucket", where.bucket}, {"Prefix", where.key}, {"MaxKeys", 1}};
  const auto page = co_await AskService(asker, "s3", "ListObjectsV2", asked);
  if (!page && IsPassing(page.error())) co_return page.error();
  co_return page && (*page)["Contents"].size() > 0;
}

}  // namespace stepmill::sagemaker
