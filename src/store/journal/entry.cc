#include "store/journal/entry.h"

#include <zlib.h>

#include <algorithm>

namespace stepmill::journal {
namespace {

constexpr size_t kFilePayloadMin = 32 * 1024;            // smaller ones stand in the entry
constexpr size_t kCachedBytesMax = 16 * 1024 * 1024;     // of payloads that may come again
constexpr uint64_t kPayloadFileStep = 64 * 1024 * 1024;  // space set aside at once

uint64_t ZigZag(int64_t number) {
  return (static_cast<uint64_t>(number) << 1) ^ static_cast<uint64_t>(number >> 63);
}
int64_t UnZigZag(uint64_t bits) {
  return static_cast<int64_t>(bits >> 1) ^ -static_cast<int64_t>(bits & 1);
}

void ReadBody(Reader& reader, Op& op) {
  for (uint64_t count = reader.Number(); count > 0 && !reader.is_bad(); --count)
    op.payloads.push_back(reader.Number());
  op.bytes = reader.Text();
}

}  // namespace

Result<> ReadEntry(std::string_view bytes, const std::function<Result<>(Op&)>& take) {
  const Error damaged{Code::kInternal, "StoreDamaged",
                      "an entry of the journal does not read back"};
  Reader reader(bytes);
  while (!reader.is_done()) {
    Op op;
    op.letter = static_cast<char>(reader.Byte());
    switch (op.letter) {
      case 'L':
        op.number = reader.Number();
        op.bytes = reader.Text();
        break;
      case 'F':
        op.number = reader.Number();
        op.at = reader.Number();
        op.size = reader.Number();
        op.crc = static_cast<uint32_t>(reader.Number());
        break;
      case 'E': op.number = reader.Number(); break;
      case 'D': op.name = reader.Text(); break;
      case 'P':
        op.name = reader.Text();
        op.number = reader.Number();
        ReadBody(reader, op);
        break;
      case 'X':
        op.name = reader.Text();
        op.number = reader.Number();
        break;
      case 'S':
        op.name = reader.Text();
        op.number = reader.Number();
        op.at = reader.Number();
        break;
      case 'A':
        op.number = reader.Number();
        op.at = reader.Number();
        ReadBody(reader, op);
        break;
      case 'T':
        op.number = reader.Number();
        op.at = reader.Number();
        break;
      case 'u': op.name = reader.Text(); break;
      case 'U':
        op.name = reader.Text();
        op.due_ms = UnZigZag(reader.Number());
        op.kind = reader.Text();
        ReadBody(reader, op);
        break;
      default: return damaged;
    }
    if (reader.is_bad()) return damaged;
    MILL_CHECK(take(op));
  }
  return {};
}

EntryMaker::EntryMaker(io::Disk::File& payload_file, PayloadId next_payload, uint64_t file_end)
    : payload_file_(payload_file), next_payload_(next_payload), file_end_(file_end) {}

Result<> EntryMaker::Place(PayloadId id, const std::string& text) {
  if (text.size() < kFilePayloadMin) {
    payload_ops_ += 'L';
    PutNumber(payload_ops_, id);
    PutText(payload_ops_, text);
    return {};
  }
  const uint64_t at = file_end_;
  if (file_size_ == 0) {
    MILL_TRY(file_size_, payload_file_.Size());
  }
  if (at + text.size() > file_size_) {
    file_size_ = (at + text.size() + kPayloadFileStep - 1) / kPayloadFileStep * kPayloadFileStep;
    MILL_CHECK(payload_file_.Resize(file_size_));
  }
  MILL_CHECK(payload_file_.Write(at, text));
  file_end_ += text.size();
  has_unsynced_payload_ = true;
  payload_ops_ += 'F';
  PutNumber(payload_ops_, id);
  PutNumber(payload_ops_, at);
  PutNumber(payload_ops_, text.size());
  PutNumber(payload_ops_,
            crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
  return {};
}

PayloadId EntryMaker::Name(const Json& text) {
  const std::string* address = &text.AsString();
  const auto [found, is_new] = cached_.try_emplace(address);
  if (is_new) {
    found->second = {text, next_payload_++};
    cached_order_.push_back(address);
    cached_bytes_ += address->size();
    if (placed_) placed_ = Place(found->second.id, *address);
  }
  const PayloadId id = found->second.id;
  if (std::find(body_payloads_.begin(), body_payloads_.end(), id) == body_payloads_.end())
    body_payloads_.push_back(id);
  return id;
}

void EntryMaker::PutBody(const Json& body) {
  body_.clear();
  body_payloads_.clear();
  EncodeJson(
      body, [this](const Json& text) { return Name(text); }, body_);
  PutNumber(ops_, body_payloads_.size());
  for (const PayloadId id : body_payloads_) PutNumber(ops_, id);
  PutText(ops_, body_);
}

/// Behind the uses of this entry: the index drops those that nothing names by then.
void EntryMaker::Trim() {
  size_t gone = 0;
  while (cached_bytes_ > kCachedBytesMax) {
    const std::string* const oldest = cached_order_[gone++];
    const auto found = cached_.find(oldest);
    cached_bytes_ -= oldest->size();
    ops_ += 'E';
    PutNumber(ops_, found->second.id);
    cached_.erase(found);
  }
  cached_order_.erase(cached_order_.begin(), cached_order_.begin() + static_cast<long>(gone));
}

Result<std::string> EntryMaker::Make(const std::vector<Changes>& group, size_t room) {
  payload_ops_.assign(room, '\0');
  ops_.clear();
  placed_ = {};
  for (const Changes& changes : group) {
    for (const Key& key : changes.deletes) {
      ops_ += 'D';
      PutText(ops_, key);
    }
    for (const auto& put : changes.puts) {
      ops_ += 'P';
      PutText(ops_, put.key);
      PutNumber(ops_, put.version);
      PutBody(put.body);
    }
    for (const auto& stream : changes.stream_deletes) {
      ops_ += 'X';
      PutText(ops_, stream.name);
      PutNumber(ops_, stream.id);
    }
    for (const auto& stream : changes.stream_puts) {
      ops_ += 'S';
      PutText(ops_, stream.name);
      PutNumber(ops_, stream.id);
      PutNumber(ops_, stream.first);
    }
    for (const auto& append : changes.appends) {
      ops_ += 'A';
      PutNumber(ops_, append.stream);
      PutNumber(ops_, append.sequence);
      PutBody(append.body);
    }
    for (const auto& truncate : changes.truncates) {
      ops_ += 'T';
      PutNumber(ops_, truncate.stream);
      PutNumber(ops_, truncate.before);
    }
    for (const std::string& id : changes.due_removals) {
      ops_ += 'u';
      PutText(ops_, id);
    }
    for (const Due& due : changes.dues) {
      ops_ += 'U';
      PutText(ops_, due.id);
      PutNumber(ops_, ZigZag(MillisSinceEpoch(due.at)));
      PutText(ops_, due.kind);
      PutBody(due.body);
    }
  }
  Trim();
  MILL_CHECK(placed_);
  if (has_unsynced_payload_) MILL_CHECK(payload_file_.Sync());
  has_unsynced_payload_ = false;
  std::string entry = std::move(payload_ops_);
  entry += ops_;
  return entry;
}

}  // namespace stepmill::journal
