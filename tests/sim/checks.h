#pragma once

#include "book.h"
#include "sim_server.h"

namespace stepmill::sim {

/// Asks for everything that the book knows: it must be there as it was promised.
Task<> CheckPromises(Caller& caller, Book& book, SimJobs& jobs);

/// All documents and dues of a store, as text, in order.
Task<std::vector<std::string>> DumpDocuments(Store& store);
Task<std::vector<std::string>> OpenDues(Store& store);
/// Timers and effects of instances that have ended: none, whatever is still to come.
Task<std::vector<std::string>> DuesOfTheEnded(Store& store);
/// What is left over when nothing is under way any more: instances, subscriptions, answers, tokens,
/// offers, pumps, dues; blobs that nothing names.
Task<> CheckLeftovers(Store& store, BlobStore& blobs, Findings& findings);

}  // namespace stepmill::sim
