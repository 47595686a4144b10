#include "service/states/documents.h"

#include <algorithm>
#include <cstdio>

#include "base/strings.h"
#include "service/ports.h"
#include "service/states/errors.h"
#include "store/events.h"
#include "task/ports.h"

namespace stepmill::states {
namespace {

constexpr size_t kEventDataBytesMax = 248 * 1024;  // of input and output in an event
constexpr int64_t kLastMilli = 9'999'999'999'999;  // for keys that sort newest first

constexpr int kPageDefault = 100;
constexpr int kVersionDigits = 10;  // in keys, so that they sort as numbers

/// One character of UTF-8; advances `at`.
uint32_t NextCharacter(std::string_view text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  uint32_t c = more == 3 ? lead & 0x07 : more == 2 ? lead & 0x0f : more == 1 ? lead & 0x1f : lead;
  for (; more > 0 && at < text.size(); --more)
    c = (c << 6) | (static_cast<unsigned char>(text[at++]) & 0x3f);
  return c;
}

}  // namespace

Json SecondsOf(const Json& millis) {
  return Json(static_cast<double>(millis.AsInteger()) / 1000.0);
}

Result<StatesArn> ParseArn(std::string_view arn) {
  const auto parts = Split(arn, ':');
  if (parts.size() < 7 || parts[0] != "arn" || parts[2] != "states") return InvalidArnPrefix(arn);
  StatesArn out;
  out.region = parts[3];
  out.account = parts[4];
  out.type = parts[5];
  out.name = parts[6];
  size_t head = 0;
  for (size_t i = 0; i < 7; ++i) head += parts[i].size() + 1;
  if (head < arn.size()) out.rest = arn.substr(head);
  return out;
}

Result<StatesArn> ParseArnOf(std::string_view type, std::string_view arn) {
  MILL_TRY(StatesArn parsed, ParseArn(arn));
  if (parsed.type != type) return InvalidArnType(parsed.type);
  if (type == "stateMachine" && parsed.name.find('/') != std::string::npos) return LabelledArn();
  return parsed;
}

bool IsHere(const Call& call, const StatesArn& arn) {
  return arn.account == call.account && arn.region == call.region;
}

bool IsVersionNumber(std::string_view qualifier) {
  const std::optional<int64_t> number = ParseInt(qualifier);
  return number && *number > 0;
}

Key MachineKey(const Call& call, std::string_view name) {
  return call.KeyFor({"states", "machine", name});
}
Key RevisionKey(const Call& call, std::string_view id) {
  return call.KeyFor({"states", "revision", id});
}
Key VersionPrefix(const Call& call, std::string_view machine) {
  return call.KeyFor({"states", "version", machine, ""});
}
Key VersionKey(const Call& call, std::string_view machine, int64_t number) {
  std::string digits = std::to_string(number);
  digits.insert(0, kVersionDigits - std::min<size_t>(kVersionDigits, digits.size()), '0');
  return call.KeyFor({"states", "version", machine, digits});
}
Key AliasPrefix(const Call& call, std::string_view machine) {
  return call.KeyFor({"states", "alias", machine, ""});
}
Key AliasKey(const Call& call, std::string_view machine, std::string_view name) {
  return call.KeyFor({"states", "alias", machine, name});
}
Key ActivityKey(const Call& call, std::string_view name) {
  return call.KeyFor({"states", "activity", name});
}
Key ExecutionKey(const Call& call, std::string_view machine, std::string_view name) {
  return call.KeyFor({"states", "execution", machine, name});
}
Key StartedPrefix(const Call& call, std::string_view machine) {
  return call.KeyFor({"states", "started", machine, ""});
}
Key StartedKey(const Call& call, std::string_view machine, Time at, std::string_view name) {
  char when[24];
  std::snprintf(when, sizeof when, "%013lld",
                static_cast<long long>(kLastMilli - MillisSinceEpoch(at)));
  return call.KeyFor({"states", "started", machine, when, name});
}
Key TokenKey(std::string_view account, std::string_view region, std::string_view token) {
  return MakeKey({account, region, "states", "token", token});
}

std::string MachineArn(const Call& call, std::string_view name) {
  return call.Arn("states", "stateMachine:" + std::string(name));
}
std::string ExecutionArn(const Call& call, std::string_view machine, std::string_view name) {
  return call.Arn("states", "execution:" + std::string(machine) + ":" + std::string(name));
}

Result<> CheckName(std::string_view name) {
  const auto is_refused = [](uint32_t c) {
    if (c <= 0x20 || (c >= 0x7f && c <= 0x9f)) return true;
    if (c == 0xa0 || c == 0x3000 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029)
      return true;  // whitespace beyond ASCII
    if (c == 0xfffe || c == 0xffff || (c >= 0xd800 && c <= 0xdfff)) return true;
    return c < 0x80 && std::string_view("<>{}[]?*\"#%\\^|~`$&,;:/").find(static_cast<char>(c)) !=
                           std::string_view::npos;
  };
  if (name.empty() || Utf16Length(name) > 80) return InvalidName(name);
  for (size_t at = 0; at < name.size();)
    if (is_refused(NextCharacter(name, at))) return InvalidName(name);
  return {};
}

Task<Document> RequireMachine(Call& call, std::string arn) {
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  // A version or an alias is not a machine, nor is one of another account or region here.
  if (!parsed.rest.empty() || !IsHere(call, parsed)) co_return StateMachineDoesNotExist(arn);
  MILL_CO_TRY(std::optional<Document> found,
              co_await call.ports.store.Get(MachineKey(call, parsed.name)));
  if (!found) co_return StateMachineDoesNotExist(arn);
  co_return *std::move(found);
}

Task<Json> RequireRevision(Call& call, Json refers) {
  const Key key = RevisionKey(call, refers.StringOr("revision", ""));
  MILL_CO_TRY(const std::optional<Document> found, co_await call.ports.store.Get(key));
  if (!found)  // written with what refers to it, never deleted: another program's data
    co_return Error{Code::kInternal, "InternalFailure", "the revision " + key + " is not there"};
  co_return found->body;
}

namespace {

/// One of an alias's versions, drawn by weight.
std::string DrawVersion(const Json& alias, uint64_t entropy) {
  auto left = static_cast<int64_t>(entropy % 100);
  for (const Json& route : alias["routingConfiguration"].items()) {
    left -= route.IntOr("weight", 0);
    if (left < 0) return route.StringOr("stateMachineVersionArn", "");
  }
  return "";
}

}  // namespace

Task<MachineTarget> RequireTarget(Call& call, std::string arn, bool takes_alias) {
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("stateMachine", arn));
  if (!IsHere(call, parsed)) co_return StateMachineDoesNotExist(arn);
  MILL_CO_TRY(const auto machine, co_await call.ports.store.Get(MachineKey(call, parsed.name)));
  if (!machine) co_return StateMachineDoesNotExist(arn);
  MachineTarget target;
  target.machine = machine->body;
  target.refers = machine->body;
  if (parsed.rest.empty()) co_return target;
  target.version_arn = arn;
  std::string number = parsed.rest;
  if (!IsVersionNumber(number)) {
    const Key key = AliasKey(call, parsed.name, number);
    MILL_CO_TRY(const auto alias, co_await call.ports.store.Get(key));
    if (!alias || !takes_alias) co_return StateMachineDoesNotExist(arn);
    target.alias_arn = arn;
    target.version_arn = DrawVersion(alias->body, call.ports.random.Next());
    MILL_CO_TRY(const StatesArn drawn, ParseArn(target.version_arn));
    number = drawn.rest;
  }
  const Key key = VersionKey(call, parsed.name, ParseInt(number).value_or(0));
  MILL_CO_TRY(const auto version, co_await call.ports.store.Get(key));
  if (!version) co_return StateMachineDoesNotExist(arn);
  target.version = version->body;
  target.refers = version->body;
  co_return target;
}

