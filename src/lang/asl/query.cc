#include "lang/asl/query.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/asl/limits.h"

namespace stepmill::asl {
namespace {

constexpr std::string_view kErrorName = "States.QueryEvaluationError";

std::string Sentence(std::string_view expression, std::string_view field, std::string_view end) {
  return "The JSONata expression '" + std::string(expression) + "' specified for the field '" +
         std::string(field) + "' " + std::string(end);
}

// What a bound of the engine is called on AWS; these sentences carry no code.
std::string BoundMessage(const Error& error) {
  if (error.name == "D1011" || error.name == "D2014")
    return "Expression evaluation memory limit exceeded: Check for excessive memory usage";
  if (error.message.starts_with("Stack overflow error"))
    return error.message + ". Depth=" + std::to_string(kQueryDepthMax + 1) +
           " max=" + std::to_string(kQueryDepthMax);
  if (error.message.starts_with("Expression evaluation timeout"))
    return "Expression evaluation timeout: 5000ms. Check for infinite loop";
  return error.message;
}

bool IsBound(const Error& error) {
  return error.name == "U1001" || error.name == "D1011" || error.name == "D2014";
}

}  // namespace

bool IsQueryText(std::string_view text) {
  return text.size() >= 4 && text.starts_with("{%") && text.ends_with("%}");
}

Result<Query> Query::Compile(std::string_view text) {
  Query out;
  out.text_ = std::string(Trim(text.substr(2, text.size() - 4)));
  MILL_TRY(out.expression_, jsonata::Expression::Compile(text.substr(2, text.size() - 4),
                                                         jsonata::Dialect::kStates));
  const std::vector<std::string> members = out.expression_.members_of("states");
  for (const std::string& member : members) {
    const bool is_all = member.empty();
    out.reads_input_ = out.reads_input_ || is_all || member == "input";
    out.reads_context_ = out.reads_context_ || is_all || member == "context";
    out.reads_result_ = out.reads_result_ || is_all || member == "result";
    out.reads_error_ = out.reads_error_ || is_all || member == "errorOutput";
  }
  return out;
}

Json Query::States(const Scope& scope) const {
  Json::Object states;
  if (reads_input_) states.Add("input", scope.input);
  if (reads_context_) states.Add("context", scope.context.Context());
  if (reads_result_ && scope.result) states.Add("result", *scope.result);
  if (reads_error_ && scope.error_output) states.Add("errorOutput", *scope.error_output);
  return Json(std::move(states));
}

Result<Json> Query::Evaluate(const Scope& scope) const {
  std::optional<Json> states;  // made when it is asked for
  jsonata::Environment environment;
  environment.variable = [&](std::string_view name) -> const Json* {
    if (name != "states") return scope.variables.Find(name);
    if (!states) states = States(scope);
    return &*states;
  };
  environment.now = scope.now;
  environment.entropy = scope.chance.Next();
  environment.limits.depth_max = kQueryDepthMax;
  environment.limits.steps_max = kQueryStepsMax;
  environment.limits.bytes_max = kQueryBytesMax;
  Result<std::optional<Json>> value = expression_.Evaluate(environment);
  const auto failed = [&](std::string end) {
    Error error{Code::kInvalid, std::string(kQueryFailed), std::move(end)};
    error.fields = {{"expression", text_}, {"location", ""}};
    return error;
  };
  if (!value) {
    const Error& error = value.error();
    if (error.name == jsonata::kUnsupportedResult)
      return failed("returned an unsupported result type.");
    if (IsBound(error)) return failed("threw an error during evaluation: " + BoundMessage(error));
    return failed("threw an error during evaluation. " + error.name + ": " + error.message);
  }
  if (!*value) return failed("returned nothing (undefined).");
  return **std::move(value);
}

void Query::CollectVariables(std::vector<std::string>& names) const {
  for (const std::string& name : expression_.free_variables())
    if (name != "states") names.push_back(name);
}

std::string_view JsonKindName(const Json& value) {
  switch (value.kind()) {
    case Json::Kind::kNull: return "null";
    case Json::Kind::kBool: return "boolean";
    case Json::Kind::kNumber: return "number";
    case Json::Kind::kString: return "string";
    case Json::Kind::kArray: return "array";
    case Json::Kind::kObject: return "object";
  }
  return "";
}

Error QueryValueError(std::string_view field, std::string message) {
  Error out{Code::kInvalid, std::string(kErrorName), std::move(message)};
  if (!field.empty()) out.fields = {{"location", std::string(field)}};
  return out;
}

Error QueryError(const Error& error, std::string_view field) {
  if (error.name != kQueryFailed) return error;
  const std::string location = std::string(field) + error.fields[1].second;
  return QueryValueError(location, Sentence(error.fields[0].second, location, error.message));
}

Error UnexpectedType(std::string_view expression, std::string_view field, std::string_view expected,
                     const Json& value) {
  return QueryValueError(
      field, Sentence(expression, field,
                      "returned an unexpected result type. Expected '" + std::string(expected) +
                          "', but was '" + std::string(JsonKindName(value)) +
                          "' for value: " + value.Print()));
}

}  // namespace stepmill::asl
