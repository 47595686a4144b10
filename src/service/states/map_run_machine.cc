#include "service/states/map_run_machine.h"

#include <algorithm>
#include <deque>
#include <map>

#include "base/strings.h"
#include "engine/turns.h"
#include "json/each.h"
#include "lang/asl/child_inputs.h"
#include "lang/asl/expression.h"
#include "lang/asl/limits.h"
#include "service/states/execution_machine.h"
#include "service/states/limits.h"
#include "service/states/map_child.h"
#include "service/states/map_counts.h"
#include "service/states/map_items.h"
#include "service/states/map_results.h"
#include "service/states/map_run_documents.h"

namespace stepmill::states {
namespace {

/// A child that runs, or that ended without success and is kept for a redrive.
struct Child {
  std::string name;
  int64_t items = 0;
  int64_t redrives = 0;
  std::string status = "RUNNING";
};

class MapRunInstance : public Instance {
 public:
  Turn Advance(const Event& event) override {
    turn_ = Turn{};
    now_ = event.at;
    chance_ = asl::Chance(event.entropy);
    if (event.kind == "start")
      Begin(event.data);
    else if (event.kind == "effect")
      OnEffect(event.data);
    else if (event.kind == "child")
      OnChild(event.data.IntOr("index", -1), event.data["document"]);
    else if (event.kind == "stop")
      OnStop();
    else if (event.kind == "update")
      OnUpdate(event.data);
    else if (event.kind == "redrive")
      OnRedrive(event.data);
    else if (event.kind == "more")
      is_more_posted_ = false;
    // Its execution was stopped and redriven while this was still coming to its end.
    if (phase_ == Phase::kDone && next_redrive_) OnRedrive(*std::exchange(next_redrive_, {}));
    if (phase_ == Phase::kRunning) StartChildren();
    Save();
    turn_.is_finished = phase_ == Phase::kDone;
    return std::move(turn_);
  }

 private:
  enum class Phase { kReading, kRunning, kStopping, kWriting, kClearing, kDone };

  void Begin(const Json& data) {
    plan_ = data["plan"];
    document_ = data["document"];
    arn_ = document_.StringOr("mapRunArn", "");
    place_ = *ParseMapRunArn(arn_);
    parent_ = document_.StringOr("executionArn", "");
    parent_run_ = data["mapRun"];
    role_ = data.StringOr("role", "");
    session_ = data.StringOr("execution", "");
    is_express_ = plan_.BoolOr("isExpress", false);
    concurrency_max_ = plan_.IntOr("concurrencyMax", 0);
    tolerance_.count = plan_.IntOr("toleratedCount", 0);
    tolerance_.percentage = plan_["toleratedPercentage"].AsDouble();
    if (plan_.Has("batcher")) batch_items_max_ = plan_["batcher"].IntOr("itemsMax", 0);
    Result<asl::ChildInputs> inputs = asl::ChildInputs::Make(plan_);
    if (!inputs) return Fail(inputs.error().name, inputs.error().message);
    inputs_ = std::make_unique<asl::ChildInputs>(*std::move(inputs));
    if (!plan_.Has("items")) return Read();
    for (const Json& item : plan_["items"].items()) queue_.push_back(Json::Object{{"v", item}});
    items_.total = static_cast<int64_t>(queue_.size());
    is_read_ = true;
    phase_ = Phase::kRunning;
  }

  // -- effects ------------------------------------------------------------------------------------
  std::string NewTag(const char* kind) {
    return std::string(kind) + "." + std::to_string(++effects_);
  }

  void Perform(const std::string& tag, const char* performer, Json::Object what) {
    what.Set("role", role_);
    what.Set("session", session_);
    what.Set("account", place_.account);
    what.Set("region", place_.region);
    what.Set("mapRunArn", arn_);
    turn_.effects.push_back({tag, performer, Json(std::move(what))});
  }

  void Read() {
    phase_ = Phase::kReading;
    Perform(NewTag("read"), kMapItemsName,
            Json::Object{{"do", "read"}, {"reader", plan_["reader"]}});
  }

