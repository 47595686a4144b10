// Concurrency groups (GitHub: "Control the concurrency of workflows and jobs"): at most one of a
// group runs and one waits; a newcomer takes the place of the one that waits, and with
// cancel-in-progress also ends the one that runs. A holder is a run ("12") or a job of one
// ("12/build").
//
// What a holder is told comes by Engine::Post: "granted" {"job"}, "displaced" {"job", "message"}.
#include "base/strings.h"
#include "engine/engine.h"
#include "service/ports.h"
#include "service/workflows/records.h"

namespace stepmill::workflows {
namespace {

void Tell(Call& call, const std::string& holder, const char* kind, const std::string& message) {
  const size_t slash = holder.find('/');
  const std::string job = slash == holder.npos ? "" : holder.substr(slash + 1);
  call.ports.engine.Post(
      call.batch,
      InstanceId(call.account, call.region, call.input.StringOr("repositoryName", ""),
                 holder.substr(0, slash)),
      kind, Json::Object{{"job", job}, {"message", message}});
}

Key GroupKey(const Call& call) {
  return call.KeyFor({"workflows", "group", call.input.StringOr("repositoryName", ""),
                      call.input.StringOr("group", "")});
}

void Keep(Call& call, const std::optional<Document>& found, const std::string& running,
          const std::string& pending) {
  const Key key = GroupKey(call);
  const Json body = Json::Object{{"running", running}, {"pending", pending}};
  if (!found) return call.batch.Create(key, body);
  if (!running.empty()) return call.batch.Replace(*found, body);
  call.batch.expects.push_back({key, found->version});
  call.batch.Delete(key);
}

}  // namespace

/// {"repositoryName", "group", "holder", "cancels"}
Task<Json> EnterGroup(Call& call) {
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(GroupKey(call)));
  const Json body = found ? found->body : Json(Json::Object{});
  const std::string holder = call.input.StringOr("holder", "");
  std::string running = body.StringOr("running", ""), pending = body.StringOr("pending", "");
  if (running.empty() || running == holder) {
    running = holder;
    Tell(call, holder, "granted", "");
  } else {
    const std::string message = "Canceling since a higher priority waiting request for '" +
                                call.input.StringOr("group", "") + "' exists";
    if (!pending.empty() && pending != holder) Tell(call, pending, "displaced", message);
    pending = holder;
    if (call.input.BoolOr("cancels", false)) Tell(call, running, "displaced", message);
  }
  Keep(call, found, running, pending);
  co_return Json::Object{};
}

/// {"repositoryName", "group", "holder"}
Task<Json> LeaveGroup(Call& call) {
  MILL_CO_TRY(const auto found, co_await call.ports.store.Get(GroupKey(call)));
  if (!found) co_return Json::Object{};
  const std::string holder = call.input.StringOr("holder", "");
  std::string running = found->body.StringOr("running", "");
  std::string pending = found->body.StringOr("pending", "");
  if (pending == holder) pending.clear();
  if (running == holder) {
    running = pending;
    pending.clear();
    if (!running.empty()) Tell(call, running, "granted", "");
  }
  Keep(call, found, running, pending);
  co_return Json::Object{};
}

}  // namespace stepmill::workflows
