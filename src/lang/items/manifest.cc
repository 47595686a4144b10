#include "base/strings.h"
#include "lang/items/items.h"
#include "lang/items/limits.h"

namespace stepmill::items {

// Amazon S3 User Guide: "Locating your inventory list", manifest.json.
Result<Manifest> ReadInventoryManifest(std::string_view text) {
  Result<Json> json = ParseJson(text);
  if (!json) return ReaderFailed("The manifest is no JSON: " + json.error().message);
  const std::string format = json->StringOr("fileFormat", "");
  if (format != "CSV")
    return ReaderFailed("The inventory's fileFormat is '" + format + "': only CSV is supported.");
  Manifest out;
  const std::string schema = json->StringOr("fileSchema", "");
  for (const std::string_view name : Split(schema, ',')) out.headers.emplace_back(Trim(name));
  const Json& files = (*json)["files"];
  if (out.headers[0].empty() || !files.is_array())
    return ReaderFailed("The manifest has no fileSchema or no files.");
  std::string bucket = json->StringOr("destinationBucket", "");
  constexpr std::string_view kArn = "arn:aws:s3:::";
  if (bucket.starts_with(kArn)) bucket.erase(0, kArn.size());
  for (const Json& file : files.items()) {
    if (out.files.size() == kManifestFilesMax)
      return ReaderFailed("The manifest names more than " + std::to_string(kManifestFilesMax) +
                          " files.");
    const std::string key = file.StringOr("key", "");
    if (key.empty()) return ReaderFailed("The manifest names a file without a key.");
    out.files.push_back({bucket, key});
  }
  return out;
}

Result<Manifest> ReadAthenaManifest(std::string_view text) {
  CsvOptions options;
  options.headers = {"uri"};
  const std::unique_ptr<Reader> reader = MakeCsvReader(std::move(options));
  std::vector<Item> rows;
  MILL_CHECK(reader->Push(text, rows));
  MILL_CHECK(reader->Finish(rows));
  Manifest out;
  for (const Item& row : rows) {
    const std::string uri(Trim(row.value.StringOr("uri", "")));
    constexpr std::string_view kScheme = "s3://";
    const size_t slash = uri.find('/', kScheme.size());
    if (!uri.starts_with(kScheme) || slash == std::string::npos || slash + 1 == uri.size())
      return ReaderFailed("The manifest's line '" + std::string(TruncateUtf8(uri, 200)) +
                          "' is no S3 URI of an object.");
    if (out.files.size() == kManifestFilesMax)
      return ReaderFailed("The manifest names more than " + std::to_string(kManifestFilesMax) +
                          " files.");
    out.files.push_back(
        {uri.substr(kScheme.size(), slash - kScheme.size()), uri.substr(slash + 1)});
  }
  return out;
}

}  // namespace stepmill::items
