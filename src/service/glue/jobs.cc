#include "json/each.h"
#include "service/glue/definition.h"
#include "service/glue/errors.h"
#include "service/glue/records.h"
#include "service/page.h"
#include "service/ports.h"

namespace stepmill::glue {
namespace {

constexpr int kJobsMax = 10'000;  ///< looked through by one list
constexpr int64_t kPageMax = 1000;

Error BadToken() { return InvalidInput("Invalid NextToken"); }

/// What two definitions are compared by.
Json Compared(const Json& job) { return Shown(job).Without("CreatedOn").Without("LastModifiedOn"); }

Task<Json> ListedJobs(Call& call) {
  const Key prefix = call.KeyFor({"glue", "job"}) + "/";
  MILL_CO_TRY(const auto documents, co_await ReadAll(call, prefix, kJobsMax));
  Json::Array jobs;
  for (const Document& document : documents) jobs.push_back(Shown(document.body));
  co_return Json(std::move(jobs));
}

}  // namespace

Key JobKey(std::string_view account, std::string_view region, std::string_view name) {
  return MakeKey({account, region, "glue", "job", name});
}

std::string JobArn(const Call& call, std::string_view name) {
  return call.Arn("glue", "job/" + std::string(name));
}

Key TagsKey(const Call& call, std::string_view arn) { return call.KeyFor({"glue", "tags", arn}); }

Task<std::optional<Document>> FindJob(Call& call, std::string name) {
  co_return co_await call.ports.store.Get(JobKey(call.account, call.region, name));
}

Task<Document> RequireJob(Call& call, std::string name) {
  MILL_CO_TRY(const auto found, co_await FindJob(call, name));
  if (!found) co_return JobNotFound(name);
  co_return *found;
}

Task<std::vector<Document>> ReadAll(Call& call, Key prefix, int limit) {
  co_return co_await call.ports.store.Range(prefix, PrefixEnd(prefix), Direction::kForward, limit);
}

Task<Json> CreateJob(Call& call) {
  MILL_CO_CHECK(CheckDefinition(call.input));
  const std::string name = call.input.StringOr("Name", "");
  const Json job = WithDefaults(call.input.Without("Tags"));
  MILL_CO_TRY(const auto known, co_await FindJob(call, name));
  const Json answer = Json::Object{{"Name", name}};
  if (known && Compared(known->body) == job) co_return answer;
  if (known) co_return DifferentJob(name);
  const double now = SecondsSinceEpoch(call.Now());
  call.batch.Create(JobKey(call.account, call.region, name),
                    job.With("CreatedOn", now).With("LastModifiedOn", now));
  if (call.input["Tags"].size() > 0)
    call.batch.PutDocument(TagsKey(call, JobArn(call, name)),
                           Json::Object{{"Tags", call.input["Tags"]}});
  co_return answer;
}

/// The definition is replaced as a whole ("previous job definition is completely overwritten").
Task<Json> UpdateJob(Call& call) {
  const std::string name = call.input.StringOr("JobName", "");
  MILL_CO_TRY(const Document known, co_await RequireJob(call, name));
  Json definition = call.input["JobUpdate"];
  for (const char* member : {"Role", "Command"})
    if (!definition.Has(member)) definition = definition.With(member, known.body[member]);
  MILL_CO_CHECK(CheckDefinition(definition));
  Json job = WithDefaults(definition)
                 .With("Name", name)
                 .With("CreatedOn", known.body["CreatedOn"])
                 .With("LastModifiedOn", SecondsSinceEpoch(call.Now()));
  if (known.body.Has("Own")) job = job.With("Own", known.body["Own"]);
  call.batch.Replace(known, job);
  co_return Json::Object{{"JobName", name}};
}

Task<Json> GetJob(Call& call) {
  MILL_CO_TRY(const Document job, co_await RequireJob(call, call.input.StringOr("JobName", "")));
  co_return Json::Object{{"Job", Shown(job.body)}};
}

Task<Json> GetJobs(Call& call) {
  MILL_CO_TRY(const Json jobs, co_await ListedJobs(call));
  const Json paged =
      call.input.Has("MaxResults") ? call.input : call.input.With("MaxResults", kPageMax);
  co_return PageOf(paged, "Jobs", jobs.items(), "MaxResults", "NextToken", BadToken());
}

Task<Json> BatchGetJobs(Call& call) {
  Json::Array found, missing;
  for (const Json& name : ItemsOf(call.input["JobNames"])) {
    MILL_CO_TRY(const auto job, co_await FindJob(call, name.AsString()));
    if (job)
      found.push_back(Shown(job->body));
    else
      missing.push_back(name);
  }
  co_return Json::Object{{"Jobs", std::move(found)}, {"JobsNotFound", std::move(missing)}};
}

Task<Json> ListJobs(Call& call) {
  MILL_CO_TRY(const Json jobs, co_await ListedJobs(call));
  Json::Array names;
  for (const Json& job : jobs.items()) {
    const std::string name = job.StringOr("Name", "");
    bool is_wanted = true;
    if (call.input["Tags"].size() > 0) {
      MILL_CO_TRY(const auto tags,
                  co_await call.ports.store.Get(TagsKey(call, JobArn(call, name))));
      const Json given = tags ? tags->body["Tags"] : Json();
      for (const auto& tag : MembersOf(call.input["Tags"]))
        is_wanted = is_wanted && given.Has(tag.name) && given[tag.name] == tag.value;
    }
    if (is_wanted) names.push_back(name);
  }
  const Json paged =
      call.input.Has("MaxResults") ? call.input : call.input.With("MaxResults", kPageMax);
  co_return PageOf(paged, "JobNames", names, "MaxResults", "NextToken", BadToken());
}

/// "If the job definition is not found, no exception is thrown." What runs, runs on.
Task<Json> DeleteJob(Call& call) {
  const std::string name = call.input.StringOr("JobName", "");
  MILL_CO_TRY(const auto known, co_await FindJob(call, name));
  if (known) {
    call.batch.Delete(known->key);
    call.batch.Delete(TagsKey(call, JobArn(call, name)));
  }
  co_return Json::Object{{"JobName", name}};
}

}  // namespace stepmill::glue
