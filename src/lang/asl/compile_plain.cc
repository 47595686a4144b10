#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadWait(const Json& json, const Where& at, State& state) {
  int given = 0;
  for (const char* field : {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"})
    given += json.Has(field) ? 1 : 0;
  if (given != 1) return OnlyOne({"Seconds", "SecondsPath", "Timestamp", "TimestampPath"}, at);
  if (json.Has("Seconds") || json.Has("SecondsPath"))
    state.wait_seconds =
        ReadNumber(json, "Seconds", 0, static_cast<double>(kTimeoutSecondsMax), at);
  if (const Json* path = json.Find("TimestampPath"))
    state.wait_until_path = ReadPath(*path, at.Member("TimestampPath"), false);
  if (const Json* timestamp = json.Find("Timestamp")) {
    const Result<Time> time =
        timestamp->is_string() ? ParseIso(timestamp->AsString()) : Result<Time>(Error{});
    if (!time || timestamp->AsString().find('t') != std::string::npos)
      Schema("String does not match RFC3339 timestamp", at.Member("Timestamp"));
    else
      state.wait_until = *time;
  }
}

void Compiler::ReadFail(const Json& json, const Where& at, State& state) {
  const auto read = [&](const char* name, std::optional<std::string>& text,
                        std::optional<Expression>& path) {
    const std::string path_name = std::string(name) + "Path";
    OptionalText(json, name, at);
    if (json.Has(name) && json.Has(path_name)) return OnlyOne({name, path_name}, at);
    if (json.Has(name)) text = json.StringOr(name, "");
    if (!json.Has(path_name)) return;
    const Json& value = json[path_name];
    Result<Expression> made =
        value.is_string() ? Expression::Compile(value.AsString()) : Result<Expression>(Error{});
    if (made)
      path = *std::move(made);
    else
      Schema("The value for the field '" + path_name +
                 "' must be a valid JSONPath or a valid intrinsic function call",
             at);
  };
  read("Error", state.error, state.error_path);
  read("Cause", state.cause, state.cause_path);
}

}  // namespace stepmill::asl
