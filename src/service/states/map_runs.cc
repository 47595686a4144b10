#include "service/states/map_runs.h"

#include "engine/engine.h"
#include "service/ports.h"
#include "service/states/documents.h"
#include "service/states/errors.h"
#include "service/states/map_run_documents.h"
#include "store/store.h"

namespace stepmill::states {
namespace {

constexpr size_t kPageDefault = 100;
constexpr int kScanPage = 100;       // index documents a read
constexpr int kScanPagesMax = 1000;  // of one list

struct FoundRun {
  MapRunPlace place;
  Document document;
};

Task<FoundRun> RequireMapRun(Call& call) {
  const std::string arn = call.input.StringOr("mapRunArn", "");
  MILL_CO_TRY(MapRunPlace place, ParseMapRunArn(arn));
  std::optional<Document> found;
  if (place.account == call.account && place.region == call.region) {
    MILL_CO_TRY(found, co_await call.ports.store.Get(MapRunKey(place)));
  }
  if (!found) co_return ResourceNotFound(arn);
  co_return FoundRun{std::move(place), *std::move(found)};
}

size_t LimitOf(const Call& call) {
  const auto wanted = static_cast<size_t>(call.input.IntOr("maxResults", 0));
  return wanted == 0 ? kPageDefault : wanted;
}

}  // namespace

Task<Json> DescribeMapRun(Call& call) {
  MILL_CO_TRY(const FoundRun run, co_await RequireMapRun(call));
  MILL_CO_TRY(const auto settings, co_await call.ports.store.Get(MapRunSettingsKey(run.place)));
  const Json& body = run.document.body;
  Json::Object out;
  for (const char* name : {"mapRunArn", "executionArn", "status"}) out.Add(name, body[name]);
  for (const char* name : {"startDate", "stopDate"})
    if (body.Has(name)) out.Add(name, SecondsOf(body[name]));
  for (const char* name : {"maxConcurrency", "toleratedFailurePercentage", "toleratedFailureCount"})
    out.Add(name, settings && settings->body.Has(name) ? settings->body[name] : body[name]);
  for (const char* name : {"itemCounts", "executionCounts"}) out.Add(name, body[name]);
  out.Add("redriveCount", body.IntOr("redriveCount", 0));
  if (body.Has("redriveDate")) out.Add("redriveDate", SecondsOf(body["redriveDate"]));
  co_return Json(std::move(out));
}

Task<Json> UpdateMapRun(Call& call) {
  MILL_CO_TRY(const FoundRun run, co_await RequireMapRun(call));
  if (run.document.body.StringOr("status", "") != "RUNNING")
    co_return Error{
        .code = Code::kInvalid,
        .name = "ValidationException",
        .message = "Map Run already completed: '" + call.input.StringOr("mapRunArn", "") + "'",
        .fields = {{"reason", "CANNOT_UPDATE_COMPLETED_MAP_RUN"}}};
  MILL_CO_TRY(const auto before, co_await call.ports.store.Get(MapRunSettingsKey(run.place)));
  Json settings = before ? before->body : Json(Json::Object{});
  Json::Object change;
  for (const char* name :
       {"maxConcurrency", "toleratedFailurePercentage", "toleratedFailureCount"}) {
    if (!call.input.Has(name)) continue;
    change.Set(name, call.input[name]);
    settings = settings.With(name, call.input[name]);
  }
  if (change.members.empty())
    co_return Error{.code = Code::kInvalid,
                    .name = "ValidationException",
                    .message =
                        "At least one of maxConcurrency, toleratedFailurePercentage and "
                        "toleratedFailureCount must be specified",
                    .fields = {{"reason", "MISSING_REQUIRED_PARAMETER"}}};
  // The run takes it up with its next turn; who asks before that sees it here.
  call.batch.PutDocument(MapRunSettingsKey(run.place), settings);
  call.ports.engine.Post(call.batch, run.document.body.StringOr("mapRunArn", ""), "update",
                         Json(std::move(change)));
  co_return Json(Json::Object{});
}

Task<Json> ListMapRuns(Call& call) {
  const std::string arn = call.input.StringOr("executionArn", "");
  MILL_CO_TRY(const Document execution, co_await RequireExecution(call, arn));
  MILL_CO_TRY(const StatesArn parsed, ParseArn(arn));
  const Key prefix = MapRunsOfPrefix(call.account, call.region, parsed.name, parsed.rest);
  Key from = prefix;
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(from, ReadPageToken(token->AsString()));
    if (!from.starts_with(prefix)) co_return InvalidToken();
  }
  const size_t limit = LimitOf(call);
  MILL_CO_TRY(const auto page,
              co_await call.ports.store.Range(from, PrefixEnd(prefix), Direction::kForward,
                                              static_cast<int>(limit) + 1));
  Json::Array list;
  Json::Object out;
  for (const Document& entry : page) {
    if (list.size() == limit) {
      out.Set("nextToken", PageToken(entry.key));
      break;
    }
    MILL_CO_TRY(const MapRunPlace place, ParseMapRunArn(entry.body.StringOr("mapRunArn", "")));
    MILL_CO_TRY(const auto run, co_await call.ports.store.Get(MapRunKey(place)));
    if (!run) continue;
    Json::Object item;
    for (const char* name : {"executionArn", "mapRunArn", "stateMachineArn"})
      item.Add(name, run->body[name]);
    for (const char* name : {"startDate", "stopDate"})
      if (run->body.Has(name)) item.Add(name, SecondsOf(run->body[name]));
    list.push_back(Json(std::move(item)));
  }
  out.Set("mapRuns", Json(std::move(list)));
  co_return Json(std::move(out));
}

