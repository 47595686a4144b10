#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill run FILE.asl.json|yaml [--input JSON|@FILE] [--mocks FILE] [--fast-forward]
/// [--history]`, with the arguments after "run": one execution of a definition, no server. The
/// output stands on standard output, an error as JSON on standard error; --history prints each
/// event as a line first. 0: it succeeded; 1: it failed, or the definition has errors
/// (file:line:column); 2: usage.
///
/// Tasks are answered by the mocks file: {"STATE": ANSWER or [ANSWER, ...]}, taken in turn, the
/// last one again and again; an ANSWER is {"return": VALUE} or {"fail": {"error", "cause"}}, both
/// with "after" in seconds.
int RunCommand(const std::vector<std::string>& args);

/// Every problem of these state machine definitions on standard error, as
/// "FILE:LINE:COLUMN: error: CODE: MESSAGE at PLACE". 1: there was an error.
int ValidateStateMachines(const std::vector<std::string>& paths);

}  // namespace stepmill
