#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace stepmill::fuzz {

/// Runs `target` over a corpus and over texts made from it by small changes, and ends the process
/// with a message that has the text where the target takes too long or (by a signal) fails.
///
///     int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
///
/// Arguments: FILE or FOLDER... [--runs N] [--seed N]. A file `*.corpus` has one text a line, a
/// `*.case` file the lines of its parts; any other file is one text. The same seed gives the same
/// texts.
int Main(int argc, char** argv, void (*target)(std::string_view text));

}  // namespace stepmill::fuzz
