#include "bench/io_count.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdarg>
#include <fstream>
#include <string>

namespace {

// Files above this number are not watched.
constexpr int kMaxFile = 1 << 16;

std::atomic<uint64_t> syncs_so_far{0};

// By descriptor: each write waits for the disk.
std::array<std::atomic<bool>, kMaxFile> waits{};

template <typename Function>
Function Next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

void CountSync() { syncs_so_far.fetch_add(1, std::memory_order_relaxed); }

void CountWrite(int fd) {
  if (fd < 0 || fd >= kMaxFile) return;
  if (waits[static_cast<size_t>(fd)].load(std::memory_order_relaxed)) {
    CountSync();
  }
}

using OpenFunction = int (*)(const char*, int, ...);

// A descriptor is given out again after its close: each open says it anew.
int OpenAndNote(OpenFunction next, const char* path, int flags, mode_t mode) {
  const int fd = next(path, flags, mode);
  if (fd >= 0 && fd < kMaxFile) {
    // O_SYNC has the bit of O_DSYNC.
    waits[static_cast<size_t>(fd)].store((flags & O_DSYNC) != 0,
                                         std::memory_order_relaxed);
  }
  return fd;
}

// The third argument of open(2), which is there only when it makes a file.
mode_t ModeOf(int flags, va_list arguments) {
  return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

}  // namespace

// These stand before the C library's, for the libraries too. The names of
// parameters are those of its headers.

extern "C" int fsync(int fd) {
  static const auto next = Next<int (*)(int)>("fsync");
  CountSync();
  return next(fd);
}

extern "C" int fdatasync(int fildes) {
  static const auto next = Next<int (*)(int)>("fdatasync");
  CountSync();
  return next(fildes);
}

extern "C" int open(const char* file, int oflag, ...) {
  static const auto next = Next<OpenFunction>("open");
  va_list arguments;
  va_start(arguments, oflag);
  const mode_t mode = ModeOf(oflag, arguments);
  va_end(arguments);
  return OpenAndNote(next, file, oflag, mode);
}

extern "C" int open64(const char* file, int oflag, ...) {
  static const auto next = Next<OpenFunction>("open64");
  va_list arguments;
  va_start(arguments, oflag);
  const mode_t mode = ModeOf(oflag, arguments);
  va_end(arguments);
  return OpenAndNote(next, file, oflag, mode);
}

extern "C" ssize_t write(int fd, const void* buf, size_t n) {
  static const auto next = Next<ssize_t (*)(int, const void*, size_t)>("write");
  CountWrite(fd);
  return next(fd, buf, n);
}

extern "C" ssize_t pwrite(int fd, const void* buf, size_t n, off_t offset) {
  static const auto next =
      Next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  CountWrite(fd);
  return next(fd, buf, n, offset);
}

extern "C" ssize_t pwrite64(int fd, const void* buf, size_t n, off64_t offset) {
  static const auto next =
      Next<ssize_t (*)(int, const void*, size_t, off64_t)>("pwrite64");
  CountWrite(fd);
  return next(fd, buf, n, offset);
}

namespace actorkv::bench {

IoCount IoCount::Now() {
  IoCount count;
  count.sync_count = syncs_so_far.load();
  std::ifstream io("/proc/self/io");
  std::string field;
  uint64_t value = 0;
  while (io >> field >> value) {
    if (field == "wchar:") count.written_bytes = value;
  }
  return count;
}

}  // namespace actorkv::bench
