#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "network.h"

namespace stepmill::sim {

/// What must be true of one execution once everything has settled.
struct Expected {
  std::string arn = {};
  std::string status = {};                 ///< as the caller saw it at its end
  std::string output = {};                 ///< the text, where it succeeded
  Millis lasts{0};                         ///< at least, by its own dates
  std::map<std::string, int> counts = {};  ///< events of a type: exactly so many
};

/// The plain model: what was promised to the callers, and what must be there in the end.
struct Book {
  std::deque<Expected> executions;  ///< places stay
  /// Parameters that a task wrote: their version is how often it took effect.
  std::map<std::string, std::string> written_once;  ///< name -> value
  std::set<std::string> written_at_least_once;
  /// Jobs of SageMaker, by their names.
  std::set<std::string> processing_jobs;
  /// State machines that events start, with how often: at least, at most.
  struct Fired {
    std::string machine_arn;
    std::set<std::string> acknowledged;  ///< details whose PutEvents succeeded
    std::map<std::string, int> attempts;
  };
  std::vector<Fired> fired;
  int unfinished = 0;  ///< scenarios
};

/// One story that a caller lives through. `id`: unique in the run.
using Scenario = Task<> (*)(Caller& caller, Book& book, std::string id);
struct NamedScenario {
  const char* name;
  Scenario run;
};
const std::vector<NamedScenario>& Scenarios();

// For scenarios.

inline constexpr char kRole[] = "arn:aws:iam::000000000000:role/sim";
std::string MachineArn(const std::string& name);
/// Makes the machine; the same one may be there already.
Task<> MakeMachine(Caller& caller, std::string name, std::string definition,
                   std::string type = "STANDARD");
/// The bucket that all stories share.
inline constexpr char kBucket[] = "sim-bucket";
Task<> MakeBucket(Caller& caller);
/// Starts an execution under a name of its own: the execution's ARN.
Task<std::string> Start(Caller& caller, std::string machine, std::string name, Json input);
/// Looks at it until it has ended: DescribeExecution's answer.
Task<Json> Finish(Caller& caller, std::string arn);
/// The same, and the book knows how it ended. `status` and `output` are what must come of it (null:
/// any output).
Task<Expected*> Conclude(Caller& caller, Book& book, std::string arn, std::string status,
                         Json output);
/// Starts one and waits for its end.
Task<Expected*> Run(Caller& caller, Book& book, std::string machine, std::string name, Json input,
                    std::string status, Json output);

}  // namespace stepmill::sim
