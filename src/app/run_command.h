#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill run FILE.asl.json|yaml [--input JSON|@FILE] [--mocks FILE] [--test-case NAME]
/// [--fast-forward] [--history]`, with the arguments after "run": one execution of a definition, no
/// server. The output stands on standard output, an error as JSON on standard error; --history
/// prints each event as a line first. 0: it succeeded; 1: it failed, or the definition has errors
/// (file:line:column); 2: usage, or an input or a mock file that cannot be read.
///
/// Tasks are answered by the mock file (mock_file.h); one without an answer ends the run.
int RunCommand(const std::vector<std::string>& args);

/// Every problem of these state machine definitions on standard error, as
/// "FILE:LINE:COLUMN: error: CODE: MESSAGE at PLACE". 1: there was an error.
int ValidateStateMachines(const std::vector<std::string>& paths);

}  // namespace stepmill
