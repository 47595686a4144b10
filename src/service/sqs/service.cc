#include "engine/engine.h"
#include "gate/model.h"
#include "service/ports.h"
#include "service/sqs/messages.h"
#include "service/sqs/queues.h"
#include "service/sqs/sqs.h"
#include "service/sweep.h"

namespace stepmill::sqs {
namespace {

constexpr std::string_view kAny = "arn:aws:sqs:{region}:{account}:*";
constexpr std::string_view kNamed = "arn:aws:sqs:{region}:{account}:{QueueName}";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = kAny) {
  return {
      .name = name, .handler = handler, .action = action, .resource = resource, .access = access};
}

constexpr Operation kOperations[] = {
    Row("CreateQueue", CreateQueue, "sqs:CreateQueue", Access::kWrite, kNamed),
    Row("GetQueueUrl", GetQueueUrl, "sqs:GetQueueUrl", Access::kRead, kNamed),
    Row("GetQueueAttributes", GetQueueAttributes, "sqs:GetQueueAttributes", Access::kRead),
    Row("SetQueueAttributes", SetQueueAttributes, "sqs:SetQueueAttributes", Access::kWrite),
    Row("ListQueues", ListQueues, "sqs:ListQueues", Access::kList),
    Row("ListDeadLetterSourceQueues", ListDeadLetterSourceQueues, "sqs:ListDeadLetterSourceQueues",
        Access::kList),
    Row("DeleteQueue", DeleteQueue, "sqs:DeleteQueue", Access::kWrite),
    Row("PurgeQueue", PurgeQueue, "sqs:PurgeQueue", Access::kWrite),
    Row("SendMessage", SendMessage, "sqs:SendMessage", Access::kWrite),
    Row("SendMessageBatch", SendMessageBatch, "sqs:SendMessage", Access::kWrite),
    Row("ReceiveMessage", ReceiveMessage, "sqs:ReceiveMessage", Access::kWrite),
    Row("DeleteMessage", DeleteMessage, "sqs:DeleteMessage", Access::kWrite),
    Row("DeleteMessageBatch", DeleteMessageBatch, "sqs:DeleteMessage", Access::kWrite),
    Row("ChangeMessageVisibility", ChangeMessageVisibility, "sqs:ChangeMessageVisibility",
        Access::kWrite),
    Row("ChangeMessageVisibilityBatch", ChangeMessageVisibilityBatch, "sqs:ChangeMessageVisibility",
        Access::kWrite),
    Row("TagQueue", TagQueue, "sqs:TagQueue", Access::kWrite),
    Row("UntagQueue", UntagQueue, "sqs:UntagQueue", Access::kWrite),
    Row("ListQueueTags", ListQueueTags, "sqs:ListQueueTags", Access::kList),
    {.name = "SweepQueue",
     .handler = SweepLeftovers,
     .action = "sqs:DeleteQueue",
     .resource = kAny,
     .access = Access::kWrite,
     .is_internal = true},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(std::string(kSweepMachine), JsonMachine(AdvanceSweep));
}

}  // namespace

const Service kService = {.name = "sqs",
                          .host = "sqs.amazonaws.com",
                          .model = &models::kSqs,
                          .operations = kOperations,
                          .wire_up = WireUp};

}  // namespace stepmill::sqs
