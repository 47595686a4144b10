#include "service/sqs/batches.h"

#include <algorithm>
#include <set>

#include "gate/model.h"
#include "service/sqs/errors.h"
#include "service/sqs/queues.h"

namespace stepmill::sqs {

Result<> CheckBatch(const Json::Array& entries) {
  if (entries.empty())
    return BatchError("EmptyBatchRequest",
                      "There should be at least one SendMessageBatchRequestEntry in the request.");
  if (entries.size() > static_cast<size_t>(kBatchMax))
    return BatchError("TooManyEntriesInBatchRequest",
                      "Maximum number of entries per request are 10. You have sent " +
                          std::to_string(entries.size()) + ".");
  std::set<std::string> ids;
  for (const Json& entry : entries) {
    const std::string id = entry.StringOr("Id", "");
    const bool is_good =
        !id.empty() && id.size() <= 80 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
          return std::isalnum(c) || c == '-' || c == '_';
        });
    if (!is_good)
      return BatchError("InvalidBatchEntryId",
                        "A batch entry id can only contain alphanumeric characters, hyphens and "
                        "underscores. It can be at most 80 letters long.");
    if (!ids.insert(id).second)
      return BatchError("BatchEntryIdsNotDistinct", "Id " + id + " repeated.");
  }
  return {};
}

namespace {

/// The code of an error in the query protocol: entries of a batch carry that one.
std::string QueryCode(const Error& error) {
  const Shape* shape = models::kSqs.FindError(error.name);
  return shape && !shape->error_code.empty() ? std::string(shape->error_code) : error.name;
}

}  // namespace

void BatchAnswer::Add(const Json& entry, const Result<Json>& outcome) {
  if (outcome) {
    Json::Object done{{"Id", entry["Id"]}};
    for (const Json::Member& member : outcome->members()) done.Set(member.name, member.value);
    successful_.push_back(std::move(done));
    return;
  }
  failed_.push_back(Json::Object{{"Id", entry["Id"]},
                                 {"SenderFault", outcome.error().code != Code::kInternal},
                                 {"Code", QueryCode(outcome.error())},
                                 {"Message", outcome.error().message}});
}

Json BatchAnswer::Print() const {
  Json::Object out;
  if (!successful_.empty()) out.Add("Successful", successful_);
  if (!failed_.empty()) out.Add("Failed", failed_);
  return out;
}

}  // namespace stepmill::sqs
