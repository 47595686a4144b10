#include "checks.h"

#include <algorithm>

#include "base/strings.h"
#include "history_check.h"

namespace stepmill::sim {
namespace {

constexpr int kPage = 1000;

Task<std::vector<Json>> ReadHistory(Caller& caller, std::string arn) {
  std::vector<Json> events;
  std::string token;
  const int64_t page = caller.chance().Between(3, 60);
  do {
    Json asked = Json::Object{{"executionArn", arn}, {"maxResults", page}};
    if (!token.empty()) asked = asked.With("nextToken", token);
    MILL_CO_TRY(const Json got, co_await caller.Must("states", "GetExecutionHistory", asked));
    if (!got["events"].is_array()) co_return events;
    for (const Json& event : got["events"].items()) events.push_back(event);
    token = got.StringOr("nextToken", "");
  } while (!token.empty());
  co_return events;
}

Task<> CheckExecution(Caller& caller, const Expected& expected) {
  const Json asked = Json::Object{{"executionArn", expected.arn}};
  MILL_CO_TRY(const Json seen, co_await caller.Must("states", "DescribeExecution", asked));
  if (seen.StringOr("status", "") != expected.status ||
      seen.StringOr("output", "") != expected.output)
    caller.findings().Fail(expected.arn + " was " + expected.status + " " + expected.output +
                           " and is " + seen.Print());
  const auto began = seen["startDate"].is_number() ? seen["startDate"].AsDouble() : 0;
  const auto ended = seen["stopDate"].is_number() ? seen["stopDate"].AsDouble() : 0;
  const auto ms = static_cast<int64_t>((ended - began) * 1000 + 0.5);
  if (ms < expected.lasts.count())
    caller.findings().Fail(expected.arn + " lasts " + std::to_string(ms) + " ms, at least " +
                           std::to_string(expected.lasts.count()) + " were to be waited for");
  MILL_CO_TRY(const auto events, co_await ReadHistory(caller, expected.arn));
  for (const std::string& wrong : CheckHistory(events, expected))
    caller.findings().Fail(expected.arn + ": " + wrong);
  co_return Result<>();
}

Task<> CheckParameters(Caller& caller, Book& book) {
  for (const auto& [name, value] : book.written_once) {
    const Json asked = Json::Object{{"Name", name}};
    MILL_CO_TRY(const Json got, co_await caller.Must("ssm", "GetParameter", asked));
    if (got["Parameter"].StringOr("Value", "") != value ||
        got["Parameter"].IntOr("Version", 0) != 1)
      caller.findings().Fail(name + " was to be written once and is " + got.Print());
  }
  for (const std::string& name : book.written_at_least_once) {
    const Json asked = Json::Object{{"Name", name}};
    (void)co_await caller.Must("ssm", "GetParameter", asked);  // a refusal is a finding
  }
  co_return Result<>();
}

Task<std::string> ReadLog(Caller& caller, std::string prefix) {
  const std::string group = "/aws/sagemaker/ProcessingJobs";
  const Json asked = Json::Object{{"logGroupName", group}, {"logStreamNamePrefix", prefix}};
  const auto streams = co_await caller.Ask("logs", "DescribeLogStreams", asked);
  if (!streams || streams->output["logStreams"].size() == 0) co_return std::string();
  const Json read =
      Json::Object{{"logGroupName", group},
                   {"logStreamName", streams->output["logStreams"].At(0)["logStreamName"]},
                   {"startFromHead", true}};
  MILL_CO_TRY(const Json got, co_await caller.Must("logs", "GetLogEvents", read));
  std::string text;
  if (got["events"].is_array())
    for (const Json& event : got["events"].items()) text += event.StringOr("message", "") + "\n";
  co_return text;
}

/// Each job ran once, ended as its machine says, and its log has each line once.
Task<> CheckJobs(Caller& caller, Book& book, SimJobs& jobs) {
  for (const std::string& name : book.processing_jobs) {
    const Json asked = Json::Object{{"ProcessingJobName", name}};
    MILL_CO_TRY(const Json seen, co_await caller.Must("sagemaker", "DescribeProcessingJob", asked));
    const SimJobs::Job* job = nullptr;
    for (const auto& [id, each] : jobs.jobs) {
      const auto arn = each.spec.env.find("PROCESSING_JOB_ARN");
      if (arn != each.spec.env.end() && arn->second.ends_with("/" + name)) job = &each;
    }
    if (!job) {
      caller.findings().Fail("job " + name + " never ran");
      continue;
    }
    if (job->starts != 1)
      caller.findings().Fail("job " + name + " ran " + std::to_string(job->starts) + " times");
    if (!job->is_removed) caller.findings().Fail("job " + name + " is not removed");
    const std::string status = job->exit_code == 0 ? "Completed" : "Failed";
    if (seen.StringOr("ProcessingJobStatus", "") != status)
      caller.findings().Fail("job " + name + " is " + seen.Print() + ", expected " + status);
    const Json result = Json::Object{{"Bucket", kBucket}, {"Key", "out/" + name + "/result"}};
    const auto kept = co_await caller.Ask("s3", "GetObject", result);
    if (kept ? kept->body != job->spec.id.value : job->exit_code == 0)
      caller.findings().Fail("job " + name + " has the result " +
                             (kept ? kept->body : kept.error().name));
    MILL_CO_TRY(const std::string log, co_await ReadLog(caller, name));
    if (log != jobs.LogOf(*job))
      caller.findings().Fail("job " + name + " has the log '" + log + "', expected '" +
                             jobs.LogOf(*job) + "'");
  }
  co_return Result<>();
}

Task<> CheckFired(Caller& caller, const Book::Fired& fired) {
  const Json asked = Json::Object{{"stateMachineArn", fired.machine_arn}};
  MILL_CO_TRY(const Json list, co_await caller.Must("states", "ListExecutions", asked));
  std::map<std::string, int> seen;
  if (list["executions"].is_array())
    for (const Json& each : list["executions"].items()) {
      const Json one = Json::Object{{"executionArn", each["executionArn"]}};
      MILL_CO_TRY(const Json described, co_await caller.Must("states", "DescribeExecution", one));
      const auto input = ParseJson(described.StringOr("input", ""));
      ++seen[input ? (*input)["detail"].StringOr("i", "") : ""];
      if (described.StringOr("status", "") != "SUCCEEDED")
        caller.findings().Fail("an event's execution is " + described.Print());
    }
  for (const auto& [detail, attempts] : fired.attempts) {
    const int least = fired.acknowledged.contains(detail) ? 1 : 0;
    if (seen[detail] < least || seen[detail] > attempts)
      caller.findings().Fail(fired.machine_arn + ": the event " + detail + ", sent " +
                             std::to_string(attempts) + " times, started " +
                             std::to_string(seen[detail]) + " executions");
  }
  co_return Result<>();
}

}  // namespace

Task<> CheckPromises(Caller& caller, Book& book, SimJobs& jobs) {
  for (const Expected& expected : book.executions)
    MILL_CO_CHECK(co_await CheckExecution(caller, expected));
  MILL_CO_CHECK(co_await CheckParameters(caller, book));
  MILL_CO_CHECK(co_await CheckJobs(caller, book, jobs));
  for (const Book::Fired& fired : book.fired) MILL_CO_CHECK(co_await CheckFired(caller, fired));
  co_return Result<>();
}

Task<std::vector<std::string>> DumpDocuments(Store& store) {
  std::vector<std::string> lines;
  Key from;
  const Key end(1, '\xff');
  for (;;) {
    MILL_CO_TRY(const auto page, co_await store.Range(from, end, Direction::kForward, kPage));
    for (const Document& document : page)
      lines.push_back(document.key + " v" + std::to_string(document.version) + " " +
                      document.body.Print());
    if (page.size() < kPage) co_return lines;
    from = page.back().key + '\0';
  }
}

Task<std::vector<std::string>> OpenDues(Store& store) {
  std::vector<std::string> lines;
  Time at{Millis(INT64_MIN)};
  std::string id;
  for (;;) {
    MILL_CO_TRY(const auto page, co_await store.FindDue(at, id, kPage));
    for (const Due& due : page)
      if (due.kind != "subscription" || due.body.Has("gone"))
        lines.push_back(due.id + " of " + FormatIso(due.at) + " " + due.body.Print());
    if (page.size() < kPage) co_return lines;
    at = page.back().at;
    id = page.back().id;
  }
}

/// An instance takes its timers and effects along when it ends.
Task<std::vector<std::string>> DuesOfTheEnded(Store& store) {
  std::vector<std::string> ids;
  Time at{Millis(INT64_MIN)};
  std::string id;
  for (;;) {
    MILL_CO_TRY(const auto page, co_await store.FindDue(at, id, kPage));
    for (const Due& due : page) {
      if (due.kind != "timer" && due.kind != "effect") continue;
      const Key key = MakeKey({"engine", "instance", due.body.StringOr("instance", "")});
      MILL_CO_TRY(const auto instance, co_await store.Get(key));
      if (!instance || instance->body.BoolOr("is_finished", false)) ids.push_back(due.id);
    }
    if (page.size() < kPage) co_return ids;
    at = page.back().at;
    id = page.back().id;
  }
}

namespace {

/// Why a document may not be there at rest; empty: it may.
std::string LeftOver(const Key& key, const Json& body) {
  if (key.starts_with("engine/instance/") && !body.BoolOr("is_finished", false))
    return "an instance has not ended";
  for (const char* prefix : {"engine/subscription/", "answer/"})
    if (key.starts_with(prefix)) return "it is of something that has ended";
  for (const char* part : {"/states/token/", "/states/offer/", "/log-pump/"})
    if (key.find(part) != key.npos) return "it is of something that has ended";
  return "";
}

}  // namespace

Task<> CheckLeftovers(Store& store, BlobStore& blobs, Findings& findings) {
  std::string all;
  Key from;
  const Key end(1, '\xff');
  for (;;) {
    MILL_CO_TRY(const auto page, co_await store.Range(from, end, Direction::kForward, kPage));
    for (const Document& document : page) {
      const std::string why = LeftOver(document.key, document.body);
      if (!why.empty()) findings.Fail("left over: " + document.key + ": " + why);
      all += document.key + " " + document.body.Print() + "\n";
    }
    if (page.size() < kPage) break;
    from = page.back().key + '\0';
  }
  MILL_CO_TRY(const auto ids, co_await blobs.List());
  for (const BlobId& id : ids)
    if (all.find(id.value) == all.npos)
      findings.Fail("left over: the blob " + id.value + " is named by nothing");
  co_return Result<>();
}

}  // namespace stepmill::sim
