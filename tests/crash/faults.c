/* Preloaded into the server by the crash test: counts the calls by which a process changes files of one folder, and at
 * a chosen one kills the process or lets the call fail. Not part of the product.
 *
 * FAULT_FOLDER  calls on files below it count
 * FAULT_PLAN    a file of one page that server, children and test map: struct Plan
 * FAULT_TRACE   a file that gets a line for each counted call: "number call path bytes"
 *
 * Only programs named stepmill and git* are watched, so that containers and engines are left alone. A kill ends the
 * server and the child that was about to make the call. The count begins at 1. A call is counted once, also when the C
 * library makes it of others. What memory-mapped files change is not seen; no durable file of the server is written so. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum Mode { kCount, kKill, kTornKill, kIoError, kFull, kShort, kSyncError, kLie };

struct Plan {
  _Atomic uint64_t count;
  uint64_t at; /* 0: never */
  uint64_t mode;
  _Atomic uint64_t fired; /* how often it struck */
  _Atomic int64_t server; /* process id */
  uint64_t lies; /* calls that pretend before the kill of kLie */
  char what[1024]; /* the call that was struck first */
};

static struct Plan* plan;
static char folder[PATH_MAX];
static size_t folder_length;
static int trace = -1;

static int IsWatched(void) {
  const char* name = program_invocation_short_name;
  return strcmp(name, "stepmill") == 0 || strncmp(name, "git", 3) == 0;
}