  void OnEffect(const Json& data) {
    const std::string tag = data.StringOr("tag", "");
    const Json& output = data["output"];
    const Json* error = data.Find("error");
    if (!error) error = output.Find("error");
    if (tag.starts_with("read.")) {
      OnRead(output, error);
    } else if (tag.starts_with("fetch.")) {
      is_fetching_ = false;
      if (phase_ != Phase::kRunning) return;
      if (error) return Fail("States.ItemReaderFailed", error->StringOr("message", ""));
      for (const Json& item : ItemsOf(output["items"])) queue_.push_back(item);
      fetched_ += static_cast<int64_t>(output["items"].size());
      offset_ = output["offset"];
    } else if (tag.starts_with("write.")) {
      if (tag == write_tag_ && phase_ == Phase::kWriting) OnWritten(output, error);
    } else if (tag.starts_with("clear.")) {
      turn_.writes.Delete(MapItemsKey(blob_));
      phase_ = Phase::kDone;
    } else if (tag.starts_with("child.")) {
      OnExpressChild(tag, output, error);
    }
  }

  void OnRead(const Json& output, const Json* error) {
    if (phase_ != Phase::kReading) return;
    if (error) return Fail(error->StringOr("name", ""), error->StringOr("message", ""));
    blob_ = output.StringOr("blob", "");
    if (!blob_.empty()) turn_.writes.PutDocument(MapItemsKey(blob_), Json(Json::Object{}));
    for (const Json& item : ItemsOf(output["items"])) queue_.push_back(item);
    items_.total = output.IntOr("count", 0);
    source_ = output.StringOr("source", "");
    fetched_ = static_cast<int64_t>(queue_.size());
    is_read_ = true;
    phase_ = Phase::kRunning;
  }

  // -- children -----------------------------------------------------------------------------------
  void StartChildren() {
    const int64_t limit =
        concurrency_max_ > 0 ? std::min(concurrency_max_, kMapConcurrencyMax) : kMapConcurrencyMax;
    int started = 0;
    bool is_blocked = false;  // nothing is left, or nothing is here
    while (static_cast<int64_t>(running_.size()) < limit && started < kMapStartsPerTurn) {
      ++started;
      if (!again_.empty()) {
        StartAgain();
        continue;
      }
      const auto input = NextInput();
      if (!input) return Fail(input.error().name, input.error().message);
      is_blocked = !*input;
      if (is_blocked) break;
      if (!StartChild((*input)->value, (*input)->items)) return;
    }
    if (!is_blocked && started == kMapStartsPerTurn && !is_more_posted_) {
      is_more_posted_ = true;
      AddPost(turn_.writes, arn_, "more", Json(), now_, arn_ + "/more/" + std::to_string(++posts_));
    }
    const bool is_low = queue_.size() < kMapItemsInRecord / 2;
    if (is_low && has_more_to_fetch() && !is_fetching_) {
      is_fetching_ = true;
      Perform(NewTag("fetch"), kMapItemsName,
              Json::Object{{"do", "fetch"}, {"blob", blob_}, {"offset", offset_}});
    }
    if (is_blocked && running_.empty() && !has_more_items()) Complete();
  }

  bool has_more_to_fetch() const { return !blob_.empty() && fetched_ < items_.total; }
  bool has_more_items() const { return !queue_.empty() || has_more_to_fetch(); }

  /// The next child's input; nullopt: there is nothing to start now.
  Result<std::optional<asl::ChildInputs::Input>> NextInput() {
    for (;;) {
      std::optional<asl::ChildInputs::Input> input = inputs_->Next(!has_more_items());
      if (input || queue_.empty()) return input;
      const Json item = std::move(queue_.front());
      queue_.pop_front();
      std::optional<std::string> key;
      if (item.Has("k")) key = item.StringOr("k", "");
      const std::string source = item.StringOr("s", source_.empty() ? "STATE_DATA" : source_);
      MILL_CHECK(inputs_->Add(item["v"], key, source, now_, chance_.Next()));
    }
  }

