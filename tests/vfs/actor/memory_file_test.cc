// A journal in memory, and on disk when it grows past its memory: both behave
// the same.

#include "vfs/actor/memory_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

#include "tests/support/testing.h"

namespace actorkv {
namespace {

constexpr char kMagic[] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";

class MemoryFileTest : public testing::Test {
 protected:
  MemoryFileTest() : file_(sqlite3_vfs_find("unix")) {}
  ~MemoryFileTest() override { file_.Close(); }

  MemoryFile* file() { return &file_; }

  void Write(const std::string& bytes, size_t offset) {
    ASSERT_EQ(file_.Write(bytes.data(), static_cast<int>(bytes.size()),
                          static_cast<sqlite3_int64>(offset)),
              SQLITE_OK);
  }
  std::string Read(size_t size, size_t offset, int code = SQLITE_OK) {
    std::string bytes(size, 'x');
    EXPECT_EQ(file_.Read(bytes.data(), static_cast<int>(size),
                         static_cast<sqlite3_int64>(offset)),
              code);
    return bytes;
  }
  sqlite3_int64 Size() {
    sqlite3_int64 size = -1;
    EXPECT_EQ(file_.FileSize(&size), SQLITE_OK);
    return size;
  }

 private:
  MemoryFile file_;
};

TEST_F(MemoryFileTest, ReadsWhatWasWritten) {
  Write("hello", 0);
  Write("world", 10);
  EXPECT_EQ(Size(), 15);
  EXPECT_EQ(Read(15, 0), std::string("hello\0\0\0\0\0world", 15));
  EXPECT_EQ(Read(4, 13, SQLITE_IOERR_SHORT_READ), std::string("ld\0\0", 4));
  EXPECT_EQ(Read(4, 100, SQLITE_IOERR_SHORT_READ), std::string(4, '\0'));
}

TEST_F(MemoryFileTest, Truncate) {
  Write("hello", 0);
  ASSERT_EQ(file()->Truncate(10), SQLITE_OK);
  EXPECT_EQ(Size(), 5) << "truncating never grows";
  ASSERT_EQ(file()->Truncate(2), SQLITE_OK);
  EXPECT_EQ(Size(), 2);
  Write("x", 4);
  EXPECT_EQ(Read(5, 0), std::string("he\0\0x", 5)) << "no old bytes come back";
}

// Random writes, truncations and reads against a string, over the border.
TEST_F(MemoryFileTest, SameOnDiskAsInMemory) {
  std::mt19937_64 generator(TestSeed());
  std::string model;
  size_t offset = 0;
  for (int i = 0; i < 2000; ++i) {
    const size_t size = generator() % 9000 + 1;
    const std::string bytes(size, static_cast<char>('a' + generator() % 26));
    offset =
        generator() % 10 < 8 ? model.size() : generator() % (model.size() + 1);
    if (model.size() < offset + size) model.resize(offset + size, '\0');
    model.replace(offset, size, bytes);
    Write(bytes, offset);
    if (i % 100 == 0) {
      ASSERT_EQ(Size(), static_cast<sqlite3_int64>(model.size()));
      ASSERT_TRUE(Read(model.size(), 0) == model);
    }
    if (i == 1500) {
      model.resize(model.size() / 2);
      ASSERT_EQ(file()->Truncate(static_cast<sqlite3_int64>(model.size())),
                SQLITE_OK);
    }
  }
  ASSERT_GT(model.size(), kJournalMemoryBytes / 2);
  EXPECT_TRUE(Read(model.size(), 0) == model);
}

// os_unix.c (3.40.1) writes nothing when the low 17 bits of a size are zero;
// what is in memory at the move may have such a size.
TEST(MemoryFileMoveTest, MovesToDiskWithoutLosingAByte) {
  for (const size_t size : {kJournalMemoryBytes, kJournalMemoryBytes - 1,
                            kJournalMemoryBytes / 2, size_t{131072}}) {
    SCOPED_TRACE(size);
    std::string model;
    for (size_t i = 0; i < size; ++i) {
      model.push_back(static_cast<char>(i * 2654435761U >> 13));
    }
    MemoryFile file(sqlite3_vfs_find("unix"));
    ASSERT_EQ(file.Write(model.data(), static_cast<int>(size), 0), SQLITE_OK);
    // Far behind the end, as no pager does: the move is due whatever is there.
    ASSERT_EQ(
        file.Write("m", 1, static_cast<sqlite3_int64>(kJournalMemoryBytes)),
        SQLITE_OK);
    std::string got(size, 'x');
    ASSERT_EQ(file.Read(got.data(), static_cast<int>(size), 0), SQLITE_OK);
    EXPECT_TRUE(got == model);
    file.Close();
  }
}

TEST_F(MemoryFileTest, HidesTheSuperRecord) {
  const std::string magic(kMagic, 8);
  for (const bool on_disk : {false, true}) {
    SCOPED_TRACE(on_disk);
    const size_t base = on_disk ? kJournalMemoryBytes + 100 : 100;
    ASSERT_EQ(file()->Truncate(0), SQLITE_OK);
    Write("records", base);
    const size_t at = base + 7;
    Write(magic, at);
    ASSERT_EQ(file()->HideSuperRecord(), SQLITE_OK);
    EXPECT_EQ(Read(8, at), std::string(8, '\0'));
    EXPECT_EQ(Read(7, base), "records");
    EXPECT_EQ(Size(), static_cast<sqlite3_int64>(at + 8));
    // Again, and without a record: nothing changes.
    ASSERT_EQ(file()->HideSuperRecord(), SQLITE_OK);
    Write("no magic", at);
    ASSERT_EQ(file()->HideSuperRecord(), SQLITE_OK);
    EXPECT_EQ(Read(8, at), "no magic");
  }
  ASSERT_EQ(file()->Truncate(0), SQLITE_OK);
  EXPECT_EQ(file()->HideSuperRecord(), SQLITE_OK) << "an empty journal";
}

TEST_F(MemoryFileTest, LocksAndSyncsAreNothing) {
  EXPECT_EQ(file()->Sync(SQLITE_SYNC_FULL), SQLITE_OK);
  EXPECT_EQ(file()->Lock(SQLITE_LOCK_EXCLUSIVE), SQLITE_OK);
  int reserved = -1;
  EXPECT_EQ(file()->CheckReservedLock(&reserved), SQLITE_OK);
  EXPECT_EQ(reserved, 0);
  EXPECT_EQ(file()->FileControl(SQLITE_FCNTL_SIZE_HINT, nullptr),
            SQLITE_NOTFOUND);
}

TEST_F(MemoryFileTest, Cast) {
  MemoryFile* cast = nullptr;
  EXPECT_TRUE(FileMethods<MemoryFile>::Cast(file(), &cast));
  EXPECT_EQ(cast, file());
  EXPECT_FALSE(FileMethods<MemoryFile>::Cast(nullptr, &cast));
  sqlite3_file other = {};
  EXPECT_FALSE(FileMethods<MemoryFile>::Cast(&other, &cast));
}

// The default VFS, where no file can be made.
int FullDisk(sqlite3_vfs* /*vfs*/, const char* /*name*/, sqlite3_file* file,
             int /*flags*/, int* /*out_flags*/) {
  file->pMethods = nullptr;
  return SQLITE_FULL;
}

TEST(MemoryFileErrorTest, ATemporaryFileThatFailsHasAText) {
  sqlite3_vfs full = *sqlite3_vfs_find("unix");
  full.xOpen = FullDisk;
  MemoryFile file(&full, "/store/alice");
  const std::string bytes(kJournalMemoryBytes, 'j');
  EXPECT_EQ(file.Write(bytes.data(), static_cast<int>(bytes.size()), 0),
            SQLITE_OK);
  EXPECT_EQ(file.Write("more", 4, kJournalMemoryBytes), SQLITE_FULL);
  for (const auto& error : {ErrorOfThread(), ErrorOfName("/store/alice")}) {
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->code, SQLITE_FULL);
    EXPECT_EQ(error->text,
              "the rollback journal, in a temporary file: database or disk is "
              "full");
  }
  file.Close();
}

}  // namespace
}  // namespace actorkv
