#include "app/image_mirror.h"

#include <filesystem>

#include "base/strings.h"
#include "blob/files/file.h"
#include "io/files.h"
#include "io/process.h"

namespace stepmill {

namespace {

/// A file of a layout, read on the pool.
class FileSource final : public ByteSource {
 public:
  FileSource(io::Loop& loop, files::File file, uint64_t size)
      : loop_(loop), file_(std::make_shared<files::File>(std::move(file))), size_(size) {}
  Task<std::string> Read() override {
    if (at_ >= size_) co_return std::string();
    const size_t length = std::min<uint64_t>(kChunkBytes, size_ - at_);
    const auto work = [file = file_, at = at_, length] { return file->ReadAt(at, length); };
    MILL_CO_TRY(std::string bytes, co_await io::Offload(loop_.pool(), work));
    at_ += bytes.size();
    co_return bytes;
  }

 private:
  io::Loop& loop_;
  std::shared_ptr<files::File> file_;  ///< shared with the read that runs on the pool
  uint64_t size_, at_ = 0;
};

Error NotHere(const std::string& image, const std::string& recipe) {
  const std::string how = recipe.empty() ? "stepmill images add " + image + " ARCHIVE"
                                         : "stepmill images make " + recipe;
  return Error{Code::kNotFound, "ImageNotFound", image + " is not on this machine: " + how};
}

/// "blobs/sha256/HEX" of a layout; empty: no digest of that kind.
std::string PathOf(std::string_view digest) {
  constexpr std::string_view kPrefix = "sha256:";
  if (!digest.starts_with(kPrefix)) return "";
  const std::string hex(digest.substr(kPrefix.size()));
  const bool is_hex = hex.size() == 64 && hex.find_first_not_of("0123456789abcdef") == hex.npos;
  return is_hex ? "/blobs/sha256/" + hex : "";
}

}  // namespace

/// Runs podman on the image cache, which is only read.
Task<std::string> LocalImages::Podman(std::vector<std::string> arguments) {
  const std::string work = folder_ + "/staging";
  MILL_CO_CHECK(io::MakeFolders(work));
  MILL_CO_CHECK(io::WriteFile(work + "/containers.conf",
                              "[engine]\nevents_logger = \"none\"\ncgroup_manager = \"cgroupfs\"\n"
                              "tmp_dir = \"" +
                                  work + "/tmp\"\nstatic_dir = \"" + work +
                                  "/static\"\nimage_copy_tmp_dir = \"" + work + "\"\n",
                              false));
  MILL_CO_CHECK(io::WriteFile(work + "/storage.conf",
                              "[storage]\ndriver = \"overlay\"\ngraphroot = \"" + cache_ +
                                  "\"\nrunroot = \"" + work + "/run\"\n",
                              false));
  io::ProcessSpec spec;
  spec.argv = {"podman"};
  spec.argv.insert(spec.argv.end(), arguments.begin(), arguments.end());
  spec.env = {{"CONTAINERS_CONF", work + "/containers.conf"},
              {"CONTAINERS_STORAGE_CONF", work + "/storage.conf"},
              {"TMPDIR", work}};
  co_return co_await io::RunChecked(loop_, std::move(spec));
}

/// The folder with the image's layout, written out now when it is not there.
Task<std::string> LocalImages::Layout(std::string image) {
  const ImageTable::Row* row = table_.Find(image);
  const std::string recipe = row ? row->recipe : "";
  const std::string reference = row && !row->reference.empty() ? row->reference : image;
  if (!io::Exists(cache_ + "/overlay-images")) co_return NotHere(image, recipe);
  std::vector<std::string> inspect{"image", "inspect", "--format", "{{.Id}}", reference};
  const auto told = co_await Podman(std::move(inspect));
  if (!told) co_return NotHere(image, recipe);
  const std::string id(Trim(*told));
  const std::string path = folder_ + "/" + id;
  while (writing_.contains(id)) {
    const auto other = writing_[id];
    MILL_CO_CHECK(co_await other->Wait());
  }
  if (io::Exists(path + "/index.json")) co_return path;
  const auto mine = std::make_shared<Signal>();
  writing_[id] = mine;
  const std::string temporary = folder_ + "/staging/" + id;
  (void)io::RemoveTree(temporary);  // what an earlier run left, if anything
  std::vector<std::string> save{"save",     "--quiet", "--format", "oci-dir",
                                "--output", temporary, reference};
  Result<std::string> saved = co_await Podman(std::move(save));
  std::error_code trouble;
  if (saved) std::filesystem::rename(temporary, path, trouble);
  writing_.erase(id);
  mine->Set();
  if (!saved) co_return saved.error();
  if (trouble) co_return Error{Code::kInternal, "ImageError", path + ": " + trouble.message()};
  co_return path;
}

Task<wire::ImageMirror::Manifest> LocalImages::FindManifest(std::string image) {
  const size_t at = image.find('@');
  Manifest manifest;
  std::string path;
  if (at == std::string::npos) {
    MILL_CO_TRY(const std::string folder, co_await Layout(image));
    MILL_CO_TRY(const std::string index, io::ReadFile(folder + "/index.json"));
    MILL_CO_TRY(const Json parsed, ParseJson(index));
    if (parsed["manifests"].size() != 1)
      co_return Error{Code::kInternal, "ImageError", folder + "/index.json: not one manifest"};
    manifest.digest = parsed["manifests"].At(0).StringOr("digest", "");
    path = folder + PathOf(manifest.digest);
  } else {
    manifest.digest = image.substr(at + 1);
    const std::string name = PathOf(manifest.digest);
    std::error_code trouble;  // no folder: nothing was served yet
    for (const auto& entry : std::filesystem::directory_iterator(folder_, trouble))
      if (!name.empty() && io::Exists(entry.path().string() + name))
        path = entry.path().string() + name;
    if (path.empty()) co_return NotHere(image, "");
  }
  MILL_CO_TRY(manifest.text, io::ReadFile(path));
  MILL_CO_TRY(const Json parsed, ParseJson(manifest.text));
  manifest.media_type = parsed.StringOr("mediaType", "application/vnd.oci.image.manifest.v1+json");
  co_return manifest;
}

Task<wire::ImageMirror::Blob> LocalImages::OpenBlob(std::string digest) {
  const std::string name = PathOf(digest);
  std::error_code trouble;  // no folder: nothing was served yet
  for (const auto& entry : std::filesystem::directory_iterator(folder_, trouble)) {
    const std::string path = entry.path().string() + name;
    if (name.empty() || !io::Exists(path)) continue;
    MILL_CO_TRY(files::File file, files::File::OpenToRead(path));
    Blob blob;
    blob.size_bytes = std::filesystem::file_size(path, trouble);
    blob.bytes = std::make_unique<FileSource>(loop_, std::move(file), blob.size_bytes);
    co_return blob;
  }
  co_return Error{Code::kNotFound, "BlobNotFound", "no image here has " + digest};
}

}  // namespace stepmill
