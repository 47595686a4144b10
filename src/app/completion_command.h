#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

namespace stepmill {

/// `stepmill completion bash|zsh|fish`: a script for the shell's own completion on standard output.
///   bash: eval "$(stepmill completion bash)"
///   zsh:  stepmill completion zsh > a folder of $fpath as _stepmill
///   fish: stepmill completion fish | source
int CompletionCommand(const std::vector<std::string>& args);

/// The command line as a tree of CLI11: every command with its options. A value's kind stands in
/// its type name: FILE, DIR, a list of words "{a,b}", or a name that has no completion.
std::unique_ptr<CLI::App> CommandTree();

/// The script for a shell; empty: none is made for it.
std::string CompletionScript(const std::string& shell, const CLI::App& tree);

}  // namespace stepmill
