#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "service/sqs/queues.h"

/// Messages: sent, received, given back, deleted. (Their documents: queues.h.)
namespace stepmill::sqs {

/// The order of sending. Holds the millisecond above a number that counts within this process, so
/// that two messages of one millisecond are in order too, and that old ones are a range of keys.
uint64_t NextNumber(Time now);
/// The first number of a moment.
uint64_t FirstNumber(Time at);
std::string PrintNumber(uint64_t number);  ///< 20 digits

Key StateKey(const Call& call, std::string_view queue_id, uint64_t number);
Key MessageKey(const Call& call, std::string_view queue_id, std::string_view number);
Key DueKey(const Call& call, std::string_view queue_id, int64_t at_ms, std::string_view number);
/// Messages sent before this are no longer kept.
Time OldestKept(const Call& call, const Queue& queue);

/// MD5 of a message's attributes as SDKs check it. (AWS: "Calculating the MD5 message digest for
/// message attributes")
std::string Md5OfAttributes(const Json& attributes);
/// ValidationErrors of SQS for what is to be sent.
Result<> CheckMessage(const Queue& queue, const Json& entry);

/// Adds a message to the batch. `source`: the ARN of the queue that gave it up, or "".
void AddMessage(Call& call, const Queue& queue, Json message, Time visible_at);
/// Takes a message away; its number as PrintNumber has it.
void RemoveMessage(Call& call, const Queue& queue, const Document& state);
/// Wakes who waits for messages of the queue, once the batch at hand is committed.
void WakeQueue(Call& call, const Queue& queue);
/// Old messages go, some at a time.
Task<> RemoveExpired(Call& call, const Queue& queue);

/// What stands behind a receipt handle.
struct Receipt {
  std::string number;
  std::string receipt;
};
std::string PrintHandle(const Queue& queue, const Receipt& receipt);
/// ReceiptHandleIsInvalid; a handle of a message that was purged is sound, and leads nowhere.
Result<Receipt> ReadHandle(std::string_view handle);

Task<Json> SendMessage(Call& call);
Task<Json> SendMessageBatch(Call& call);
Task<Json> ReceiveMessage(Call& call);
Task<Json> DeleteMessage(Call& call);
Task<Json> DeleteMessageBatch(Call& call);
Task<Json> ChangeMessageVisibility(Call& call);
Task<Json> ChangeMessageVisibilityBatch(Call& call);

}  // namespace stepmill::sqs
