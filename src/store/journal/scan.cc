#include "store/journal/scan.h"

#include <zlib.h>

#include <map>
#include <optional>
#include <vector>

#include "io/disk.h"
#include "store/journal/database.h"
#include "store/journal/encoding.h"

namespace stepmill {

using journal::Connection;
using journal::PayloadId;
using journal::Statement;
using journal::StatementScope;

namespace {

class Scanner {
 public:
  explicit Scanner(const StoreScan& scan) : scan_(scan) {}

  Result<> Open(const std::string& folder) {
    disk_ = io::OpenFolder(folder);
    MILL_TRY(payload_file_, disk_->Open("payloads"));
    MILL_CHECK(index_.Open(folder + "/index.sqlite", nullptr));
    MILL_CHECK(index_.Run("PRAGMA query_only=1"));
    MILL_CHECK(
        find_payload_.Prepare(index_, "SELECT at, size, crc, body FROM payloads WHERE id = ?1"));
    return has_use_.Prepare(index_, "SELECT 1 FROM uses WHERE owner = ?1 AND payload = ?2");
  }
  Result<StoreCounts> Run() {
    MILL_CHECK(ScanDocuments());
    MILL_CHECK(ScanStreams());
    MILL_CHECK(ScanRecords());
    MILL_CHECK(ScanDues());
    Statement payloads;
    MILL_CHECK(payloads.Prepare(index_, "SELECT COUNT(*) FROM payloads"));
    MILL_CHECK(payloads.Step());
    counts_.payloads = static_cast<uint64_t>(payloads.Number(0));
    return counts_;
  }

 private:
  struct Stream {
    std::string name;
    uint64_t first = 0, next = 0;
  };

  /// Calls `take` for each row of a statement.
  template <class Take>
  Result<> Each(const char* sql, const Take& take) {
    Statement rows;
    MILL_CHECK(rows.Prepare(index_, sql));
    while (true) {
      MILL_TRY(const bool has_row, rows.Step());
      if (!has_row) return {};
      take(rows);
    }
  }

  Result<> ScanDocuments() {
    return Each("SELECT key, version, body FROM documents ORDER BY key", [&](Statement& row) {
      const std::string key(row.Text(0));
      ++counts_.documents;
      auto body = Decode("document " + key, "d" + key, row.Text(2));
      if (body) scan_.document({key, static_cast<Version>(row.Number(1)), *std::move(body)});
    });
  }
  Result<> ScanStreams() {
    return Each("SELECT name, id, first FROM streams", [&](Statement& row) {
      const auto first = static_cast<uint64_t>(row.Number(2));
      const auto [known, is_new] = streams_.try_emplace(static_cast<uint64_t>(row.Number(1)),
                                                        Stream{std::string(row.Text(0)), first, 0});
      ++counts_.streams;
      if (!is_new)
        Problem("streams " + known->second.name + " and " + std::string(row.Text(0)) +
                " have the same number");
    });
  }
  Result<> ScanRecords() {
    return Each("SELECT stream, sequence, body FROM records ORDER BY stream, sequence",
                [&](Statement& row) { TakeRecord(row); });
  }
  void TakeRecord(Statement& row) {
    const auto number = static_cast<uint64_t>(row.Number(0));
    const auto sequence = static_cast<uint64_t>(row.Number(1));
    ++counts_.records;
    const auto found = streams_.find(number);
    if (found == streams_.end())
      return Problem("record " + std::to_string(sequence) + " of a stream " +
                     std::to_string(number) + " that is not there");
    Stream& stream = found->second;
    const uint64_t expected = stream.next == 0 ? stream.first : stream.next;
    if (sequence != expected)
      Problem("stream " + stream.name + ": record " + std::to_string(expected) +
              " is missing before " + std::to_string(sequence));
    stream.next = sequence + 1;
    const std::string place = "record " + std::to_string(sequence) + " of " + stream.name;
    auto body = Decode(place, "r" + Digits(number) + Digits(sequence), row.Text(2));
    if (body) scan_.record(stream.name, {sequence, *std::move(body)});
  }
  Result<> ScanDues() {
    return Each("SELECT id, at, kind, body FROM dues ORDER BY id", [&](Statement& row) {
      const std::string id(row.Text(0));
      ++counts_.dues;
      auto body = Decode("due " + id, "u" + id, row.Text(3));
      if (body)
        scan_.due({id, TimeFromMillis(row.Number(1)), std::string(row.Text(2)), *std::move(body)});
    });
  }

  void Problem(std::string text) { scan_.problem(std::move(text)); }

  static std::string Digits(uint64_t number) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string text(16, '0');
    for (size_t i = 16; i-- > 0; number >>= 4) text[i] = kHex[number & 15];
    return text;
  }

  std::optional<Json> Decode(const std::string& place, const std::string& owner,
                             std::string_view bytes) {
    auto body = journal::DecodeJson(bytes, [&](PayloadId id) { return Payload(owner, id); });
    if (body) return *std::move(body);
    Problem(place + ": " + body.error().message);
    return std::nullopt;
  }
  Result<Json> Payload(const std::string& owner, PayloadId id) {
    const std::string name = "large text " + std::to_string(id);
    const auto damaged = [&](const std::string& what) {
      return Error{Code::kInternal, "StoreDamaged", name + what};
    };
    {
      const StatementScope scope(has_use_);
      MILL_TRY(const bool is_used, has_use_.Bind(1, owner).Bind(2, id).Step());
      if (!is_used) return damaged(" is not known to be used here");
    }
    const StatementScope scope(find_payload_);
    MILL_TRY(const bool is_there, find_payload_.Bind(1, id).Step());
    if (!is_there) return damaged(" is not there");
    if (find_payload_.IsNull(0)) return Json(find_payload_.Text(3));
    std::string text(static_cast<size_t>(find_payload_.Number(1)), '\0');
    MILL_TRY(const size_t count, payload_file_->Read(static_cast<uint64_t>(find_payload_.Number(0)),
                                                     text.data(), text.size()));
    const auto crc =
        crc32_z(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<z_size_t>(count));
    if (count != text.size() || crc != static_cast<uint64_t>(find_payload_.Number(2)))
      return damaged(" does not have its checksum in the file payloads, offset " +
                     std::to_string(find_payload_.Number(0)));
    return Json(std::move(text));
  }

  const StoreScan& scan_;
  std::unique_ptr<io::Disk> disk_;
  std::unique_ptr<io::Disk::File> payload_file_;
  Connection index_;
  Statement find_payload_, has_use_;
  std::map<uint64_t, Stream> streams_;
  StoreCounts counts_;
};

}  // namespace

Result<> ScanStorePages(const std::string& folder, const StoreScan& scan) {
  Connection index;
  MILL_CHECK(index.Open(folder + "/index.sqlite", nullptr));
  MILL_CHECK(index.Run("PRAGMA query_only=1"));
  Statement check;
  MILL_CHECK(check.Prepare(index, "PRAGMA integrity_check(20)"));
  while (true) {
    MILL_TRY(const bool has_row, check.Step());
    if (!has_row) return {};
    if (check.Text(0) != "ok") scan.problem("index.sqlite: " + std::string(check.Text(0)));
  }
}

Result<StoreCounts> ScanStore(const std::string& folder, const StoreScan& scan) {
  Scanner scanner(scan);
  MILL_CHECK(scanner.Open(folder));
  return scanner.Run();
}

}  // namespace stepmill
