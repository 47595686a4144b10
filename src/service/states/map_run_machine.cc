#include "service/states/map_run_machine.h"

#include <algorithm>
#include <deque>
#include <map>

#include "base/strings.h"
#include "engine/turns.h"
#include "json/each.h"
#include "lang/asl/limits.h"
#include "lang/asl/map_run.h"
#include "service/states/execution_machine.h"
#include "service/states/limits.h"
#include "service/states/map_items.h"
#include "service/states/map_results.h"
#include "service/states/map_run_documents.h"

namespace stepmill::states {
namespace {

/// Items or executions by how they stand.
struct Counts {
  int64_t pending = 0, running = 0, succeeded = 0, failed = 0, timed_out = 0, aborted = 0;
  int64_t total = 0, written = 0;
  Json ToJson() const {
    return Json::Object{
        {"pending", pending}, {"running", running},        {"succeeded", succeeded},
        {"failed", failed},   {"timedOut", timed_out},     {"aborted", aborted},
        {"total", total},     {"resultsWritten", written}, {"failuresNotRedrivable", 0},
        {"pendingRedrive", 0}};
  }
  void Start(int64_t count) { running += count; }
  void End(const std::string& status, int64_t count) {
    running -= count;
    (status == "SUCCEEDED"   ? succeeded
     : status == "TIMED_OUT" ? timed_out
     : status == "ABORTED"   ? aborted
                             : failed) += count;
  }
};

struct RunningChild {
  std::string instance;  ///< of the engine
  int64_t items = 0;
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
      OnChild(event.data);
    else if (event.kind == "stop")
      OnStop();
    else if (event.kind == "update")
      OnUpdate(event.data);
    else if (event.kind == "more")
      is_more_posted_ = false;
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
    instance_ = MapRunInstanceId(arn_, document_.IntOr("redriveCount", 0));
    parent_ = document_.StringOr("executionArn", "");
    parent_run_ = data["mapRun"];
    role_ = data.StringOr("role", "");
    session_ = data.StringOr("execution", "");
    logging_ = data["logging"];
    is_express_ = plan_.BoolOr("isExpress", false);
    concurrency_max_ = plan_.IntOr("concurrencyMax", 0);
    tolerated_count_ = plan_.IntOr("toleratedCount", 0);
    tolerated_percentage_ = plan_["toleratedPercentage"].AsDouble();
    Result<asl::ItemMaker> maker = asl::ItemMaker::Make(plan_);
    if (!maker) return Fail(maker.error().name, maker.error().message);
    maker_ = std::make_unique<asl::ItemMaker>(*std::move(maker));
    if (plan_.Has("batcher")) {
      const Json& batcher = plan_["batcher"];
      batch_items_max_ = batcher.IntOr("itemsMax", 0);
      batch_bytes_max_ = static_cast<size_t>(
          batcher.IntOr("bytesMax", static_cast<int64_t>(asl::kPayloadBytesMax)));
      batch_base_bytes_ = BatchOf(Json::Array{}).PrintedSize();
    }
    if (!plan_.Has("items")) return Perform("read", kMapItemsName, Json::Object{{"do", "read"}});
    int64_t index = 0;
    for (const Json& item : plan_["items"].items())
      queue_.push_back(Json::Object{{"v", item}}), ++index;
    items_.total = index;
    phase_ = Phase::kRunning;
  }

  void Perform(const std::string& tag, const char* performer, Json::Object what) {
    what.Set("role", role_);
    what.Set("session", session_);
    what.Set("account", place_.account);
    what.Set("region", place_.region);
    what.Set("mapRunArn", arn_);
    if (tag == "read") what.Set("reader", plan_["reader"]);
    if (tag == "write") what.Set("writer", plan_["writer"]);
    turn_.effects.push_back({tag, performer, Json(std::move(what))});
  }

  void OnEffect(const Json& data) {
    const std::string tag = data.StringOr("tag", "");
    const Json& output = data["output"];
    const Json* error = data.Find("error");
    if (!error) error = output.Find("error");
    if (tag == "read") {
      blob_ = output.StringOr("blob", "");
      if (!blob_.empty()) turn_.writes.PutDocument(MapItemsKey(blob_), Json(Json::Object{}));
      if (phase_ != Phase::kReading) return;
      if (error) return Fail(error->StringOr("name", ""), error->StringOr("message", ""));
      for (const Json& item : ItemsOf(output["items"])) queue_.push_back(item);
      items_.total = output.IntOr("count", 0);
      source_ = output.StringOr("source", "");
      fetched_ = static_cast<int64_t>(queue_.size());
      phase_ = Phase::kRunning;
    } else if (tag.starts_with("fetch.")) {
      is_fetching_ = false;
      if (phase_ != Phase::kRunning) return;
      if (error) return Fail("States.ItemReaderFailed", error->StringOr("message", ""));
      for (const Json& item : ItemsOf(output["items"])) queue_.push_back(item);
      fetched_ += static_cast<int64_t>(output["items"].size());
      offset_ = output["offset"];
    } else if (tag == "write") {
      if (phase_ == Phase::kWriting) OnWritten(output, error);
    } else if (tag == "clear") {
      turn_.writes.Delete(MapItemsKey(blob_));
      phase_ = Phase::kDone;
    } else if (tag.starts_with("child.")) {
      OnExpressChild(tag, data, error);
    }
  }

