#include <algorithm>

#include "base/strings.h"
#include "json/each.h"
#include "service/sqs/errors.h"
#include "service/sqs/queues.h"

namespace stepmill::sqs {

namespace {

struct NumberRow {
  std::string_view name, initial;
  int64_t min, max;
};
constexpr NumberRow kNumbers[] = {
    {"VisibilityTimeout", "30", 0, 43'200},
    {"MaximumMessageSize", "1048576", 1024, kMessageBytesMax},
    {"MessageRetentionPeriod", "345600", 60, 1'209'600},
    {"DelaySeconds", "0", 0, 900},
    {"ReceiveMessageWaitTimeSeconds", "0", 0, 20},
    {"KmsDataKeyReusePeriodSeconds", "", 60, 86'400},
};
struct ChoiceRow {
  std::string_view name, initial, one, other;
  bool is_fifo_only;
};
constexpr ChoiceRow kChoices[] = {
    {"FifoQueue", "", "true", "false", false},
    {"ContentBasedDeduplication", "", "true", "false", true},
    {"DeduplicationScope", "", "queue", "messageGroup", true},
    {"FifoThroughputLimit", "", "perQueue", "perMessageGroupId", true},
    {"SqsManagedSseEnabled", "true", "true", "false", false},
};
constexpr std::string_view kTexts[] = {"Policy", "RedrivePolicy", "RedriveAllowPolicy",
                                       "KmsMasterKeyId"};

Error BadPolicy(const std::string& value, std::string_view name, std::string_view reason) {
  return InvalidValue(value, name, reason);
}

Task<Json> CheckRedrive(Call& call, std::string queue, bool is_fifo, std::string text) {
  if (text.empty()) co_return Json(text);  // none any more
  const auto policy = ParseJson(text);
  constexpr std::string_view kName = "RedrivePolicy";
  if (!policy || !policy->is_object())
    co_return BadPolicy(text, kName, "Redrive policy is not a valid JSON map.");
  const Json& max = (*policy)["maxReceiveCount"];
  const auto count = max.is_string()    ? ParseInt(max.AsString())
                     : max.is_integer() ? std::optional<int64_t>(max.AsInteger())
                                        : std::nullopt;
  if (!policy->Has("deadLetterTargetArn") || !policy->Has("maxReceiveCount"))
    co_return BadPolicy(
        text, kName,
        std::string("Redrive policy does not contain mandatory attribute: ") +
            (policy->Has("maxReceiveCount") ? "deadLetterTargetArn" : "maxReceiveCount") + ".");
  if (!count || *count < 1 || *count > 1000)
    co_return BadPolicy(
        text, kName,
        "Invalid value for maxReceiveCount: " + (max.is_string() ? max.AsString() : max.Print()) +
            ", valid values are from 1 to 1000 both inclusive.");
  const std::string arn = policy->StringOr("deadLetterTargetArn", "");
  const std::string target = NameOfArn(call, arn);
  const auto found = co_await FindQueueByName(call, target);
  if (target.empty() || !found)
    co_return BadPolicy(text, kName, "Dead letter target does not exist.");
  if (found->is_fifo != is_fifo)
    co_return BadPolicy(text, kName, "Dead-letter queue must be same type of queue as the source.");
  (void)queue;  // a queue may be its own dead-letter queue
  const Json kept = Json::Object{{"deadLetterTargetArn", arn}, {"maxReceiveCount", *count}};
  co_return Json(kept.Print());
}

Result<> CheckNumber(const NumberRow& row, const std::string& value) {
  const auto number = ParseInt(value);
  if (!number || *number < row.min || *number > row.max) return InvalidAttributeValue(row.name);
  return {};
}

}  // namespace

std::string_view DefaultOf(std::string_view attribute) {
  for (const NumberRow& row : kNumbers)
    if (row.name == attribute) return row.initial;
  for (const ChoiceRow& row : kChoices)
    if (row.name == attribute) return row.initial;
  return "";
}

Task<Json> CheckAttributes(Call& call, std::string queue, bool is_fifo, Json given) {
  Json::Object checked;
  const std::vector<Json::Member> attributes = MembersOf(given);
  for (const Json::Member& member : attributes) {
    const std::string& name = member.name;
    const std::string value = member.value.is_string() ? member.value.AsString() : "";
    const auto* number = std::find_if(std::begin(kNumbers), std::end(kNumbers),
                                      [&](const NumberRow& row) { return row.name == name; });
    const auto* choice = std::find_if(std::begin(kChoices), std::end(kChoices),
                                      [&](const ChoiceRow& row) { return row.name == name; });
    const bool is_text = std::find(std::begin(kTexts), std::end(kTexts), name) != std::end(kTexts);
    if (number != std::end(kNumbers)) {
      MILL_CO_CHECK(CheckNumber(*number, value));
    } else if (choice != std::end(kChoices)) {
      if (choice->is_fifo_only && !is_fifo) co_return InvalidAttributeName(name);
      if (value != choice->one && value != choice->other) co_return InvalidAttributeValue(name);
      if (name == "FifoQueue" && value != "true") co_return InvalidAttributeName(name);
    } else if (!is_text) {
      co_return InvalidAttributeName(name);
    }
    if (name == "RedrivePolicy") {
      MILL_CO_TRY(Json policy, co_await CheckRedrive(call, queue, is_fifo, value));
      checked.Add(name, std::move(policy));
      continue;
    }
    if ((name == "Policy" || name == "RedriveAllowPolicy") && !value.empty()) {
      const auto policy = ParseJson(value);
      if (!policy || !policy->is_object()) co_return InvalidAttributeValue(name);
    }
    checked.Add(name, Json(value));
  }
  co_return Json(std::move(checked));
}

}  // namespace stepmill::sqs