__attribute__((constructor)) static void Begin(void) {
  const char* path = getenv("FAULT_PLAN");
  const char* below = getenv("FAULT_FOLDER");
  if (!path || !below || !IsWatched()) return;
  const int file = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  void* page = mmap(NULL, sizeof(struct Plan), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  syscall(SYS_close, file);
  if (page == MAP_FAILED) return;
  folder_length = (size_t)snprintf(folder, sizeof folder, "%s/", below);
  const char* log = getenv("FAULT_TRACE");
  if (log) trace = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  plan = page;
  if (strcmp(program_invocation_short_name, "stepmill") == 0) atomic_store(&plan->server, getpid());
}

static int IsBelow(const char* path) { return strncmp(path, folder, folder_length) == 0; }

/* The file's path when it is a file below the folder. */
static int PathOf(int fd, char* path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, PATH_MAX - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return IsBelow(path);
}

static int AbsolutePath(int at, const char* name, char* path) {
  if (name[0] == '/') return snprintf(path, PATH_MAX, "%s", name) < PATH_MAX && IsBelow(path);
  char base[PATH_MAX];
  if (at == AT_FDCWD) {
    if (!getcwd(base, sizeof base)) return 0;
  } else {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", at);
    const ssize_t length = readlink(link, base, PATH_MAX - 1);
    if (length <= 0) return 0;
    base[length] = 0;
  }
  /* "base" itself may be the folder. */
  return snprintf(path, PATH_MAX, "%s/%s", base, name) < PATH_MAX && IsBelow(path);
}

enum Kind { kWrite, kSync, kSpace, kName };

static void Die(void) {
  const pid_t server = (pid_t)atomic_load(&plan->server);
  if (server > 0) syscall(SYS_kill, server, SIGKILL);
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

enum Verdict { kGoOn, kFail, kHalf, kSkip };

/* Counts a call; kFail: errno is set and the call must fail; kHalf: half of the bytes must be written; kSkip: the call
 * must do nothing and say that it did. */
static enum Verdict Strike(enum Kind kind, const char* call, const char* path, size_t bytes) {
  const int saved = errno;
  const uint64_t number = atomic_fetch_add(&plan->count, 1) + 1;
  if (trace >= 0) {
    char line[PATH_MAX + 128];
    const int length = snprintf(line, sizeof line, "%llu %s %s %zu\n", (unsigned long long)number, call,
                                path + folder_length, bytes);
    syscall(SYS_write, trace, line, (size_t)length);
  }
  errno = saved;
  if (plan->at == 0 || number < plan->at) return kGoOn;
  const int is_first = atomic_load(&plan->fired) == 0;
  enum Verdict verdict = kGoOn;
  int code = 0;
  switch ((enum Mode)plan->mode) {
    case kCount: return kGoOn;
    case kKill:
      if (number != plan->at) return kGoOn;
      verdict = kFail;
      break;
    case kTornKill: /* the next write of more than a byte */
      if (!is_first || kind != kWrite || bytes < 2) return kGoOn;
      verdict = kHalf;
      break;
    case kIoError:
      if (number != plan->at) return kGoOn;
      verdict = kFail;
      code = EIO;
      break;
    case kFull: /* until the test says that there is room again */
      if (kind != kWrite && kind != kSpace) return kGoOn;
      verdict = kFail;
      code = ENOSPC;
      break;
    case kShort:
      if (!is_first || kind != kWrite || bytes < 2) return kGoOn;
      verdict = kHalf;
      break;
    case kLie:
      if (number >= plan->at + plan->lies) Die();
      if (kind != kWrite && kind != kSync) return kGoOn;
      verdict = kSkip;
      break;
    case kSyncError:
      if (!is_first || kind != kSync) return kGoOn;
      verdict = kFail;
      code = EIO;
      break;
  }
  if (atomic_fetch_add(&plan->fired, 1) == 0)
    snprintf(plan->what, sizeof plan->what, "%llu %s %s %zu", (unsigned long long)number, call, path + folder_length,
             bytes);
  if (plan->mode == kKill) Die();
  errno = code;
  return verdict;
}

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

#define ON_FILE(kind, fd, bytes) \
  char path[PATH_MAX]; \
  const enum Verdict verdict = plan && PathOf(fd, path) ? Strike(kind, __func__, path, bytes) : kGoOn; \
  if (verdict == kFail) return -1; \
  if (verdict == kSkip) return (ssize_t)(bytes)

#define AFTER_HALF(result) \
  const ssize_t half = result; \
  if (plan->mode == kTornKill) Die(); \
  return half

ssize_t write(int fd, const void* data, size_t size) {
  REAL(write);
  ON_FILE(kWrite, fd, size);
  if (verdict == kHalf) { AFTER_HALF(real(fd, data, size / 2)); }
  return real(fd, data, size);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t at) {
  REAL(pwrite);
  ON_FILE(kWrite, fd, size);
  if (verdict == kHalf) { AFTER_HALF(real(fd, data, size / 2, at)); }
  return real(fd, data, size, at);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t at) {
  REAL(pwrite64);
  ON_FILE(kWrite, fd, size);
  if (verdict == kHalf) { AFTER_HALF(real(fd, data, size / 2, at)); }
  return real(fd, data, size, at);
}
static size_t Total(const struct iovec* parts, int count) {
  size_t total = 0;
  for (int i = 0; i < count; ++i) total += parts[i].iov_len;
  return total;
}
/* The half of a gathered write: its first part's half, or all but the last part. */
ssize_t writev(int fd, const struct iovec* parts, int count) {
  REAL(writev);
  ON_FILE(kWrite, fd, Total(parts, count));
  if (verdict == kHalf) {
    struct iovec first = parts[0];
    first.iov_len = count > 1 ? first.iov_len : first.iov_len / 2;
    AFTER_HALF(real(fd, count > 1 ? parts : &first, count > 1 ? count - 1 : 1));
  }
  return real(fd, parts, count);
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t at) {
  REAL(pwritev);
  ON_FILE(kWrite, fd, Total(parts, count));
  if (verdict == kHalf) {
    struct iovec first = parts[0];
    first.iov_len = count > 1 ? first.iov_len : first.iov_len / 2;
    AFTER_HALF(real(fd, count > 1 ? parts : &first, count > 1 ? count - 1 : 1, at));
  }
  return real(fd, parts, count, at);
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t at) {
  REAL(pwritev64);
  ON_FILE(kWrite, fd, Total(parts, count));
  if (verdict == kHalf) {
    struct iovec first = parts[0];
    first.iov_len = count > 1 ? first.iov_len : first.iov_len / 2;
    AFTER_HALF(real(fd, count > 1 ? parts : &first, count > 1 ? count - 1 : 1, at));
  }
  return real(fd, parts, count, at);
}
ssize_t copy_file_range(int in, off64_t* in_at, int fd, off64_t* at, size_t size, unsigned flags) {
  REAL(copy_file_range);
  ON_FILE(kWrite, fd, 1);
  return real(in, in_at, fd, at, size, flags);
}
ssize_t sendfile(int fd, int in, off_t* at, size_t size);
ssize_t sendfile(int fd, int in, off_t* at, size_t size) {
  REAL(sendfile);
  ON_FILE(kWrite, fd, 1);
  return real(fd, in, at, size);
}
ssize_t sendfile64(int fd, int in, off64_t* at, size_t size);
ssize_t sendfile64(int fd, int in, off64_t* at, size_t size) {
  REAL(sendfile64);
  ON_FILE(kWrite, fd, 1);
  return real(fd, in, at, size);
}
int fsync(int fd) {
  REAL(fsync);
  ON_FILE(kSync, fd, 0);
  return real(fd);
}
int fdatasync(int fd) {
  REAL(fdatasync);
  ON_FILE(kSync, fd, 0);
  return real(fd);
}
int sync_file_range(int fd, off64_t at, off64_t size, unsigned flags) {
  REAL(sync_file_range);
  ON_FILE(kSync, fd, 0);
  return real(fd, at, size, flags);
}
int syncfs(int fd) {
  REAL(syncfs);
  ON_FILE(kSync, fd, 0);
  return real(fd);
}
int ftruncate(int fd, off_t size) {
  REAL(ftruncate);
  ON_FILE(kName, fd, (size_t)size);
  return real(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  REAL(ftruncate64);
  ON_FILE(kName, fd, (size_t)size);
  return real(fd, size);
}
int fallocate(int fd, int mode, off_t at, off_t size) {
  REAL(fallocate);
  ON_FILE(kSpace, fd, (size_t)size);
  return real(fd, mode, at, size);
}
int fallocate64(int fd, int mode, off64_t at, off64_t size) {
  REAL(fallocate64);
  ON_FILE(kSpace, fd, (size_t)size);
  return real(fd, mode, at, size);
}
/* These give the error's number. */
int posix_fallocate(int fd, off_t at, off_t size) {
  REAL(posix_fallocate);
  char path[PATH_MAX];
  if (plan && PathOf(fd, path) && Strike(kSpace, __func__, path, (size_t)size) == kFail) return errno;
  return real(fd, at, size);
}
int posix_fallocate64(int fd, off64_t at, off64_t size) {
  REAL(posix_fallocate64);
  char path[PATH_MAX];
  if (plan && PathOf(fd, path) && Strike(kSpace, __func__, path, (size_t)size) == kFail) return errno;
  return real(fd, at, size);
}

#define ON_NAME(kind, at, name) \
  char path[PATH_MAX]; \
  if (plan && AbsolutePath(at, name, path) && Strike(kind, __func__, path, 0) == kFail) return -1

int truncate(const char* name, off_t size) {
  REAL(truncate);
  ON_NAME(kName, AT_FDCWD, name);
  return real(name, size);
}
int truncate64(const char* name, off64_t size) {
  REAL(truncate64);
  ON_NAME(kName, AT_FDCWD, name);
  return real(name, size);
}
int rename(const char* from, const char* to) {
  REAL(rename);
  ON_NAME(kName, AT_FDCWD, to);
  return real(from, to);
}
int renameat(int from_at, const char* from, int to_at, const char* to) {
  REAL(renameat);
  ON_NAME(kName, to_at, to);
  return real(from_at, from, to_at, to);
}
int renameat2(int from_at, const char* from, int to_at, const char* to, unsigned flags) {
  REAL(renameat2);
  ON_NAME(kName, to_at, to);
  return real(from_at, from, to_at, to, flags);
}
int unlink(const char* name) {
  REAL(unlink);
  ON_NAME(kName, AT_FDCWD, name);
  return real(name);
}
int unlinkat(int at, const char* name, int flags) {
  REAL(unlinkat);
  ON_NAME(kName, at, name);
  return real(at, name, flags);
}
int remove(const char* name) {
  REAL(remove);
  ON_NAME(kName, AT_FDCWD, name);
  return real(name);
}
int rmdir(const char* name) {
  REAL(rmdir);
  ON_NAME(kName, AT_FDCWD, name);
  return real(name);
}
int link(const char* from, const char* to) {
  REAL(link);
  ON_NAME(kSpace, AT_FDCWD, to);
  return real(from, to);
}
int linkat(int from_at, const char* from, int to_at, const char* to, int flags) {
  REAL(linkat);
  ON_NAME(kSpace, to_at, to);
  return real(from_at, from, to_at, to, flags);
}
int symlink(const char* from, const char* to) {
  REAL(symlink);
  ON_NAME(kSpace, AT_FDCWD, to);
  return real(from, to);
}
int mkdir(const char* name, mode_t mode) {
  REAL(mkdir);
  ON_NAME(kSpace, AT_FDCWD, name);
  return real(name, mode);
}
int mkdirat(int at, const char* name, mode_t mode) {
  REAL(mkdirat);
  ON_NAME(kSpace, at, name);
  return real(at, name, mode);
}

/* Opening counts when it makes a file. */
static int Makes(int at, const char* name, int flags, char* path) {
  if (!plan || !(flags & O_CREAT) || !AbsolutePath(at, name, path)) return 0;
  struct stat about;
  return syscall(SYS_newfstatat, at, name, &about, AT_SYMLINK_NOFOLLOW) != 0;
}

#define OPEN(at, name) \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { \
    va_list rest; \
    va_start(rest, flags); \
    mode = va_arg(rest, mode_t); \
    va_end(rest); \
  } \
  char path[PATH_MAX]; \
  const int saved = errno; \
  const int makes = Makes(at, name, flags, path); \
  errno = saved; \
  if (makes && Strike(kSpace, __func__, path, 0) == kFail) return -1

int open(const char* name, int flags, ...) {
  REAL(open);
  OPEN(AT_FDCWD, name);
  return real(name, flags, mode);
}
int open64(const char* name, int flags, ...) {
  REAL(open64);
  OPEN(AT_FDCWD, name);
  return real(name, flags, mode);
}
int openat(int at, const char* name, int flags, ...) {
  REAL(openat);
  OPEN(at, name);
  return real(at, name, flags, mode);
}
int openat64(int at, const char* name, int flags, ...) {
  REAL(openat64);
  OPEN(at, name);
  return real(at, name, flags, mode);
}
FILE* fopen(const char* name, const char* how) {
  REAL(fopen);
  char path[PATH_MAX];
  if (how[0] != 'r' && Makes(AT_FDCWD, name, O_CREAT, path) && Strike(kSpace, __func__, path, 0) == kFail) return NULL;
  return real(name, how);
}
FILE* fopen64(const char* name, const char* how) {
  REAL(fopen64);
  char path[PATH_MAX];
  if (how[0] != 'r' && Makes(AT_FDCWD, name, O_CREAT, path) && Strike(kSpace, __func__, path, 0) == kFail) return NULL;
  return real(name, how);
}
