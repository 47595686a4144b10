// Places: a queue runs at a time what its environments' maxvCpus hold, in the order in which jobs
// became RUNNABLE. A job that needs more than all of it waits for ever, as in AWS.
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/batch/operations.h"
#include "service/batch/records.h"
#include "service/counter.h"
#include "service/ports.h"

namespace stepmill::batch {

namespace {

constexpr int kWaitingAtOnce = 100;

Key PlacesKey(const Call& call, const std::string& queue) {
  return call.KeyFor({"batch", "places", queue});
}
Key PlacedKey(const Call& call, const std::string& queue, const std::string& job) {
  return call.KeyFor({"batch", "placed", queue, job});
}
Key WaitingKey(const Call& call, const std::string& queue, int64_t number) {
  return call.KeyFor({"batch", "waiting", queue, PaddedNumber(number)});
}

void SetUsed(Call& call, const std::optional<Document>& before, const std::string& queue,
             int64_t used) {
  const Json body = Json::Object{{"used", used}};
  if (before)
    call.batch.Replace(*before, body);
  else
    call.batch.Create(PlacesKey(call, queue), body);
}

Task<int64_t> Capacity(Call& call, std::string queue) {
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(QueueKey(call, queue)));
  if (!found) co_return int64_t{0};
  co_return co_await VcpusOfQueue(call, found->body);
}

}  // namespace

/// {"jobId", "queue", "vcpus"} -> {"isPlaced"}, and "number": where it stands in the line.
Task<Json> ClaimPlace(Call& call) {
  const std::string queue = call.input.StringOr("queue", "");
  const std::string job = call.input.StringOr("jobId", "");
  const int64_t vcpus = call.input.IntOr("vcpus", 1);
  MILL_CO_TRY(const auto places, co_await call.ports.store.Get(PlacesKey(call, queue)));
  MILL_CO_TRY(const int64_t capacity, co_await Capacity(call, queue));
  const Key line = call.KeyFor({"batch", "waiting", queue}) + "/";
  MILL_CO_TRY(const std::vector<Document> first,
              co_await call.ports.store.Range(line, PrefixEnd(line), Direction::kForward, 1));
  const int64_t used = places ? places->body.IntOr("used", 0) : 0;
  if (first.empty() && used + vcpus <= capacity) {
    SetUsed(call, places, queue, used + vcpus);
    call.batch.PutDocument(PlacedKey(call, queue, job), Json::Object{{"vcpus", vcpus}});
    co_return Json::Object{{"isPlaced", true}};
  }
  SetUsed(call, places, queue, used);
  const Key counter = call.KeyFor({"batch", "line", queue});
  MILL_CO_TRY(const int64_t number, co_await NextNumber(call, counter));
  call.batch.PutDocument(WaitingKey(call, queue, number),
                         Json::Object{{"jobId", job}, {"vcpus", vcpus}});
  co_return Json::Object{{"isPlaced", false}, {"number", number}};
}

/// {"jobId", "queue", "number", "parent", "status"}: the job is over; who waits goes on, and an
/// array's parent hears of its child.
Task<Json> ReleasePlace(Call& call) {
  const std::string queue = call.input.StringOr("queue", "");
  const std::string job = call.input.StringOr("jobId", "");
  MILL_CO_TRY(const auto places, co_await call.ports.store.Get(PlacesKey(call, queue)));
  MILL_CO_TRY(const auto placed, co_await call.ports.store.Get(PlacedKey(call, queue, job)));
  int64_t used = places ? places->body.IntOr("used", 0) : 0;
  if (placed) {
    used -= placed->body.IntOr("vcpus", 0);
    call.batch.Delete(placed->key);
  }
  Key own;
  if (call.input.Has("number")) {
    own = WaitingKey(call, queue, call.input.IntOr("number", 0));
    call.batch.Delete(own);
  }
  MILL_CO_TRY(const int64_t capacity, co_await Capacity(call, queue));
  const Key line = call.KeyFor({"batch", "waiting", queue}) + "/";
  MILL_CO_TRY(
      const std::vector<Document> waiting,
      co_await call.ports.store.Range(line, PrefixEnd(line), Direction::kForward, kWaitingAtOnce));
  for (const Document& next : waiting) {
    if (next.key == own) continue;
    const int64_t vcpus = next.body.IntOr("vcpus", 1);
    if (used + vcpus > capacity) break;
    used += vcpus;
    const std::string its_job = next.body.StringOr("jobId", "");
    call.batch.Delete(next.key);
    call.batch.PutDocument(PlacedKey(call, queue, its_job), Json::Object{{"vcpus", vcpus}});
    call.ports.engine.Post(call.batch, InstanceId(call, its_job), "placed", Json::Object{});
  }
  SetUsed(call, places, queue, used);
  const std::string parent = call.input.StringOr("parent", "");
  if (!parent.empty())
    call.ports.engine.Post(call.batch, InstanceId(call, parent), "child",
                           Json::Object{{"jobId", job}, {"status", call.input["status"]}});
  co_return Json::Object{};
}

}  // namespace stepmill::batch