  // -- children -----------------------------------------------------------------------------------
  void StartChildren() {
    const int64_t limit =
        concurrency_max_ > 0 ? std::min(concurrency_max_, kMapConcurrencyMax) : kMapConcurrencyMax;
    int started = 0;
    bool is_blocked = false;
    while (static_cast<int64_t>(running_.size()) < limit && started < kMapStartsPerTurn) {
      int64_t count = 0;
      const Result<Json> input = NextInput(count);
      if (!input) return Fail(input.error().name, input.error().message);
      if (count == 0) {
        is_blocked = true;  // nothing is left, or nothing is here
        break;
      }
      if (!StartChild(*input, count)) return;
      ++started;
    }
    if (!is_blocked && started == kMapStartsPerTurn && !is_more_posted_) {
      is_more_posted_ = true;
      AddPost(turn_.writes, instance_, "more", Json(), now_,
              instance_ + "/more/" + std::to_string(++posts_));
    }
    const bool is_low = queue_.size() < kMapItemsInRecord / 2;
    if (is_low && fetched_ < items_.total && !blob_.empty() && !is_fetching_) {
      is_fetching_ = true;
      Perform("fetch." + std::to_string(++fetches_), kMapItemsName,
              Json::Object{{"do", "fetch"}, {"blob", blob_}, {"offset", offset_}});
    }
    if (is_blocked && running_.empty() && IsEverythingStarted()) Complete();
  }

  bool has_more_items() const {
    return !queue_.empty() || (!blob_.empty() && fetched_ < items_.total);
  }
  bool IsEverythingStarted() const { return !has_more_items() && batch_.empty() && !held_; }

  /// The next child's input; `count` items are in it, none where there is nothing to start now.
  Result<Json> NextInput(int64_t& count) {
    if (!plan_.Has("batcher")) {
      if (queue_.empty()) return Json();
      count = 1;
      return TakeItem();
    }
    bool is_full = false;
    while (!is_full && (held_ || !queue_.empty())) {
      if (!held_) {
        MILL_TRY(Json item, TakeItem());
        held_ = std::move(item);
      }
      const size_t bytes = held_->PrintedSize() + 1;
      if (!batch_.empty() && batch_base_bytes_ + batch_bytes_ + bytes > batch_bytes_max_) {
        is_full = true;
        break;
      }
      batch_bytes_ += bytes;
      batch_.push_back(*std::move(held_));
      held_.reset();
      is_full = batch_items_max_ > 0 && static_cast<int64_t>(batch_.size()) >= batch_items_max_;
    }
    if (!is_full && has_more_items()) return Json();  // they are on their way
    count = static_cast<int64_t>(batch_.size());
    batch_bytes_ = 0;
    return BatchOf(std::exchange(batch_, {}));
  }

  Json BatchOf(Json::Array items) const {
    Json::Object input;
    input.SetIf("BatchInput", plan_["batcher"].Find("input"));
    input.Set("Items", Json(std::move(items)));
    return Json(std::move(input));
  }

  Result<Json> TakeItem() {
    const Json item = std::move(queue_.front());
    queue_.pop_front();
    std::optional<std::string> key;
    if (item.Has("k")) key = item.StringOr("k", "");
    const std::string source = item.StringOr("s", source_.empty() ? "STATE_DATA" : source_);
    return maker_->Select(next_item_++, item["v"], key, source, now_, chance_.Next());
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
    const std::string name = Uuid(high, chance_.Next());
    const std::string arn = ChildExecutionArn(place_, name, is_express_);
    const Key key = ChildExecutionKey(place_, name);
    const Json document = Json::Object{{"executionArn", arn},
                                       {"stateMachineArn", ChildMachineArn(place_)},
                                       {"name", name},
                                       {"status", "RUNNING"},
                                       {"startDate", MillisSinceEpoch(now_)},
                                       {"input", std::move(text)},
                                       {"mapRunArn", arn_}};
    turn_.writes.PutDocument(key, document);
    turn_.writes.PutDocument(ChildIndexKey(place_, index),
                             Json::Object{{"name", name}, {"items", count}});
    const Json start =
        Json::Object{{"definition", plan_["definition"]},
                     {"machineName", place_.machine},
                     {"roleArn", role_},
                     {"logging", logging_},
                     {"document", document},
                     {"key", key},
                     {"account", place_.account},
                     {"region", place_.region},
                     {"mapRun", Json::Object{{"instance", instance_}, {"index", index}}}};
    AddStart(turn_.writes, arn, kMachineName, start, now_);
    running_[index] = RunningChild{arn, count};
    items_.Start(count);
    executions_.Start(1);
    return true;
  }

