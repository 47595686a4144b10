#include <algorithm>

#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sagemaker/contract.h"
#include "service/sagemaker/errors.h"
#include "service/sagemaker/processing_machine.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

constexpr int kListPage = 1000;
constexpr size_t kJobsMax = 100'000;  ///< looked through by one List
constexpr size_t kTagsMax = 50;

Key TagsKey(const Call& call, const std::string& arn) {
  return call.KeyFor({"sagemaker", "tags", arn});
}

Task<Document> RequireJob(Call& call, const std::string& name) {
  const Key key = ProcessingKey(call.account, call.region, name);
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(key));
  if (!found) co_return JobNotFound(name);
  co_return *found;
}

/// What clients see of a job's document.
Json Shown(const Json& job) { return job.Without("Own"); }

Json Summary(const Json& job) {
  Json::Object summary;
  for (const char* name :
       {"ProcessingJobName", "ProcessingJobArn", "CreationTime", "ProcessingEndTime",
        "LastModifiedTime", "ProcessingJobStatus", "FailureReason", "ExitMessage"})
    summary.SetIf(name, job.Find(name));
  return summary;
}

double NumberOr(const Json& json, double other) {
  return json.is_number() ? json.AsDouble() : other;
}

bool IsWanted(const Json& job, const Json& input) {
  constexpr double kForever = 1e18;
  const double created = NumberOr(job["CreationTime"], 0);
  const double modified = NumberOr(job["LastModifiedTime"], 0);
  const std::string part = input.StringOr("NameContains", "");
  const std::string status = input.StringOr("StatusEquals", "");
  return created >= NumberOr(input["CreationTimeAfter"], 0) &&
         created <= NumberOr(input["CreationTimeBefore"], kForever) &&
         modified >= NumberOr(input["LastModifiedTimeAfter"], 0) &&
         modified <= NumberOr(input["LastModifiedTimeBefore"], kForever) &&
         job.StringOr("ProcessingJobName", "").find(part) != std::string::npos &&
         (status.empty() || job.StringOr("ProcessingJobStatus", "") == status);
}

Task<std::vector<Json>> FindJobs(Call& call) {
  std::vector<Json> jobs;
  const std::string prefix = call.KeyFor({"sagemaker", "processing-job"}) + "/";
  Key from = prefix;
  for (;;) {
    MILL_CO_TRY(const auto page, co_await call.ports.store.Range(from, PrefixEnd(prefix),
                                                                 Direction::kForward, kListPage));
    for (const Document& document : page) {
      if (IsWanted(document.body, call.input)) jobs.push_back(Summary(document.body));
    }
    if (page.size() < kListPage || jobs.size() > kJobsMax) co_return jobs;
    from = page.back().key + std::string(1, '\0');
  }
}

}  // namespace

Key ProcessingKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "sagemaker", "processing-job", name});
}

std::string ProcessingArn(std::string_view account, std::string_view region, std::string name) {
  return "arn:aws:sagemaker:" + std::string(region) + ":" + std::string(account) +
         ":processing-job/" + ToLower(name);
}

std::string InstanceId(std::string_view account, std::string_view region, std::string_view name) {
  return "sagemaker/" + std::string(account) + "/" + std::string(region) + "/processing-job/" +
         std::string(name);
}

Task<Json> CreateProcessingJob(Call& call) {
  MILL_CO_CHECK(CheckProcessingRequest(call.input));
  MILL_CO_TRY(const std::string name, call.input.RequireString("ProcessingJobName"));
  const std::string arn = ProcessingArn(call.account, call.region, name);
  const Key key = ProcessingKey(call.account, call.region, name);
  MILL_CO_TRY(const auto known, co_await call.ports.store.Get(key));
  if (known) co_return JobExists(arn);
  const double now = SecondsSinceEpoch(call.Now());
  Json job = WithDefaults(call.input.Without("Tags"))
                 .With("ProcessingJobArn", arn)
                 .With("ProcessingJobStatus", "InProgress")
                 .With("CreationTime", now)
                 .With("LastModifiedTime", now);
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, arn), Json::Object{{"Tags", call.input["Tags"]}});
  call.batch.Create(key, job);
  const Json data = Json::Object{{"job", job}};
  call.ports.engine.Start(call.batch, InstanceId(call.account, call.region, name), kMachine, data);
  co_return Json::Object{{"ProcessingJobArn", arn}};
}

Task<Json> DescribeProcessingJob(Call& call) {
  MILL_CO_TRY(const Document job,
              co_await RequireJob(call, call.input.StringOr("ProcessingJobName", "")));
  co_return Shown(job.body);
}

