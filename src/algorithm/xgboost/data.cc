#include "algorithm/xgboost/data.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <limits>

#include "algorithm/xgboost/hyperparameters.h"
#include "algorithm/xgboost/numbers.h"
#include "base/strings.h"
#include "io/files.h"

namespace stepmill::xgboost {

namespace {

namespace fs = std::filesystem;

constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kSnippetBytes = 50;
constexpr uint64_t kFileMax = 64ull << 30;
constexpr uint32_t kColumnsMax = 100'000'000;

Error BadCsv(const std::string& file, size_t line, const std::string& what) {
  return UserError("Failed to load csv data with exception:\nFile '" + file + "', line " +
                   std::to_string(line) + ": " + what);
}

Error BadLibsvm(const std::string& file, size_t line, std::string_view text) {
  if (line == 1) {
    return UserError("First line '" + std::string(TruncateUtf8(text, kSnippetBytes)) +
                     "...' of file '" + file +
                     "' is not 'LIBSVM' format. Please ensure the file is in 'LIBSVM' format.");
  }
  return UserError("Failed to load libsvm data with exception:\nFile '" + file + "', line " +
                   std::to_string(line) + ": '" + std::string(TruncateUtf8(text, kSnippetBytes)) +
                   "' is not 'LIBSVM' format");
}

/// A field; nothing (or a word for it) is a missing value.
bool ParseField(std::string_view field, float& value) {
  const char* begin = field.data();
  const char* end = begin + field.size();
  // The plain case first: most of the time goes here.
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc() && stop == end && begin != end) return true;
  field = Trim(field);
  if (field.size() >= 2 && field.front() == '"' && field.back() == '"')
    field = Trim(field.substr(1, field.size() - 2));
  if (field.empty() || field == "NA" || field == "null" || field == "NULL") {
    value = kMissing;
    return true;
  }
  const auto number = ParseNumber(field);
  if (!number) return false;
  value = static_cast<float>(*number);
  return true;
}

/// The next line without its end; false at the end of the text.
bool NextLine(std::string_view& text, std::string_view& line) {
  if (text.empty()) return false;
  const size_t end = text.find('\n');
  line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return true;
}

std::vector<std::string> DataFiles(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;  // a channel that is not there has no files
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file(error) && !name.starts_with('.') && !name.starts_with('_'))
      files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

Result<Format> FormatOf(const std::string& content_type) {
  const std::string lower = ToLower(content_type);
  const auto parts = Split(lower, ';');
  const std::string_view kind = Trim(parts[0]);
  if (kind.empty() || kind == "libsvm" || kind == "text/libsvm" || kind == "text/x-libsvm")
    return Format::kLibsvm;
  if (kind == "csv" || kind == "text/csv") {
    for (const std::string_view part : parts) {
      const std::string_view parameter = Trim(part);
      if (parameter.starts_with("label_size") && !parameter.ends_with("=1"))
        return UserError(content_type +
                         " is not an accepted csv ContentType. Optional parameter label_size must "
                         "be equal to 1");
    }
    return Format::kCsv;
  }
  if (kind.find("parquet") != std::string_view::npos ||
      kind.find("recordio") != std::string_view::npos)
    return UserError("ContentType " + content_type + " is not available here: use csv or libsvm");
  return UserError(content_type +
                   " is not an accepted ContentType: csv, libsvm, parquet, recordio-protobuf, "
                   "text/csv, text/libsvm, text/x-libsvm, application/x-parquet, "
                   "application/x-recordio-protobuf.");
}

char FindDelimiter(std::string_view line) {
  for (const char candidate : {',', '\t', ';', '|', ':', ' '})
    if (Trim(line).find(candidate) != std::string_view::npos) return candidate;
  return 0;
}

Result<> AddCsv(Table& table, std::string_view text, const std::string& file, Layout layout,
                char delimiter) {
  std::string_view line;
  for (size_t number = 1; NextLine(text, line); ++number) {
    if (line.empty()) continue;
    size_t column = 0, count = 0;
    const size_t special = (layout.has_label ? 1U : 0U) + (layout.has_weight ? 1U : 0U);
    for (std::string_view rest = line;;) {
      const size_t end = delimiter ? rest.find(delimiter) : std::string_view::npos;
      const std::string_view field = rest.substr(0, end);
      float value = kMissing;
      const bool is_number = ParseField(field, value);
      const bool is_label = layout.has_label && column == 0;
      if (!is_number || (is_label && !std::isfinite(value))) {
        const std::string what = is_label ? "label" : "column " + std::to_string(column + 1);
        return BadCsv(
            file, number,
            what + " '" + std::string(TruncateUtf8(field, kSnippetBytes)) + "' is not a number");
      }
      if (is_label)
        table.labels.push_back(value);
      else if (column < special)
        table.weights.push_back(value);
      else
        table.values.push_back(value), ++count;
      ++column;
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    if (column < special || count == 0) return BadCsv(file, number, "there are no features");
    if (table.rows == 0) table.columns = count;
    if (count != table.columns) {
      return BadCsv(file, number,
                    std::to_string(column) + " columns, but the first line has " +
                        std::to_string(table.columns + special));
    }
    ++table.rows;
  }
  return {};
}

Result<> AddLibsvm(Table& table, std::string_view text, const std::string& file, bool has_label) {
  table.is_sparse = true;
  std::string_view line;
  for (size_t number = 1; NextLine(text, line); ++number) {
    line = Trim(line.substr(0, line.find('#')));
    if (line.empty()) continue;
    bool is_first = has_label;
    for (std::string_view item : Split(line, ' ')) {
      item = Trim(item);
      if (item.empty()) continue;
      const size_t colon = item.find(':');
      const std::string_view head = item.substr(0, colon);
      const std::string_view tail = colon == std::string_view::npos ? "" : item.substr(colon + 1);
      float first = 0, second = 0;
      if (is_first) {
        is_first = false;
        if (head.empty() || !ParseField(head, first) || !std::isfinite(first) ||
            (colon != std::string_view::npos && (tail.empty() || !ParseField(tail, second))))
          return BadLibsvm(file, number, line);
        table.labels.push_back(first);
        if (colon != std::string_view::npos) table.weights.push_back(second);
        continue;
      }
      const bool is_group = head == "qid";
      // Rows of a request may have their label in front.
      if (colon == std::string_view::npos && !has_label && ParseNumber(item)) continue;
      const auto index = ParseInt(is_group ? tail : head);
      if (colon == std::string_view::npos || !index || *index < 0 || *index >= kColumnsMax ||
          (!is_group && (tail.empty() || !ParseField(tail, second))))
        return BadLibsvm(file, number, line);
      if (is_group) {
        table.groups.push_back(static_cast<uint32_t>(*index));
        continue;
      }
      table.indices.push_back(static_cast<uint32_t>(*index));
      table.values.push_back(second);
      table.columns = std::max(table.columns, static_cast<size_t>(*index) + 1);
    }
    ++table.rows;
    table.row_ends.push_back(table.values.size());
    const bool has_all_weights = table.weights.empty() || table.weights.size() == table.rows;
    const bool has_all_groups = table.groups.empty() || table.groups.size() == table.rows;
    if (!has_all_weights || !has_all_groups) return BadLibsvm(file, number, line);
  }
  return {};
}

Result<Table> ReadFolder(const std::string& folder, Format format, bool has_weight) {
  Table table;
  char delimiter = 0;
  for (const std::string& path : DataFiles(folder)) {
    MILL_TRY(const std::string text, io::ReadFile(path, kFileMax));
    const std::string name = path.substr(folder.size() + 1);
    if (format == Format::kLibsvm) {
      MILL_CHECK(AddLibsvm(table, text, name, true));
      continue;
    }
    if (delimiter == 0 && !text.empty()) {
      const std::string_view first = std::string_view(text).substr(0, text.find('\n'));
      delimiter = FindDelimiter(first);
      if (delimiter == 0) {
        return UserError("Could not determine delimiter on line " +
                         std::string(TruncateUtf8(first, kSnippetBytes)) +
                         ":\nCould not determine delimiter");
      }
      std::printf("Determined delimiter of CSV input is '%c'\n", delimiter);
    }
    MILL_CHECK(AddCsv(table, text, name, {true, has_weight}, delimiter));
  }
  return table;
}

}  // namespace stepmill::xgboost