  void OnChild(const Json& data) {
    const int64_t index = data.IntOr("index", -1);
    const auto found = running_.find(index);
    if (found == running_.end()) return;
    const Json& document = data["document"];
    const std::string status = document.StringOr("status", "");
    const int64_t count = found->second.items;
    running_.erase(found);
    items_.End(status, count);
    executions_.End(status, 1);
    if (phase_ == Phase::kStopping) {
      if (running_.empty()) OnStopped();
      return;
    }
    if (!has_target()) KeepResult(index, document);
    if (phase_ == Phase::kRunning && IsThresholdExceeded()) FailByThreshold();
  }

  void OnExpressChild(const std::string&, const Json&, const Json*) {}

  void KeepResult(int64_t index, const Json& document) {
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

  bool IsThresholdExceeded() const {
    const int64_t failed = items_.failed + items_.timed_out;
    if (failed == 0) return false;
    if (tolerated_count_ == 0 && tolerated_percentage_ == 0) return true;
    if (tolerated_count_ > 0 && failed > tolerated_count_) return true;
    return tolerated_percentage_ > 0 &&
           static_cast<double>(failed) * 100.0 >
               tolerated_percentage_ * static_cast<double>(items_.total);
  }

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
    if (phase_ == Phase::kWriting) turn_.effect_cancels.push_back("write");
    StopChildren();
  }

  void StopChildren() {
    phase_ = Phase::kStopping;
    for (const auto& [index, child] : running_)
      AddPost(turn_.writes, child.instance, "stop", Json(Json::Object{}), now_,
              instance_ + "/stop/" + std::to_string(index));
    if (running_.empty()) OnStopped();
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
    for (auto& [index, values] : results_)
      for (Json& value : values) all.push_back(std::move(value));
    results_.clear();
    Finish(Json(std::move(all)));
  }

  void Write() {
    phase_ = Phase::kWriting;
    Json::Array pending;  // what was read and not started; the rest is in the blob
    for (const Json& item : queue_) pending.push_back(item["v"]);
    Json::Object what{{"children", next_child_}, {"pending", Json(std::move(pending))}};
    if (!blob_.empty() && fetched_ < items_.total) {
      what.Set("blob", blob_);
      what.Set("offset", offset_);
    }
    Perform("write", kMapResultsName, std::move(what));
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
    AddPost(turn_.writes, parent_, kMapRunEnded, std::move(end), now_, instance_ + "/end");
    queue_.clear();
    if (blob_.empty()) {
      phase_ = Phase::kDone;
      return;
    }
    phase_ = Phase::kClearing;
    Perform("clear", kMapItemsName, Json::Object{{"do", "clear"}, {"blob", blob_}});
  }

  void OnUpdate(const Json& data) {
    concurrency_max_ = data.IntOr("maxConcurrency", concurrency_max_);
    tolerated_count_ = data.IntOr("toleratedFailureCount", tolerated_count_);
    if (const Json* percentage = data.Find("toleratedFailurePercentage"))
      tolerated_percentage_ = percentage->AsDouble();
    for (const char* name :
         {"maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage"})
      if (data.Has(name)) document_ = document_.With(name, data[name]);
    if (phase_ == Phase::kRunning && IsThresholdExceeded()) FailByThreshold();
  }

  void Save() {
    items_.pending = std::max<int64_t>(0, items_.total - ItemsStarted());
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
  int64_t ItemsStarted() const {
    return items_.running + items_.succeeded + items_.failed + items_.timed_out + items_.aborted;
  }

  Json plan_, document_, logging_, parent_run_;
  std::string arn_, instance_, parent_, role_, session_;
  MapRunPlace place_;
  bool is_express_ = false;
  int64_t concurrency_max_ = 0, tolerated_count_ = 0;
  double tolerated_percentage_ = 0;
  std::unique_ptr<asl::ItemMaker> maker_;

  Phase phase_ = Phase::kReading;
  Counts items_, executions_;
  std::string source_;      // of the items
  std::deque<Json> queue_;  // {"v", "k"?, "s"?}: read and not started
  std::string blob_;        // the rest; empty: there is none
  Json offset_ = Json(0);   // in the blob, of the first item that was not fetched
  int64_t fetched_ = 0, next_item_ = 0, next_child_ = 0;
  bool is_fetching_ = false, is_more_posted_ = false;
  int64_t fetches_ = 0, posts_ = 0;

  Json::Array batch_;         // being filled
  std::optional<Json> held_;  // the item that did not fit into the last one
  int64_t batch_items_max_ = 0;
  size_t batch_bytes_max_ = 0, batch_bytes_ = 0, batch_base_bytes_ = 0;

  std::map<int64_t, RunningChild> running_;
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
