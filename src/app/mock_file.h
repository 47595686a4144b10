#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "lang/asl/rehearsal.h"

namespace stepmill {

/// The answers of tasks, from a mock file of Step Functions Local
/// (docs.aws.amazon.com/step-functions/latest/dg/sfn-local-test-sm-exec.html):
///
///   {"StateMachines": {MACHINE: {"TestCases": {CASE: {STATE: RESPONSE}}}},
///    "MockedResponses": {RESPONSE: {"0": {"Return": VALUE},
///                                   "1-2": {"Throw": {"Error": NAME, "Cause": TEXT}}}}}
///
/// The numbers count the calls of a state from 0, retries and iterations included.
class MockFile {
 public:
  /// `machine`: the one to take when there are several; `test_case`: may be empty when there is
  /// one. Errors name what is wrong and where in the file, "file:line:column: ...".
  static Result<MockFile> Read(const std::string& path, const std::string& machine,
                               const std::string& test_case);

  /// The answer to the next call of the task's state. A state without one fails for good with an
  /// error that says what to add.
  asl::TaskAnswer Answer(const asl::ScheduleTask& task);

 private:
  struct Reply {
    int64_t first = 0, last = 0;
    asl::TaskAnswer answer;
  };
  static Result<std::vector<Reply>> ReadReplies(const Json& response, const std::string& pointer,
                                                const class MockPlaces& places);

  std::string path_;  ///< empty: no file was given
  std::string test_case_;
  std::map<std::string, std::vector<Reply>> replies_;  ///< by state
  std::map<std::string, std::string> responses_;       ///< by state: its response's name
  std::map<std::string, int64_t> calls_;
};

}  // namespace stepmill
