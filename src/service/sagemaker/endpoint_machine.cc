#include "service/sagemaker/endpoint_machine.h"

#include "base/digest.h"
#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/job_machine.h"
#include "service/sagemaker/records.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kReasonMax = 1024;
constexpr int64_t kAttemptsMax = 5;  ///< of one host, when its container ends by itself

class Machine {
 public:
  Machine(const std::string& instance_id, const Json& state, const Event& event)
      : id_(instance_id), state_(state), endpoint_(state["endpoint"]), event_(event) {}

  Step Run() {
    if (event_.kind == "start") OnStart();
    if (event_.kind == "update") OnUpdate();
    if (event_.kind == "delete") OnDelete();
    if (event_.kind == "effect") OnEffect(event_.data.StringOr("tag", ""));
    return {state_.With("endpoint", endpoint_), std::move(turn_)};
  }

 private:
  struct Key {
    int64_t generation = 0, host = 0, attempt = 0;
    std::string Text() const {
      return std::to_string(generation) + "-" + std::to_string(host) + "-" +
             std::to_string(attempt);
    }
  };
  static Key KeyOf(std::string_view text) {
    const auto parts = Split(text, '-');
    Key key;
    if (parts.size() != 3) return key;
    key.generation = ParseInt(parts[0]).value_or(0);
    key.host = ParseInt(parts[1]).value_or(0);
    key.attempt = ParseInt(parts[2]).value_or(0);
    return key;
  }
  std::string Part(size_t index) const { return std::string(Split(id_, '/')[index]); }

  void OnStart() {
    endpoint_ = event_.data["endpoint"];
    state_ = Json::Object{{"generation", 0},        {"live", Json()},
                          {"next", Json()},         {"open", Json::Array{}},
                          {"isDeleted", false},     {"retired", Json::Object{}},
                          {"gone", Json::Object{}}, {"logged", Json::Object{}}};
    Tell();
    BringUp(event_.data["plan"]);
  }

  void OnUpdate() {
    if (!state_["next"].is_null() || IsDeleted()) return;  // one at a time: the handler refuses
    SetStatus("Updating");
    BringUp(event_.data["plan"]);
  }

  void BringUp(const Json& plan) {
    const int64_t generation = state_.IntOr("generation", 0) + 1;
    const Json next =
        Json::Object{{"generation", generation}, {"plan", plan}, {"up", Json::Array{}}};
    state_ = state_.With("generation", generation).With("next", next);
    for (size_t i = 0; i < plan["hosts"].size(); ++i)
      Start({generation, static_cast<int64_t>(i), 1}, plan);
  }

  void Start(const Key& key, const Json& plan) {
    state_ = state_.With("open", state_["open"].Push(key.Text()));
    Perform("run", key, plan["hosts"].At(static_cast<size_t>(key.host)));
  }

  void OnDelete() {
    if (IsDeleted()) return;
    state_ = state_.With("isDeleted", true).With("live", Json()).With("next", Json());
    endpoint_ = endpoint_.Without("Own").With("Own", Json::Object{{"instance", id_}});
    SetStatus("Deleting");
    for (const Json& open : ItemsOf(state_["open"])) Perform("retire", KeyOf(open.AsString()));
    FinishWhenEmpty();
  }

  void OnEffect(const std::string& tag) {
    const auto parts = Split(tag, ':');
    if (parts.size() != 2) return;
    const Key key = KeyOf(parts[1]);
    const Json* error = event_.data.Find("error");
    std::string failure = event_.data["output"].StringOr("failure", "");
    if (error) failure = error->StringOr("message", "");
    if (parts[0] == "run") OnRun(key, failure);
    if (parts[0] == "ready") OnReady(key, failure);
    if (parts[0] == "log") OnEnded(key);
    if (parts[0] == "retire") {
      state_ = state_.With("gone", state_["gone"].With(key.Text(), true));
      CleanWhenOver(key);
    }
    if (parts[0] == "clean") {
      Json::Array open;
      for (const Json& one : ItemsOf(state_["open"]))
        if (one != Json(key.Text())) open.push_back(one);
      state_ = state_.With("open", std::move(open));
      for (const char* list : {"retired", "gone", "logged"})
        if (state_[list].Has(key.Text()))
          state_ = state_.With(list, state_[list].Without(key.Text()));
    }
    FinishWhenEmpty();
  }

  void OnRun(const Key& key, const std::string& failure) {
    if (!failure.empty()) {
      Perform("clean", key);
      return Fail(key, failure);
    }
    Perform("log", key, HostOf(key));
    if (Generation(key).is_null())
      Perform("retire", key);
    else
      Perform("ready", key, HostOf(key));
  }

  void OnReady(const Key& key, const std::string& failure) {
    if (!failure.empty()) return Fail(key, failure);
    const char* where = WhereOf(key);
    if (!where) return;
    const Json host = HostOf(key);
    const Json up = Json::Object{{"variant", host["variant"]},
                                 {"weight", host["weight"]},
                                 {"job", EndpointJobId(id_, key.Text())},
                                 {"host", key.host}};
    const Json part = state_[where];
    state_ = state_.With(where, part.With("up", part["up"].Push(up)));
    if (std::string_view(where) == "live") return Save();
    if (state_["next"]["up"].size() == state_["next"]["plan"]["hosts"].size()) TakeOver();
  }