Task<Document> RequireExecution(Call& call, std::string arn) {
  MILL_CO_TRY(const StatesArn parsed, ParseArnOf("execution", arn));
  if (!IsHere(call, parsed) || parsed.rest.empty()) co_return ExecutionDoesNotExist(arn);
  MILL_CO_TRY(std::optional<Document> found,
              co_await call.ports.store.Get(ExecutionKey(call, parsed.name, parsed.rest)));
  if (!found) co_return ExecutionDoesNotExist(arn);
  co_return *std::move(found);
}

Json DescribeExecutionOf(const Json& document, bool with_data) {
  Json::Object out;
  for (const char* name : {"executionArn", "stateMachineArn", "name", "status", "mapRunArn",
                           "stateMachineVersionArn", "stateMachineAliasArn"})
    out.SetIf(name, document.Find(name));
  for (const char* date : {"startDate", "stopDate", "redriveDate"})
    if (document.Has(date)) out.Set(date, SecondsOf(document[date]));
  const Json included = Json::Object{{"included", with_data}};
  if (with_data) out.SetIf("input", document.Find("input"));
  out.Set("inputDetails", included);
  if (document.Has("output")) {
    if (with_data) out.SetIf("output", document.Find("output"));
    out.Set("outputDetails", included);
  }
  for (const char* name : {"error", "cause", "mapRunArn", "traceHeader"})
    out.SetIf(name, document.Find(name));
  out.Set("redriveCount", document.IntOr("redriveCount", 0));
  const RedriveStatus redrive = RedriveStatusOf(document);
  out.Set("redriveStatus", redrive.status);
  if (!redrive.reason.empty()) out.Set("redriveStatusReason", redrive.reason);
  return out;
}

