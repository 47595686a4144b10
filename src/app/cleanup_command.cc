#include "app/cleanup_command.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "app/image_store.h"
#include "app/job_images.h"
#include "app/serve.h"
#include "archive/libarchive/libarchive.h"
#include "blob/files/file_blobs.h"
#include "compute/container/container_backend.h"
#include "io/loop.h"

namespace stepmill {

namespace {

Task<> RemoveAll(container::ContainerBackend& backend, io::Loop& loop, int& exit_code) {
  const auto jobs = co_await backend.List();
  for (const JobId& id : jobs ? *jobs : std::vector<JobId>()) {
    const Result<> removed = co_await backend.Remove(id);
    if (removed) continue;
    std::fprintf(stderr, "stepmill cleanup: job %s: %s\n", id.value.c_str(),
                 removed.error().message.c_str());
    exit_code = 1;
  }
  backend.EndEngineIfIdle();
  loop.Stop();
  co_return Result<>();
}

}  // namespace

int CleanupCommand(const std::vector<std::string>& args) {
  std::string data_dir = UsualDataFolder();
  if (args.size() == 2 && args[0] == "--data") {
    data_dir = args[1];
  } else if (!args.empty()) {
    std::fputs("usage: stepmill cleanup [--data DIR]\n", stderr);
    return 2;
  }
  data_dir = std::filesystem::absolute(data_dir).string();
  const std::string lock_path = data_dir + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CLOEXEC);
  if (lock < 0) return 0;  // no server ever ran on it
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    std::fprintf(stderr, "stepmill cleanup: a server runs on %s\n", data_dir.c_str());
    return 1;
  }
  io::Loop loop(1);
  auto blobs = FileBlobs::Open(loop.pool(), loop.random(), data_dir + "/blobs");
  auto images = LoadImageTable(data_dir);
  if (!blobs || !images) {
    const Error& error = blobs ? images.error() : blobs.error();
    std::fprintf(stderr, "stepmill cleanup: %s\n", error.message.c_str());
    return 1;
  }
  Libarchive archive(loop.pool());
  int exit_code = 0;
  container::ContainerBackend backend(loop, **blobs, archive,
                                      JobOptions(data_dir, true, *std::move(images)));
  loop.spawner().Spawn("cleanup", RemoveAll(backend, loop, exit_code));
  loop.Run();
  ::close(lock);
  return exit_code;
}

}  // namespace stepmill
