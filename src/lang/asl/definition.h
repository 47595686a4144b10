#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "json/json.h"
#include "lang/asl/choice.h"
#include "lang/asl/expression.h"
#include "lang/asl/template.h"

namespace stepmill::asl {

enum class StateType { kTask, kWait, kPass, kSucceed, kFail, kChoice, kParallel, kMap };
std::string_view StateTypeName(StateType type);

/// One problem of a definition, in the words of ValidateStateMachineDefinition.
struct Finding {
  bool is_error = true;
  bool is_own = false;  ///< beyond AWS's rules: shown by the command line, never by the API
  std::string code;     ///< SCHEMA_VALIDATION_FAILED, MISSING_TRANSITION_TARGET, ...
  std::string message;
  std::string location;   ///< as AWS writes it: "/States/A/Choices[0]/Next"; may be empty
  std::string pointer;    ///< the same place as a JSON pointer
  TextPosition position;  ///< 0:0 where there is none
};

struct StateMachine;
struct DistributedMap;  // distributed.h

/// What a Task's Resource names.
struct Resource {
  enum class Kind { kLambda, kActivity, kIntegration, kSdk };
  enum class Pattern { kRequestResponse, kSync, kSync2, kWaitForTaskToken };
  Kind kind = Kind::kIntegration;
  Pattern pattern = Pattern::kRequestResponse;
  std::string arn;
  std::string service;  ///< "sagemaker"; kSdk: "s3"
  std::string action;   ///< "createProcessingJob", without the pattern
  Json resource_type;   ///< as history shows it: "sagemaker", "aws-sdk:s3"
  Json resource;        ///< "createProcessingJob.sync"
  bool is_sync() const { return pattern == Pattern::kSync || pattern == Pattern::kSync2; }
};
/// Reads the forms of a resource ARN; nullopt when it is none of them.
std::optional<Resource> ParseResource(std::string_view arn);

/// InputPath and OutputPath: absent, null ({}), or an expression.
struct PathField {
  bool is_null = false;
  Expression expression;
};

/// ResultPath: "$" replaces, null discards, another place is written into the raw input.
struct ResultPlace {
  enum class Kind { kReplace, kDiscard, kPut } kind = Kind::kReplace;
  path::Path path;
};

struct Retrier {
  std::vector<std::string> errors;
  double interval_seconds = 1;
  int64_t attempts_max = 3;
  double backoff_rate = 2.0;
  std::optional<double> delay_max_seconds;
  bool has_jitter = false;
};

struct Catcher {
  std::vector<std::string> errors;
  int next = -1;
  ResultPlace result;
  std::optional<Template> output;  ///< JSONata
  std::optional<Template> assign;
};

/// A number that is written down, found by a path (`...Path`) or the value of a JSONata expression.
struct NumberField {
  std::optional<double> value;
  std::optional<Expression> path;
  std::optional<Template> query;
  bool is_set() const { return value || path || query; }
};

/// A compiled state. Which members are used depends on `type` and on the query language: paths and
/// `result_selector` are JSONPath's, `output`, `items` and the `..._query` fields JSONata's.
struct State {
  StateType type = StateType::kPass;
  bool is_jsonata = false;
  std::string name;
  Json name_json;  ///< the same, ready for history
  int next = -1;   ///< index in the machine; -1: ends it
  std::optional<PathField> input_path, output_path;
  std::optional<Template> parameters;  ///< Parameters or Arguments; Map: ItemSelector
  std::optional<Template> output;      ///< JSONata
  std::optional<Template> result_selector;
  ResultPlace result_place;
  std::optional<Template> assign;
  std::vector<Retrier> retriers;
  std::vector<Catcher> catchers;

  std::optional<Json> result;  ///< Pass

  Resource task;
  NumberField timeout_seconds, heartbeat_seconds;
  std::optional<Template> credentials;

  NumberField wait_seconds;
  std::optional<Time> wait_until;
  std::optional<Expression> wait_until_path;
  std::optional<Template> wait_until_query;

  std::optional<std::string> error, cause;  ///< Fail
  std::optional<Expression> error_path, cause_path;
  std::optional<Template> error_query, cause_query;

  std::vector<ChoiceRule> choices;
  int default_next = -1;  ///< -1: none

  std::vector<std::unique_ptr<StateMachine>> branches;  ///< Parallel; Map: one, the processor
  std::optional<Expression> items_path;
  std::optional<Template> items;  ///< JSONata
  NumberField concurrency_max, tolerated_failure_count, tolerated_failure_percentage;
  std::shared_ptr<const DistributedMap> distributed;  ///< null: mode INLINE; never changes
};

/// States that transitions can reach from each other: the top of a definition, a branch, an item
/// processor.
struct StateMachine {
  std::vector<State> states;
  std::unordered_map<std::string, int> index;
  int start = 0;
};

/// A compiled definition; immutable, shared by executions, any thread.
struct Definition {
  Json source;
  std::string comment;
  bool is_jsonata = false;  ///< the machine's query language; a state may have its own
  StateMachine root;
  std::optional<int64_t> timeout_seconds;
};

struct CompileOptions {
  bool is_express = false;
  /// Further resources that the caller knows. Asked with the ARN of a Task whose form is right;
  /// false makes the finding "The resource provided ... is not recognized".
  std::function<bool(const Resource&)> knows_resource;
  /// What is wrong with the literal members of a Task's Parameters: messages for findings there.
  std::function<std::vector<std::string>(const Resource&, const Json& parameters)> check_parameters;
  bool has_own_warnings = false;  ///< also look for what AWS does not warn of (Finding::is_own)
};

struct Compiled {
  std::shared_ptr<const Definition> definition;  ///< null when there is a finding that is an error
  std::vector<Finding> findings;
};

/// Reads a definition and checks it. One rule set for creation, ValidateStateMachineDefinition and
/// the command line.
Compiled Compile(std::string_view text, const CompileOptions& options = {});
/// The same of a value that another reader made (YAML), with the places that it found.
Compiled CompileValue(const Json& source, Positions positions, const CompileOptions& options = {});

/// "SCHEMA_VALIDATION_FAILED: These fields are required: [States] at /, ..." of all errors: what
/// stands between the quotes of "Invalid State Machine Definition: '...'".
std::string JoinFindings(const std::vector<Finding>& findings);

/// State name -> names of the variables that it reads, of all states, nested ones too; null when no
/// state reads one ("variableReferences" of DescribeStateMachine).
Json VariableReferences(const Definition& definition);

/// The parser message that AWS gives for a text that is no JSON ("Unrecognized token 'not': was
/// expecting ..."), and where; nullopt when the text is JSON.
struct JacksonProblem {
  std::string message;
  int line = 1, column = 1;
};
std::optional<JacksonProblem> FindJacksonProblem(std::string_view text);

}  // namespace stepmill::asl