  bool StartChild(const Json& input, int64_t count) {
    std::string text = input.Print();
    if (text.size() > asl::kPayloadBytesMax) {
      Fail("States.DataLimitExceeded",
           "The state/task '" + plan_.StringOr("state", "") +
               "' provided parameters with a size exceeding the maximum number of bytes service "
               "limit.");
      return false;
    }
    const int64_t index = next_child_++;
    const uint64_t high = chance_.Next();
    const Child child{Uuid(high, chance_.Next()), count, 0, "RUNNING"};
    const Json document = Json::Object{{"executionArn", ChildArn(child)},
                                       {"stateMachineArn", ChildMachineArn(place_)},
                                       {"name", child.name},
                                       {"status", "RUNNING"},
                                       {"startDate", MillisSinceEpoch(now_)},
                                       {"input", std::move(text)},
                                       {"mapRunArn", arn_},
                                       {"revision", place_.uuid}};
    turn_.writes.PutDocument(ChildExecutionKey(place_, child.name), document);
    turn_.writes.PutDocument(ChildIndexKey(place_, index),
                             Json::Object{{"name", child.name}, {"items", count}});
    Json::Object start = StartData(child);
    start.Set("document", document);
    if (is_express_) {
      // In memory, at least once; how it ended comes back with the effect and is durable then.
      turn_.effects.push_back({ChildTag(index, child), kMapChildName,
                               Json::Object{{"data", Json(std::move(start))},
                                            {"revision", MapRunRevisionKey(place_)}}});
    } else {
      start.Set("mapRun", Json::Object{{"instance", arn_}, {"index", index}});
      AddStart(turn_.writes, ChildArn(child), kMachineName, Json(std::move(start)), now_,
               MapRunRevisionKey(place_), "start/" + ChildArn(child));
    }
    running_[index] = child;
    items_.running += count;
    executions_.running += 1;
    return true;
  }

  /// The next child that a redrive begins again.
  void StartAgain() {
    const int64_t index = again_.front();
    again_.pop_front();
    Child child = ended_.at(index);
    ended_.erase(index);
    ++child.redrives;
    items_.StartAgain(child.status, child.items);
    executions_.StartAgain(child.status, 1);
    child.status = "RUNNING";
    if (is_express_)
      turn_.effects.push_back({ChildTag(index, child), kMapChildName,
                               Json::Object{{"again", Json(StartData(child))},
                                            {"redriveCount", child.redrives},
                                            {"revision", MapRunRevisionKey(place_)}}});
    else
      AddReopen(turn_.writes, ChildArn(child), "redrive",
                Json::Object{{"redriveCount", child.redrives}}, now_,
                "redrive/" + ChildArn(child) + "/" + std::to_string(child.redrives));
    running_[index] = std::move(child);
  }

  std::string ChildArn(const Child& child) const {
    return ChildExecutionArn(place_, child.name, is_express_);
  }
  static std::string ChildTag(int64_t index, const Child& child) {
    return "child." + std::to_string(index) + "." + std::to_string(child.redrives);
  }
  Json::Object StartData(const Child& child) const {
    Json::Object start{{"key", ChildExecutionKey(place_, child.name)},
                       {"account", place_.account},
                       {"region", place_.region}};
    if (is_express_) start.Set("express", "ASYNC");
    return start;
  }

  void OnExpressChild(const std::string& tag, const Json& output, const Json* error) {
    const auto parts = Split(tag, '.');
    const int64_t index = ParseInt(parts[1]).value_or(-1);
    const auto found = running_.find(index);
    if (found == running_.end() || ChildTag(index, found->second) != tag) return;
    Json document = output;
    if (error)  // it could not be run at all
      document = Json::Object{{"executionArn", ChildArn(found->second)},
                              {"name", found->second.name},
                              {"status", "FAILED"},
                              {"error", error->StringOr("name", "")},
                              {"cause", error->StringOr("message", "")}};
    turn_.writes.PutDocument(ChildExecutionKey(place_, found->second.name), document);
    OnChild(index, document);
  }

  void OnChild(int64_t index, const Json& document) {
    const auto found = running_.find(index);
    if (found == running_.end()) return;
    const std::string status = document.StringOr("status", "");
    items_.End(status, found->second.items);
    executions_.End(status, 1);
    if (status != "SUCCEEDED") {
      found->second.status = status;
      ended_[index] = std::move(found->second);
    }
    running_.erase(found);
    if (!has_target()) KeepResult(index, document);
    if (phase_ == Phase::kStopping) {
      if (running_.empty()) OnStopped();
      return;
    }
    if (phase_ == Phase::kRunning && tolerance_.IsExceeded(items_)) FailByThreshold();
  }

