#include "service/states/map_run_documents.h"

#include <cstdio>

#include "engine/turns.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/map_run_machine.h"

namespace stepmill::states {
namespace {

constexpr int64_t kLastMilli = 9'999'999'999'999;  // for keys that sort newest first

std::string Padded(int64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%013lld", static_cast<long long>(number));
  return text;
}

Json Zeros() {
  Json::Object counts;
  for (const char* name : {"pending", "running", "succeeded", "failed", "timedOut", "aborted",
                           "total", "resultsWritten", "failuresNotRedrivable", "pendingRedrive"})
    counts.Add(name, 0);
  return Json(std::move(counts));
}

}  // namespace

Result<MapRunPlace> ParseMapRunArn(std::string_view arn) {
  MILL_TRY(const StatesArn parsed, ParseArn(arn));
  if (parsed.type != "mapRun") return InvalidArnType(parsed.type);
  return MapRunPlace{parsed.account, parsed.region, parsed.name, parsed.rest};
}

Key MapRunKey(const MapRunPlace& place) {
  return MakeKey({place.account, place.region, "states", "map-run", place.machine, place.uuid});
}
Key MapRunSettingsKey(const MapRunPlace& place) {
  return MakeKey(
      {place.account, place.region, "states", "map-run-settings", place.machine, place.uuid});
}
Key MapRunRevisionKey(const MapRunPlace& place) {
  return MakeKey({place.account, place.region, "states", "revision", place.uuid});
}
Key MapRunsOfPrefix(std::string_view account, std::string_view region, std::string_view machine,
                    std::string_view execution) {
  return MakeKey({account, region, "states", "map-runs-of", machine, execution, ""});
}
Key ChildIndexPrefix(const MapRunPlace& place) {
  return MakeKey({place.account, place.region, "states", "child-of-run", place.uuid, ""});
}
Key ChildIndexKey(const MapRunPlace& place, int64_t index) {
  return ChildIndexPrefix(place) + Padded(index);
}
Key ChildExecutionKey(const MapRunPlace& place, std::string_view name) {
  return MakeKey({place.account, place.region, "states", "execution", place.machine, name});
}

Key MapItemsKey(std::string_view blob) { return MakeKey({"states", "map-items", blob}); }

std::string ChildMachineArn(const MapRunPlace& place) {
  return "arn:aws:states:" + place.region + ":" + place.account + ":stateMachine:" + place.machine;
}
std::string ChildExecutionArn(const MapRunPlace& place, std::string_view name, bool is_express) {
  const std::string head = "arn:aws:states:" + place.region + ":" + place.account;
  const std::string tail = place.machine + ":" + std::string(name);
  // Both parts behind the machine's name are the child's own.
  return is_express ? head + ":express:" + tail + ":" + std::string(name)
                    : head + ":execution:" + tail;
}

void AddMapRun(Batch& batch, const MapRunParent& parent, const asl::StartMapRun& run, Time now) {
  const auto place = ParseMapRunArn(run.arn);
  MILL_ASSERT(place.has_value());  // it was made by the interpreter
  const auto number = static_cast<int64_t>(run.map_run);
  if (run.redrive_count > 0)
    return AddReopen(batch, run.arn, "redrive",
                     Json::Object{{"mapRun", number}, {"redriveCount", run.redrive_count}}, now,
                     "redrive/" + run.arn + "/" + std::to_string(run.redrive_count));
  const Json& plan = run.plan;
  const Json document = Json::Object{{"mapRunArn", run.arn},
                                     {"executionArn", parent.execution_arn},
                                     {"stateMachineArn", ChildMachineArn(*place)},
                                     {"status", "RUNNING"},
                                     {"startDate", MillisSinceEpoch(now)},
                                     {"maxConcurrency", plan["concurrencyMax"]},
                                     {"toleratedFailurePercentage", plan["toleratedPercentage"]},
                                     {"toleratedFailureCount", plan["toleratedCount"]},
                                     {"itemCounts", Zeros()},
                                     {"executionCounts", Zeros()},
                                     {"redriveCount", 0}};
  batch.PutDocument(MapRunKey(*place), document);
  batch.PutDocument(
      MapRunsOfPrefix(parent.account, parent.region, parent.machine_name, parent.execution_name) +
          Padded(kLastMilli - MillisSinceEpoch(now)) + "-" + place->uuid,
      Json::Object{{"mapRunArn", run.arn}});
  batch.PutDocument(
      MapRunRevisionKey(*place),
      Json::Object{{"name", place->machine},
                   {"definition", plan["definition"]},
                   {"roleArn", parent.role_arn},
                   {"updatedAt", MillisSinceEpoch(now)},
                   {"loggingConfiguration", parent.logging},
                   {"tracingConfiguration", Json::Object{{"enabled", false}}},
                   {"encryptionConfiguration", Json::Object{{"type", "AWS_OWNED_KEY"}}},
                   {"mapRunArn", run.arn},
                   {"label", run.label}});
  AddStart(batch, run.arn, kMapRunMachineName,
           Json::Object{{"plan", plan},
                        {"document", document},
                        {"mapRun", number},
                        {"role", parent.role_arn},
                        {"execution", parent.execution_name}},
           now, {}, "start/" + run.arn);
}

}  // namespace stepmill::states
