// TinyDisk: a small file system of its own, for tests of a full disk. Only
// root may mount one; mounted() tells.

#ifndef ACTORKV_TESTS_SUPPORT_TINY_DISK_H_
#define ACTORKV_TESTS_SUPPORT_TINY_DISK_H_

#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/support/testing.h"

namespace actorkv {

class TinyDisk {
 public:
  // `options`: of tmpfs.
  explicit TinyDisk(const char* options = "size=48m") {
    mounted_ = geteuid() == 0 && mount("actorkv-test", temp_.path().c_str(),
                                       "tmpfs", 0, options) == 0;
  }
  ~TinyDisk() {
    if (mounted_) umount2(temp_.path().c_str(), MNT_DETACH);
  }
  TinyDisk(const TinyDisk&) = delete;
  TinyDisk& operator=(const TinyDisk&) = delete;

  bool mounted() const { return mounted_; }
  std::string File(const std::string& name) const { return temp_.File(name); }

  // Takes all space but `left_bytes`, into a file.
  void Fill(uint64_t left_bytes) {
    struct statvfs disk = {};
    ASSERT_EQ(statvfs(temp_.path().c_str(), &disk), 0);
    const uint64_t free_bytes = disk.f_bavail * disk.f_frsize;
    ASSERT_TRUE(free_bytes > left_bytes ||
                std::filesystem::exists(File("filler")));
    std::ofstream(File("filler"), std::ios::app)
        << std::string(std::max(free_bytes, left_bytes) - left_bytes, 'f')
        << std::flush;
  }

  // Gives back what Fill() took.
  void Free() { std::filesystem::remove(File("filler")); }

 private:
  TempDir temp_;
  bool mounted_ = false;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_TINY_DISK_H_