Task<Json> ListMapRunExecutions(Call& call) {
  MILL_CO_TRY(const FoundRun run, co_await RequireMapRun(call));
  const std::string status = call.input.StringOr("statusFilter", "");
  const std::string redriven = call.input.StringOr("redriveFilter", "");
  const Key prefix = ChildIndexPrefix(run.place);
  Key to = PrefixEnd(prefix);
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(to, ReadPageToken(token->AsString()));
    if (!to.starts_with(prefix)) co_return InvalidToken();
  }
  const size_t limit = LimitOf(call);
  Json::Array list;
  Json::Object out;
  bool is_full = false;
  for (int page = 0; page < kScanPagesMax && !is_full; ++page) {
    MILL_CO_TRY(const auto found,
                co_await call.ports.store.Range(prefix, to, Direction::kBackward, kScanPage));
    for (const Document& entry : found) {
      const Key key = ChildExecutionKey(run.place, entry.body.StringOr("name", ""));
      MILL_CO_TRY(const auto child, co_await call.ports.store.Get(key));
      if (!child) continue;
      const Json& body = child->body;
      const int64_t redrives = body.IntOr("redriveCount", 0);
      if (!status.empty() && body.StringOr("status", "") != status) continue;
      if (!redriven.empty() && (redriven == "REDRIVEN") != (redrives > 0)) continue;
      if (list.size() == limit) {
        out.Set("nextToken", PageToken(entry.key + '\0'));
        is_full = true;
        break;
      }
      Json::Object item;
      for (const char* name : {"executionArn", "stateMachineArn", "name", "status"})
        item.SetIf(name, body.Find(name));
      for (const char* name : {"startDate", "stopDate"})
        if (body.Has(name)) item.Set(name, SecondsOf(body[name]));
      item.Set("mapRunArn", body["mapRunArn"]);
      item.Set("itemCount", entry.body.IntOr("items", 1));
      item.Set("redriveCount", redrives);
      if (body.Has("redriveDate")) item.Set("redriveDate", SecondsOf(body["redriveDate"]));
      list.push_back(Json(std::move(item)));
    }
    if (found.size() < kScanPage) break;
    to = found.back().key;
  }
  out.Set("executions", Json(std::move(list)));
  co_return Json(std::move(out));
}

}  // namespace stepmill::states
