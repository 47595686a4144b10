#include "service/sagemaker/job_machine.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/sagemaker/records.h"
#include "store/events.h"

namespace stepmill::sagemaker {

namespace {

constexpr size_t kReasonMax = 1024;

/// Events show times as milliseconds.
Json WithMillis(const Json& value) {
  if (value.is_array()) {
    Json::Array items;
    for (const Json& item : ItemsOf(value)) items.push_back(WithMillis(item));
    return items;
  }
  Json shown = value;
  for (const auto& member : MembersOf(value)) {
    const bool is_time = member.name.ends_with("Time") || member.name == "Timestamp";
    if (is_time && member.value.is_number()) {
      shown = shown.With(member.name, MillisSinceEpoch(TimeFromSeconds(member.value.AsDouble())));
    }
    if (member.name == "SecondaryStatusTransitions" || member.name == "FinalMetricDataList")
      shown = shown.With(member.name, WithMillis(member.value));
  }
  return shown.Without("Own");
}

}  // namespace

Key JobKey(std::string_view account, std::string_view region, const JobKind& kind,
           std::string_view name) {
  return MakeKey({account, region, "sagemaker", kind.type, name});
}

Json StateChange(const std::string& title, const std::string& instance_id, const Json& arn,
                 const Json& document) {
  const auto parts = Split(instance_id, '/');
  return MakeEvent("aws.sagemaker", "SageMaker " + title + " State Change", std::string(parts[1]),
                   std::string(parts[2]), Json::Array{arn}, WithMillis(document));
}

JobMachine::JobMachine(const JobKind& kind, const std::string& instance_id, const Json& state,
                       const Event& event)
    : kind_(kind), id_(instance_id), state_(state), job_(state["job"]), event_(event) {}

std::string JobMachine::Part(size_t index) const { return std::string(Split(id_, '/')[index]); }

void JobMachine::Begin(std::initializer_list<const char*> lists) {
  job_ = event_.data["job"];
  Json::Object state;
  if (const Json* model = event_.data.Find("model")) state.Set("model", *model);
  state.Set("epoch", static_cast<int64_t>(SecondsSinceEpoch(event_.at)));
  for (const char* list : lists) state.Set(list, Json::Array{});
  state.Set("stops", 0);
  state_ = std::move(state);
}

std::optional<JobMachine::HostResult> JobMachine::TakeHostResult() {
  const auto parts = Split(event_.data.StringOr("tag", ""), ':');
  if (parts[0] == "clean") turn_.is_finished = true;
  if (parts.size() != 2 || !ParseInt(parts[1])) return std::nullopt;  // a stop was delivered
  const Json* error = event_.data.Find("error");
  HostResult result{std::string(parts[0]), Json(ParseInt(parts[1]).value_or(0)),
                    event_.data["output"], ""};
  result.failure = result.output.StringOr("failure", "");
  if (error) result.failure = "InternalServerError: " + error->StringOr("message", "");
  return result;
}

bool JobMachine::FollowRun(const HostResult& run, std::initializer_list<const char*> follows,
                           std::initializer_list<const char*> marks) {
  if (!run.failure.empty()) {
    Fail(run.failure);
    for (const char* list : marks) Mark(list, run.host);
    return false;
  }
  for (const char* what : follows) Perform(what, static_cast<int>(run.host.AsInteger()));
  return true;
}

bool JobMachine::OnStop() {
  if (status() != "InProgress") return false;
  state_ = state_.With("isStopped", true);
  SetStatus("Stopping");
  StopHosts();
  return true;
}

bool JobMachine::Fail(const std::string& reason) {
  if (status() == "Stopping" || state_.Has("reason")) return false;
  state_ = state_.With("reason", std::string(TruncateUtf8(reason, kReasonMax)));
  if (HostCount() > 1) StopHosts();
  return true;
}

void JobMachine::Finish() {
  job_ = job_.With(kind_.Member("EndTime"), SecondsSinceEpoch(event_.at));
  if (state_.BoolOr("isStopped", false)) {
    SetStatus("Stopped");
  } else if (state_.Has("reason")) {
    job_ = job_.With("FailureReason", state_["reason"]);
    SetStatus("Failed");
  } else {
    SetStatus("Completed");
  }
  Clean();
}

void JobMachine::StopHosts(int from, int to) {
  const int64_t round = state_.IntOr("stops", 0) + 1;
  state_ = state_.With("stops", round);
  for (int i = from; i < to; ++i) {
    const std::string tag = "stop:" + std::to_string(i) + ":" + std::to_string(round);
    turn_.effects.push_back({tag, std::string(kind_.effects) + "stop", What(i)});
  }
}

bool JobMachine::HasAll(std::initializer_list<const char*> lists) const {
  for (const char* list : lists)
    if (Count(list) != HostCount()) return false;
  return true;
}

void JobMachine::Mark(std::string_view list, const Json& host) {
  state_ = state_.With(list, state_[list].Push(host));
}

void JobMachine::KeepDigest(const Json& output) {
  if (!output.StringOr("image_digest", "").empty())
    job_ = job_.With("Own", Json::Object{{"ImageDigest", output["image_digest"]}});
}

Json JobMachine::What(int host) const {
  Json::Object what{{"job", job_},
                    {"host", host},
                    {"epoch", state_["epoch"]},
                    {"account", Account()},
                    {"region", Region()}};
  what.SetIf("model", state_.Find("model"));
  return what;
}

void JobMachine::Perform(const std::string& what, int host) {
  turn_.effects.push_back(
      {what + ":" + std::to_string(host), std::string(kind_.effects) + what, What(host)});
}

void JobMachine::Clean() {
  turn_.effects.push_back({"clean", std::string(kind_.effects) + "clean", What(0)});
}

void JobMachine::Save() {
  turn_.writes.PutDocument(
      JobKey(Account(), Region(), kind_, job_.StringOr(kind_.Member("JobName"), "")), job_);
}

void JobMachine::SetStatus(std::string_view status) {
  job_ = job_.With(kind_.Member("JobStatus"), status)
             .With("LastModifiedTime", SecondsSinceEpoch(event_.at));
  Save();
  Tell();
}

void JobMachine::Tell() {
  turn_.writes.events.push_back(
      StateChange(std::string(kind_.title) + " Job", id_, job_[kind_.Member("JobArn")], job_));
}

}  // namespace stepmill::sagemaker
