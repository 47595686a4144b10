#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "json/json.h"
#include "lang/asl/definition.h"
#include "lang/asl/execution.h"
#include "lang/asl/probe.h"

namespace stepmill::asl {

/// The names that a test runs under: those of an Express execution that nobody else sees.
struct TestIdentity {
  std::string account, region;
  std::string execution_name, machine_name;
  Time now;
};

/// One call of the API's TestState (docs.aws.amazon.com/step-functions/latest/dg/
/// test-state-isolation.html), read and checked: an execution that runs one state.
struct StateTest {
  std::shared_ptr<const Definition> definition;
  Probe probe;  ///< to be given to the Execution, so the test stays where it is meanwhile
  StartInfo start;
  bool is_jsonata = false;
  bool has_items_pointer = false;  ///< its ItemReader takes a part of the document
  std::string level;               ///< INFO, DEBUG, TRACE
  bool reveals_secrets = false;    ///< TRACE shows what a connection adds
  Json exchange;                   ///< {"request", "response"} of an HTTP task, for TRACE

  struct Mock {
    bool is_failure = false;
    Json result;
    std::optional<std::string> error, cause;
    bool is_checked = true;     ///< fieldValidationMode is not NONE
    bool with_required = true;  ///< STRICT
  };
  std::optional<Mock> mock;
};

/// What a Map's ItemReader (as it is written) makes of the text of its source: an array of items.
using TestItemsReader =
    std::function<Result<Json>(const Json& item_reader, const std::string& data)>;

/// Reads a request that fits the model. Errors are the API's: ValidationException,
/// InvalidDefinition, InvalidExecutionInput, in AWS's words. What a mocked task result must look
/// like is for the caller to check: the shapes of AWS's answers are not known here.
Result<StateTest> ReadStateTest(const Json& request, const CompileOptions& options,
                                const TestIdentity& identity, const TestItemsReader& read_items);

/// The answer, from the turn that ended the execution.
Json StateTestAnswer(const StateTest& test, const Turn& last);

}  // namespace stepmill::asl
