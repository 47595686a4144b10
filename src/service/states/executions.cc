#include "service/states/executions.h"

#include "base/strings.h"
#include "engine/engine.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/history_pages.h"
#include "service/states/map_runs.h"
#include "service/states/redrive.h"
#include "service/states/settings.h"
#include "store/store.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr int kPageDefault = 100;
constexpr int kScanPage = 100;       // index documents a read
constexpr int kScanPagesMax = 1000;  // of one ListExecutions

Json ListEntry(const Json& document) {
  Json::Object entry;
  for (const char* name : {"executionArn", "stateMachineArn", "name", "status", "mapRunArn",
                           "itemCount", "stateMachineVersionArn", "stateMachineAliasArn"})
    entry.SetIf(name, document.Find(name));
  for (const char* date : {"startDate", "stopDate", "redriveDate"})
    if (document.Has(date)) entry.Set(date, SecondsOf(document[date]));
  entry.Set("redriveCount", document.IntOr("redriveCount", 0));
  return entry;
}

/// Without the members that carry data.
Json WithoutData(const Json& event) {
  Json::Object out;
  for (const Json::Member& member : event.members()) {
    Json value = member.value;
    for (const char* data : {"input", "output", "parameters", "assignedVariables"})
      value = value.is_object() && value.Has(data) ? value.Without(data) : value;
    out.Add(member.name, std::move(value));
  }
  return out;
}

}  // namespace

Task<Json> DescribeExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  const Json described = DescribeExecutionOf(execution.body, with_data);
  if (described.StringOr("redriveStatus", "") != "REDRIVABLE") co_return described;
  const Json document = execution.body;
  MILL_CO_TRY(const std::string reason, co_await FindReasonAgainstRedrive(call, document));
  if (reason.empty()) co_return described;
  co_return described.With("redriveStatus", "NOT_REDRIVABLE").With("redriveStatusReason", reason);
}

Task<Json> DescribeStateMachineForExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  MILL_CO_TRY(const Json revision, co_await RequireRevision(call, execution.body));
  const bool with_data = call.input.StringOr("includedData", "ALL_DATA") != "METADATA_ONLY";
  Json::Object out{{"stateMachineArn", execution.body["stateMachineArn"]},
                   {"name", revision["name"]}};
  if (with_data) out.Set("definition", revision["definition"]);
  out.Set("roleArn", revision["roleArn"]);
  out.Set("updateDate", SecondsOf(revision["updatedAt"]));
  for (const char* member : {"loggingConfiguration", "tracingConfiguration", "mapRunArn", "label",
                             "revisionId", "encryptionConfiguration"})
    out.SetIf(member, revision.Find(member));
  if (with_data) AddVariableReferences(out, revision.StringOr("definition", ""));
  co_return out;
}

namespace {

/// Whose executions are listed: a machine's, or those that one version or alias started.
Task<std::string> IndexOf(Call& call) {
  const std::string arn = call.input.StringOr("stateMachineArn", "");
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  MILL_CO_TRY(const MachineTarget target, co_await RequireTarget(call, arn, true));
  if (target.machine.StringOr("type", "") == "EXPRESS") co_return StateMachineTypeNotSupported();
  co_return parsed.rest.empty() ? parsed.name : parsed.name + ":" + parsed.rest;
}

struct ListFilter {
  std::string status, redrive;
  bool Takes(const Json& document) const {
    if (!status.empty() && document.StringOr("status", "") != status) return false;
    const bool is_redriven = document.IntOr("redriveCount", 0) > 0;
    return redrive.empty() || is_redriven == (redrive == "REDRIVEN");
  }
};

}  // namespace

