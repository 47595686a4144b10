#include "service/lambda/fleet.h"

#include <algorithm>

#include "base/log.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "gate/session.h"
#include "service/lambda/contract.h"
#include "service/lambda/environment.h"
#include "service/lambda/errors.h"
#include "service/lambda/limits.h"
#include "service/lambda/records.h"
#include "task/ports.h"

namespace stepmill::lambda {

namespace {

constexpr char kFreed[] = "lambda-env/freed";
/// The process inside asks for the next work so long after its answer; then another is started.
constexpr std::chrono::seconds kSettleMax{1};
constexpr std::chrono::milliseconds kClockSlack{50};
constexpr std::chrono::milliseconds kAtOnce{1};
constexpr int kReturnsMax = 4;
constexpr std::chrono::seconds kLogEvery{1};
constexpr std::chrono::minutes kPollMax{10};

std::map<Engine*, std::weak_ptr<Fleet>>& Fleets() {
  static std::map<Engine*, std::weak_ptr<Fleet>> fleets;  // of the loop thread
  return fleets;
}

std::string Topic(const Fleet::EnvironmentPtr& environment) {
  return "lambda-env/" + environment->job.value;
}

Error ServerEnds() { return {Code::kUnavailable, "ServiceException", "The server ends."}; }
Error Gone(const std::string& job_id) {
  return {Code::kNotFound, "EnvironmentGone", "environment " + job_id + " gets no more work"};
}

std::string KeyOf(const FunctionVersion& version) {
  return FunctionArn(version.account, version.region, version.name, version.version) + " " +
         version.config.StringOr("RevisionId", "");
}

}  // namespace

Fleet::Self Fleet::Of(Ports& ports) {
  const auto found = Fleets().find(&ports.engine);
  return found == Fleets().end() ? nullptr : found->second.lock();
}
void Fleet::Register(Ports& ports, const Self& fleet) { Fleets()[&ports.engine] = fleet; }

/// An invocation of a function, as long as it lives.
struct Fleet::InFlight {
  InFlight(Self fleet, std::string function)
      : fleet_(std::move(fleet)), function_(std::move(function)) {
    ++fleet_->in_flight_[function_];
  }
  ~InFlight() {
    if (--fleet_->in_flight_[function_] == 0) fleet_->in_flight_.erase(function_);
  }
  InFlight(const InFlight&) = delete;
  InFlight& operator=(const InFlight&) = delete;

