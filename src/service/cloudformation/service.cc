// The table of the service, its machine, and the reading of objects for it.
#include "blob/blob_store.h"
#include "engine/engine.h"
#include "gate/door.h"
#include "gate/model.h"
#include "service/cloudformation/cloudformation.h"
#include "service/cloudformation/handlers.h"
#include "service/cloudformation/operation.h"
#include "service/ports.h"

namespace stepmill::cloudformation {
namespace {

constexpr Operation Row(std::string_view name, Task<Json> (*handler)(Call&),
                        std::string_view action, std::string_view resource, Access access,
                        std::string_view keeps = "") {
  return {.name = name,
          .handler = handler,
          .action = action,
          .resource = resource,
          .access = access,
          .keeps = keeps};
}

constexpr std::string_view kStack = "arn:aws:cloudformation:{region}:{account}:stack/{StackName}/*";

constexpr Operation kOperations[] = {
    Row("CreateStack", CreateStack, "cloudformation:CreateStack", kStack, Access::kWrite,
        "ClientRequestToken"),
    Row("UpdateStack", UpdateStack, "cloudformation:UpdateStack", kStack, Access::kWrite,
        "ClientRequestToken"),
    Row("DeleteStack", DeleteStack, "cloudformation:DeleteStack", kStack, Access::kWrite,
        "ClientRequestToken"),
    Row("CreateChangeSet", CreateChangeSet, "cloudformation:CreateChangeSet", kStack,
        Access::kWrite, "ClientToken"),
    Row("DescribeChangeSet", DescribeChangeSet, "cloudformation:DescribeChangeSet", kStack,
        Access::kRead),
    Row("ExecuteChangeSet", ExecuteChangeSet, "cloudformation:ExecuteChangeSet", kStack,
        Access::kWrite, "ClientRequestToken"),
    Row("DeleteChangeSet", DeleteChangeSet, "cloudformation:DeleteChangeSet", kStack,
        Access::kWrite),
    Row("ListChangeSets", ListChangeSets, "cloudformation:ListChangeSets", kStack, Access::kList),
    Row("DescribeStacks", DescribeStacks, "cloudformation:DescribeStacks", kStack, Access::kRead),
    Row("DescribeStackEvents", DescribeStackEvents, "cloudformation:DescribeStackEvents", kStack,
        Access::kRead),
    Row("DescribeStackResource", DescribeStackResource, "cloudformation:DescribeStackResource",
        kStack, Access::kRead),
    Row("DescribeStackResources", DescribeStackResources, "cloudformation:DescribeStackResources",
        kStack, Access::kRead),
    Row("ListStackResources", ListStackResources, "cloudformation:ListStackResources", kStack,
        Access::kRead),
    Row("ListStacks", ListStacks, "cloudformation:ListStacks", "*", Access::kList),
    Row("ListExports", ListExports, "cloudformation:ListExports", "*", Access::kList),
    Row("GetTemplate", GetTemplate, "cloudformation:GetTemplate", kStack, Access::kRead),
    Row("GetTemplateSummary", GetTemplateSummary, "cloudformation:GetTemplateSummary", "*",
        Access::kRead),
    Row("ValidateTemplate", ValidateTemplate, "cloudformation:ValidateTemplate", "*",
        Access::kRead),
};

/// The text of an object, as the effect's principal may read it: {"text"}.
Task<Json> ReadObject(Ports& ports, Engine::Performance performance) {
  const Json& what = performance.what;
  Request request;
  request.service = what.StringOr("service", "");
  request.operation = what.StringOr("operation", "");
  request.account = what.StringOr("account", "");
  request.region = what.StringOr("region", "");
  request.input = what["input"];
  MILL_CO_TRY(request.principal, PrincipalFromJson(what["principal"]));
  MILL_CO_TRY(const Answer answer, co_await ports.door.Ask(std::move(request)));
  std::string text;
  if (answer.body) {
    MILL_CO_TRY(text, co_await ReadAll(*answer.body, kDefinitionBytesMax));
  }
  co_return Json::Object{{"text", text}};
}

void WireUp(Ports& ports) {
  ports.engine.AddMachine(kMachine, JsonMachine(AdvanceOperation));
  ports.engine.AddPerformer(kReadObject, [&ports](Engine::Performance performance) {
    return ReadObject(ports, std::move(performance));
  });
}

}  // namespace

const Service kService{.name = "cloudformation",
                       .host = "cloudformation.amazonaws.com",
                       .model = &models::kCloudformation,
                       .operations = kOperations,
                       .wire_up = WireUp};

}  // namespace stepmill::cloudformation