Task<Json> DescribeProcessingJobContainer(Call& call) {
  MILL_CO_TRY(const Document job,
              co_await RequireJob(call, call.input.StringOr("ProcessingJobName", "")));
  const Json& digest = job.body["Own"]["ImageDigest"];
  co_return digest.is_string() ? Json(Json::Object{{"ImageDigest", digest}}) : Json(Json::Object{});
}

Task<Json> ListProcessingJobs(Call& call) {
  constexpr int64_t kResultsMax = 100, kResultsDefault = 10;
  const std::string by = call.input.StringOr("SortBy", "CreationTime");
  const bool is_up = call.input.StringOr("SortOrder", "Descending") == "Ascending";
  MILL_CO_TRY(std::vector<Json> jobs, co_await FindJobs(call));
  const auto before = [&](const Json& a, const Json& b) {
    if (by == "CreationTime") return a["CreationTime"].AsDouble() < b["CreationTime"].AsDouble();
    const char* member = by == "Status" ? "ProcessingJobStatus" : "ProcessingJobName";
    return a.StringOr(member, "") < b.StringOr(member, "");
  };
  std::stable_sort(jobs.begin(), jobs.end(), [&](const Json& a, const Json& b) {
    return is_up ? before(a, b) : before(b, a);
  });
  const std::string token = call.input.StringOr("NextToken", "");
  const auto offset = token.empty() ? std::optional<int64_t>(0) : ParseInt(token);
  if (!offset || *offset < 0) co_return Invalid("NextToken '" + token + "' is not one of ours");
  const int64_t count =
      std::clamp<int64_t>(call.input.IntOr("MaxResults", kResultsDefault), 1, kResultsMax);
  Json::Array page;
  for (size_t i = static_cast<size_t>(*offset);
       i < jobs.size() && static_cast<int64_t>(page.size()) < count; ++i)
    page.push_back(jobs[i]);
  const int64_t next = *offset + static_cast<int64_t>(page.size());
  Json::Object output{{"ProcessingJobSummaries", std::move(page)}};
  if (next < static_cast<int64_t>(jobs.size())) output.Set("NextToken", std::to_string(next));
  co_return output;
}

Task<Json> StopProcessingJob(Call& call) {
  const std::string name = call.input.StringOr("ProcessingJobName", "");
  MILL_CO_TRY(const Document job, co_await RequireJob(call, name));
  const std::string status = job.body.StringOr("ProcessingJobStatus", "");
  if (status == "Stopping") co_return Json::Object{};
  if (status != "InProgress")
    co_return Invalid("The request was rejected because the processing job is in status " + status +
                      ".");
  call.ports.engine.Post(call.batch, InstanceId(call.account, call.region, name), "stop",
                         Json::Object{});
  co_return Json::Object{};
}

namespace {

/// The tags' document of a resource that exists.
Task<std::optional<Document>> FindTags(Call& call, const std::string& arn) {
  const std::string prefix = ProcessingArn(call.account, call.region, "");
  bool exists = false;
  if (arn.starts_with(prefix)) {
    // The ARN is in lower case, the job's name is not.
    const std::string folder = call.KeyFor({"sagemaker", "processing-job"}) + "/";
    Key from = folder;
    while (!exists) {
      MILL_CO_TRY(const auto page, co_await call.ports.store.Range(from, PrefixEnd(folder),
                                                                   Direction::kForward, kListPage));
      for (const Document& job : page)
        exists = exists || job.body.StringOr("ProcessingJobArn", "") == arn;
      if (page.size() < kListPage) break;
      from = page.back().key + std::string(1, '\0');
    }
  }
  if (!exists) co_return Invalid("Could not find resource with ARN " + arn);
  co_return co_await call.ports.store.Get(TagsKey(call, arn));
}

}  // namespace

Task<Json> AddTags(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  Json::Array tags;
  if (known) {
    for (const Json& tag : ItemsOf(known->body["Tags"])) {
      bool is_replaced = false;
      for (const Json& other : ItemsOf(call.input["Tags"]))
        is_replaced = is_replaced || other["Key"] == tag["Key"];
      if (!is_replaced) tags.push_back(tag);
    }
  }
  for (const Json& tag : ItemsOf(call.input["Tags"])) tags.push_back(tag);
  if (tags.size() > kTagsMax) {
    co_return Error{Code::kLimit, "ResourceLimitExceeded", "A resource has at most 50 tags"};
  }
  const Json body = Json::Object{{"Tags", std::move(tags)}};
  if (known)
    call.batch.Replace(*known, body);
  else
    call.batch.Create(TagsKey(call, arn), body);
  co_return body;
}

Task<Json> ListTags(Call& call) {
  const std::string arn = call.input.StringOr("ResourceArn", "");
  MILL_CO_TRY(const auto known, co_await FindTags(call, arn));
  if (!known) co_return Json::Object{{"Tags", Json::Array{}}};
  co_return known->body;
}

}  // namespace stepmill::sagemaker
