#include "bench/io_count.h"

#include <dlfcn.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <string>

namespace {

std::atomic<uint64_t> syncs_so_far{0};

using SyncFunction = int (*)(int);

SyncFunction Next(const char* name) {
  return reinterpret_cast<SyncFunction>(dlsym(RTLD_NEXT, name));
}

}  // namespace

// These stand before the C library's, for the libraries too.

extern "C" int fsync(int fd) {
  static const SyncFunction next = Next("fsync");
  syncs_so_far.fetch_add(1, std::memory_order_relaxed);
  return next(fd);
}

extern "C" int fdatasync(int fildes) {
  static const SyncFunction next = Next("fdatasync");
  syncs_so_far.fetch_add(1, std::memory_order_relaxed);
  return next(fildes);
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
