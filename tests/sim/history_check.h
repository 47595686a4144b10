#pragma once

#include <string>
#include <vector>

#include "book.h"

namespace stepmill::sim {

/// What is wrong with an execution's history (events as GetExecutionHistory gives them): ids run
/// from 1, each event follows one that was there, times do not go back, one end for each run, what
/// was entered is left when the execution succeeded, and each task has as many ends as beginnings.
std::vector<std::string> CheckHistory(const std::vector<Json>& events, const Expected& expected);

}  // namespace stepmill::sim
