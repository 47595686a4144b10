#pragma once

#include <string>
#include <vector>

namespace stepmill {

/// `stepmill jsonata EXPR [--input FILE] [--lines] [--bind NAME=JSON] [--dialect jsonata|states]
/// [--time-limit MS] [--depth N]`, with the arguments after "jsonata": evaluates an expression. The
/// result stands on standard output as one line of JSON, nothing for undefined; an error as
/// {"code", "position", "message"} on standard error. 0: evaluated; 1: an error; 2: usage.
///
/// FILE "-" is standard input; without --input the input is undefined. With --lines each line of
/// the input (standard input unless --input is given) is one input, and has its own line of output;
/// errors have their "line" too, and the lines behind them are still evaluated.
int JsonataCommand(const std::vector<std::string>& args);

}  // namespace stepmill
