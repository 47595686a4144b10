#include "network.h"

namespace stepmill::sim {
namespace {

constexpr uint64_t kBodyMax = 1 << 20;
constexpr int kAttemptsMax = 10'000;

Error Lost() { return Error{Code::kTimeout, "ConnectionLost", "no answer"}; }

/// Repeats of these change nothing and answer the same.
bool IsRepeatable(const std::string& operation) {
  for (const char* each : {"StartExecution", "StopExecution", "CreateStateMachine",
                           "CreateActivity", "PutRule", "PutTargets", "PutSecretValue"})
    if (operation == each) return true;
  return false;
}

Principal Alice() {
  Principal alice;
  alice.kind = Principal::Kind::kUser;
  alice.account = "000000000000";
  alice.arn = "arn:aws:iam::000000000000:user/alice";
  return alice;
}

}  // namespace

void Network::Connect(SimServer* server) {
  server_ = server;
  for (auto& [id, call] : open_) call->done.Set();
  open_.clear();
}

Task<> Network::Travel() {
  const int64_t ms = chance_.OneIn(30) ? chance_.Between(100, 2000) : chance_.Between(0, 5);
  const Time at = loop_.now() + Millis(ms);
  co_return co_await loop_.outside().SleepUntil(at);
}

Task<Reply> Network::Ask(std::string service, std::string operation, Json input, std::string body) {
  const uint64_t id = ++last_call_;
  const auto call = std::make_shared<Call>();
  call->body = std::move(body);
  const bool is_lost = faults_.lose_request != 0 && chance_.OneIn(faults_.lose_request);
  const bool is_answer_lost = faults_.lose_answer != 0 && chance_.OneIn(faults_.lose_answer);
  MILL_CO_CHECK(co_await Travel());
  if (!server_) co_return Error{Code::kUnavailable, "ConnectionRefused", "no server"};
  if (!is_lost) {
    Request request;
    request.service = std::move(service);
    request.operation = std::move(operation);
    request.principal = Alice();
    request.account = "000000000000";
    request.region = "us-east-1";
    request.input = std::move(input);
    open_[id] = call;
    const bool is_twice = faults_.repeat_request != 0 && IsRepeatable(request.operation) &&
                          chance_.OneIn(faults_.repeat_request);
    // Of a request that arrived twice one answer comes back, that of the first or of the second.
    const bool is_first_heard = is_twice && chance_.OneIn(2);
    if (is_twice)
      loop_.server().Spawn("serve again", Serve(server_, id, call, request, is_first_heard));
    loop_.server().Spawn("serve", Serve(server_, id, call, std::move(request), !is_first_heard));
    MILL_CO_CHECK(co_await call->done.Wait());
  }
  if (is_lost || is_answer_lost) {
    const Time at = loop_.now() + Millis(chance_.Between(1000, 30'000));
    MILL_CO_CHECK(co_await loop_.outside().SleepUntil(at));
    co_return Lost();
  }
  MILL_CO_CHECK(co_await Travel());
  co_return call->reply;
}

Task<> Network::Serve(SimServer* server, uint64_t id, std::shared_ptr<Call> call, Request request,
                      bool is_heard) {
  if (!call->body.empty()) {
    call->source = BytesSource(call->body);
    request.body = call->source.get();
  }
  const std::string what = request.service + ":" + request.operation;
  auto answer = co_await server->door().Ask(std::move(request));
  Result<Reply> reply = Lost();
  if (!answer) {
    reply = answer.error();
  } else {
    Reply made;
    made.output = answer->output;
    reply = made;
    if (answer->body) {
      auto text = co_await ReadAll(*answer->body, kBodyMax);
      if (text)
        reply->body = *std::move(text);
      else
        reply = text.error();
    }
  }
  trace_.Add(loop_.now(), what,
             reply ? reply->output.Print() + reply->body
                   : reply.error().name + ": " + reply.error().message);
  if (is_heard) Finish(id, std::move(reply));
  co_return Result<>();
}

void Network::Finish(uint64_t id, Result<Reply> reply) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  found->second->reply = std::move(reply);
  found->second->done.Set();
  open_.erase(found);
}

Task<Reply> Caller::Ask(std::string service, std::string operation, Json input, std::string body,
                        int* attempts) {
  for (int attempt = 1; attempt <= kAttemptsMax; ++attempt) {
    if (attempts) *attempts = attempt;
    auto reply = co_await network_.Ask(service, operation, input, body);
    if (reply) co_return reply;
    const Code code = reply.error().code;
    if (code == Code::kInternal) {
      findings_.Fail(service + ":" + operation + " " + input.Print() + " answers " +
                     reply.error().name + ": " + reply.error().message);
      co_return reply.error();
    }
    if (code != Code::kUnavailable && code != Code::kTimeout && code != Code::kLimit)
      co_return reply.error();
    MILL_CO_CHECK(co_await Sleep(Millis(chance_.Between(10, 3000))));
  }
  findings_.Fail(service + ":" + operation + " never answers");
  co_return Lost();
}

Task<Json> Caller::Must(std::string service, std::string operation, Json input, std::string body) {
  const auto reply = co_await Ask(service, operation, input, std::move(body));
  if (reply) co_return reply->output;
  findings_.Fail(service + ":" + operation + " " + input.Print() +
                 " is refused: " + reply.error().name + ": " + reply.error().message);
  co_return Json();
}

Task<> Caller::Sleep(Millis time) {
  const Time at = loop_.now() + time;
  co_return co_await loop_.outside().SleepUntil(at);
}

}  // namespace stepmill::sim