  void KeepResult(int64_t index, const Json& document) {
    results_.erase(index);
    if (is_too_large_) return;
    const std::string transformation = plan_["writer"].StringOr("transformation", "COMPACT");
    for (Json& value : TransformResult(document, transformation)) {
      result_bytes_ += value.PrintedSize() + 1;
      results_[index].push_back(std::move(value));
    }
    if (result_bytes_ <= asl::kPayloadBytesMax + 2) return;
    is_too_large_ = true;
    results_.clear();
  }

  // -- the end ------------------------------------------------------------------------------------
  bool has_target() const { return plan_["writer"].Has("parameters"); }

  void FailByThreshold() {
    is_by_threshold_ = true;
    Fail("States.ExceedToleratedFailureThreshold",
         "The specified tolerated failure threshold was exceeded");
  }

  /// The run ends in a failure once the children that run have been stopped.
  void Fail(std::string error, std::string cause) {
    status_ = "FAILED";
    error_ = std::move(error);
    cause_ = std::move(cause);
    StopChildren();
  }

  void OnStop() {
    if (phase_ == Phase::kClearing || phase_ == Phase::kDone) return;
    const bool is_stopping = phase_ == Phase::kStopping;
    status_ = "ABORTED";
    is_by_threshold_ = false;
    if (is_stopping) return;  // children are on their way out already
    if (phase_ == Phase::kWriting) turn_.effect_cancels.push_back(write_tag_);
    StopChildren();
  }

  void StopChildren() {
    phase_ = Phase::kStopping;
    if (is_express_) AbandonChildren();
    for (const auto& [index, child] : running_)
      AddPost(turn_.writes, ChildArn(child), "stop", Json(Json::Object{}), now_,
              arn_ + "/stop/" + ChildTag(index, child));
    if (running_.empty()) OnStopped();
  }

  // Express children cannot be stopped from outside: what they still do has no effect here.
  void AbandonChildren() {
    for (auto& [index, child] : running_) {
      turn_.effect_cancels.push_back(ChildTag(index, child));
      items_.End("ABORTED", child.items);
      executions_.End("ABORTED", 1);
      child.status = "ABORTED";
      ended_[index] = std::move(child);
    }
    running_.clear();
  }

  void OnStopped() {
    // AWS exports what there is, also of a run that failed by its children.
    if (is_by_threshold_ && has_target()) return Write();
    Finish(Json());
  }

  void Complete() {
    status_ = "SUCCEEDED";
    if (has_target()) return Write();
    if (is_too_large_) {
      error_ = "States.DataLimitExceeded";
      cause_ = "The state/task '" + plan_.StringOr("state", "") +
               "' returned a result with a size exceeding the maximum number of bytes service "
               "limit.";
      return Finish(Json());
    }
    Json::Array all;
    for (const auto& [index, values] : results_)
      all.insert(all.end(), values.begin(), values.end());
    Finish(Json(std::move(all)));
  }

  void Write() {
    phase_ = Phase::kWriting;
    Json::Array pending;  // what was read and not started; the rest is in the blob
    for (const Json& item : queue_) pending.push_back(item["v"]);
    Json::Object what{{"writer", plan_["writer"]}, {"pending", Json(std::move(pending))}};
    if (has_more_to_fetch()) {
      what.Set("blob", blob_);
      what.Set("offset", offset_);
    }
    write_tag_ = NewTag("write");
    Perform(write_tag_, kMapResultsName, std::move(what));
  }

  void OnWritten(const Json& output, const Json* error) {
    if (error) {
      status_ = "FAILED";
      error_ = "States.ResultWriterFailed";
      cause_ = error->StringOr("message", "");
      return Finish(Json());
    }
    executions_.written = output.IntOr("written", 0);
    items_.written = output.IntOr("writtenItems", 0);
    Finish(Json::Object{{"MapRunArn", arn_}, {"ResultWriterDetails", output["details"]}});
  }

  void Finish(Json output) {
    document_ = document_.With("status", status_).With("stopDate", MillisSinceEpoch(now_));
    Json::Object end{{"mapRun", parent_run_}, {"status", status_}};
    if (error_) end.Set("error", *error_);
    if (cause_) end.Set("cause", *cause_);
    if (!error_) end.Set("output", std::move(output));
    AddPost(turn_.writes, parent_, kMapRunEnded, std::move(end), now_,
            arn_ + "/end/" + std::to_string(document_.IntOr("redriveCount", 0)));
    // A run that did not succeed may be redriven: its items stay.
    if (blob_.empty() || status_ != "SUCCEEDED") {
      phase_ = Phase::kDone;
      return;
    }
    phase_ = Phase::kClearing;
    Perform(NewTag("clear"), kMapItemsName, Json::Object{{"do", "clear"}, {"blob", blob_}});
  }