  void TakeOver() {
    const int64_t old = state_["live"].is_null() ? 0 : state_["live"].IntOr("generation", 0);
    const Json next = state_["next"];
    state_ = state_.With("live", next).With("next", Json());
    endpoint_ = endpoint_.With("EndpointConfigName", next["plan"]["config"])
                    .With("ProductionVariants", next["plan"]["variants"])
                    .Without("FailureReason");
    SetStatus("InService");
    Retire(old);
  }

  /// What did not come up. Of a generation that was to be the next: the one before stays.
  void Fail(const Key& key, const std::string& reason) {
    const char* where = WhereOf(key);
    if (!where || std::string_view(where) == "live") return;
    state_ = state_.With("next", Json());
    if (state_["live"].is_null()) {
      endpoint_ = endpoint_.With("FailureReason", std::string(TruncateUtf8(reason, kReasonMax)));
      SetStatus("Failed");
    } else {
      SetStatus("RollingBack");
      endpoint_ = endpoint_.With("FailureReason", std::string(TruncateUtf8(reason, kReasonMax)));
      SetStatus("InService");
    }
    Retire(key.generation);
  }

  /// A container has ended. One of the generation that serves is replaced.
  void OnEnded(const Key& key) {
    state_ = state_.With("logged", state_["logged"].With(key.Text(), true));
    CleanWhenOver(key);
    const char* where = WhereOf(key);
    if (!where || std::string_view(where) != "live") return;
    const Json live = state_["live"];
    Json::Array up;
    for (const Json& one : ItemsOf(live["up"]))
      if (one.StringOr("job", "") != EndpointJobId(id_, key.Text())) up.push_back(one);
    state_ = state_.With("live", live.With("up", std::move(up)));
    Save();
    Perform("retire", key);
    if (key.attempt < kAttemptsMax)
      Start({key.generation, key.host, key.attempt + 1}, live["plan"]);
  }

  /// Removed once its output is copied and nobody needs it any more.
  void CleanWhenOver(const Key& key) {
    if (state_["logged"].Has(key.Text()) && state_["gone"].Has(key.Text())) Perform("clean", key);
  }

  void Retire(int64_t generation) {
    for (const Json& open : ItemsOf(state_["open"])) {
      const Key key = KeyOf(open.AsString());
      if (key.generation == generation) Perform("retire", key);
    }
  }

  void FinishWhenEmpty() {
    if (!IsDeleted() || state_["open"].size() > 0 || turn_.is_finished) return;
    turn_.writes.puts.clear();  // of the same document: puts come after deletes
    turn_.writes.Delete(EndpointKey(Part(1), Part(2), Part(4)));
    turn_.is_finished = true;
  }

  bool IsDeleted() const { return state_.BoolOr("isDeleted", false); }
  /// "live" or "next", or nullptr: of neither any more.
  const char* WhereOf(const Key& key) const {
    for (const char* where : {"live", "next"})
      if (!state_[where].is_null() && state_[where].IntOr("generation", 0) == key.generation)
        return where;
    return nullptr;
  }
  Json Generation(const Key& key) const {
    const char* where = WhereOf(key);
    return where ? state_[where] : Json();
  }
  Json HostOf(const Key& key) const {
    const Json generation = Generation(key);
    const Json& hosts = generation["plan"]["hosts"];
    const auto index = static_cast<size_t>(key.host);
    return index < hosts.size() ? hosts.At(index) : Json();
  }
  void Perform(const std::string& what, const Key& key, const Json& host = {}) {
    const std::string tag = what + ":" + key.Text();
    const bool is_known = what == "retire" && state_["retired"].Has(key.Text());
    if (is_known) return;  // an effect's tag is used once
    if (what == "retire") state_ = state_.With("retired", state_["retired"].With(key.Text(), true));
    turn_.effects.push_back({tag, "sagemaker.endpoint." + what,
                             Json::Object{{"name", Part(4)},
                                          {"job", EndpointJobId(id_, key.Text())},
                                          {"host", host},
                                          {"role", host["model"]["ExecutionRoleArn"]},
                                          {"account", Part(1)},
                                          {"region", Part(2)}}});
  }
  void SetStatus(std::string_view status) {
    endpoint_ = endpoint_.With("EndpointStatus", status)
                    .With("LastModifiedTime", SecondsSinceEpoch(event_.at));
    Save();
    Tell();
  }
  void Save() {
    const Json up = state_["live"].is_null() ? Json(Json::Array{}) : state_["live"]["up"];
    endpoint_ = endpoint_.With("Own", Json::Object{{"instance", id_}, {"up", up}});
    turn_.writes.PutDocument(EndpointKey(Part(1), Part(2), Part(4)), endpoint_);
  }
  void Tell() {
    turn_.writes.events.push_back(
        StateChange("Endpoint", id_, endpoint_["EndpointArn"], endpoint_));
  }

  const std::string& id_;
  Json state_, endpoint_;
  const Event& event_;
  Turn turn_;
};

}  // namespace

std::string EndpointJobId(const std::string& instance_id, const std::string& key) {
  constexpr size_t kDigits = 24;
  return "endpoint-" + Hex(Sha256(instance_id)).substr(0, kDigits) + "-" + key;
}

Step AdvanceEndpoint(const std::string& instance_id, const Json& state, const Event& event) {
  return Machine(instance_id, state, event).Run();
}

}  // namespace stepmill::sagemaker