RedriveStatus RedriveStatusOf(const Json& document) {
  const std::string status = document.StringOr("status", "");
  const bool has_failed = status == "FAILED" || status == "TIMED_OUT" || status == "ABORTED";
  if (!has_failed) return {"NOT_REDRIVABLE", "Execution is " + status + " and cannot be redriven"};
  if (document.Has("mapRunArn")) return {"REDRIVABLE_BY_MAP_RUN", ""};
  return {"REDRIVABLE", ""};
}

namespace {

constexpr char kStatesSource[] = "aws.states";
constexpr char kStatusChange[] = "Step Functions Execution Status Change";

/// `about`: {"document", "account", "region"}.
Json MakeStatusChange(const Json& about) {
  const Json& document = about["document"];
  const Json described = DescribeExecutionOf(document, true);
  Json::Object detail;
  for (const char* name :
       {"executionArn", "stateMachineArn", "name", "status", "startDate", "stopDate", "input",
        "output", "stateMachineVersionArn", "stateMachineAliasArn", "redriveCount", "redriveDate",
        "redriveStatus", "redriveStatusReason", "inputDetails", "outputDetails", "error", "cause"})
    detail.Set(name, described[name]);
  for (const char* date : {"startDate", "stopDate", "redriveDate"})
    detail.Set(date, document[date]);
  size_t size = 0;
  for (const char* name : {"input", "output"}) {
    const Json& text = described[name];
    if (!text.is_string()) continue;
    size += text.AsString().size();
    if (size <= kEventDataBytesMax) continue;
    detail.Set(name, Json());
    detail.Set(std::string(name) + "Details", Json::Object{{"included", false}});
  }
  Json::Array resources{document["executionArn"]};
  return MakeEvent(kStatesSource, kStatusChange, about["account"].AsString(),
                   about["region"].AsString(), std::move(resources), std::move(detail));
}

}  // namespace

OutgoingEvent StatusChangeEvent(const Json& document, std::string_view account,
                                std::string_view region) {
  return {kStatesSource, kStatusChange,
          Json::Object{{"document", document}, {"account", account}, {"region", region}},
          MakeStatusChange};
}

std::string PageToken(std::string_view at) { return Base64("1" + std::string(at)); }

Result<std::string> ReadPageToken(std::string_view token) {
  const std::optional<std::string> plain = Unbase64(token);
  if (!plain || !plain->starts_with("1")) return InvalidToken();
  return plain->substr(1);
}

Task<Page> ReadPage(Call& call, Key prefix, Direction direction) {
  int limit = static_cast<int>(call.input.IntOr("maxResults", 0));
  if (limit == 0) limit = kPageDefault;
  Key from = prefix;
  Key to = PrefixEnd(prefix);
  if (const Json* token = call.input.Find("nextToken")) {
    MILL_CO_TRY(const std::string at, ReadPageToken(token->AsString()));
    if (!at.starts_with(prefix)) co_return InvalidToken();
    if (direction == Direction::kForward)
      from = at;
    else
      to = at + '\0';
  }
  Page page;
  MILL_CO_TRY(page.documents, co_await call.ports.store.Range(from, to, direction, limit + 1));
  if (static_cast<int>(page.documents.size()) > limit) {
    page.next_token = PageToken(page.documents.back().key);
    page.documents.pop_back();
  }
  co_return page;
}

}  // namespace stepmill::states
