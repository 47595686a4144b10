// Why the copy is of one moment: a read transaction on the index is held from its first page to
// the last byte of the payload file. While it lasts, the journal's entries behind that moment are
// kept (the index cannot be made durable past it, so no segment that has them is written anew), and
// no payload that it names is given back. So: the index as it is, then the entries behind it, then
// the payload file, which has all that either names; and the entries are carried over in the copy.
#include "store/journal/copy.h"

#include <sqlite3.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "io/disk.h"
#include "store/journal/database.h"
#include "store/journal/index.h"
#include "store/journal/log.h"

namespace stepmill {

using journal::Connection;
using journal::Entry;
using journal::Index;
using journal::Log;
using journal::Statement;

namespace {

constexpr char kIndexFile[] = "/index.sqlite";
constexpr char kPayloadFile[] = "payloads";
constexpr size_t kChunk = 1 << 20;
constexpr size_t kEntriesAtOnce = 1000;
constexpr int kReadsMax = 50;  // of the journal, which may be written meanwhile

using Entries = std::vector<std::shared_ptr<const Entry>>;

/// A folder whose files are only read, so that nothing is made in a store in use.
class FilesToRead final : public io::Disk {
 public:
  explicit FilesToRead(io::Disk& files) : files_(files) {}
  Result<std::unique_ptr<File>> Open(std::string_view name) override {
    MILL_TRY(const auto names, files_.List());
    // One that went since it was listed held nothing that is needed.
    if (std::find(names.begin(), names.end(), name) == names.end())
      return Error{Code::kInternal, "StoreDamaged", std::string(name) + " went away"};
    return files_.Open(name);
  }
  Result<> Remove(std::string_view name) override {
    return Error{Code::kInternal, "StoreFailed", std::string(name) + " is only read"};
  }
  Result<> SyncFolder() override { return {}; }
  Result<std::vector<std::string>> List() override { return files_.List(); }

 private:
  io::Disk& files_;
};

/// The index at one moment, held as long as this lives.
class Moment {
 public:
  Result<> Begin(const std::string& folder) {
    MILL_CHECK(index_.Open(folder + kIndexFile, nullptr));
    MILL_CHECK(index_.Run("PRAGMA query_only=1"));
    MILL_CHECK(index_.Run("BEGIN"));
    Statement applied;
    MILL_CHECK(applied.Prepare(index_, "SELECT value FROM state WHERE name = 'applied'"));
    MILL_CHECK(applied.Step());
    applied_ = static_cast<uint64_t>(applied.Number(0));
    return {};
  }
  uint64_t applied() const { return applied_; }
  Result<> CopyTo(const std::string& path) {
    Connection copy;
    MILL_CHECK(copy.Open(path, nullptr));
    sqlite3_backup* const backup =
        sqlite3_backup_init(copy.handle(), "main", index_.handle(), "main");
    if (!backup) return copy.LastError("copying the index");
    const int stepped = sqlite3_backup_step(backup, -1);
    const int ended = sqlite3_backup_finish(backup);
    if (stepped != SQLITE_DONE || ended != SQLITE_OK) return copy.LastError("copying the index");
    return {};
  }

 private:
  Connection index_;
  uint64_t applied_ = 0;
};

/// The entries behind `applied`. Read while the journal is written, a segment may show an entry
/// without the one before it: then it is read again.
Result<Entries> ReadEntries(io::Disk& disk, uint64_t applied) {
  FilesToRead files(disk);
  Result<> read;
  for (int i = 0; i < kReadsMax; ++i) {
    Entries entries;
    const auto take = [&](uint64_t position, std::string text) -> Result<> {
      auto entry = std::make_shared<Entry>();
      entry->position = position;
      entry->framed = std::string(Log::kHeaderBytes, '\0') + text;
      entries.push_back(std::move(entry));
      return {};
    };
    Log log;
    read = log.Open(files, applied, take);
    if (read) return entries;
    if (read.error().name != "StoreDamaged") return read.error();
  }
  return read.error();
}

/// Parts that are zeros are left out, so that the copy takes as much room as the original.
Result<> CopyPayloads(io::Disk::File& from, io::Disk::File& to) {
  MILL_TRY(const uint64_t size, from.Size());
  const std::string zeros(kChunk, '\0');
  std::string chunk(kChunk, '\0');
  uint64_t end = 0;
  for (uint64_t at = 0; at < size; at += kChunk) {
    MILL_TRY(const size_t count, from.Read(at, chunk.data(), kChunk));
    const std::string_view bytes = std::string_view(chunk).substr(0, count);
    if (bytes == std::string_view(zeros).substr(0, count)) continue;
    MILL_CHECK(to.Write(at, bytes));
    end = at + count;
  }
  if (end == 0) return {};
  return to.Sync();
}

Result<> CarryOver(const Entries& entries, const std::string& path, io::Disk::File& payloads) {
  Index index;
  MILL_CHECK(index.Open(path, nullptr, payloads));
  for (size_t at = 0; at < entries.size(); at += kEntriesAtOnce) {
    const size_t end = std::min(entries.size(), at + kEntriesAtOnce);
    MILL_CHECK(index.Apply(Entries(entries.begin() + static_cast<long>(at),
                                   entries.begin() + static_cast<long>(end))));
  }
  return index.Move();
}

}  // namespace

Result<> CopyStore(const std::string& from, const std::string& to) {
  const auto source = io::OpenFolder(from), target = io::OpenFolder(to);
  Moment moment;
  MILL_CHECK(moment.Begin(from));
  MILL_CHECK(moment.CopyTo(to + kIndexFile));
  MILL_TRY(const Entries entries, ReadEntries(*source, moment.applied()));
  MILL_TRY(const auto payloads, source->Open(kPayloadFile));
  MILL_TRY(const auto copy, target->Open(kPayloadFile));
  MILL_CHECK(CopyPayloads(*payloads, *copy));
  MILL_CHECK(CarryOver(entries, to + kIndexFile, *copy));
  return target->SyncFolder();
}

}  // namespace stepmill
