// Readers of datasets: no input crashes or hangs them, and the items do not depend on the pieces in
// which the bytes come. First character: which reader (0 to 4); second: the size of a piece.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "fuzz.h"
#include "lang/items/items.h"

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

void Target(std::string_view input) {
  if (input.size() < 2) return;
  const auto kind = static_cast<uint8_t>(input[0] - '0');
  const auto piece = static_cast<uint8_t>(input[1] - '0');
  const std::string_view text = input.substr(2);
  std::vector<Item> whole, pieces;
  const bool is_whole_read = ReadAll(kind, text, text.size() + 1, whole);
  const bool is_read = ReadAll(kind, text, size_t{1} + piece % 16, pieces);
  if (is_read != is_whole_read || !(whole == pieces)) std::abort();
  (void)stepmill::items::ReadInventoryManifest(text);
  (void)stepmill::items::ReadAthenaManifest(text);
}

}  // namespace

int main(int argc, char** argv) { return stepmill::fuzz::Main(argc, argv, Target); }