Task<Json> ListExecutions(Call& call) {
  if (call.input.Has("mapRunArn") && call.input.Has("stateMachineArn"))
    co_return Validation("Must provide either a StateMachine ARN or a MapRun ARN, not both");
  if (call.input.Has("mapRunArn")) co_return co_await ListMapRunExecutions(call);
  if (!call.input.Has("stateMachineArn"))
    co_return Validation(
        "1 validation error detected: Must provide a StateMachine ARN or MapRun ARN");
  MILL_CO_TRY(const std::string index, co_await IndexOf(call));
  const std::string machine = index.substr(0, index.find(':'));
  size_t limit = static_cast<size_t>(call.input.IntOr("maxResults", 0));
  if (limit == 0) limit = kPageDefault;
  const ListFilter filter{call.input.StringOr("statusFilter", ""),
                          call.input.StringOr("redriveFilter", "")};
  const Key prefix = StartedPrefix(call, index);
  Key from = prefix;
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(from, ReadPageToken(token->AsString()));
    if (!from.starts_with(prefix)) co_return InvalidToken();
  }
  const Key to = PrefixEnd(prefix);
  Json::Array list;
  Json::Object out;
  bool is_full = false;
  for (int page = 0; page < kScanPagesMax && !is_full; ++page) {
    MILL_CO_TRY(const auto found,
                co_await call.ports.store.Range(from, to, Direction::kForward, kScanPage));
    for (const Document& entry : found) {
      const Key key = ExecutionKey(call, machine, entry.body.StringOr("name", ""));
      MILL_CO_TRY(const auto execution, co_await call.ports.store.Get(key));
      if (!execution || !filter.Takes(execution->body)) continue;
      if (list.size() == limit) {
        out.Set("nextToken", PageToken(entry.key));
        is_full = true;
        break;
      }
      list.push_back(ListEntry(execution->body));
    }
    if (found.size() < kScanPage) break;
    from = found.back().key + '\0';
  }
  out.Set("executions", Json(std::move(list)));
  co_return out;
}

Task<Json> StopExecution(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  const std::string status = execution.body.StringOr("status", "");
  if (status != "RUNNING" && status != "PENDING_REDRIVE")
    co_return Json::Object{{"stopDate", SecondsOf(execution.body["stopDate"])}};
  Json::Object data;
  data.SetIf("error", call.input.Find("error"));
  data.SetIf("cause", call.input.Find("cause"));
  call.ports.engine.Post(call.batch, arn, "stop", std::move(data));
  co_return Json::Object{{"stopDate", SecondsSinceEpoch(call.Now())}};
}

namespace {

/// "turn.entry" of the page's first event, and the order that it was asked in.
std::string HistoryToken(const HistoryCursor& at, bool is_reverse) {
  return PageToken((is_reverse ? "r" : "f") + std::to_string(at.turn) + "." +
                   std::to_string(at.entry));
}

Result<HistoryCursor> ReadHistoryToken(const Json* token, bool is_reverse) {
  if (!token) return HistoryCursor{};
  MILL_TRY(const std::string text, ReadPageToken(token->AsString()));
  const size_t dot = text.find('.');
  if (dot == std::string::npos || text[0] != (is_reverse ? 'r' : 'f')) return InvalidToken();
  const auto record = ParseInt(std::string_view(text).substr(1, dot - 1));
  const auto entry = ParseInt(std::string_view(text).substr(dot + 1));
  if (!record || !entry || *record <= 0 || *entry < 0) return InvalidToken();
  return HistoryCursor{static_cast<uint64_t>(*record), static_cast<size_t>(*entry)};
}

}  // namespace

Task<Json> GetExecutionHistory(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  size_t limit = static_cast<size_t>(call.input.IntOr("maxResults", 0));
  if (limit == 0) limit = kPageDefault;
  const bool is_reverse = call.input.BoolOr("reverseOrder", false);
  MILL_CO_TRY(const HistoryCursor from, ReadHistoryToken(call.input.Find("nextToken"), is_reverse));
  const Direction direction = is_reverse ? Direction::kBackward : Direction::kForward;
  MILL_CO_TRY(const HistoryPage page,
              co_await ReadHistoryPage(call.ports.engine, arn, from, direction, limit));
  const bool with_data = call.input.BoolOr("includeExecutionData", true);
  Json::Array events;
  for (const asl::HistoryEvent& event : page.events) {
    Json shown = asl::HistoryToJson(event);
    events.push_back(with_data ? std::move(shown) : WithoutData(shown));
  }
  Json::Object out{{"events", Json(std::move(events))}};
  if (page.next) out.Set("nextToken", HistoryToken(*page.next, is_reverse));
  co_return out;
}

}  // namespace stepmill::states
