// Which file systems other machines may have as well.

#include "kv/files/file_system.h"

#include <gtest/gtest.h>
#include <linux/magic.h>

#include <initializer_list>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

TEST(FileSystemTest, ThoseOfSeveralMachinesAreNamed) {
  EXPECT_STREQ(SharedFileSystemName(NFS_SUPER_MAGIC), "NFS");
  EXPECT_STREQ(SharedFileSystemName(V9FS_MAGIC), "9p");
  EXPECT_STREQ(SharedFileSystemName(FUSE_SUPER_MAGIC), "FUSE or virtiofs");
  // As a number with a sign, too.
  EXPECT_STREQ(SharedFileSystemName(0xFF534D42), "CIFS");
  EXPECT_STREQ(SharedFileSystemName(static_cast<int32_t>(0xFF534D42)), "CIFS");
}

TEST(FileSystemTest, ThoseOfOneMachineAreNot) {
  constexpr int64_t kBtrfs = 0x9123683E;
  constexpr int64_t kXfs = 0x58465342;
  for (const int64_t type :
       std::initializer_list<int64_t>{EXT4_SUPER_MAGIC, TMPFS_MAGIC,
                                      OVERLAYFS_SUPER_MAGIC, kBtrfs, kXfs}) {
    EXPECT_EQ(SharedFileSystemName(type), nullptr) << type;
  }
  EXPECT_EQ(SharedFileSystemOf("/proc"), "");
  EXPECT_EQ(SharedFileSystemOf("/no/such/directory"), "");
}

}  // namespace
}  // namespace actorkv
