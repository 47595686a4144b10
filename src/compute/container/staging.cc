#include "compute/container/staging.h"

#include <sys/stat.h>

#include <filesystem>

#include "compute/container/pipe.h"
#include "io/files.h"
#include "io/process.h"

namespace stepmill::container {

namespace {

constexpr mode_t kFolderMode = 0777;  ///< the image's user may be anybody
constexpr mode_t kFileMode = 0644;

Result<> MakeWritableFolder(const std::string& path) {
  MILL_CHECK(io::MakeFolders(path));
  if (::chmod(path.c_str(), kFolderMode) != 0)
    return Error{Code::kInternal, "FileError", path + ": cannot be made writable"};
  return {};
}

struct Stage {
  io::Loop& loop;
  BlobStore& blobs;
  Archive& archive;
  const JobFolder& folder;
  const std::vector<Mount>& mounts;
};

const Mount* FindMount(const std::vector<Mount>& mounts, const std::string& host) {
  for (const Mount& mount : mounts) {
    if (host == mount.host || host.starts_with(mount.host + "/")) return &mount;
  }
  return nullptr;
}

Task<> StageBlobFile(const Stage& stage, const JobInput& input, std::string host, bool is_own) {
  if (is_own) co_return co_await stage.blobs.Export(input.blob, host);
  // Inside a folder that the job may write to: a copy, since an export is the store's own file.
  const std::string temporary = stage.folder.File("blob");
  MILL_CO_CHECK(co_await stage.blobs.Export(input.blob, temporary));
  const auto copy = [temporary, host]() -> Result<> {
    std::error_code error;
    std::filesystem::copy_file(temporary, host, std::filesystem::copy_options::overwrite_existing,
                               error);
    if (error) return Error{Code::kInternal, "FileError", host + ": " + error.message()};
    ::chmod(host.c_str(), kFileMode);  // a failure shows when the job reads it
    std::filesystem::remove(temporary, error);
    return {};
  };
  co_return co_await io::Offload(stage.loop.pool(), copy);
}

Task<> StageArchive(const Stage& stage, const JobInput& input, std::string host) {
  MILL_CO_CHECK(MakeWritableFolder(host));
  const std::string temporary = stage.folder.File("archive");
  MILL_CO_CHECK(co_await stage.blobs.Export(input.blob, temporary));
  const Archive::Limits limits;
  MILL_CO_CHECK(co_await stage.archive.Unpack(temporary, host, limits));
  co_return io::RemoveTree(temporary);
}

Task<> StageGitTree(const Stage& stage, const JobInput& input, std::string host) {
  MILL_CO_CHECK(MakeWritableFolder(host));
  const std::string temporary = stage.folder.File("tree.tar");
  io::ProcessSpec spec;
  spec.argv = {"git",          "-C", input.repo_path, "archive",
               "--format=tar", "-o", temporary,       input.commit};
  MILL_CO_TRY(const std::string ignored, co_await io::RunChecked(stage.loop, std::move(spec)));
  const Archive::Limits limits;
  MILL_CO_CHECK(co_await stage.archive.Unpack(temporary, host, limits));
  co_return io::RemoveTree(temporary);
}

Task<> StageOne(const Stage& stage, const JobInput& input) {
  const auto host = FindHostPath(stage.mounts, input.path);
  const Mount* mount = host ? FindMount(stage.mounts, *host) : nullptr;
  if (!mount) co_return Error{Code::kInternal, "JobError", "no mount for " + input.path};
  MILL_CO_CHECK(CheckNoLinks(mount->host, *host));
  MILL_CO_CHECK(io::MakeFolders(std::filesystem::path(*host).parent_path().string()));
  if (input.kind == JobInput::Kind::kFolder) co_return MakeWritableFolder(*host);
  if (input.kind == JobInput::Kind::kPipe) co_return MakeFifo(*host);
  if (input.kind == JobInput::Kind::kText)
    co_return io::WriteFile(*host, input.text, false, kFileMode);
  if (input.kind == JobInput::Kind::kBlobFile)
    co_return co_await StageBlobFile(stage, input, *host, mount->is_file);
  if (input.kind == JobInput::Kind::kBlobArchive)
    co_return co_await StageArchive(stage, input, *host);
  co_return co_await StageGitTree(stage, input, *host);
}

}  // namespace

Task<> StageInputs(io::Loop& loop, BlobStore& blobs, Archive& archive, const JobSpec& spec,
                   const std::vector<Mount>& mounts, const JobFolder& folder) {
  const Stage stage{loop, blobs, archive, folder, mounts};
  for (const Mount& mount : mounts) {
    if (!mount.is_file) MILL_CO_CHECK(MakeWritableFolder(mount.host));
  }
  for (const std::string& path : spec.output_paths) {
    const auto host = FindHostPath(mounts, path);
    if (host) MILL_CO_CHECK(MakeWritableFolder(*host));
  }
  for (const JobInput& input : spec.inputs) MILL_CO_CHECK(co_await StageOne(stage, input));
  co_return Result<>();
}

}  // namespace stepmill::container
