#include "lang/asl/compile.h"

namespace stepmill::asl {

void Compiler::ReadWait(const Json& json, const Where& at, State& state) {
  int given = 0;
  for (const char* field : {"Seconds", "Timestamp"}) given += json.Has(field) ? 1 : 0;
  if (is_query_) {
    if (given > 1) return OnlyOne({"Seconds", "Timestamp"}, at);
    if (given < 1) return MustHaveOne({"Seconds", "Timestamp"}, at);
  } else {
    for (const char* field : {"SecondsPath", "TimestampPath"}) given += json.Has(field) ? 1 : 0;
    if (given > 1) return OnlyOne({"SecondsPath", "Seconds", "TimestampPath", "Timestamp"}, at);
    if (given < 1) return MustHaveOne({"SecondsPath", "Seconds", "TimestampPath", "Timestamp"}, at);
  }
  if (json.Has("Seconds") || json.Has("SecondsPath"))
    state.wait_seconds =
        ReadNumber(json, "Seconds", 0, static_cast<double>(kTimeoutSecondsMax), at);
  if (const Json* path = json.Find("TimestampPath"); path && !is_query_)
    state.wait_until_path = ReadPath(*path, at.Member("TimestampPath"), false);
  const Json* timestamp = json.Find("Timestamp");
  if (!timestamp) return;
  const Where there = at.Member("Timestamp");
  if (!timestamp->is_string()) return WrongType("STRING", there);
  if (is_query_ && timestamp->AsString().starts_with("{%")) {
    state.wait_until_query = ReadTemplate(json, "Timestamp", at);
    return;
  }
  const Result<Time> time = ParseIso(timestamp->AsString());
  if (!time || timestamp->AsString().find('T') == std::string::npos)
    Schema("String does not match RFC3339 timestamp", there);
  else
    state.wait_until = *time;
}

void Compiler::ReadFail(const Json& json, const Where& at, State& state) {
  if (is_query_) {
    for (const char* name : {"Error", "Cause"})
      if (const Json* value = json.Find(name); value && !value->is_string())
        WrongType("STRING", at.Member(name));
    state.error_query = ReadTemplate(json, "Error", at);
    state.cause_query = ReadTemplate(json, "Cause", at);
    return;
  }
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
