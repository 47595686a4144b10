#include "service/sqs/messages.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "base/digest.h"
#include "base/strings.h"
#include "engine/engine.h"
#include "json/each.h"
#include "service/ports.h"
#include "service/sqs/errors.h"
#include "task/ports.h"

namespace stepmill::sqs {

namespace {

constexpr int kCounterBits = 20;  // below the millisecond: a million messages in each
constexpr size_t kAttributesMax = 10;

/// Big-endian length, then the bytes.
void AddSized(std::string& out, std::string_view bytes) {
  for (int shift = 24; shift >= 0; shift -= 8)
    out += static_cast<char>((bytes.size() >> shift) & 0xFF);
  out += bytes;
}

/// XML's characters: no controls but tab, line feed and carriage return, no U+FFFE and U+FFFF, no
/// lone surrogates.
bool HasGoodCharacters(std::string_view text) {
  if (!IsValidUtf8(text)) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') return false;
    const std::string_view three = text.substr(i, 3);
    if (three == "\xEF\xBF\xBE" || three == "\xEF\xBF\xBF") return false;
  }
  return true;
}

Result<> CheckAttribute(const std::string& name, const Json& value) {
  const std::string type = value.StringOr("DataType", "");
  const std::string kind = type.substr(0, type.find('.'));
  if (name.empty() || name.size() > 256 || name.starts_with('.') || name.ends_with('.') ||
      name.find("..") != std::string::npos ||
      !std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '_' || c == '-' || c == '.';
      }))
    return InvalidParameter("Message (user) attribute name '" + name +
                            "' is invalid. The attribute name can contain only the characters A-Z, "
                            "a-z, 0-9, underscore, hyphen, and period.");
  if (type.empty())
    return InvalidParameter("The message attribute '" + name +
                            "' must contain non-empty message attribute type.");
  if (kind != "String" && kind != "Number" && kind != "Binary")
    return InvalidParameter("The message attribute '" + name +
                            "' has an invalid message attribute type, the set of supported type "
                            "prefixes is Binary, Number, and String.");
  if (value.StringOr(kind == "Binary" ? "BinaryValue" : "StringValue", "").empty())
    return InvalidParameter("The message attribute '" + name +
                            "' must contain non-empty message attribute value for message "
                            "attribute type '" +
                            kind + "'.");
  if (kind == "String" && !HasGoodCharacters(value.StringOr("StringValue", "")))
    return InvalidMessageContents();
  return {};
}

int64_t BytesOf(const Json& entry) {
  size_t bytes = entry.StringOr("MessageBody", "").size();
  for (const Json::Member& each : MembersOf(entry["MessageAttributes"])) {
    const Json& value = each.value;
    bytes += each.name.size() + value.StringOr("DataType", "").size() +
             value.StringOr("StringValue", "").size() +
             value.StringOr("BinaryValue", "").size() / 4 * 3;
  }
  return static_cast<int64_t>(bytes);
}

/// Dedup ids, groups: up to 128 letters, digits and marks.
bool IsId(std::string_view text) {
  return text.size() <= 128 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

Result<> CheckFifo(const Queue& queue, const Json& entry) {
  const std::string group = entry.StringOr("MessageGroupId", "");
  const std::string dedup = entry.StringOr("MessageDeduplicationId", "");
  for (const auto& [name, value] :
       {std::pair("MessageGroupId", &group), std::pair("MessageDeduplicationId", &dedup)})
    if (!IsId(*value))
      return InvalidValue(*value, name,
                          std::string(name) +
                              " can only include alphanumeric and punctuation characters. 1 to 128 "
                              "in length.");
  constexpr const char* kNotForQueue =
      "The request include parameter that is not valid for this queue type";
  if (!queue.is_fifo) {
    if (!dedup.empty())
      return InvalidValue(dedup, "MessageDeduplicationId",
                          "The request includes a parameter that is not valid for this queue "
                          "type");
    return {};
  }
  if (group.empty()) return MissingParameter("MessageGroupId");
  if (dedup.empty() && queue.Attribute("ContentBasedDeduplication") != "true")
    return InvalidParameter(
        "The queue should either have ContentBasedDeduplication enabled or "
        "MessageDeduplicationId provided explicitly");
  if (entry.Has("DelaySeconds") && entry.IntOr("DelaySeconds", 0) != 0)
    return InvalidValue(std::to_string(entry.IntOr("DelaySeconds", 0)), "DelaySeconds",
                        kNotForQueue);
  return {};
}

}  // namespace

uint64_t FirstNumber(Time at) {
  const int64_t ms = std::max<int64_t>(MillisSinceEpoch(at), 0);
  return static_cast<uint64_t>(ms) << kCounterBits;
}

uint64_t NextNumber(Time now) {
  static uint64_t last = 0;  // of this process; the loop's thread alone comes here
  last = std::max(last + 1, FirstNumber(now));
  return last;
}

std::string PrintNumber(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%020llu", static_cast<unsigned long long>(number));
  return text;
}

Key StateKey(const Call& call, std::string_view queue_id, uint64_t number) {
  return PrefixOf(call, "state", queue_id) + PrintNumber(number);
}

