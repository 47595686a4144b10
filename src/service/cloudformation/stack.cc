#include "service/cloudformation/stack.h"

#include "base/strings.h"
#include "json/each.h"
#include "service/ports.h"

namespace stepmill::cloudformation {

StackKeys KeysOf(std::string_view account, std::string_view region, const std::string& uuid,
                 const std::string& name) {
  const std::string base = MakeKey({account, region, "cloudformation"}) + "/";
  return {base + MakeKey({"stack", uuid}), base + MakeKey({"name", name}),
          base + MakeKey({"template", uuid}), base + MakeKey({"events", uuid})};
}

Error ValidationFailure(const std::string& message) {
  return Error{Code::kInvalid, "ValidationError", message};
}

std::string UuidOf(std::string_view arn) { return std::string(arn.substr(arn.rfind('/') + 1)); }

Task<std::optional<Document>> FindStack(Call& call, std::string name_or_arn) {
  std::string uuid;
  if (name_or_arn.starts_with("arn:")) {
    uuid = UuidOf(name_or_arn);
  } else {
    const Key key = KeysOf(call.account, call.region, "", name_or_arn).name;
    MILL_CO_TRY(const std::optional<Document> index, co_await call.ports.store.Get(key));
    if (!index) co_return std::optional<Document>();
    uuid = index->body.StringOr("uuid", "");
  }
  const Key key = KeysOf(call.account, call.region, uuid, "").stack;
  MILL_CO_TRY(std::optional<Document> stack, co_await call.ports.store.Get(key));
  co_return stack;
}

Task<Document> RequireStack(Call& call, std::string name_or_arn) {
  MILL_CO_TRY(std::optional<Document> stack, co_await FindStack(call, name_or_arn));
  if (!stack) co_return ValidationFailure("Stack with id " + name_or_arn + " does not exist");
  co_return *std::move(stack);
}

Task<std::vector<Document>> AllStacks(Call& call) {
  const Key from = MakeKey({call.account, call.region, "cloudformation", "stack"}) + "/";
  return call.ports.store.Range(from, PrefixEnd(from), Direction::kForward, kStacksMax);
}

bool IsInProgress(std::string_view status) {
  return status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS";
}

namespace {

/// "****" for what NoEcho parameters brought into a resource's properties.
std::string Masked(std::string text, const Json& parameters) {
  for (const Json::Member& parameter : MembersOf(parameters)) {
    if (!parameter.value.BoolOr("no_echo", false)) continue;
    const Json& value = parameter.value["value"];
    for (const Json& part : value.is_array() ? value.items() : Json::Array{value}) {
      const std::string printed = part.Print();  // as it stands inside the text: escaped
      const std::string_view inner =
          part.is_string() ? std::string_view(printed).substr(1, printed.size() - 2) : printed;
      if (!inner.empty()) text = ReplaceAll(text, inner, "****");
    }
  }
  return text;
}

}  // namespace

Json StackEvent(const Json& stack, const EventText& text, const std::string& event_id, Time at) {
  Json::Object out{{"StackId", stack["id"]},
                   {"EventId", event_id},
                   {"StackName", stack["name"]},
                   {"LogicalResourceId", text.logical_id},
                   {"PhysicalResourceId", text.physical_id},
                   {"ResourceType", text.type},
                   {"Timestamp", SecondsSinceEpoch(at)},
                   {"ResourceStatus", text.status}};
  if (!text.reason.empty()) out.Set("ResourceStatusReason", text.reason);
  if (text.properties.is_object())
    out.Set("ResourceProperties", Masked(text.properties.Print(), stack["parameters"]));
  return Json(std::move(out));
}

Json ExportsOf(const std::vector<Document>& stacks, const std::string& except_uuid) {
  Json::Object out;
  for (const Document& stack : stacks) {
    if (stack.body.StringOr("uuid", "") == except_uuid) continue;
    if (stack.body.StringOr("status", "") == "DELETE_COMPLETE") continue;
    if (!stack.body["outputs"].is_array()) continue;
    for (const Json& output : stack.body["outputs"].items()) {
      if (output.Has("ExportName")) {
        out.Set(output.StringOr("ExportName", ""), output["OutputValue"]);
      }
    }
  }
  return Json(std::move(out));
}

}  // namespace stepmill::cloudformation