 private:
  Self fleet_;
  std::string function_;
};

Fleet::EnvironmentPtr Fleet::Find(const std::string& job_id) const {
  for (const EnvironmentPtr& one : environments_)
    if (one->job.value == job_id) return one;
  return nullptr;
}

void Fleet::Changed(const EnvironmentPtr& environment) {
  ++environment->changes;
  ports_.engine.Wake(Topic(environment));
}

Task<> Fleet::WaitChange(Self self, EnvironmentPtr environment, uint64_t seen, Time until) {
  Engine& engine = self->ports_.engine;
  Clock& clock = self->ports_.clock;
  int returns = 0;
  while (environment->changes == seen && clock.Now() < until) {
    const uint64_t moment = engine.Moment();
    const Time before = clock.Now();
    MILL_CO_CHECK(co_await engine.WaitFor(Topic(environment), moment, until));
    // Who waits while the server ends gets back at once, again and again, with nothing new.
    returns = clock.Now() - before > kAtOnce ? 0 : returns + 1;
    const bool is_early = clock.Now() + kClockSlack < until;
    if (environment->changes == seen && is_early && returns >= kReturnsMax) co_return ServerEnds();
  }
  co_return Result<>();
}

// ---- which environment

Task<Outcome> Fleet::Invoke(Self self, FunctionVersion version, Work work) {
  const std::string function = FunctionArn(version.account, version.region, version.name);
  if (version.reserved && self->in_flight_[function] >= *version.reserved)
    co_return Throttled("ReservedFunctionConcurrentInvocationLimitExceeded");
  const InFlight guard(self, function);
  MILL_CO_TRY(const EnvironmentPtr environment, co_await Take(self, version));
  if (!environment->is_begun) {
    const Result<> begun = co_await Begin(self, environment, std::move(version));
    if (!begun) {
      self->Discard(environment);
      co_return begun.error();
    }
  }
  auto outcome = co_await Run(self, environment, std::move(work));
  if (!outcome) self->Discard(environment);
  co_return outcome;
}

Task<Fleet::EnvironmentPtr> Fleet::Take(Self self, FunctionVersion version) {
  const std::string key = KeyOf(version);
  Clock& clock = self->ports_.clock;
  const Time until = clock.Now() + kPlaceWaitMax;
  for (;;) {
    EnvironmentPtr idle, settling, oldest;
    for (const EnvironmentPtr& one : self->environments_) {
      if (one->is_busy || one->is_broken()) continue;
      if (!oldest || one->last_used < oldest->last_used) oldest = one;
      if (one->key != key || clock.Now() - one->made > kEnvironmentAgeMax) continue;
      if (one->is_polling && (!idle || one->last_used > idle->last_used)) idle = one;
      if (!one->is_polling && clock.Now() < one->last_used + kSettleMax) settling = one;
    }
    if (idle) {
      idle->is_busy = true;
      co_return idle;
    }
    if (settling) {
      MILL_CO_CHECK(
          co_await WaitChange(self, settling, settling->changes, settling->last_used + kSettleMax));
      continue;
    }
    if (self->environments_.size() < kEnvironmentsMax) co_return self->Make(version);
    if (oldest) {
      self->Discard(oldest);
      continue;
    }
    if (clock.Now() >= until) co_return Throttled("ConcurrentInvocationLimitExceeded");
    const uint64_t moment = self->ports_.engine.Moment();
    const Time before = clock.Now();
    MILL_CO_CHECK(co_await self->ports_.engine.WaitFor(kFreed, moment, until));
    if (clock.Now() == before) co_return ServerEnds();
  }
}

Fleet::EnvironmentPtr Fleet::Make(const FunctionVersion& version) {
  constexpr size_t kDigits = 32;
  const auto made = std::make_shared<Environment>();
  const std::string unique = ReplaceAll(ports_.random.NewUuid(), "-", "");
  made->job = JobId{"lambda-" + unique.substr(0, kDigits)};
  made->key = KeyOf(version);
  made->account = version.account;
  made->region = version.region;
  made->name = version.name;
  made->version = version.version;
  made->config = version.config;
  made->made = made->last_used = ports_.clock.Now();
  made->log_stream = LogStreamName(made->made, version.version, ports_.random.NewUuid());
  environments_.push_back(made);
  return made;
}

Task<> Fleet::Begin(Self self, EnvironmentPtr environment, FunctionVersion version) {
  Ports& ports = self->ports_;
  EnvironmentPlan plan;
  plan.job_id = environment->job.value;
  plan.account = version.account;
  plan.region = version.region;
  plan.version = version.version;
  plan.log_stream = environment->log_stream;
  plan.config = version.config;
  plan.code = version.code;
  MILL_CO_TRY(const Principal principal,
              RolePrincipal(version.config.StringOr("Role", ""), version.name));
  const SessionCredentials session =
      MakeSession(ports.vault, ports.random, principal, ports.clock.Now() + kCredentialsLife);
  plan.access_key_id = session.access_key_id;
  plan.secret_access_key = session.secret.Reveal();
  plan.session_token = session.session_token;
  environment->is_begun = true;
  environment->begun = ports.clock.Now();
  const Result<> started = co_await ports.backend.Start(EnvironmentSpec(plan));
  if (!started) co_return ServiceTrouble(started.error().message);
  environment->begun = ports.clock.Now();
  ports.spawner.Spawn("end of " + environment->job.value, Watch(self, environment));
  ports.spawner.Spawn("rest of " + environment->job.value, Reap(self, environment));
  if (!HasLogFile(environment->config))
    ports.spawner.Spawn("output of " + environment->job.value, Pump(self, environment));
  co_return Result<>();
}

// ---- one invocation

Task<Outcome> Fleet::Run(Self self, EnvironmentPtr environment, Work work) {
  Ports& ports = self->ports_;
  environment->reply.reset();
  MILL_CO_CHECK(co_await AwaitReady(self, environment));
  const bool was_ready = environment->is_ready;
  if (environment->end && !environment->end->start_error.empty())
    co_return ServiceTrouble(environment->end->start_error);
  std::vector<std::string> before = self->ReadLines(environment);
  for (const std::string& line : before) environment->first_lines += line + "\n";
  self->Log(environment, std::move(before));
  Outcome outcome;
  const std::string start =
      "START RequestId: " + work.request_id + " Version: " + environment->version;
  outcome.log = start + "\n";
  self->Log(environment, std::vector<std::string>{start});
  if (was_ready && !environment->is_broken()) {
    environment->is_delivered = false;
    environment->delivered_at = ports.clock.Now();
    environment->work = work;
    self->Changed(environment);
    MILL_CO_CHECK(co_await AwaitReply(self, environment));
    if (!HasLogFile(environment->config)) {
      const Time later = ports.clock.Now() + kClockSlack;  // the engine copies its output
      MILL_CO_CHECK(co_await ports.clock.SleepUntil(later));
    }
  }
  const Outcome judged = self->Judge(environment, work, was_ready);
  outcome.payload = judged.payload;
  outcome.error = judged.error;
  outcome.log += judged.log;
  co_return outcome;
}

Task<> Fleet::AwaitReady(Self self, EnvironmentPtr environment) {
  const Time until = environment->begun + kInitMax + Seconds(environment->timeout_seconds());
  while (!environment->is_ready && !environment->is_broken() && self->ports_.clock.Now() < until)
    MILL_CO_CHECK(co_await WaitChange(self, environment, environment->changes, until));
  co_return Result<>();
}

Task<> Fleet::AwaitReply(Self self, EnvironmentPtr environment) {
  Clock& clock = self->ports_.clock;
  for (;;) {
    const Time until = environment->delivered_at + Seconds(environment->timeout_seconds());
    const Time now = clock.Now();
    if (environment->reply || environment->is_broken() || now >= until) co_return Result<>();
    // What a long invocation writes is not held back until its end.
    const Time look = std::min(until, now + kLogEvery);
    MILL_CO_CHECK(co_await WaitChange(self, environment, environment->changes, look));
    const bool is_going_on = !environment->reply && !environment->is_broken();
    if (is_going_on && clock.Now() >= look) self->Log(environment, self->ReadLines(environment));
  }
}

Outcome Fleet::Judge(const EnvironmentPtr& environment, const Work& work, bool was_ready) {
  Outcome outcome;
  std::vector<std::string> lines = ReadLines(environment);
  Report report;
  report.request_id = work.request_id;
  report.memory_mib = environment->config.IntOr("MemorySize", 128);
  const Time now = ports_.clock.Now();
  const auto millis = [](auto span) {
    return static_cast<double>(std::chrono::duration_cast<Millis>(span).count());
  };
  const Time end = environment->reply ? environment->replied_at : now;
  report.duration_ms = millis(end - (was_ready ? environment->delivered_at : environment->begun));
  if (was_ready && environment->was_cold)
    report.init_ms = millis(environment->ready_at - environment->begun);
  environment->was_cold = false;
  if (environment->reply) {
    outcome.payload = environment->reply->payload;
    report.used_mib = environment->reply->used_mib;
    if (environment->reply->is_error) outcome.error = "Unhandled";
  } else if (!environment->init_error.empty()) {
    outcome.error = "Unhandled";
    outcome.payload = environment->init_error;
    report.status = "error";
  } else if (environment->end) {
    outcome.error = "Unhandled";
    outcome.payload = ExitText(environment->config, work.request_id, *environment->end, was_ready,
                               environment->first_lines);
    const Result<Json> said = ParseJson(outcome.payload);
    if (said) lines.push_back(said->StringOr("errorMessage", ""));
    report.status = "error";
  } else {
    outcome.error = "Unhandled";
    outcome.payload = TimedOutText(work.request_id, environment->timeout_seconds());
    lines.push_back(FormatIso(now) + " " + work.request_id + " " +
                    TimeoutWords(environment->timeout_seconds()));
    report.status = "timeout";
  }
  lines.push_back("END RequestId: " + work.request_id);
  lines.push_back(ReportLine(report));
  for (const std::string& line : lines) outcome.log += line + "\n";
  Log(environment, std::move(lines));
  const bool stays = environment->reply && !environment->is_broken();
  environment->work.reset();
  environment->reply.reset();
  environment->is_delivered = false;
  environment->last_used = now;
  environment->is_busy = false;
  if (!stays) Discard(environment);
  ports_.engine.Wake(kFreed);
  return outcome;
}

// ---- the runtime API

Task<Json> Fleet::Next(Self self, std::string job_id) {
  const EnvironmentPtr environment = self->Find(job_id);
  if (!environment || environment->is_over) co_return Gone(job_id);
  Clock& clock = self->ports_.clock;
  const uint64_t poll = ++environment->polls;
  if (!environment->is_ready) environment->ready_at = clock.Now();
  environment->is_ready = environment->is_polling = true;
  self->Changed(environment);
  const Time until = clock.Now() + kEnvironmentAgeMax + kPollMax;
  while (!environment->work || environment->is_delivered || environment->reply) {
    const Result<> waited = co_await WaitChange(self, environment, environment->changes, until);
    const bool is_last = environment->polls == poll && !environment->is_over;
    if (!waited || !is_last || clock.Now() >= until) co_return Gone(job_id);
  }
  const Work& work = *environment->work;
  environment->is_polling = false;
  environment->is_delivered = true;
  environment->delivered_at = clock.Now();
  const Time deadline = environment->delivered_at + Seconds(environment->timeout_seconds());
  const std::string hex = ReplaceAll(work.request_id, "-", "");
  Json answer = Json::Object{{"requestId", work.request_id},
                             {"deadlineMs", MillisSinceEpoch(deadline)},
                             {"arn", work.arn},
                             {"traceId", "Root=1-" + hex.substr(0, 8) + "-" + hex.substr(8) +
                                             ";Parent=" + hex.substr(16) + ";Sampled=0"},
                             {"payload", Base64(work.payload)}};
  if (!work.client_context.empty()) answer = answer.With("clientContext", work.client_context);
  self->Changed(environment);
  co_return answer;
}

Result<> Fleet::TakeReply(const std::string& job_id, Reply reply) {
  const EnvironmentPtr environment = Find(job_id);
  const bool is_due = environment && environment->work && environment->is_delivered &&
                      !environment->reply && environment->work->request_id == reply.request_id;
  if (!is_due) return Error{Code::kInvalid, "InvalidRequestID", "Invalid request ID"};
  if (reply.payload.size() > kResponseBytesMax) {
    reply.is_error = true;
    reply.payload =
        Json(Json::Object{
                 {"errorType", "Function.ResponseSizeTooLarge"},
                 {"errorMessage",
                  "Response payload size exceeded maximum allowed payload size (6291556 bytes)."}})
            .Print();
  }
  environment->reply = std::move(reply);
  environment->replied_at = ports_.clock.Now();
  Changed(environment);
  return {};
}

Result<> Fleet::TakeInitError(const std::string& job_id, std::string payload) {
  const EnvironmentPtr environment = Find(job_id);
  if (!environment || environment->is_ready)
    return Error{Code::kDenied, "InvalidStateTransition", "The initialisation is over."};
  environment->init_error = payload.empty() ? "{}" : std::move(payload);
  Changed(environment);
  return {};
}

}  // namespace stepmill::lambda