  // Step Functions Developer Guide: "Redriving Map Runs". What succeeded stays; what failed, timed
  // out or was aborted begins again, then comes what had not begun.
  void OnRedrive(const Json& data) {
    if (phase_ != Phase::kDone) {
      next_redrive_ = data;
      return;
    }
    parent_run_ = data["mapRun"];
    document_ = document_.With("status", "RUNNING")
                    .With("redriveCount", data["redriveCount"])
                    .With("redriveDate", MillisSinceEpoch(now_))
                    .Without("stopDate");
    status_ = "RUNNING";
    is_by_threshold_ = is_fetching_ = is_more_posted_ = false;
    again_.clear();
    for (const auto& [index, child] : ended_) again_.push_back(index);
    if (!inputs_) return Finish(Json());  // nothing has changed
    error_.reset();
    cause_.reset();
    if (!is_read_) return Read();
    phase_ = Phase::kRunning;
  }

  void OnUpdate(const Json& data) {
    concurrency_max_ = data.IntOr("maxConcurrency", concurrency_max_);
    tolerance_.count = data.IntOr("toleratedFailureCount", tolerance_.count);
    if (const Json* percentage = data.Find("toleratedFailurePercentage"))
      tolerance_.percentage = percentage->AsDouble();
    for (const char* name :
         {"maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage"})
      if (data.Has(name)) document_ = document_.With(name, data[name]);
    if (phase_ == Phase::kRunning && tolerance_.IsExceeded(items_)) FailByThreshold();
  }

  void Save() {
    items_.pending = std::max<int64_t>(0, items_.total - items_.started());
    executions_.pending = items_.pending;
    if (plan_.Has("batcher"))
      executions_.pending = batch_items_max_ > 0
                                ? (items_.pending + batch_items_max_ - 1) / batch_items_max_
                                : int64_t{items_.pending > 0};
    executions_.total = next_child_ + executions_.pending;
    document_ =
        document_.With("itemCounts", items_.ToJson()).With("executionCounts", executions_.ToJson());
    turn_.writes.PutDocument(MapRunKey(place_), document_);
  }

  Json plan_, document_, parent_run_;
  std::string arn_, parent_, role_, session_;
  MapRunPlace place_;
  bool is_express_ = false;
  int64_t concurrency_max_ = 0;
  Tolerance tolerance_;
  std::unique_ptr<asl::ChildInputs> inputs_;

  Phase phase_ = Phase::kReading;
  MapCounts items_, executions_;
  bool is_read_ = false;
  std::string source_;      // of the items
  std::deque<Json> queue_;  // {"v", "k"?, "s"?}: read and not started
  std::string blob_;        // the rest; empty: there is none
  Json offset_ = Json(0);   // in the blob, of the first item that was not fetched
  int64_t fetched_ = 0, next_child_ = 0;
  bool is_fetching_ = false, is_more_posted_ = false;
  int64_t effects_ = 0, posts_ = 0;
  std::string write_tag_;  // of the newest one
  int64_t batch_items_max_ = 0;

  std::map<int64_t, Child> running_;
  std::map<int64_t, Child> ended_;  // without success
  std::optional<Json> next_redrive_;
  std::deque<int64_t> again_;               // of those, what a redrive has to begin again
  std::map<int64_t, Json::Array> results_;  // by child, where they are the state's result
  size_t result_bytes_ = 0;
  bool is_too_large_ = false, is_by_threshold_ = false;
  std::string status_ = "RUNNING";
  std::optional<std::string> error_, cause_;

  // Of the event at hand.
  Time now_;
  asl::Chance chance_;
  Turn turn_;
};

class MapRunMachine : public Machine {
 public:
  std::unique_ptr<Instance> Create(std::string) const override {
    return std::make_unique<MapRunInstance>();
  }
};

}  // namespace

std::unique_ptr<Machine> MakeMapRunMachine() { return std::make_unique<MapRunMachine>(); }

}  // namespace stepmill::states
