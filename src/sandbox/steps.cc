#include "sandbox/steps.h"

namespace stepmill::sandbox {

namespace {

Json MapToJson(const std::map<std::string, std::string>& map) {
  Json::Object object;
  for (const auto& [name, value] : map) object.Add(name, value);
  return object;
}

std::map<std::string, std::string> MapFromJson(const Json& json) {
  std::map<std::string, std::string> map;
  if (!json.is_object()) return map;
  for (const auto& member : json.members()) {
    if (member.value.is_string()) map[member.name] = member.value.AsString();
  }
  return map;
}

}  // namespace

std::string CommandPath(const std::string& folder, int64_t sequence) {
  return folder + "/commands/" + std::to_string(sequence) + ".json";
}
std::string ResultPath(const std::string& folder, int64_t sequence) {
  return folder + "/results/" + std::to_string(sequence) + ".json";
}
std::string LogPath(const std::string& folder) { return folder + "/log"; }

Json CommandToJson(const StepCommand& command) {
  Json::Array argv(command.argv.begin(), command.argv.end());
  return Json::Object{{"sequence", command.sequence},      {"argv", std::move(argv)},
                      {"env", MapToJson(command.env)},     {"working_dir", command.working_dir},
                      {"files", MapToJson(command.files)}, {"timeout_ms", command.timeout_ms}};
}

Result<StepCommand> CommandFromJson(const Json& json) {
  StepCommand command;
  command.sequence = json.IntOr("sequence", 0);
  if (!json["argv"].is_array() || json["argv"].size() == 0 || command.sequence < 1)
    return Error{Code::kInvalid, "StepError", "a step needs its number and a command"};
  for (const Json& item : json["argv"].items()) {
    if (!item.is_string()) return Error{Code::kInvalid, "StepError", "argv: strings only"};
    command.argv.push_back(item.AsString());
  }
  command.env = MapFromJson(json["env"]);
  command.working_dir = json.StringOr("working_dir", "");
  command.files = MapFromJson(json["files"]);
  command.timeout_ms = json.IntOr("timeout_ms", 0);
  return command;
}

Json OutcomeToJson(const StepOutcome& outcome) {
  return Json::Object{{"exit_code", outcome.exit_code},
                      {"is_timed_out", outcome.is_timed_out},
                      {"log_end", static_cast<int64_t>(outcome.log_end)}};
}

Result<StepOutcome> OutcomeFromJson(const Json& json) {
  if (!json["exit_code"].is_integer())
    return Error{Code::kInvalid, "StepError", "a step's result needs an exit code"};
  StepOutcome outcome;
  outcome.exit_code = static_cast<int>(json.IntOr("exit_code", 0));
  outcome.is_timed_out = json.BoolOr("is_timed_out", false);
  outcome.log_end = static_cast<uint64_t>(json.IntOr("log_end", 0));
  return outcome;
}

}  // namespace stepmill::sandbox
