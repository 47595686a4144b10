#pragma once

#include "book.h"

/// The stories: see scenarios.cc for the list. Each may be lived through by several callers at
/// once; what they share are the state machines.
namespace stepmill::sim {

// scenarios_flow.cc
Task<> Chain(Caller& caller, Book& book, std::string id);
Task<> Loop(Caller& caller, Book& book, std::string id);
Task<> Waits(Caller& caller, Book& book, std::string id);
Task<> InlineMap(Caller& caller, Book& book, std::string id);
Task<> RetryAndCatch(Caller& caller, Book& book, std::string id);
Task<> Stopped(Caller& caller, Book& book, std::string id);
Task<> TimedOut(Caller& caller, Book& book, std::string id);
Task<> Redriven(Caller& caller, Book& book, std::string id);
Task<> Jsonata(Caller& caller, Book& book, std::string id);
Task<> Heavy(Caller& caller, Book& book, std::string id);
Task<> Crowd(Caller& caller, Book& book, std::string id);
// scenarios_work.cc
Task<> WritesOnce(Caller& caller, Book& book, std::string id);
Task<> Callback(Caller& caller, Book& book, std::string id);
Task<> ActivityWorker(Caller& caller, Book& book, std::string id);
Task<> Nested(Caller& caller, Book& book, std::string id);
Task<> Processing(Caller& caller, Book& book, std::string id);
Task<> StandardMap(Caller& caller, Book& book, std::string id);
Task<> ExpressMap(Caller& caller, Book& book, std::string id);
Task<> ReaderMap(Caller& caller, Book& book, std::string id);
Task<> ExpressSync(Caller& caller, Book& book, std::string id);
Task<> ExpressAsync(Caller& caller, Book& book, std::string id);
// scenarios_data.cc
Task<> Parameter(Caller& caller, Book& book, std::string id);
Task<> Object(Caller& caller, Book& book, std::string id);
Task<> HiddenValue(Caller& caller, Book& book, std::string id);
Task<> FiredRule(Caller& caller, Book& book, std::string id);
Task<> Stack(Caller& caller, Book& book, std::string id);

}  // namespace stepmill::sim
