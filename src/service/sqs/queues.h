#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gate/operation.h"

/// Queues and messages as documents.
///
///   sqs/queue/NAME        name, id, attributes {name: text, only those that are not the default},
///                         created, modified (s), purged (ms), tags. PurgeQueue gives it a new id.
///   sqs/message/ID/SEQ    a message as it was sent, never changed: id, body, md5, sent (ms),
///   sender,
///                         attributes?, trace?, group?, dedup?, source? (the queue that gave it up)
///   sqs/state/ID/SEQ      what becomes of it: at (ms, visible from then on), count (how often it
///   was
///                         received), first (ms), receipt (of the newest receive), group?
///   sqs/due/ID/AT/SEQ     standard queues: states in the order of `at`
///   sqs/dedup/ID/KEY      FIFO: at (ms), id, seq of the message that KEY belongs to
///   sqs/dedups/ID/AT/KEY  the same by time
///
/// SEQ (20 digits) is the order of sending and holds the time (messages.h). A FIFO queue is read in
/// that order; a group with a message that is not visible waits.
namespace stepmill::sqs {

inline constexpr std::string_view kSweepMachine = "sqs-sweep";
inline constexpr int kExpiredMax = 10;       ///< old messages that a call takes away on its way
inline constexpr int kStatesRead = 500;      ///< states of a FIFO queue read at a time
inline constexpr int kFifoReadMax = 20'000;  ///< AWS: messages that are looked through for groups
inline constexpr int kBatchMax = 10;
inline constexpr int64_t kMessageBytesMax = 1'048'576;
inline constexpr int kPurgeSeconds = 60;
inline constexpr Seconds kDedupKept{300};

struct Queue {
  Document document;
  std::string name, id, arn, url;
  bool is_fifo = false;
  /// An attribute's text, or its default.
  std::string Attribute(std::string_view attribute) const;
  int64_t Number(std::string_view attribute) const;
};

Key QueueKey(const Call& call, std::string_view name);
/// "sqs/KIND/ID/"; KIND: message, state, due, dedup, dedups.
Key PrefixOf(const Call& call, std::string_view kind, std::string_view queue_id);
std::string QueueUrl(const Call& call, std::string_view name);
/// Whoever waits for a message of this queue listens here.
std::string QueueTopic(std::string_view queue_id);
/// QueueDoesNotExist; InvalidAddress for a URL that names no queue.
Task<Queue> FindQueue(Call& call, std::string url);
Task<Queue> FindQueueByName(Call& call, std::string name);
/// "arn:aws:sqs:REGION:ACCOUNT:NAME" of this account and region -> NAME; "" for others.
std::string NameOfArn(const Call& call, std::string_view arn);

/// The attributes of a request, checked: numbers in their ranges, policies that are JSON, ...
Task<Json> CheckAttributes(Call& call, std::string queue, bool is_fifo, Json given);
std::string_view DefaultOf(std::string_view attribute);

Task<Json> CreateQueue(Call& call);
Task<Json> GetQueueUrl(Call& call);
Task<Json> GetQueueAttributes(Call& call);
Task<Json> SetQueueAttributes(Call& call);
Task<Json> ListQueues(Call& call);
Task<Json> ListDeadLetterSourceQueues(Call& call);
Task<Json> DeleteQueue(Call& call);
Task<Json> PurgeQueue(Call& call);
Task<Json> TagQueue(Call& call);
Task<Json> UntagQueue(Call& call);
Task<Json> ListQueueTags(Call& call);

}  // namespace stepmill::sqs
