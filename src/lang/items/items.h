#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/json.h"

// Step Functions Developer Guide: "ItemReader (Map)".

namespace stepmill::items {

/// One item of a dataset.
struct Item {
  Json value;
  std::optional<std::string> key;  ///< the member's name where the dataset is an object
  bool operator==(const Item&) const = default;
};

/// Reads one object. Push any number of times, then Finish once; an error is final and the reader
/// is not used again. Errors are "States.ItemReaderFailed", the message is the cause that AWS gives
/// (where it is known) or says what was found where.
///
/// Not shared between threads.
class Reader {
 public:
  virtual ~Reader() = default;
  /// The next bytes, of any length; appends the items that they complete.
  virtual Result<> Push(std::string_view bytes, std::vector<Item>& out) = 0;
  virtual Result<> Finish(std::vector<Item>& out) = 0;
};

struct CsvOptions {
  char delimiter = ',';
  /// Names of the columns; nullopt: the first row has them.
  std::optional<std::vector<std::string>> headers;
};

/// Rows as objects of texts. Quoted cells may hold delimiters, line ends and doubled quotes;
/// missing cells are "", surplus ones are dropped; an empty line is no row.
std::unique_ptr<Reader> MakeCsvReader(CsvOptions options);

/// The elements of the array, or the members of the object, that the JSON pointer (RFC 6901)
/// names in the document; "" is the document itself.
Result<std::unique_ptr<Reader>> MakeJsonReader(std::string_view items_pointer);

/// One JSON value a line; blank lines are passed over.
std::unique_ptr<Reader> MakeJsonLinesReader();

/// What a manifest names.
struct ManifestFile {
  std::string bucket;  ///< empty: the manifest's own bucket
  std::string key;
};
struct Manifest {
  std::vector<ManifestFile> files;
  /// S3 inventory: columns of the files, which have no header row.
  std::vector<std::string> headers;
};

/// manifest.json of an S3 inventory (fileFormat CSV).
Result<Manifest> ReadInventoryManifest(std::string_view text);
/// The manifest of an Athena query (UNLOAD, CTAS): an S3 URI a line.
Result<Manifest> ReadAthenaManifest(std::string_view text);

/// States.ItemReaderFailed with this cause.
Error ReaderFailed(std::string cause);

}  // namespace stepmill::items
