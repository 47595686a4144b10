#include "service/states/callbacks.h"

#include "engine/engine.h"
#include "lang/asl/definition.h"
#include "lang/asl/execution.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"

namespace stepmill::states {
namespace {

/// The task that waits under the call's token: InvalidToken for what is no token, TaskDoesNotExist
/// where its execution never was, TaskTimedOut where the task is over.
Task<Document> RequireTask(Call& call) {
  const std::string token = call.input.StringOr("taskToken", "");
  const std::optional<asl::TaskToken> read = asl::ReadTaskToken(token);
  if (!read) co_return InvalidToken();
  const Key key = TokenKey(call.account, call.region, token);
  MILL_CO_TRY(auto waiting, co_await call.ports.store.Get(key));
  if (waiting) co_return *std::move(waiting);
  const std::string arn = read->execution_arn;
  const auto execution = co_await RequireExecution(call, arn);
  if (!execution) co_return TaskDoesNotExist();
  co_return TaskTimedOut();
}

/// Posts what became of it to its execution.
void PostTask(Call& call, const Document& waiting, std::string_view kind, const Json& data) {
  call.ports.engine.Post(call.batch, waiting.body.StringOr("arn", ""), kind,
                         data.With("task", waiting.body["task"]));
  if (kind == "task-heartbeat") return;
  // Answered once: the next one finds that it is gone.
  call.batch.expects.push_back({waiting.key, waiting.version});
  call.batch.Delete(waiting.key);
}

}  // namespace

Task<Json> SendTaskSuccess(Call& call) {
  MILL_CO_TRY(const Document waiting, co_await RequireTask(call));
  const std::string text = call.input.StringOr("output", "");
  if (const auto problem = asl::FindJacksonProblem(text)) co_return InvalidOutput(problem->message);
  MILL_CO_TRY(const Json output, ParseJson(text));
  PostTask(call, waiting, "task-success", Json::Object{{"output", output}});
  co_return Json::Object{};
}

Task<Json> SendTaskFailure(Call& call) {
  MILL_CO_TRY(const Document waiting, co_await RequireTask(call));
  Json::Object failure;
  failure.SetIf("error", call.input.Find("error"));
  failure.SetIf("cause", call.input.Find("cause"));
  PostTask(call, waiting, "task-failure", Json(std::move(failure)));
  co_return Json::Object{};
}

Task<Json> SendTaskHeartbeat(Call& call) {
  MILL_CO_TRY(const Document waiting, co_await RequireTask(call));
  PostTask(call, waiting, "task-heartbeat", Json(Json::Object{}));
  co_return Json::Object{};
}

}  // namespace stepmill::states
