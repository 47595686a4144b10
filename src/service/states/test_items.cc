#include "service/states/test_items.h"

#include <memory>
#include <vector>

#include "lang/items/items.h"

namespace stepmill::states {
namespace {

struct Delimiter {
  std::string_view name;
  char character;
};
constexpr Delimiter kDelimiters[] = {
    {"COMMA", ','}, {"PIPE", '|'}, {"SEMICOLON", ';'}, {"SPACE", ' '}, {"TAB", '\t'}};

items::CsvOptions CsvOptionsOf(const Json& config) {
  items::CsvOptions options;
  for (const Delimiter& delimiter : kDelimiters)
    if (delimiter.name == config.StringOr("CSVDelimiter", "COMMA"))
      options.delimiter = delimiter.character;
  if (config["CSVHeaders"].is_array()) {
    options.headers.emplace();
    for (const Json& name : config["CSVHeaders"].items())
      if (name.is_string()) options.headers->push_back(name.AsString());
  }
  return options;
}

Result<std::unique_ptr<items::Reader>> MakeReader(const Json& config) {
  // A list of objects and a manifest are given as arrays.
  const std::string type = config.StringOr("InputType", "JSON");
  if (type == "CSV") return items::MakeCsvReader(CsvOptionsOf(config));
  if (type == "JSONL") return items::MakeJsonLinesReader();
  if (type == "PARQUET")
    return items::ReaderFailed("Objects of the InputType 'PARQUET' cannot be given as text.");
  return items::MakeJsonReader(config.StringOr("ItemsPointer", ""));
}

}  // namespace

Result<Json> ReadTestItems(const Json& item_reader, const std::string& data) {
  const Json config = item_reader["ReaderConfig"];
  MILL_TRY(const std::unique_ptr<items::Reader> reader, MakeReader(config));
  std::vector<items::Item> found;
  MILL_CHECK(reader->Push(data, found));
  MILL_CHECK(reader->Finish(found));
  const int64_t max = config.IntOr("MaxItems", 0);
  Json::Array out;
  for (items::Item& item : found) {
    if (max > 0 && static_cast<int64_t>(out.size()) == max) break;
    out.push_back(std::move(item.value));
  }
  return Json(std::move(out));
}

}  // namespace stepmill::states
