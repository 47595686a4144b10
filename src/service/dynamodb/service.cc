#include "engine/engine.h"
#include "gate/model.h"
#include "service/dynamodb/dynamodb.h"
#include "service/dynamodb/items.h"
#include "service/dynamodb/tables.h"
#include "service/ports.h"
#include "service/sweep.h"

namespace stepmill::dynamodb {
namespace {

constexpr std::string_view kTable = "arn:aws:dynamodb:{region}:{account}:table/{TableName}";
constexpr std::string_view kAnyTable = "arn:aws:dynamodb:{region}:{account}:table/*";

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, Access access, std::string_view resource = kTable,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr std::string_view kMetrics = "ReturnItemCollectionMetrics";

constexpr Operation kOperations[] = {
    Row("CreateTable", CreateTable, "dynamodb:CreateTable", Access::kWrite),
    Row("DescribeTable", DescribeTable, "dynamodb:DescribeTable", Access::kRead),
    Row("DeleteTable", DeleteTable, "dynamodb:DeleteTable", Access::kWrite),
    Row("ListTables", ListTables, "dynamodb:ListTables", Access::kList, "*"),
    Row("UpdateTable", UpdateTable, "dynamodb:UpdateTable", Access::kWrite),
    Row("PutItem", PutItem, "dynamodb:PutItem", Access::kWrite, kTable, kMetrics),
    Row("GetItem", GetItem, "dynamodb:GetItem", Access::kRead),
    Row("UpdateItem", UpdateItem, "dynamodb:UpdateItem", Access::kWrite, kTable, kMetrics),
    Row("DeleteItem", DeleteItem, "dynamodb:DeleteItem", Access::kWrite, kTable, kMetrics),
    Row("Query", Query, "dynamodb:Query", Access::kRead),
    Row("Scan", Scan, "dynamodb:Scan", Access::kRead),
    Row("BatchGetItem", BatchGetItem, "dynamodb:BatchGetItem", Access::kRead, kAnyTable),
    Row("BatchWriteItem", BatchWriteItem, "dynamodb:BatchWriteItem", Access::kWrite, kAnyTable,
        kMetrics),
    Row("TransactGetItems", TransactGetItems, "dynamodb:GetItem", Access::kRead, kAnyTable),
    Row("TransactWriteItems", TransactWriteItems, "dynamodb:PutItem", Access::kWrite, kAnyTable,
        kMetrics),
    Row("TagResource", TagResource, "dynamodb:TagResource", Access::kWrite, "{ResourceArn}"),
    Row("UntagResource", UntagResource, "dynamodb:UntagResource", Access::kWrite, "{ResourceArn}"),
    Row("ListTagsOfResource", ListTagsOfResource, "dynamodb:ListTagsOfResource", Access::kList,
        "{ResourceArn}", "NextToken"),
    {.name = "SweepTable",
     .handler = SweepLeftovers,
     .action = "dynamodb:DeleteTable",
     .resource = kAnyTable,
     .access = Access::kWrite,
     .is_internal = true},
};

void WireUp(Ports& ports) {
  ports.engine.AddMachine(std::string(kSweepMachine), JsonMachine(AdvanceSweep));
}

}  // namespace

const Service kService = {.name = "dynamodb",
                          .host = "dynamodb.amazonaws.com",
                          .model = &models::kDynamodb,
                          .operations = kOperations,
                          .wire_up = WireUp};

}  // namespace stepmill::dynamodb
