#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "store/store.h"

namespace stepmill {

/// What a scan meets. `problem` gets a line a finding; the others every row that reads back.
struct StoreScan {
  std::function<void(std::string text)> problem;
  std::function<void(const Document&)> document;
  std::function<void(const std::string& stream, const Record&)> record;
  std::function<void(const Due&)> due;
};

struct StoreCounts {
  uint64_t documents = 0, streams = 0, records = 0, dues = 0, payloads = 0;
};

/// Whether the pages of a JournalStore's index are whole (SQLite's integrity check). For a folder
/// that no process has open.
Result<> ScanStorePages(const std::string& folder, const StoreScan& scan);

/// Reads everything that a JournalStore's folder holds: each body must decode, each large text be
/// there with its checksum and be known to be used, each stream have its records without a gap. For
/// a folder whose journal was carried over (by opening it) and that no process has open.
Result<StoreCounts> ScanStore(const std::string& folder, const StoreScan& scan);

}  // namespace stepmill