Key MessageKey(const Call& call, std::string_view queue_id, std::string_view number) {
  return PrefixOf(call, "message", queue_id) + std::string(number);
}

Key DueKey(const Call& call, std::string_view queue_id, int64_t at_ms, std::string_view number) {
  char when[24];
  std::snprintf(when, sizeof when, "%013lld/", static_cast<long long>(at_ms));
  return PrefixOf(call, "due", queue_id) + when + std::string(number);
}

Time OldestKept(const Call& call, const Queue& queue) {
  return call.ports.clock.Now() - Seconds(queue.Number("MessageRetentionPeriod"));
}

std::string Md5OfAttributes(const Json& attributes) {
  std::map<std::string, Json> sorted;
  for (const Json::Member& each : MembersOf(attributes)) sorted.emplace(each.name, each.value);
  std::string all;
  for (const auto& [name, value] : sorted) {
    const std::string type = value.StringOr("DataType", "");
    AddSized(all, name);
    AddSized(all, type);
    const bool is_binary = type.starts_with("Binary");
    all += is_binary ? '\2' : '\1';
    AddSized(all, is_binary ? Unbase64(value.StringOr("BinaryValue", "")).value_or("")
                            : value.StringOr("StringValue", ""));
  }
  return Hex(Md5(all));
}

Result<> CheckMessage(const Queue& queue, const Json& entry) {
  const std::string body = entry.StringOr("MessageBody", "");
  if (body.empty()) return MissingParameter("MessageBody");
  if (!HasGoodCharacters(body)) return InvalidMessageContents();
  const int64_t bytes_max = queue.Number("MaximumMessageSize");
  if (BytesOf(entry) > bytes_max)
    return InvalidParameter(
        "One or more parameters are invalid. Reason: Message must be shorter "
        "than " +
        std::to_string(bytes_max) + " bytes.");
  const int64_t delay = entry.IntOr("DelaySeconds", 0);
  if (delay < 0 || delay > 900)
    return InvalidValue(std::to_string(delay), "DelaySeconds",
                        "DelaySeconds must be >= 0 and <= 900.");
  const Json& attributes = entry["MessageAttributes"];
  if (attributes.size() > kAttributesMax)
    return InvalidParameter("Number of message attributes [" + std::to_string(attributes.size()) +
                            "] exceeds the allowed maximum [10].");
  for (const Json::Member& each : MembersOf(attributes))
    MILL_CHECK(CheckAttribute(each.name, each.value));
  for (const Json::Member& each : MembersOf(entry["MessageSystemAttributes"]))
    if (each.name != "AWSTraceHeader")
      return InvalidParameter("Message system attribute name '" + each.name + "' is invalid.");
  return CheckFifo(queue, entry);
}

void AddMessage(Call& call, const Queue& queue, Json message, Time visible_at) {
  const std::string number = PrintNumber(NextNumber(call.ports.clock.Now()));
  const int64_t at = MillisSinceEpoch(visible_at);
  Json::Object state{{"at", at}, {"count", 0}};
  state.SetIf("group", message.Find("group"));
  call.batch.PutDocument(MessageKey(call, queue.id, number), std::move(message));
  call.batch.PutDocument(PrefixOf(call, "state", queue.id) + number, std::move(state));
  if (!queue.is_fifo)
    call.batch.PutDocument(DueKey(call, queue.id, at, number), Json::Object{{"number", number}});
  // The queue has to be there still, under this id.
  call.batch.expects.push_back({queue.document.key, queue.document.version});
  WakeQueue(call, queue);
}

void RemoveMessage(Call& call, const Queue& queue, const Document& state) {
  const std::string number = state.key.substr(state.key.rfind('/') + 1);
  call.batch.expects.push_back({state.key, state.version});
  call.batch.Delete(state.key);
  call.batch.Delete(MessageKey(call, queue.id, number));
  if (!queue.is_fifo) call.batch.Delete(DueKey(call, queue.id, state.body.IntOr("at", 0), number));
}

void WakeQueue(Call& call, const Queue& queue) {
  call.batch.notices.push_back(QueueTopic(queue.id));
}

Task<> RemoveExpired(Call& call, const Queue& queue) {
  const Key from = PrefixOf(call, "state", queue.id);
  const Key to = StateKey(call, queue.id, FirstNumber(OldestKept(call, queue)));
  MILL_CO_TRY(const auto old,
              co_await call.ports.store.Range(from, to, Direction::kForward, kExpiredMax));
  for (const Document& state : old) RemoveMessage(call, queue, state);
  co_return Result<>();
}

std::string PrintHandle(const Queue& queue, const Receipt& receipt) {
  return Base64(queue.id + " " + receipt.number + " " + receipt.receipt);
}

Result<Receipt> ReadHandle(std::string_view handle) {
  const std::string text = Unbase64(handle).value_or("");
  const auto parts = Split(text, ' ');
  if (parts.size() != 3 || parts[1].size() != 20 || !ParseInt(parts[1]))
    return ReceiptHandleIsInvalid(handle);
  return Receipt{std::string(parts[1]), std::string(parts[2])};
}

}  // namespace stepmill::sqs
