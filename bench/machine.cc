// What a reader of the numbers must know about where they come from.

#include <rocksdb/version.h>
#include <sqlite3.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <fstream>
#include <string>
#include <thread>

#include "bench/die.h"
#include "bench/results.h"

namespace actorkv::bench {

namespace {

std::string FirstValue(const char* path, const std::string& name) {
  std::ifstream in(path);
  std::string line;
  while (std::getline(in, line)) {
    if (line.rfind(name, 0) != 0) continue;
    const size_t begin = line.find_first_not_of(": \t\"=", name.size());
    if (begin == std::string::npos) return "";
    const size_t end = line.find_last_not_of("\" \t");
    return line.substr(begin, end - begin + 1);
  }
  return "";
}

// File systems are told apart by the numbers of statfs(2).
std::string FileSystemOf(const std::string& directory) {
  constexpr int64_t kExt4 = 0xef53;
  constexpr int64_t kXfs = 0x58465342;
  constexpr int64_t kBtrfs = 0x9123683e;
  constexpr int64_t kTmpfs = 0x01021994;
  constexpr int64_t kRamfs = 0x858458f6;
  constexpr int64_t kOverlay = 0x794c7630;
  struct statfs info = {};
  if (statfs(directory.c_str(), &info) != 0) {
    Die("cannot look at " + directory);
  }
  switch (static_cast<int64_t>(info.f_type)) {
    case kExt4:
      return "ext4";
    case kXfs:
      return "xfs";
    case kBtrfs:
      return "btrfs";
    case kOverlay:
      return "overlay";
    case kTmpfs:
    case kRamfs:
      Die(directory +
          " is in memory, where syncs cost nothing; set "
          "ACTORKV_BENCH_DIR to a directory on a disk");
    default:
      return "type " + std::to_string(info.f_type);
  }
}

}  // namespace

Context DescribeMachine(const std::string& directory) {
  struct utsname system = {};
  uname(&system);
  return {
      {"machine", FirstValue("/proc/cpuinfo", "model name") + ", " +
                      std::to_string(std::thread::hardware_concurrency()) +
                      " CPUs, " + FirstValue("/proc/meminfo", "MemTotal")},
      {"disk", FileSystemOf(directory)},
      {"system", FirstValue("/etc/os-release", "PRETTY_NAME") + ", Linux " +
                     system.release},
      {"libraries", std::string("SQLite ") + sqlite3_libversion() +
                        ", RocksDB " + rocksdb::GetRocksVersionAsString() +
                        ", actorkv " ACTORKV_VERSION},
  };
}

}  // namespace actorkv::bench
