#include "service/cloudformation/operation.h"

#include <algorithm>

#include "base/strings.h"
#include "gate/door.h"
#include "lang/template/template.h"
#include "service/cloudformation/stack.h"
#include "service/cloudformation/types.h"

namespace stepmill::cloudformation {

Json OperationStart(std::string_view kind, const std::string& account, const std::string& region,
                    const Principal& principal, const Json& stack) {
  return Json(Json::Object{{"kind", kind},
                           {"account", account},
                           {"region", region},
                           {"principal", PrincipalToJson(principal)},
                           {"stack", stack}});
}

namespace {

/// One resource in the present phase.
struct Job {
  std::string key;  ///< unique in the phase
  std::string logical_id;
  std::string type;
  std::string doing;  ///< "apply" until it is known, then create, replace, update; delete
  std::string status = "waiting";      ///< waiting, running, done, failed
  std::vector<std::string> waits_for;  ///< keys
  std::string physical;
  Json properties, old_properties;
  Json::Array answers;
  bool is_made = false;                ///< a call that changes something was answered
  bool wants_body = false;             ///< of the call under way
  std::vector<std::string> tolerated;  ///< of the call under way

  static Job FromJson(const Json& json);
  Json ToJson() const;
};

Json TextList(const std::vector<std::string>& texts) {
  Json::Array items;
  for (const std::string& text : texts) items.push_back(text);
  return Json(std::move(items));
}
std::vector<std::string> Texts(const Json& list) {
  std::vector<std::string> out;
  if (!list.is_array()) return out;
  for (const Json& item : list.items()) {
    if (item.is_string()) out.push_back(item.AsString());
  }
  return out;
}

Job Job::FromJson(const Json& json) {
  Job job;
  job.key = json.StringOr("key", "");
  job.logical_id = json.StringOr("id", "");
  job.type = json.StringOr("type", "");
  job.doing = json.StringOr("doing", "");
  job.status = json.StringOr("status", "");
  job.waits_for = Texts(json["waitsFor"]);
  job.physical = json.StringOr("physical", "");
  job.properties = json["properties"];
  job.old_properties = json["old"];
  if (json["answers"].is_array()) job.answers = json["answers"].items();
  job.is_made = json.BoolOr("made", false);
  job.wants_body = json.BoolOr("body", false);
  job.tolerated = Texts(json["tolerated"]);
  return job;
}

Json Job::ToJson() const {
  return Json(Json::Object{{"key", key},
                           {"id", logical_id},
                           {"type", type},
                           {"doing", doing},
                           {"status", status},
                           {"waitsFor", TextList(waits_for)},
                           {"physical", physical},
                           {"properties", properties},
                           {"old", old_properties},
                           {"answers", Json(answers)},
                           {"made", is_made},
                           {"body", wants_body},
                           {"tolerated", TextList(tolerated)}});
}

/// The parts of a text from a seed: ids, suffixes. The same seed gives the same.
class Draw {
 public:
  explicit Draw(uint64_t seed) : state_(seed) {}
  uint64_t Next() {  // splitmix64
    uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  std::string NextUuid() {
    const uint64_t high = Next();
    return Uuid(high, Next());
  }
  std::string Suffix() {
    static constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    std::string out;
    for (int i = 0; i < 12; ++i) out += kLetters[Next() % kLetters.size()];
    return out;
  }

 private:
  uint64_t state_;
};

/// A stack operation in the middle of one event.
class StackOperation {
 public:
  StackOperation(const Json& state, const Event& event)
      : state_(state), event_(event), draw_(event.entropy), stack_(state["stack"]) {
    if (state["jobs"].is_array()) {
      for (const Json& job : state["jobs"].items()) jobs_.push_back(Job::FromJson(job));
    }
    phase_ = state.StringOr("phase", "");
    calls_ = state.IntOr("calls", 0);
    failed_ = Texts(state["failed"]);
    // What an earlier operation left behind is part of the stack until it is gone.
    const Json& leftovers = state.Has("leftovers") ? state["leftovers"] : stack_["leftovers"];
    if (leftovers.is_array()) leftovers_ = leftovers.items();
  }

