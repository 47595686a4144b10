#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "engine/engine.h"
#include "gate/operation.h"
#include "json/json.h"
#include "lang/asl/map_run.h"
#include "store/store.h"

namespace stepmill::states {

/// How a Map Run stands in the store:
///   states/map-run/MACHINE%2FLABEL/UUID       the run: what DescribeMapRun shows, written by the
///                                             run's instance alone
///   states/map-run-settings/MACHINE%2FLABEL/UUID   what UpdateMapRun set
///   states/map-runs-of/MACHINE/EXECUTION/WHEN/UUID  {"mapRunArn"}, newest first
///   states/child-of-run/UUID/INDEX            {"name"}: a child's execution; its document is
///                                             states/execution/MACHINE%2FLABEL/NAME
///   states/map-items/BLOB (without account)   a blob of items that an open run has
///   states/revision/UUID          the children's machine, as that of any execution
struct MapRunPlace {
  std::string account, region;
  std::string machine;  ///< "MACHINE/LABEL": the name of the children's machine
  std::string uuid;
};
/// From "arn:aws:states:R:A:mapRun:MACHINE/LABEL:UUID"; InvalidArn when it is none.
Result<MapRunPlace> ParseMapRunArn(std::string_view arn);

Key MapRunKey(const MapRunPlace& place);
Key MapRunSettingsKey(const MapRunPlace& place);
/// The revision of the children's machine; its id is the run's UUID.
Key MapRunRevisionKey(const MapRunPlace& place);
Key MapRunsOfPrefix(std::string_view account, std::string_view region, std::string_view machine,
                    std::string_view execution);
Key ChildIndexKey(const MapRunPlace& place, int64_t index);
Key ChildIndexPrefix(const MapRunPlace& place);
Key ChildExecutionKey(const MapRunPlace& place, std::string_view name);
Key MapItemsKey(std::string_view blob);
std::string ChildMachineArn(const MapRunPlace& place);
std::string ChildExecutionArn(const MapRunPlace& place, std::string_view name, bool is_express);

/// What a run takes from the execution that starts it.
struct MapRunParent {
  std::string execution_arn, execution_name;
  std::string machine_name;  ///< of the execution
  std::string role_arn, account, region;
  Json logging;
};
/// Adds to a turn of the execution what makes the run begin: its documents and its instance, whose
/// id is the run's ARN. A redriven run is opened again.
void AddMapRun(Batch& batch, const MapRunParent& parent, const asl::StartMapRun& run, Time now);

/// What the run tells its execution ("map-run") at its end.
inline constexpr char kMapRunEnded[] = "map-run";

}  // namespace stepmill::states
