#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/journal/scan.h"

namespace stepmill {

/// What was found in a data folder.
struct DataReport {
  std::vector<std::string> problems;  ///< each a line that says where
  std::vector<std::string> notes;     ///< what a crash leaves and the next start removes
  StoreCounts counts;
  uint64_t blobs = 0;  ///< that documents name
};

/// Verifies a data folder that no server uses: the store (its pages, journal, every body, large
/// texts with their checksums, streams without gaps), that what is sealed opens with the folder's
/// key, that timers and effects belong to instances that are there, and that each blob that a
/// document names is there with its size and checksum. Carries the journal over, as a start does;
/// changes nothing else. An error: there is no store, or it cannot be read at all.
Result<DataReport> CheckData(const std::string& data_dir);

/// Holds a data folder's lock, so that no server starts on it meanwhile.
class DataLock {
 public:
  DataLock() = default;
  ~DataLock();
  DataLock(const DataLock&) = delete;
  DataLock& operator=(const DataLock&) = delete;
  /// kConflict: a server runs on it.
  Result<> Take(const std::string& data_dir);

 private:
  int file_ = -1;
};

}  // namespace stepmill