  Step Run() {
    if (event_.kind == "start") {
      Start();
    } else if (event_.kind == "effect") {
      TakeAnswer();
    }
    Pump();
    return Finish();
  }

 private:
  // ---- what is written

  void StackStatus(const std::string& status, const std::string& reason) {
    stack_ = stack_.With("status", status).With("reason", reason);
    Append({stack_.StringOr("name", ""), stack_.StringOr("id", ""), "AWS::CloudFormation::Stack",
            status, reason});
  }

  void Append(const EventText& text) {
    const StackKeys keys = Keys();
    turn_.writes.AppendTo(keys.events, StackEvent(stack_, text, draw_.NextUuid(), event_.at));
  }

  void ResourceEvent(const Job& job, const std::string& status, const std::string& reason,
                     const std::string& physical, bool shows_properties = false) {
    EventText text{job.logical_id, physical, job.type, status, reason};
    if (shows_properties) text.properties = job.properties;
    Append(text);
    Json record = stack_["resources"][job.logical_id];
    if (record.is_null() || job.key != job.logical_id) return;  // what was replaced has no record
    record = record.With("status", status).With("reason", reason);
    record = record.With("updated", MillisSinceEpoch(event_.at));
    SetRecord(job.logical_id, record);
  }

  void SetRecord(const std::string& id, const Json& record) {
    stack_ = stack_.With("resources", stack_["resources"].With(id, record));
  }
  void DropRecord(const std::string& id) {
    stack_ = stack_.With("resources", stack_["resources"].Without(id));
  }

  StackKeys Keys() const {
    return KeysOf(state_.StringOr("account", ""), state_.StringOr("region", ""),
                  stack_.StringOr("uuid", ""), stack_.StringOr("name", ""));
  }

  Step Finish() {
    if (turn_.is_finished && phase_ != "forward") stack_ = stack_.Without("leftovers");
    turn_.writes.PutDocument(Keys().stack, stack_);
    Json::Array jobs;
    for (const Job& job : jobs_) jobs.push_back(job.ToJson());
    Json next = state_.With("stack", stack_)
                    .With("jobs", Json(std::move(jobs)))
                    .With("phase", phase_)
                    .With("calls", calls_)
                    .With("failed", TextList(failed_))
                    .With("leftovers", Json(leftovers_));
    return Step{turn_.is_finished ? Json() : next, std::move(turn_)};
  }

  // ---- phases

  void Start() {
    stack_ = stack_.Without("leftovers");
    const std::string kind = state_.StringOr("kind", "");
    if (kind == "delete") {
      StackStatus("DELETE_IN_PROGRESS", "User Initiated");
      return BeginDelete("delete");
    }
    StackStatus(kind == "create" ? "CREATE_IN_PROGRESS" : "UPDATE_IN_PROGRESS", "User Initiated");
    phase_ = "forward";
    const Json& target = state_["target"];
    for (const Json::Member& resource : target["resources"].members()) {
      Job job;
      job.key = resource.name;
      job.logical_id = resource.name;
      job.type = resource.value.StringOr("Type", "");
      job.doing = "apply";
      job.waits_for = Texts(target["dependencies"][resource.name]);
      jobs_.push_back(std::move(job));
    }
  }

  static bool IsThere(const Json& record) {
    return !record.StringOr("physical", "").empty() &&
           record.StringOr("status", "") != "DELETE_COMPLETE";
  }

  /// Removes every resource that was made, those that others need last.
  void BeginDelete(const std::string& phase) {
    phase_ = phase;
    jobs_.clear();
    failed_.clear();
    const Json resources = stack_["resources"];
    if (resources.is_object()) {
      for (const Json::Member& resource : resources.members()) {
        if (!IsThere(resource.value)) continue;
        jobs_.push_back(DeleteJob(resource.name, resource.name, resource.value));
      }
    }
    for (const Json& leftover : leftovers_) {
      jobs_.push_back(
          DeleteJob(leftover.StringOr("key", ""), leftover.StringOr("id", ""), leftover["record"]));
    }
    LinkDeletes();
  }

  Job DeleteJob(const std::string& key, const std::string& id, const Json& record) const {
    Job job;
    job.key = key;
    job.logical_id = id;
    job.type = record.StringOr("type", "");
    job.doing = "delete";
    job.physical = record.StringOr("physical", "");
    job.properties = record["properties"];
    job.old_properties = record["properties"];
    return job;
  }

