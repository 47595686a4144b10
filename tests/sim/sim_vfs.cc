#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <deque>
#include <new>

#include "sim_disk.h"

// SQLite's files on a SimDisk: one process, one thread, several connections. The memory that they
// share beside a file (its log's index) goes with the process.
namespace stepmill::sim {
namespace {

constexpr int kShmLocks = SQLITE_SHM_NLOCK;

struct Shared {
  std::deque<std::string> regions;
  int readers[kShmLocks] = {};
  const void* writer[kShmLocks] = {};
  int users = 0;
};

struct Mount {
  SimDisk* disk = nullptr;
  std::map<std::string, Shared> shared;
};
Mount& mount() {
  static Mount value;
  return value;
}

struct File {
  sqlite3_file base;
  SimDisk* disk;
  std::shared_ptr<SimDisk::Node>* node;
  std::string* name;
  int lock;
  bool has_shm;
  bool reads[kShmLocks], writes[kShmLocks];
};
File& Of(sqlite3_file* file) { return *reinterpret_cast<File*>(file); }
SimDisk::Node& NodeOf(File& file) { return **file.node; }

int CodeOf(const Result<>& result, int otherwise) {
  if (result) return SQLITE_OK;
  return result.error().name == "StoreFull" ? SQLITE_FULL : otherwise;
}

int ShmUnmap(sqlite3_file* base, int);

int Close(sqlite3_file* base) {
  File& file = Of(base);
  ShmUnmap(base, 0);
  delete file.node;
  delete file.name;
  return SQLITE_OK;
}
int Read(sqlite3_file* base, void* to, int size, sqlite3_int64 at) {
  const std::string& content = NodeOf(Of(base)).now;
  const auto begin = std::min<uint64_t>(content.size(), static_cast<uint64_t>(at));
  const auto count = std::min<uint64_t>(content.size() - begin, static_cast<uint64_t>(size));
  std::memcpy(to, content.data() + begin, count);
  if (count == static_cast<uint64_t>(size)) return SQLITE_OK;
  std::memset(static_cast<char*>(to) + count, 0, static_cast<size_t>(size) - count);
  return SQLITE_IOERR_SHORT_READ;
}
int Write(sqlite3_file* base, const void* bytes, int size, sqlite3_int64 at) {
  File& file = Of(base);
  return CodeOf(file.disk->Write(NodeOf(file), static_cast<uint64_t>(at),
                                 {static_cast<const char*>(bytes), static_cast<size_t>(size)}),
                SQLITE_IOERR_WRITE);
}
int Truncate(sqlite3_file* base, sqlite3_int64 size) {
  File& file = Of(base);
  return CodeOf(file.disk->Resize(NodeOf(file), static_cast<uint64_t>(size)),
                SQLITE_IOERR_TRUNCATE);
}
int Sync(sqlite3_file* base, int) {
  File& file = Of(base);
  const int code = CodeOf(file.disk->Sync(NodeOf(file)), SQLITE_IOERR_FSYNC);
  if (code != SQLITE_OK) return code;
  return CodeOf(file.disk->SyncFolder(), SQLITE_IOERR_DIR_FSYNC);  // a new file's name, too
}
int FileSize(sqlite3_file* base, sqlite3_int64* size) {
  *size = static_cast<sqlite3_int64>(NodeOf(Of(base)).now.size());
  return SQLITE_OK;
}
// One connection writes; nobody else has the files.
int Lock(sqlite3_file*, int) { return SQLITE_OK; }
int Unlock(sqlite3_file*, int) { return SQLITE_OK; }
int CheckReserved(sqlite3_file*, int* is_reserved) {
  *is_reserved = 0;
  return SQLITE_OK;
}
int FileControl(sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; }
int SectorSize(sqlite3_file*) { return 512; }
int Characteristics(sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; }

int ShmMap(sqlite3_file* base, int region, int size, int is_made, void volatile** memory) {
  File& file = Of(base);
  Shared& shared = mount().shared[*file.name];
  if (!file.has_shm) ++shared.users;
  file.has_shm = true;
  *memory = nullptr;
  while (shared.regions.size() <= static_cast<size_t>(region)) {
    if (!is_made) return SQLITE_OK;
    shared.regions.emplace_back(static_cast<size_t>(size), '\0');
  }
  *memory = shared.regions[static_cast<size_t>(region)].data();
  return SQLITE_OK;
}
int ShmLock(sqlite3_file* base, int offset, int count, int flags) {
  File& file = Of(base);
  Shared& shared = mount().shared[*file.name];
  const bool is_shared = (flags & SQLITE_SHM_SHARED) != 0;
  if (flags & SQLITE_SHM_LOCK) {
    for (int i = offset; i < offset + count; ++i) {
      const bool is_taken = shared.writer[i] && shared.writer[i] != base;
      const bool is_read = shared.readers[i] - (file.reads[i] ? 1 : 0) > 0;
      if (is_taken || (!is_shared && is_read)) return SQLITE_BUSY;
    }
    for (int i = offset; i < offset + count; ++i) {
      if (is_shared && !file.reads[i]) ++shared.readers[i];
      (is_shared ? file.reads : file.writes)[i] = true;
      if (!is_shared) shared.writer[i] = base;
    }
    return SQLITE_OK;
  }
  for (int i = offset; i < offset + count; ++i) {
    if (is_shared && file.reads[i]) --shared.readers[i];
    (is_shared ? file.reads : file.writes)[i] = false;
    if (!is_shared && shared.writer[i] == base) shared.writer[i] = nullptr;
  }
  return SQLITE_OK;
}
void ShmBarrier(sqlite3_file*) {}
int ShmUnmap(sqlite3_file* base, int) {
  File& file = Of(base);
  if (!file.has_shm) return SQLITE_OK;
  ShmLock(base, 0, kShmLocks, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
  ShmLock(base, 0, kShmLocks, SQLITE_SHM_UNLOCK | SQLITE_SHM_EXCLUSIVE);
  file.has_shm = false;
  const auto shared = mount().shared.find(*file.name);
  if (--shared->second.users == 0) mount().shared.erase(shared);
  return SQLITE_OK;
}

const sqlite3_io_methods kMethods = {
    2,        Close,         Read,        Write,      Truncate,        Sync,   FileSize, Lock,
    Unlock,   CheckReserved, FileControl, SectorSize, Characteristics, ShmMap, ShmLock,  ShmBarrier,
    ShmUnmap, nullptr,       nullptr};

int Open(sqlite3_vfs*, const char* name, sqlite3_file* base, int flags, int* out_flags) {
  File& file = Of(base);
  std::memset(&file, 0, sizeof file);
  SimDisk* const disk = mount().disk;
  if (!disk) return SQLITE_CANTOPEN;
  const std::string path = name ? name : "";
  if (name && !(flags & SQLITE_OPEN_CREATE) && !disk->Find(path)) return SQLITE_CANTOPEN;
  file.disk = disk;
  file.node = new std::shared_ptr<SimDisk::Node>(name ? disk->Open(path)
                                                      : std::make_shared<SimDisk::Node>());
  file.name = new std::string(path);
  file.base.pMethods = &kMethods;
  if (out_flags) *out_flags = flags;
  return SQLITE_OK;
}
int Delete(sqlite3_vfs*, const char* name, int is_synced) {
  SimDisk* const disk = mount().disk;
  if (!disk) return SQLITE_IOERR_DELETE;
  if (!disk->Find(name)) return SQLITE_IOERR_DELETE_NOENT;
  const int code = CodeOf(disk->Remove(name), SQLITE_IOERR_DELETE);
  if (code != SQLITE_OK || !is_synced) return code;
  return CodeOf(disk->SyncFolder(), SQLITE_IOERR_DIR_FSYNC);
}
int Access(sqlite3_vfs*, const char* name, int, int* is_there) {
  const auto node = mount().disk ? mount().disk->Find(name) : nullptr;
  *is_there = node ? 1 : 0;
  return SQLITE_OK;
}
int FullPath(sqlite3_vfs*, const char* name, int size, char* full) {
  if (static_cast<int>(std::strlen(name)) >= size) return SQLITE_CANTOPEN;
  std::strcpy(full, name);
  return SQLITE_OK;
}
int Randomness(sqlite3_vfs*, int size, char* bytes) {
  static Chance chance(1);  // salts of logs: only that they differ matters
  for (int i = 0; i < size; ++i) bytes[i] = static_cast<char>(chance.Next());
  return size;
}
int Sleep(sqlite3_vfs*, int microseconds) { return microseconds; }
int CurrentTime(sqlite3_vfs*, double* days) {
  *days = 2461041.5;  // 2026-01-01
  return SQLITE_OK;
}
int LastError(sqlite3_vfs*, int, char*) { return 0; }

sqlite3_vfs MakeVfs() {
  sqlite3_vfs vfs{};
  vfs.iVersion = 1;
  vfs.szOsFile = sizeof(File);
  vfs.mxPathname = 512;
  vfs.zName = kSimVfs;
  vfs.xOpen = Open;
  vfs.xDelete = Delete;
  vfs.xAccess = Access;
  vfs.xFullPathname = FullPath;
  vfs.xRandomness = Randomness;
  vfs.xSleep = Sleep;
  vfs.xCurrentTime = CurrentTime;
  vfs.xGetLastError = LastError;
  return vfs;
}

}  // namespace

void MountVfs(SimDisk* disk) {
  static sqlite3_vfs vfs = MakeVfs();
  static const int registered = sqlite3_vfs_register(&vfs, 0);
  MILL_ASSERT(registered == SQLITE_OK);
  mount().disk = disk;
}

}  // namespace stepmill::sim
