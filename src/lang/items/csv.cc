#include <set>

#include "base/strings.h"
#include "lang/items/items.h"
#include "lang/items/limits.h"

namespace stepmill::items {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

// Bytes that are no UTF-8 become U+FFFD: a child's input is JSON.
std::string AsUtf8(std::string text) {
  if (IsValidUtf8(text)) return text;
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t length = 1;
    while (length < 4 && at + length < text.size() &&
           (static_cast<unsigned char>(text[at + length]) & 0xC0) == 0x80)
      ++length;
    const std::string_view one = std::string_view(text).substr(at, length);
    if (IsValidUtf8(one)) {
      out.append(one);
      at += length;
    } else {
      out.append("\xEF\xBF\xBD");
      ++at;
    }
  }
  return out;
}

class CsvReader final : public Reader {
 public:
  explicit CsvReader(CsvOptions options) : delimiter_(options.delimiter) {
    if (options.headers) {
      headers_ = *std::move(options.headers);
      has_headers_ = true;
    }
  }

  Result<> Push(std::string_view bytes, std::vector<Item>& out) override {
    if (has_headers_ && !is_checked_) MILL_CHECK(CheckHeaders());
    for (const char c : bytes) MILL_CHECK(Take(c, out));
    return {};
  }

  Result<> Finish(std::vector<Item>& out) override {
    if (has_headers_ && !is_checked_) MILL_CHECK(CheckHeaders());
    if (state_ == State::kQuoted)
      return ReaderFailed("The CSV file ends inside a quoted field that began in line " +
                          std::to_string(quote_line_) + ".");
    if (!row_.empty() || !cell_.empty() || state_ == State::kQuoteInQuoted) return EndRow(out);
    return {};
  }

 private:
  enum class State { kStart, kPlain, kQuoted, kQuoteInQuoted };

  Result<> Take(char c, std::vector<Item>& out) {
    if (c == '\n') ++line_;
    if (mark_ < kByteOrderMark.size()) {
      if (c == kByteOrderMark[mark_]) {
        ++mark_;
        return {};
      }
      const size_t seen = mark_;
      mark_ = kByteOrderMark.size();
      for (size_t i = 0; i < seen; ++i) MILL_CHECK(TakeCell(kByteOrderMark[i], out));
    }
    return TakeCell(c, out);
  }

  Result<> TakeCell(char c, std::vector<Item>& out) {
    const bool was_return = is_after_return_;
    is_after_return_ = false;
    if (was_return && c == '\n') return {};  // the row ended with the return before it
    if (++row_bytes_ > kItemBytesMax)
      return ReaderFailed("The row in line " + std::to_string(line_) + " is larger than " +
                          std::to_string(kItemBytesMax) + " bytes.");
    switch (state_) {
      case State::kQuoted:
        if (c == '"')
          state_ = State::kQuoteInQuoted;
        else
          cell_ += c;
        return {};
      case State::kQuoteInQuoted:
        if (c == '"') {
          cell_ += c;
          state_ = State::kQuoted;
          return {};
        }
        break;
      case State::kStart:
        if (c == '"') {
          state_ = State::kQuoted;
          quote_line_ = line_;
          has_cell_ = true;
          return {};
        }
        break;
      case State::kPlain: break;
    }
    if (c == delimiter_) {
      EndCell();
      has_cell_ = true;
      return {};
    }
    if (c == '\n' || c == '\r') {
      is_after_return_ = c == '\r';
      return EndRow(out);
    }
    cell_ += c;
    has_cell_ = true;
    state_ = State::kPlain;
    return {};
  }

  void EndCell() {
    if (row_.size() < kColumnsMax) row_.push_back(AsUtf8(std::move(cell_)));
    cell_.clear();
    state_ = State::kStart;
  }

  Result<> EndRow(std::vector<Item>& out) {
    row_bytes_ = 0;
    if (!has_cell_) {  // an empty line
      state_ = State::kStart;
      return {};
    }
    EndCell();
    has_cell_ = false;
    std::vector<std::string> row = std::move(row_);
    row_.clear();
    if (!has_headers_) {
      headers_ = std::move(row);
      has_headers_ = true;
      return CheckHeaders();
    }
    Json::Object item;
    item.members.reserve(headers_.size());
    for (size_t i = 0; i < headers_.size(); ++i)
      item.Add(headers_[i], i < row.size() ? Json(row[i]) : Json(""));
    out.push_back(Item{Json(std::move(item)), std::nullopt});
    return {};
  }

  Result<> CheckHeaders() {
    is_checked_ = true;
    size_t bytes = 0;
    for (const std::string& name : headers_) bytes += name.size() + 1;
    if (bytes > kHeaderBytesMax) return ReaderFailed("CSV headers cannot exceed 10 KiB.");
    if (std::set<std::string>(headers_.begin(), headers_.end()).size() != headers_.size())
      return ReaderFailed("CSV headers cannot contain duplicates.");
    return {};
  }

  const char delimiter_;
  std::vector<std::string> headers_;
  bool has_headers_ = false, is_checked_ = false;
  State state_ = State::kStart;
  bool is_after_return_ = false;
  bool has_cell_ = false;  // the line has anything at all
  std::string cell_;
  std::vector<std::string> row_;
  size_t row_bytes_ = 0;
  size_t mark_ = 0;  // bytes of a byte order mark seen at the start
  int64_t line_ = 1, quote_line_ = 0;
};

}  // namespace

Error ReaderFailed(std::string cause) {
  return {Code::kInvalid, "States.ItemReaderFailed", std::move(cause)};
}

std::unique_ptr<Reader> MakeCsvReader(CsvOptions options) {
  return std::make_unique<CsvReader>(std::move(options));
}

}  // namespace stepmill::items
