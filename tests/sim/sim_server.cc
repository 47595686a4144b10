#include "sim_server.h"

#include <unordered_map>

#include "app/housekeeping.h"
#include "app/services.h"
#include "lang/pattern/pattern.h"
#include "sim_worker.h"

namespace stepmill::sim {
namespace {

constexpr char kKey[] = "a key of thirty-two bytes, known";
constexpr uint64_t kBackendSalt = 11, kWriterSalt = 12, kIndexerSalt = 14, kChanceSalt = 13;

/// As World's: compiled patterns by their text.
class PatternMatcher {
 public:
  bool operator()(const Json& pattern, const Json& event) {
    std::string text = pattern.Print();
    auto known = compiled_.find(text);
    if (known == compiled_.end()) {
      auto made = pattern::Compile(text);
      known =
          compiled_.emplace(std::move(text), made ? std::optional(*std::move(made)) : std::nullopt)
              .first;
    }
    return known->second && known->second->Matches(event);
  }

 private:
  std::unordered_map<std::string, std::optional<pattern::Pattern>> compiled_;
};

}  // namespace

std::string PrintFaults(const Faults& f) {
  std::string text = "crashes " + std::to_string(f.crashes);
  if (f.accidents > 0) text += ", accidents " + std::to_string(f.accidents);
  if (f.loses_power) text += ", power";
  const auto add = [&text](const char* name, uint64_t one_in) {
    if (one_in != 0) text += std::string(", ") + name + " 1/" + std::to_string(one_in);
  };
  add("lost requests", f.lose_request);
  add("lost answers", f.lose_answer);
  add("repeated requests", f.repeat_request);
  add("backend", f.fail_backend);
  add("repeated effects", f.repeat_effect);
  add("repeated events", f.repeat_event);
  return text;
}

class SimServer::Recorder final : public Store {
 public:
  Recorder(Store& inner, SimServer& server) : inner_(inner), server_(server) {}
  Task<> Commit(Batch batch) override {
    server_.trace_.Add(server_.loop_.now(), "commit", PrintBatch(batch));
    server_.RepeatEvents(batch.dues);
    const auto done = co_await inner_.Commit(std::move(batch));
    if (!done) server_.trace_.Add(server_.loop_.now(), "not committed", done.error().message);
    co_return done;
  }
  Task<> Settle() override { return inner_.Settle(); }
  Task<std::optional<Document>> Get(Key key) override { return inner_.Get(std::move(key)); }
  Task<std::vector<Document>> Range(Key from, Key to, Direction way, int limit) override {
    return inner_.Range(std::move(from), std::move(to), way, limit);
  }
  Task<std::vector<Record>> Read(std::string stream, uint64_t from, Direction way,
                                 int limit) override {
    return inner_.Read(std::move(stream), from, way, limit);
  }
  Task<std::vector<Due>> FindDue(Time after_at, std::string after_id, int limit) override {
    return inner_.FindDue(after_at, std::move(after_id), limit);
  }