  /// A resource waits until those that depend on it are gone.
  void LinkDeletes() {
    for (Job& job : jobs_) {
      for (const Job& other : jobs_) {
        const std::vector<std::string> needs = Texts(RecordOf(other)["dependsOn"]);
        if (other.key != job.key &&
            std::find(needs.begin(), needs.end(), job.logical_id) != needs.end()) {
          job.waits_for.push_back(other.key);
        }
      }
    }
  }

  Json RecordOf(const Job& job) const {
    for (const Json& leftover : leftovers_) {
      if (leftover.StringOr("key", "") == job.key) return leftover["record"];
    }
    return stack_["resources"][job.logical_id];
  }

  /// Deletes what is left over: replaced resources and those that the template no longer has.
  void BeginCleanup(const std::string& phase) {
    phase_ = phase;
    jobs_.clear();
    for (const Json& leftover : leftovers_) {
      jobs_.push_back(
          DeleteJob(leftover.StringOr("key", ""), leftover.StringOr("id", ""), leftover["record"]));
    }
    LinkDeletes();
  }

  void AddLeftover(const std::string& id, const Json& record) {
    if (!IsThere(record)) return;
    const std::string key = id + "#" + std::to_string(leftovers_.size());
    leftovers_.push_back(Json::Object{{"key", key}, {"id", id}, {"record", record}});
  }

  void Pump() {
    for (bool has_moved = true; has_moved && !turn_.is_finished;) {
      has_moved = false;
      for (size_t i = 0; i < jobs_.size(); ++i) {
        if (jobs_[i].status != "waiting" || !IsReady(jobs_[i])) continue;
        if (phase_ == "forward" && !failed_.empty()) continue;
        StartJob(jobs_[i]);
        has_moved = true;
      }
      if (!has_moved && IsPhaseOver()) {
        EndPhase();
        has_moved = true;
      }
    }
  }

  bool IsReady(const Job& job) const {
    return std::all_of(job.waits_for.begin(), job.waits_for.end(), [this](const auto& key) {
      const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                      [&key](const Job& other) { return other.key == key; });
      return found == jobs_.end() || found->status == "done";
    });
  }

  /// Nothing runs, and nothing that waits can start any more.
  bool IsPhaseOver() const {
    return std::none_of(jobs_.begin(), jobs_.end(),
                        [](const Job& job) { return job.status == "running"; });
  }

  std::string FailedIds() const { return "[" + Join(failed_, ", ") + "]"; }

  void EndPhase() {
    if (phase_ == "forward") return EndForward();
    if (phase_ == "delete" || phase_ == "rollback-create") return EndDelete();
    if (phase_ == "restore") return EndRestore();
    // A resource that cannot be cleaned up stays behind; the stack is complete all the same.
    leftovers_.clear();
    if (phase_ == "cleanup") {
      End("UPDATE_COMPLETE", "");
    } else {
      End("UPDATE_ROLLBACK_COMPLETE", "");
    }
  }

