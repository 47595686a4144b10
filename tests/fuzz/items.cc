// Readers of datasets: no input crashes or hangs them, and the items do not depend on the pieces in
// which the bytes come. First byte: which reader; second: the size of a piece.
#include "lang/items/items.h"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using stepmill::Result;
using stepmill::items::Item;

std::unique_ptr<stepmill::items::Reader> MakeReader(uint8_t kind) {
  switch (kind % 5) {
    case 0: return stepmill::items::MakeCsvReader({});
    case 1: {
      stepmill::items::CsvOptions options;
      options.delimiter = ';';
      options.headers = {"a", "b"};
      return stepmill::items::MakeCsvReader(std::move(options));
    }
    case 2: return stepmill::items::MakeJsonLinesReader();
    case 3: return std::move(stepmill::items::MakeJsonReader("/a/0")).value();
    default: return std::move(stepmill::items::MakeJsonReader("")).value();
  }
}

/// Whether all was read; the items up to a fault.
bool ReadAll(uint8_t kind, std::string_view text, size_t piece, std::vector<Item>& out) {
  const auto reader = MakeReader(kind);
  Result<> done;
  for (size_t at = 0; at < text.size() && done; at += piece)
    done = reader->Push(text.substr(at, piece), out);
  if (done) done = reader->Finish(out);
  return done.has_value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::vector<Item> whole, pieces;
  const bool is_whole_read = ReadAll(data[0], text, text.size() + 1, whole);
  const bool is_read = ReadAll(data[0], text, size_t{1} + data[1] % 16, pieces);
  if (is_read != is_whole_read || !(whole == pieces)) std::abort();
  (void)stepmill::items::ReadInventoryManifest(text);
  (void)stepmill::items::ReadAthenaManifest(text);
  return 0;
}
