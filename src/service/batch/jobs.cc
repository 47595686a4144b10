// Jobs after they were submitted.
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/batch/operations.h"
#include "service/batch/records.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::batch {

namespace {

constexpr size_t kDescribedMax = 100;
constexpr int kPage = 1000;

/// A job by its id or ARN.
Key KeyOfJob(const Call& call, const std::string& id_or_arn) {
  return JobKey(call.account, call.region, NameOf(id_or_arn));
}

Task<std::vector<Json>> ChildrenOf(Call& call, std::string parent) {
  Key from = JobKey(call.account, call.region, parent + ":");
  const Key to = PrefixEnd(from);
  std::vector<Json> out;
  for (bool has_more = true; has_more;) {
    MILL_CO_TRY(const std::vector<Document> page,
                co_await call.ports.store.Range(from, to, Direction::kForward, kPage));
    has_more = page.size() == kPage;
    for (const Document& document : page) {
      out.push_back(document.body);
      from = document.key + '\0';
    }
  }
  co_return out;
}

/// A job as it is shown: of an array's parent how its children stand.
Task<Json> Shown(Call& call, Json job) {
  if (!job["arrayProperties"].Has("size")) co_return job;
  MILL_CO_TRY(const std::vector<Json> children,
              co_await ChildrenOf(call, job.StringOr("jobId", "")));
  Json::Object summary;
  for (const char* status :
       {"SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"}) {
    int64_t count = 0;
    for (const Json& child : children) count += child.StringOr("status", "") == status;
    summary.Add(status, count);
  }
  co_return job.With("arrayProperties",
                     job["arrayProperties"].With("statusSummary", std::move(summary)));
}

Json SummaryOf(const Json& job) {
  Json::Object out;
  for (const char* member : {"jobArn", "jobId", "jobName", "createdAt", "status", "statusReason",
                             "startedAt", "stoppedAt", "jobDefinition", "arrayProperties"})
    out.SetIf(member, job.Find(member));
  Json::Object container;
  container.SetIf("exitCode", job["container"].Find("exitCode"));
  container.SetIf("reason", job["container"].Find("reason"));
  if (!container.members.empty()) out.Add("container", std::move(container));
  return Json(std::move(out));
}

/// "jo*" of a filter's values.
bool Fits(const std::string& pattern, const std::string& text) {
  if (pattern.ends_with('*')) return text.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == text;
}

bool PassesFilters(const Json& filters, const Json& job) {
  for (const Json& filter : ItemsOf(filters)) {
    const std::string name = filter.StringOr("name", "");
    bool passes = false;
    for (const Json& value : ItemsOf(filter["values"])) {
      const std::string text = value.AsString();
      if (name == "JOB_NAME") passes |= Fits(text, job.StringOr("jobName", ""));
      if (name == "JOB_DEFINITION") {
        const std::string definition = NameOf(job.StringOr("jobDefinition", ""));
        passes |= Fits(NameOf(text), definition) ||
                  NameOf(text) == definition.substr(0, definition.find(':'));
      }
      const auto moment = ParseInt(text);
      if (name == "BEFORE_CREATED_AT") passes |= moment && job.IntOr("createdAt", 0) < *moment;
      if (name == "AFTER_CREATED_AT") passes |= moment && job.IntOr("createdAt", 0) > *moment;
    }
    if (!passes) return false;
  }
  return true;
}

/// Tells the job's machine; an array's children hear it too.
Task<Json> Tell(Call& call, std::string kind) {
  const std::string id = NameOf(call.input.StringOr("jobId", ""));
  MILL_CO_TRY(const auto job, co_await call.ports.store.Get(KeyOfJob(call, id)));
  if (!job) co_return Json::Object{};
  const Json data = Json::Object{{"reason", call.input["reason"]}};
  call.ports.engine.Post(call.batch, InstanceId(call, id), kind, data);
  const int64_t size = job->body["arrayProperties"].IntOr("size", 0);
  for (int64_t index = 0; index < size; ++index)
    call.ports.engine.Post(call.batch, InstanceId(call, id + ":" + std::to_string(index)), kind,
                           data);
  co_return Json::Object{};
}

}  // namespace

Task<Json> DescribeJobs(Call& call) {
  const Json wanted = call.input["jobs"];
  if (wanted.size() > kDescribedMax)
    co_return ClientError(
        "Error executing request, Exception : At most 100 jobs can be "
        "described.");
  Json::Array jobs;
  for (const Json& id : ItemsOf(wanted)) {
    MILL_CO_TRY(const auto found, co_await call.ports.store.Get(KeyOfJob(call, id.AsString())));
    if (!found) continue;
    MILL_CO_TRY(Json shown, co_await Shown(call, found->body));
    jobs.push_back(std::move(shown));
  }
  co_return Json::Object{{"jobs", std::move(jobs)}};
}

Task<Json> ListJobs(Call& call) {
  const std::string array = call.input.StringOr("arrayJobId", "");
  const bool has_filters = call.input["filters"].size() > 0;
  // RUNNING unless something else is asked for.
  const std::string status = call.input.StringOr("jobStatus", has_filters ? "" : "RUNNING");
  std::vector<Json> jobs;
  if (!array.empty()) {
    MILL_CO_TRY(jobs, co_await ChildrenOf(call, NameOf(array)));
  } else {
    const std::string given = call.input.StringOr("jobQueue", "");
    if (given.empty())
      co_return ClientError(
          "Error executing request, Exception : JobQueue, arrayJobId or "
          "multiNodeJobId must be given.");
    MILL_CO_TRY(const Document queue, co_await RequireQueue(call, given));
    Key from = call.KeyFor({"batch", "listed", queue.body.StringOr("jobQueueName", "")}) + "/";
    const Key to = PrefixEnd(from);
    for (bool has_more = true; has_more;) {
      MILL_CO_TRY(const std::vector<Document> page,
                  co_await call.ports.store.Range(from, to, Direction::kForward, kPage));
      has_more = page.size() == kPage;
      for (const Document& entry : page) {
        from = entry.key + '\0';
        MILL_CO_TRY(const auto job, co_await call.ports.store.Get(
                                        KeyOfJob(call, entry.body.StringOr("jobId", ""))));
        if (job) jobs.push_back(job->body);
      }
    }
  }
  Json::Array found;
  for (const Json& job : jobs)
    if ((status.empty() || job.StringOr("status", "") == status) &&
        PassesFilters(call.input["filters"], job))
      found.push_back(SummaryOf(job));
  const Json paged = call.input.Has("maxResults") ? call.input : call.input.With("maxResults", 100);
  co_return PageOf(paged, "jobSummaryList", found, "maxResults", "nextToken",
                   ClientError("The nextToken is invalid."));
}

Task<Json> CancelJob(Call& call) { co_return co_await Tell(call, "cancel"); }
Task<Json> TerminateJob(Call& call) { co_return co_await Tell(call, "terminate"); }

}  // namespace stepmill::batch