  void EndForward() {
    const bool is_create = state_.StringOr("kind", "") == "create";
    if (failed_.empty()) {
      if (const auto outputs = SetOutputs(); outputs) {
        SaveTemplate();
        if (is_create) return End("CREATE_COMPLETE", "");
        CollectRemoved();
        StackStatus("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "");
        return BeginCleanup("cleanup");
      } else {
        output_error_ = outputs.error().message;
      }
    }
    std::string reason = output_error_;
    if (reason.empty()) {
      reason = "The following resource(s) failed to " +
               std::string(is_create ? "create" : "update") + ": " + FailedIds() + ". ";
    }
    if (stack_.BoolOr("disableRollback", false)) {
      stack_ = stack_.With("leftovers", Json(leftovers_));
      SaveTemplate();
      return End(is_create ? "CREATE_FAILED" : "UPDATE_FAILED", reason);
    }
    if (is_create && stack_.StringOr("onFailure", "") == "DELETE") {
      StackStatus("DELETE_IN_PROGRESS", reason + "Delete requested by user.");
      return BeginDelete("delete");
    }
    if (is_create) {
      if (output_error_.empty()) reason += "Rollback requested by user.";
      StackStatus("ROLLBACK_IN_PROGRESS", reason);
      return BeginDelete("rollback-create");
    }
    StackStatus("UPDATE_ROLLBACK_IN_PROGRESS", reason);
    BeginRestore();
  }

  void EndDelete() {
    std::vector<std::string> left;
    for (const Job& job : jobs_) {
      if (job.status != "done") left.push_back(job.logical_id);
    }
    if (phase_ == "delete") {
      if (!left.empty()) {
        return End("DELETE_FAILED",
                   "The following resource(s) failed to delete: [" + Join(failed_, ", ") + "]. ");
      }
      stack_ = stack_.With("deleted", MillisSinceEpoch(event_.at));
      turn_.writes.Delete(Keys().name);
      return End("DELETE_COMPLETE", "");
    }
    if (!left.empty()) {
      return End("ROLLBACK_FAILED",
                 "The following resource(s) failed to delete: [" + Join(left, ", ") + "]. ");
    }
    End("ROLLBACK_COMPLETE", "");
  }

  /// After a failed update: changed resources get their old properties again.
  void BeginRestore() {
    std::vector<Job> restores;
    Json::Array new_ones;
    std::vector<Job> forward;
    forward.swap(jobs_);
    std::vector<std::pair<std::string, Json>> made;
    for (const Job& job : forward) {
      const Json old = state_["before"]["resources"][job.logical_id];
      const bool makes = job.doing == "create" || job.doing == "replace";
      if (job.status == "waiting" || (!makes && !job.is_made)) {
        if (!old.is_null()) SetRecord(job.logical_id, old);
        continue;
      }
      if (makes) {
        if (job.is_made) made.emplace_back(job.logical_id, stack_["resources"][job.logical_id]);
        if (old.is_null()) {
          DropRecord(job.logical_id);
        } else {
          SetRecord(job.logical_id, old);
        }
        continue;
      }
      Job restore = job;
      restore.doing = "update";
      restore.status = "waiting";
      restore.waits_for.clear();
      restore.properties = old["properties"];
      restore.old_properties = job.properties;
      restore.answers.clear();
      SetRecord(job.logical_id, old);
      restores.push_back(std::move(restore));
    }
    const Json earlier = state_["before"]["leftovers"];
    leftovers_ = earlier.is_array() ? earlier.items() : Json::Array{};
    for (const auto& [id, record] : made) AddLeftover(id, record);
    failed_.clear();
    phase_ = "restore";
    jobs_ = std::move(restores);
  }

  void EndRestore() {
    if (!failed_.empty()) {
      return End("UPDATE_ROLLBACK_FAILED",
                 "The following resource(s) failed to update: " + FailedIds() + ". ");
    }
    const Json resources = stack_["resources"];
    const Json status = stack_["status"];
    stack_ = state_["before"].With("resources", resources).With("status", status);
    stack_ = stack_.With("operations", state_["stack"]["operations"]);
    stack_ = stack_.With("updated", MillisSinceEpoch(event_.at));
    StackStatus("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", "");
    BeginCleanup("rollback-cleanup");
  }

  void End(const std::string& status, const std::string& reason) {
    if (status != "CREATE_COMPLETE") {
      stack_ = stack_.With("updated", MillisSinceEpoch(event_.at));
    }
    StackStatus(status, reason);
    if (state_["changeSet"].is_object()) {
      const bool is_good = status == "CREATE_COMPLETE" || status == "UPDATE_COMPLETE";
      turn_.writes.PutDocument(
          state_["changeSet"].StringOr("key", ""),
          state_["changeSet"]["body"].With("executionStatus",
                                           is_good ? "EXECUTE_COMPLETE" : "EXECUTE_FAILED"));
    }
    turn_.is_finished = true;
  }

  void SaveTemplate() {
    turn_.writes.PutDocument(Keys().templates,
                             Json(Json::Object{{"text", state_["target"]["text"]},
                                               {"processed", state_["target"]["processed"]}}));
  }

  /// Resources of before that the template no longer has.
  void CollectRemoved() {
    const Json& before = state_["before"]["resources"];
    if (!before.is_object()) return;
    for (const Json::Member& old : before.members()) {
      if (state_["target"]["resources"].Has(old.name)) continue;
      AddLeftover(old.name, old.value);
      DropRecord(old.name);
    }
  }

  Result<> SetOutputs() {
    const Json& outputs = state_["target"]["outputs"];
    Json::Array list;
    if (outputs.is_object()) {
      const cfn::Scope scope = ScopeNow();
      for (const Json::Member& output : outputs.members()) {
        const Json* holds = scope.conditions.Find(output.value.StringOr("Condition", ""));
        if (holds && !holds->AsBool()) continue;
        MILL_TRY(const Json value, cfn::ResolveValue(output.value["Value"], scope));
        Json::Object one{{"OutputKey", output.name},
                         {"OutputValue", cfn::ScalarText(value).value_or(value.Print())}};
        one.SetIf("Description", output.value.Find("Description"));
        if (output.value["Export"].is_object()) {
          MILL_TRY(const Json name, cfn::ResolveValue(output.value["Export"]["Name"], scope));
          one.Set("ExportName", cfn::ScalarText(name).value_or(""));
        }
        list.push_back(Json(std::move(one)));
      }
    }
    stack_ = stack_.With("outputs", Json(std::move(list)));
    return {};
  }

  // ---- one resource

  cfn::Scope ScopeNow() const {
    const Json& target = state_["target"];
    cfn::Scope scope;
    scope.account = state_.StringOr("account", "");
    scope.region = state_.StringOr("region", "");
    scope.stack_id = stack_.StringOr("id", "");
    scope.stack_name = stack_.StringOr("name", "");
    scope.notification_arns =
        stack_["notificationArns"].is_array() ? stack_["notificationArns"] : Json(Json::Array{});
    scope.parameters = target["parameters"];
    scope.mappings = target["mappings"];
    scope.conditions = target["conditions"];
    scope.exports = target["exports"];
    scope.dynamic = target["dynamic"];
    Json::Object resources;
    if (stack_["resources"].is_object()) {
      for (const Json::Member& member : stack_["resources"].members()) {
        if (member.value["attributes"].is_object()) {
          resources.Add(member.name, member.value["attributes"]);
        }
      }
    }
    scope.resources = Json(std::move(resources));
    return scope;
  }

  ResourceContext Context(const Job& job) const {
    ResourceContext context;
    context.account = state_.StringOr("account", "");
    context.region = state_.StringOr("region", "");
    context.stack_name = stack_.StringOr("name", "");
    context.stack_id = stack_.StringOr("id", "");
    context.logical_id = job.logical_id;
    context.physical_id = job.physical;
    context.properties = job.properties;
    context.old_properties = job.old_properties;
    context.stack_tags = stack_["tags"];
    return context;
  }

  static NextCall CallsOf(const Job& job, const ResourceType& type) {
    if (job.doing == "delete") return type.remove;
    return job.doing == "update" ? type.update : type.create;
  }

  std::string Verb(const Job& job) const {
    if (job.doing == "delete") return "DELETE";
    return job.doing == "create" ? "CREATE" : "UPDATE";
  }

  void StartJob(Job& job) {
    job.status = "running";
    if (job.doing == "delete") return StartDelete(job);
    const ResourceType* type = FindResourceType(job.type);
    if (!type) return Fail(job, "Unrecognized resource type: " + job.type);
    if (job.doing == "apply") {
      const auto prepared = Prepare(job, *type);
      if (!prepared) {
        NewRecord(job);
        return Fail(job, prepared.error().message);
      }
      if (job.doing == "none") {
        job.status = "done";
        return;
      }
    } else {  // a restore
      ResourceEvent(job, "UPDATE_IN_PROGRESS", "", job.physical, true);
    }
    Continue(job, *type);
  }

  /// Decides what to do with a resource of the template: create, update, replace or none.
  Result<> Prepare(Job& job, const ResourceType& type) {
    const Json definition = state_["target"]["resources"][job.logical_id];
    const Json given =
        definition["Properties"].is_null() ? Json(Json::Object{}) : definition["Properties"];
    const Json old = stack_["resources"][job.logical_id];
    const bool exists = IsThere(old);
    job.doing = exists ? "update" : "create";
    job.physical = exists ? old.StringOr("physical", "") : "";
    MILL_TRY(const Json resolved, cfn::ResolveValue(given, ScopeNow()));
    MILL_TRY(job.properties, CheckedProperties(type, job.logical_id, resolved));
    if (exists && old.StringOr("type", "") == job.type) {
      if (old["properties"] == job.properties) {
        job.doing = "none";
        SetRecord(job.logical_id, WithDefinition(old, definition));
        return {};
      }
      job.doing = "update";
      for (const std::string_view name : Split(type.properties, ',')) {
        if (IsReplacedBy(type, name) && !(old["properties"][name] == job.properties[name])) {
          job.doing = "replace";
        }
      }
    } else if (exists) {
      job.doing = "replace";
    }
    job.old_properties = old["properties"];
    if (job.doing == "update") {
      SetRecord(job.logical_id, WithDefinition(old, definition));
      ResourceEvent(job, "UPDATE_IN_PROGRESS", "", job.physical, true);
      return {};
    }
    const std::string old_physical = job.physical;
    job.physical = type.physical_id(Context(job), draw_.Suffix());
    if (job.doing == "replace" && old.StringOr("type", "") == job.type &&
        old_physical == job.physical) {
      const std::string name = job.physical;
      job.doing = "update";
      job.physical = old_physical;
      return Error{Code::kInvalid, "ValidationError",
                   "CloudFormation cannot update a stack when a custom-named resource requires "
                   "replacing. Rename " +
                       name + " and update the stack again."};
    }
    if (job.doing == "replace") AddLeftover(job.logical_id, old);
    NewRecord(job);
    ResourceEvent(job, Verb(job) + "_IN_PROGRESS",
                  job.doing == "replace" ? "Requested update requires the creation of a new "
                                           "physical resource; hence creating one."
                                         : "",
                  "", true);
    return {};
  }

  Json WithDefinition(const Json& record, const Json& definition) const {
    Json out = record;
    for (const auto& [member, name] : {std::pair("DeletionPolicy", "deletionPolicy"),
                                       std::pair("UpdateReplacePolicy", "updateReplacePolicy"),
                                       std::pair("Metadata", "metadata")}) {
      out = definition.Has(member) ? out.With(name, definition[member]) : out.Without(name);
    }
    return out;
  }

  void NewRecord(const Job& job) {
    const Json old = stack_["resources"][job.logical_id];
    if (job.doing != "create" && job.doing != "replace") return;
    Json record(Json::Object{{"type", job.type},
                             {"dependsOn", state_["target"]["dependencies"][job.logical_id]},
                             {"updated", MillisSinceEpoch(event_.at)}});
    SetRecord(job.logical_id,
              WithDefinition(record, state_["target"]["resources"][job.logical_id]));
  }

  void StartDelete(Job& job) {
    const Json record = RecordOf(job);
    const bool was_replaced = job.key != job.logical_id && stack_["resources"].Has(job.logical_id);
    const std::string policy =
        record.StringOr(was_replaced ? "updateReplacePolicy" : "deletionPolicy", "Delete");
    const std::vector<std::string> retained = Texts(state_["retain"]);
    const bool is_retained =
        policy == "Retain" || (policy == "RetainExceptOnCreate" && phase_ != "rollback-create") ||
        std::find(retained.begin(), retained.end(), job.logical_id) != retained.end();
    if (is_retained) {
      ResourceEvent(job, "DELETE_SKIPPED", "", job.physical);
      job.status = "done";
      return;
    }
    ResourceEvent(job, "DELETE_IN_PROGRESS", "", job.physical);
    const ResourceType* type = FindResourceType(job.type);
    if (!type) return Fail(job, "Unrecognized resource type: " + job.type);
    Continue(job, *type);
  }

  /// Asks for the job's next call, or ends it.
  void Continue(Job& job, const ResourceType& type) {
    auto next = CallsOf(job, type)(Context(job), job.answers);
    if (!next) return Fail(job, next.error().message);
    if (!*next) return Complete(job, type);
    ApiCall& call = **next;
    job.wants_body = call.wants_body;
    job.tolerated = call.tolerated;
    const auto principal = PrincipalFromJson(state_["principal"]);
    if (!principal) return Fail(job, principal.error().message);
    const std::string tag = phase_ + "/" + job.key + "/" + std::to_string(++calls_);
    turn_.effects.push_back(
        {tag, call.wants_body ? kReadObject : "door",
         DoorCall(call.service, call.operation, std::move(call.input), *principal,
                  state_.StringOr("account", ""), state_.StringOr("region", ""))});
  }

  void TakeAnswer() {
    const std::vector<std::string_view> parts = Split(event_.data["tag"].AsString(), '/');
    if (parts.size() != 3 || parts[0] != phase_) return;
    const auto found = std::find_if(jobs_.begin(), jobs_.end(),
                                    [&](const Job& job) { return job.key == parts[1]; });
    if (found == jobs_.end() || found->status != "running") return;
    Job& job = *found;
    const ResourceType* type = FindResourceType(job.type);
    if (!type) return;
    const Json& error = event_.data["error"];
    const std::string name = error.StringOr("name", "");
    const bool is_tolerated =
        std::find(job.tolerated.begin(), job.tolerated.end(), name) != job.tolerated.end();
    if (!error.is_null() && !is_tolerated) {
      return Fail(job, "Resource handler returned message: \"" + error.StringOr("message", "") +
                           "\" (HandlerErrorCode: " + name + ")");
    }
    job.answers.push_back(event_.data["output"]);
    if (!job.wants_body && !job.is_made) {
      job.is_made = true;
      if (job.doing == "create" || job.doing == "replace") NoteMade(job);
    }
    Continue(job, *type);
  }

  /// From here on the resource is there, and a rollback has to remove it.
  void NoteMade(const Job& job) {
    const Json record = stack_["resources"][job.logical_id];
    SetRecord(job.logical_id,
              record.With("physical", job.physical).With("properties", job.properties));
    ResourceEvent(job, Verb(job) + "_IN_PROGRESS", "Resource creation Initiated", job.physical,
                  true);
  }

  void Complete(Job& job, const ResourceType& type) {
    job.status = "done";
    if (job.doing == "delete") {
      ResourceEvent(job, "DELETE_COMPLETE", "", job.physical);  // the record stays to be read
      return;
    }
    const Json record = stack_["resources"][job.logical_id];
    Json attributes = type.attributes(Context(job), job.answers);
    if (const Json* own = attributes.Find("PhysicalId"); own && own->is_string()) {
      job.physical = own->AsString();
      attributes = attributes.Without("PhysicalId");
    }
    // What only the call that made it answered (a role's id) is kept.
    if (job.doing == "update" && record["attributes"].is_object()) {
      for (const Json::Member& old : record["attributes"].members()) {
        if (!attributes.Has(old.name)) attributes = attributes.With(old.name, old.value);
      }
    }
    SetRecord(job.logical_id, record.With("physical", job.physical)
                                  .With("properties", job.properties)
                                  .With("attributes", attributes)
                                  .With("dependsOn", DependsOn(job, record)));
    job.answers.clear();
    ResourceEvent(job, Verb(job) + "_COMPLETE", "", job.physical, true);
  }

  Json DependsOn(const Job& job, const Json& record) const {
    const Json& target = state_["target"]["dependencies"][job.logical_id];
    return phase_ == "forward" && !target.is_null() ? target : record["dependsOn"];
  }

  void Fail(Job& job, const std::string& reason) {
    job.status = "failed";
    failed_.push_back(job.logical_id);
    ResourceEvent(job, Verb(job) + "_FAILED", reason, job.physical, job.doing != "delete");
  }

  const Json& state_;
  const Event& event_;
  Draw draw_;
  Json stack_;
  std::vector<Job> jobs_;
  std::string phase_;
  int64_t calls_ = 0;  ///< made so far: effect tags are unique for ever
  std::vector<std::string> failed_;
  Json::Array leftovers_;  ///< [{"key", "id", "record"}]: to be deleted at the end
  std::string output_error_;
  Turn turn_;
};

}  // namespace

Step AdvanceOperation(const std::string& /*instance_id*/, const Json& state, const Event& event) {
  if (event.kind == "start") return StackOperation(event.data, event).Run();
  return StackOperation(state, event).Run();
}

}  // namespace stepmill::cloudformation
