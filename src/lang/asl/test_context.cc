#include "lang/asl/test_context.h"

#include <array>

namespace stepmill::asl {
namespace {

struct Field {
  std::string_view name;
  enum class Kind { kText, kNumber, kAny } kind;
};
struct Group {
  std::string_view name;
  std::array<Field, 7> fields;
};
constexpr Group kGroups[] = {
    {"Execution",
     {{{"Id", Field::Kind::kText},
       {"Input", Field::Kind::kAny},
       {"Name", Field::Kind::kText},
       {"RoleArn", Field::Kind::kText},
       {"StartTime", Field::Kind::kText},
       {"RedriveCount", Field::Kind::kNumber},
       {"RedriveTime", Field::Kind::kText}}}},
    {"State",
     {{{"EnteredTime", Field::Kind::kText},
       {"Name", Field::Kind::kText},
       {"RetryCount", Field::Kind::kNumber}}}},
    {"StateMachine", {{{"Id", Field::Kind::kText}, {"Name", Field::Kind::kText}}}},
    {"Task", {{{"Token", Field::Kind::kText}}}},
};

Error Invalid(std::string_view what) {
  return {Code::kInvalid, "ValidationException",
          "Invalid Context object provided: " + std::string(what)};
}

Error NotAllowed(std::string_view name) {
  return Invalid("Field '" + std::string(name) + "' is not allowed");
}

Result<> CheckGroup(const Group& group, const Json& value) {
  const std::string prefix = std::string(group.name) + ".";
  if (!value.is_object()) return Invalid(std::string(group.name) + " must be an object");
  for (const Json::Member& member : value.members()) {
    const Field* known = nullptr;
    for (const Field& field : group.fields)
      if (!field.name.empty() && field.name == member.name) known = &field;
    if (!known) return NotAllowed(prefix + member.name);
    if (known->kind == Field::Kind::kText && !member.value.is_string())
      return Invalid(prefix + member.name + " must be a string");
    if (known->kind == Field::Kind::kNumber && !member.value.is_number())
      return Invalid(prefix + member.name + " must be a number");
  }
  return {};
}

}  // namespace

Result<Json> ReadTestContext(const std::string& text, const State& state) {
  Result<Json> context = ParseJson(text);
  if (!context || !context->is_object()) return Invalid("Context must be a JSON object");
  for (const Json::Member& member : context->members()) {
    if (member.name == "Map")
      return Invalid("'Map' field is not supported when mocking a Context object");
    const Group* known = nullptr;
    for (const Group& group : kGroups)
      if (group.name == member.name) known = &group;
    if (!known) return NotAllowed(member.name);
    const bool has_token =
        state.type == StateType::kTask &&
        (state.task.is_sync() || state.task.pattern == Resource::Pattern::kWaitForTaskToken);
    if (member.name == "Task" && !has_token)
      return Invalid(
          "Context object contains 'Task' when state is not a Task state with a '.sync' or "
          "'.waitForTaskToken' service integration pattern");
    MILL_CHECK(CheckGroup(*known, member.value));
  }
  return context;
}

}  // namespace stepmill::asl