 private:
  Store& inner_;
  SimServer& server_;
};

Result<std::unique_ptr<JournalStore>> SimServer::OpenStore(Machine& machine, SimLoop& loop,
                                                           uint64_t seed,
                                                           JournalStore::Failed failed) {
  constexpr int64_t kWriterSlowMs = 400, kIndexerSlowMs = 3000;
  SimLoop::Side& side = loop.server();
  JournalStore::Ground ground;
  ground.disk = machine.disk.View();
  ground.writer = std::make_unique<SimWorker>(side, seed ^ kWriterSalt, kWriterSlowMs);
  ground.indexer = std::make_unique<SimWorker>(side, seed ^ kIndexerSalt, kIndexerSlowMs);
  ground.index_path = "index.sqlite";
  ground.index_vfs = kSimVfs;
  // Small, so that segments are written anew and removed in a run of some hundred commits.
  ground.segment_bytes = 64 * 1024;
  ground.move_bytes = 96 * 1024;
  return JournalStore::Open(side.executor(), std::move(ground), std::move(failed));
}

SimServer::SimServer(std::unique_ptr<JournalStore> store, Machine& machine, SimLoop& loop,
                     Trace& trace, const Faults& faults, std::string data_dir, uint64_t seed)
    : loop_(loop),
      trace_(trace),
      chance_(seed ^ kChanceSalt),
      repeat_event_(faults.repeat_event),
      plain_(std::move(store)),
      repos_(NoRepos()),
      backend_(*machine.jobs, loop.server(), data_dir + "/jobs", seed ^ kBackendSalt,
               faults.fail_backend),
      vault_(Secret(kKey)),
      sealed_(*plain_, vault_, IsKeptSealed),
      recorder_(std::make_unique<Recorder>(sealed_, *this)),
      store_(*recorder_) {
  SimLoop::Side& side = loop.server();
  // Small bounds, so that dues and instances leave memory in a run of some hundred executions.
  const EngineBounds bounds{.dues_ahead = 16, .idle_instances = 4};
  engine_ = std::make_unique<Engine>(store_, side, side, side, PatternMatcher(), bounds);
  // The ports name the door, the door the ports: the memory of the door is there before it is.
  Door* place = static_cast<Door*>(::operator new(sizeof(Door)));
  ports_.reset(new Ports{.store = store_,
                         .blobs = *machine.blobs,
                         .archive = archive_,
                         .repos = *repos_,
                         .backend = backend_,
                         .engine = *engine_,
                         .clock = side,
                         .random = side,
                         .spawner = side,
                         .vault = vault_,
                         .web = web_,
                         .door = *place,
                         .account = "000000000000",
                         .region = "us-east-1",
                         .data_dir = std::move(data_dir)});
  door_.reset(new (place)
                  Door(*ports_, [this](Batch batch) { return engine_->Commit(std::move(batch)); }));
  WireServices(*ports_, AllServices());
  if (faults.repeat_effect != 0) RepeatEffects(faults.repeat_effect);
}

Task<> SimServer::Recover() {
  MILL_CO_CHECK(co_await engine_->Recover());
  ports_->spawner.Spawn("keep house", KeepHouse(*ports_));
  co_return Result<>();
}

namespace {

/// A call that the loop makes through the door, as app/wiring makes it; once in a while its answer
/// is lost, and the loop asks again under the same id.
Task<Json> AskAndLose(Door& door, Chance& chance, uint64_t one_in,
                      Engine::Performance performance) {
  const Json& what = performance.what;
  Request request;
  request.service = what.StringOr("service", "");
  request.operation = what.StringOr("operation", "");
  request.account = what.StringOr("account", "");
  request.region = what.StringOr("region", "");
  request.input = what["input"];
  request.is_internal = what.BoolOr("internal", false);
  request.effect_id = performance.effect_id;
  MILL_CO_TRY(request.principal, PrincipalFromJson(what["principal"]));
  MILL_CO_TRY(Answer answer, co_await door.Ask(std::move(request)));
  if (chance.OneIn(one_in)) co_return Error{Code::kUnavailable, "AnswerLost", "simulated"};
  co_return answer.output;
}

}  // namespace

void SimServer::RepeatEffects(uint64_t one_in) {
  engine_->AddPerformer("door", [this, one_in](Engine::Performance performance) {
    return AskAndLose(*door_, chance_, one_in, std::move(performance));
  });
}

namespace {
Task<> CommitEvent(Engine& engine, Json event) {
  Batch batch;
  batch.events.push_back(std::move(event));
  co_return co_await engine.Commit(std::move(batch));
}
}  // namespace

/// EventBridge delivers at least once: some events of the product's own services come once more.
void SimServer::RepeatEvents(const std::vector<Due>& dues) {
  if (repeat_event_ == 0) return;
  for (const Due& due : dues) {
    const Json& event = due.body[due.kind == "delivery" ? "what" : "data"]["event"];
    if (!event.StringOr("source", "").starts_with("aws.")) continue;
    if (!chance_.OneIn(repeat_event_)) continue;
    const Time at = loop_.now() + Millis(chance_.Between(1, 20'000));
    loop_.server().WakeAt(
        at, [this, event] { loop_.server().Spawn("repeat event", CommitEvent(*engine_, event)); });
  }
}

}  // namespace stepmill::sim
