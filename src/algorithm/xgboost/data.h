#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

/// Text to numbers: CSV (label first, no header) and libsvm.
namespace stepmill::xgboost {

enum class Format { kCsv, kLibsvm };

/// From a ContentType; "" is libsvm. UserError: one that is not built, or none at all.
Result<Format> FormatOf(const std::string& content_type);

/// Rows of numbers. Missing values are NaN (dense) or left out (sparse).
struct Table {
  bool is_sparse = false;
  size_t rows = 0, columns = 0;
  std::vector<float> values;
  std::vector<uint32_t> indices;       ///< sparse: the column of each value
  std::vector<size_t> row_ends = {0};  ///< sparse: where each row begins; one more than rows
  std::vector<float> labels, weights;
  std::vector<uint32_t> groups;  ///< libsvm's qid of each row
};

struct Layout {
  bool has_label = true;
  bool has_weight = false;  ///< CSV: the second column
};

/// The delimiter of a line: of "," tab ";" "|" ":" and blank the one that is there. 0: none.
char FindDelimiter(std::string_view line);

/// Adds the lines of one file to `table`. UserError names file and line.
Result<> AddCsv(Table& table, std::string_view text, const std::string& file, Layout layout,
                char delimiter);
Result<> AddLibsvm(Table& table, std::string_view text, const std::string& file, bool has_label);

/// All data files below `folder` (recursively, by name; not those that begin with '.' or '_') as
/// one table. No files: an empty table.
Result<Table> ReadFolder(const std::string& folder, Format format, bool has_weight);

}  // namespace stepmill::xgboost
