// Memory that is passed by a descriptor.

#include "kv/share/shared_memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>

#include "tests/support/forked_child.h"
#include "tests/support/share_harness.h"
#include "tests/support/testing.h"
#include "tests/support/tiny_disk.h"

namespace actorkv {
namespace {

namespace fs = std::filesystem;

constexpr size_t kSize = 3 * 4096;
constexpr char kName[] = "actorkv.memory";

using Word = std::atomic<uint64_t>;
Word* WordOf(const SharedMemory& memory) {
  return static_cast<Word*>(memory.data());
}

size_t FileCount(const std::string& directory) {
  return static_cast<size_t>(
      std::distance(fs::directory_iterator(directory), {}));
}

// With memfds, and where the system refuses them.
class SharedMemoryTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override { RefuseMemfdsForTesting(GetParam()); }
  void TearDown() override { RefuseMemfdsForTesting(false); }

  std::unique_ptr<SharedMemory> Make() {
    std::unique_ptr<SharedMemory> memory;
    EXPECT_OK(SharedMemory::Make(*store_.opened(), kName, kSize, &memory));
    return memory;
  }

  const StoreDirectory store_;
};

TEST_P(SharedMemoryTest, BothSidesSeeEachOther) {
  const auto mine = Make();
  ASSERT_NE(mine, nullptr);
  std::unique_ptr<SharedMemory> theirs;
  ASSERT_OK(SharedMemory::Adopt(dup(mine->fd()), kName, kSize, &theirs));
  EXPECT_NE(mine->data(), theirs->data());
  EXPECT_EQ(*WordOf(*theirs), 0U);
  *WordOf(*mine) = 17;
  EXPECT_EQ(*WordOf(*theirs), 17U);
  *WordOf(*theirs) = 18;
  EXPECT_EQ(*WordOf(*mine), 18U);
}

TEST_P(SharedMemoryTest, AnotherProcessSeesIt) {
  const auto mine = Make();
  // A child has no mapping of its parent, so it makes one, as a peer does with
  // what it got over a socket.
  *WordOf(*mine) = 17;
  const int passed = dup(mine->fd());
  ForkedChild child([&] {
    std::unique_ptr<SharedMemory> memory;
    if (!SharedMemory::Adopt(passed, kName, kSize, &memory).ok()) return 1;
    if (*WordOf(*memory) != 17) return 2;
    *WordOf(*memory) = 18;
    return 0;
  });
  close(passed);
  EXPECT_EQ(child.Wait(), 0);
  EXPECT_EQ(*WordOf(*mine), 18U);
}

// The file system gives it no name, and leaves none behind.
TEST_P(SharedMemoryTest, IsNothingInTheDirectory) {
  const size_t before = FileCount(store_.path());
  const auto memory = Make();
  EXPECT_EQ(FileCount(store_.path()), before);
  struct stat file = {};
  ASSERT_EQ(fstat(memory->fd(), &file), 0);
  EXPECT_EQ(file.st_nlink, 0U);
  EXPECT_EQ(fcntl(memory->fd(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_P(SharedMemoryTest, IsNotMappedInAChildOfFork) {
  auto memory = Make();
  void* const place = memory->data();
  ForkedChild child([&] {
    unsigned char resident[kSize / 4096];
    // Nothing is mapped there.
    if (mincore(place, kSize, resident) == 0 || errno != ENOMEM) return 1;
    void* const other = mmap(place, 4096, PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (other != place || memory->fd() >= 0) return 2;
    // It takes away nothing that came to its place.
    memory.reset();
    return mincore(place, 4096, resident) == 0 ? 0 : 3;
  });
  EXPECT_EQ(child.Wait(), 0);
}

INSTANTIATE_TEST_SUITE_P(All, SharedMemoryTest, testing::Bool(),
                         [](const auto& test) {
                           return test.param ? "File" : "Memfd";
                         });

TEST(SealedMemoryTest, NobodyChangesItsSize) {
  const StoreDirectory store;
  std::unique_ptr<SharedMemory> memory;
  ASSERT_OK(SharedMemory::Make(*store.opened(), kName, kSize, &memory));
  EXPECT_NE(ftruncate(memory->fd(), 0), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(ftruncate(memory->fd(), 2 * kSize), 0);
  EXPECT_EQ(errno, EPERM);
  EXPECT_NE(fcntl(memory->fd(), F_ADD_SEALS, F_SEAL_WRITE), 0);
  EXPECT_EQ(errno, EPERM);
}

// A page of a mapping that the disk has no room for would end the process.
TEST(FileMemoryTest, ItsBlocksAreWritten) {
  const StoreDirectory store;
  RefuseMemfdsForTesting(true);
  std::unique_ptr<SharedMemory> memory;
  const Status status =
      SharedMemory::Make(*store.opened(), kName, kSize, &memory);
  RefuseMemfdsForTesting(false);
  ASSERT_OK(status);
  struct stat file = {};
  ASSERT_EQ(fstat(memory->fd(), &file), 0);
  EXPECT_GE(static_cast<size_t>(file.st_blocks) * 512, kSize);
}

class ForeignMemoryTest : public testing::Test {
 protected:
  static Status Adopt(int fd) {
    std::unique_ptr<SharedMemory> memory;
    Status status = SharedMemory::Adopt(fd, kName, kSize, &memory);
    EXPECT_EQ(memory, nullptr);
    EXPECT_LT(fcntl(fd, F_GETFD), 0) << "taken also on an error";
    return status;
  }

  static int Memfd(off_t size, int seals) {
    const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    EXPECT_EQ(ftruncate(fd, size), 0);
    EXPECT_TRUE(seals == 0 || fcntl(fd, F_ADD_SEALS, seals) == 0);
    return fd;
  }

  const TempDir temp_;
};

TEST_F(ForeignMemoryTest, AnotherSizeIsRefused) {
  constexpr int kAll = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  EXPECT_TRUE(IsError(Adopt(Memfd(kSize - 1, kAll)), Code::kCorruption,
                      "actorkv.memory came from the owner of the store, and "
                      "is not used: it has 12287 bytes, not 12288"));
  EXPECT_TRUE(IsError(Adopt(Memfd(kSize + 1, kAll)), Code::kCorruption,
                      "it has 12289 bytes"));
}

TEST_F(ForeignMemoryTest, WhatIsNotSealedIsRefused) {
  for (const int seals :
       {0, F_SEAL_SHRINK | F_SEAL_GROW, F_SEAL_SHRINK | F_SEAL_SEAL,
        F_SEAL_GROW | F_SEAL_SEAL}) {
    EXPECT_TRUE(IsError(Adopt(Memfd(kSize, seals)), Code::kCorruption,
                        "its size is not sealed"));
  }
}

TEST_F(ForeignMemoryTest, AFileWithANameIsRefused) {
  WriteFile(temp_.File("f"), std::string(kSize, 'x'));
  EXPECT_TRUE(IsError(Adopt(open(temp_.File("f").c_str(), O_RDWR)),
                      Code::kCorruption, "it is a file with a name"));
}

TEST_F(ForeignMemoryTest, AFileWithHolesIsRefused) {
  const int fd = open(temp_.File("f").c_str(), O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(ftruncate(fd, kSize), 0);
  ASSERT_EQ(unlink(temp_.File("f").c_str()), 0);
  EXPECT_TRUE(IsError(Adopt(fd), Code::kCorruption, "a file with holes"));
}

TEST_F(ForeignMemoryTest, WhatIsNoFileIsRefused) {
  EXPECT_TRUE(IsError(Adopt(open("/dev/null", O_RDWR)), Code::kCorruption,
                      "it is no memory"));
}

TEST(FileMemoryTest, ADiskThatIsFullIsAnError) {
  TinyDisk disk("size=1m");
  if (!disk.mounted()) GTEST_SKIP() << "needs root";
  const std::string path = disk.File("store");
  fs::create_directory(path);
  const StoreDirectory store(path);
  RefuseMemfdsForTesting(true);
  std::unique_ptr<SharedMemory> memory;
  const Status status =
      SharedMemory::Make(*store.opened(), kName, 4 << 20, &memory);
  RefuseMemfdsForTesting(false);
  EXPECT_TRUE(IsError(status, Code::kNoSpace, "write " + path));
  EXPECT_EQ(FileCount(path), 1U) << "the marker";
}

}  // namespace
}  // namespace actorkv
