#include "app/backup.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

#include "base/time.h"
#include "json/json.h"
#include "store/journal/copy.h"

namespace stepmill {
namespace {

namespace fs = std::filesystem;

constexpr char kComplete[] = "/backup.json";

Error Trouble(const fs::path& path, const std::error_code& code) {
  if (code == std::errc::no_space_on_device)
    return {Code::kUnavailable, "StorageFull", "the disk that holds " + path.string() + " is full"};
  return {Code::kUnavailable, "StorageFailed", path.string() + ": " + code.message()};
}

bool IsMissing(const std::error_code& code) { return code == std::errc::no_such_file_or_directory; }

/// Whether a file or folder is to be copied, by its path below the folder that is copied.
using Wanted = std::function<bool(const std::string& path)>;

/// Copies what is wanted and not there yet. What goes away meanwhile is left out.
Result<> CopyFiles(const fs::path& from, const fs::path& to, const Wanted& is_wanted) {
  std::error_code code;
  fs::create_directories(to, code);
  if (code) return Trouble(to, code);
  auto walk = fs::recursive_directory_iterator(from, code);
  if (IsMissing(code)) return {};
  if (code) return Trouble(from, code);
  for (; walk != fs::recursive_directory_iterator(); walk.increment(code)) {
    if (code) break;
    const fs::path below = walk->path().lexically_relative(from);
    if (!is_wanted(below.string())) {
      walk.disable_recursion_pending();
      continue;
    }
    const fs::file_type type = walk->symlink_status(code).type();
    if (type == fs::file_type::directory)
      fs::create_directories(to / below, code);
    else if (type == fs::file_type::symlink)
      fs::copy_symlink(walk->path(), to / below, code);
    else if (type == fs::file_type::regular)
      fs::copy_file(walk->path(), to / below, fs::copy_options::skip_existing, code);
    if (code && !IsMissing(code)) return Trouble(walk->path(), code);
    code.clear();
  }
  if (code && !IsMissing(code)) return Trouble(from, code);
  return {};
}

/// All that was written below a folder is durable.
Result<> SyncAll(const std::string& folder) {
  const int file = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool is_synced = file >= 0 && ::syncfs(file) == 0;
  const std::error_code code(errno, std::generic_category());
  if (file >= 0) ::close(file);
  if (!is_synced) return Trouble(folder, code);
  return {};
}

/// An empty folder, made when it is not there.
Result<> MakeEmpty(const std::string& folder) {
  std::error_code code;
  fs::create_directories(folder, code);
  if (code) return Trouble(folder, code);
  if (!fs::is_empty(folder, code))
    return Error{Code::kConflict, "NotEmpty", folder + " is not empty"};
  fs::permissions(folder, fs::perms::owner_all, code);
  if (code) return Trouble(folder, code);
  return {};
}

bool IsLeftOut(const std::string& path) {
  const std::string top = path.substr(0, path.find('/'));
  for (const char* name : {"store", "blobs", "git", "jobs", "engine", "run", "tmp", "lock"})
    if (top == name) return true;
  return top.ends_with(".new") || top == "backup.json";
}

/// References before what they refer to, so that whatever is copied is there in full.
Result<> CopyRepositories(const std::string& from, const std::string& to) {
  const auto is_of = [](const std::string& path, std::string_view part) {
    const size_t slash = path.find('/');  // NAME.git/part/...
    return slash != std::string::npos && path.substr(slash + 1).starts_with(part);
  };
  const auto is_passing = [](const std::string& path) {
    return path.ends_with(".lock") || path.find("/tmp_") != std::string::npos;
  };
  MILL_CHECK(CopyFiles(from, to, [&](const std::string& path) {
    const bool is_repository = path.find('/') == std::string::npos;
    return !is_passing(path) && (is_repository || is_of(path, "refs"));
  }));
  MILL_CHECK(CopyFiles(from, to, [&](const std::string& path) {
    return !is_passing(path) && !is_of(path, "objects");
  }));
  return CopyFiles(from, to, [&](const std::string& path) { return !is_passing(path); });
}

}  // namespace

Result<> BackUpData(const std::string& data_dir, const std::string& to) {
  std::error_code code;
  if (!fs::is_regular_file(data_dir + "/store/index.sqlite", code))
    return Error{Code::kNotFound, "NoStore", data_dir + " holds no store"};
  MILL_CHECK(MakeEmpty(to));
  const auto is_blob = [](const std::string& path) { return path != "tmp"; };
  // Blobs that the store names at its moment are in the one copy or the other: before it, they may
  // have gone since; after it, they may be new.
  MILL_CHECK(CopyFiles(data_dir + "/blobs", to + "/blobs", is_blob));
  MILL_CHECK(MakeEmpty(to + "/store"));
  MILL_CHECK(CopyStore(data_dir + "/store", to + "/store"));
  MILL_CHECK(CopyFiles(data_dir + "/blobs", to + "/blobs", is_blob));
  // Behind the store: what git has and the store does not know is published at the next start.
  MILL_CHECK(CopyRepositories(data_dir + "/git", to + "/git"));
  MILL_CHECK(CopyFiles(data_dir, to, [](const std::string& path) { return !IsLeftOut(path); }));
  MILL_CHECK(SyncAll(to));
  const auto now = std::chrono::time_point_cast<Time::duration>(std::chrono::system_clock::now());
  std::ofstream(to + kComplete) << Json(Json::Object{{"from", data_dir},
                                                     {"at", FormatTime(now, "%Y-%m-%dT%H:%M:%SZ")}})
                                       .Print()
                                << "\n";
  return SyncAll(to);
}

Result<> RestoreData(const std::string& from, const std::string& data_dir) {
  std::error_code code;
  if (!fs::is_regular_file(from + kComplete, code))
    return Error{Code::kInvalid, "NoBackup", from + " holds no complete backup (no backup.json)"};
  MILL_CHECK(MakeEmpty(data_dir));
  const std::string made = data_dir + ".restoring";
  fs::remove_all(made, code);
  MILL_CHECK(MakeEmpty(made));
  MILL_CHECK(CopyFiles(
      from, made, [](const std::string& path) { return path != "backup.json" && path != "lock"; }));
  MILL_CHECK(SyncAll(made));
  fs::rename(made, data_dir, code);  // takes the place of an empty folder
  if (code) return Trouble(data_dir, code);
  const fs::path parent = fs::absolute(data_dir).parent_path();
  return SyncAll(parent.string());
}

}  // namespace stepmill
