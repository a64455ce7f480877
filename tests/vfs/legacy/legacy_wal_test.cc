// WALs of legacy databases: what comes out is what SQLite itself makes of the
// same files, and lost chunks are refused.

#include "vfs/legacy/legacy_wal.h"

#include <gtest/gtest.h>

#include "tests/support/recovery_harness.h"

namespace actorkv {
namespace {

constexpr char kContent[] = "SELECT count(*), sum(a), sum(length(b)) FROM t";

class LegacyWalTest : public RecoveryTest {
 protected:
  // A database with `commits` transactions that are only in the WAL; the path
  // of copies of its files.
  std::string MakeWal(int page_size = 4096, int commits = 3) {
    SqliteDb db;
    EXPECT_EQ(db.Open(File("wal.db")), SQLITE_OK);
    EXPECT_EQ(db.Exec("PRAGMA page_size = " + std::to_string(page_size) +
                      ";CREATE TABLE t(a, b);INSERT INTO t VALUES(0, 'first');"
                      "PRAGMA journal_mode = WAL;"
                      "PRAGMA wal_autocheckpoint = 0"),
              SQLITE_OK)
        << db.Error();
    for (int i = 1; i <= commits; ++i) {
      EXPECT_EQ(db.Exec("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                        "i + 1 FROM c WHERE i < 30) INSERT INTO t SELECT i, "
                        "randomblob(300) FROM c"),
                SQLITE_OK);
    }
    std::string path = CopyFiles("wal.db");
    db.Close();
    std::filesystem::remove(File("wal.db"));
    wal_ = Contents(path + "-wal");
    pairs()->AddDatabase(path);
    return path;
  }

  void SetWal(const std::string& path, const std::string& bytes) {
    WriteFile(path + "-wal", bytes);
    for (uint32_t i = 0; i * kLegacyChunkBytes < wal_.size(); ++i) {
      pairs()->pairs()->erase(LegacyChunkKey(LegacyTag::kWal, i));
    }
    pairs()->AddFile(LegacyTag::kWal, bytes);
  }

  void ExpectAsNative(const std::string& path) {
    ASSERT_OK(Run());
    EXPECT_EQ(Ask(kContent), AskNative(path, kContent));
    EXPECT_EQ(Ask("PRAGMA integrity_check"), "ok");
    EXPECT_EQ(ImageBytes().substr(18, 2), "\x01\x01");
  }

  std::string wal_;
};

TEST_F(LegacyWalTest, IsAppliedAtAllPageSizes) {
  for (int page_size = 512; page_size <= 65536; page_size *= 2) {
    SCOPED_TRACE(page_size);
    Clear();
    const std::string path = MakeWal(page_size);
    ExpectAsNative(path);
    EXPECT_EQ(Ask("SELECT count(*) FROM t"), "91");
    const size_t frames =
        wal_.size() / (kWalFrameHeaderBytes + static_cast<size_t>(page_size));
    EXPECT_EQ(Repairs(), "applied " + std::to_string(frames) +
                             " WAL frames (3 transactions)");
  }
}

TEST_F(LegacyWalTest, TheTailBehindTheLastCommitIsDropped) {
  const std::string path = MakeWal(1024);
  const size_t frame = 1024 + kWalFrameHeaderBytes;
  const size_t frames = (wal_.size() - kWalHeaderBytes) / frame;
  for (size_t i = 0; i <= frames; ++i) {
    for (const size_t into : {size_t{0}, size_t{10}, size_t{700}}) {
      const size_t cut = kWalHeaderBytes + i * frame + into;
      if (cut > wal_.size()) continue;
      SetWal(path, wal_.substr(0, cut));
      ExpectAsNative(path);
    }
  }
  for (const size_t cut : {0U, 1U, 31U}) {
    SetWal(path, wal_.substr(0, cut));
    ExpectAsNative(path);
    EXPECT_EQ(Repairs(), "left WAL mode: there were no frames to apply");
  }
}

TEST_F(LegacyWalTest, SaltsAndSumsEndIt) {
  const std::string path = MakeWal(1024);
  const size_t frame = 1024 + kWalFrameHeaderBytes;
  // Salts and a sum of the header and of frames, and a page.
  for (const size_t at :
       {size_t{17}, size_t{25}, size_t{40}, kWalHeaderBytes + 9,
        kWalHeaderBytes + 17, kWalHeaderBytes + 9 * frame + 8,
        kWalHeaderBytes + 12 * frame + 500}) {
    std::string bytes = wal_;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    SetWal(path, bytes);
    ExpectAsNative(path);
  }
}

TEST_F(LegacyWalTest, ACleanCloseLeavesWalMode) {
  SqliteDb db;
  ASSERT_EQ(db.Open(File("clean.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA journal_mode = WAL; CREATE TABLE t(a, b);"
                    "INSERT INTO t VALUES(1, 'x')"),
            SQLITE_OK);
  ASSERT_EQ(db.Close(), SQLITE_OK);
  pairs()->AddDatabase(File("clean.db"));
  ASSERT_OK(Run());
  EXPECT_EQ(Repairs(), "left WAL mode: there were no frames to apply");
  EXPECT_EQ(Ask(kContent), "1|1|1");
  EXPECT_EQ(ImageBytes().substr(18, 2), "\x01\x01");
}

TEST_F(LegacyWalTest, BesideADatabaseInRollbackMode) {
  const std::string path = MakeWal();
  std::string main = Contents(path);
  main[18] = main[19] = 1;
  WriteFile(path, main);
  pairs()->AddFile(LegacyTag::kMain, main);
  ExpectAsNative(path);
  EXPECT_EQ(Ask("SELECT count(*) FROM t"), "91");
}

TEST_F(LegacyWalTest, BesideAHotJournal) {
  const std::string path = MakeWal();
  // A transaction in rollback mode on the same database was cut short.
  std::string main = Contents(path);
  WriteFile(File("hot.db"), main);
  SqliteDb db;
  ASSERT_EQ(db.Open(File("hot.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA journal_mode = DELETE"), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size = 5; BEGIN; "
                    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 "
                    "FROM c WHERE i < 200) INSERT INTO t SELECT i, "
                    "randomblob(900) FROM c"),
            SQLITE_OK);
  const std::string hot = CopyFiles("hot.db");
  std::filesystem::copy_file(path + "-wal", hot + "-wal");
  ASSERT_NE(Contents(hot + "-journal"), "");
  Clear();
  pairs()->AddDatabase(hot);
  ExpectAsNative(hot);
  EXPECT_EQ(Repairs().find("rolled back a hot journal: "), 0u);
  EXPECT_NE(Repairs().find("WAL frames (3 transactions)"), std::string::npos);
}

TEST_F(LegacyWalTest, ALostChunkIsRefusedAndALostEndIsNot) {
  MakeWal(1024, 5);
  const auto all = *pairs()->pairs();
  const auto chunks =
      static_cast<uint32_t>((wal_.size() - 1) / kLegacyChunkBytes + 1);
  ASSERT_GT(chunks, 5u);
  for (uint32_t i = 0; i + 1 < chunks; ++i) {
    *pairs()->pairs() = all;
    pairs()->DropChunk(LegacyTag::kWal, i);
    EXPECT_TRUE(IsError(
        Run(), Code::kCorruption,
        "the WAL has a hole at byte " + std::to_string(i * kLegacyChunkBytes)))
        << i;
  }
  *pairs()->pairs() = all;
  pairs()->DropChunk(LegacyTag::kWal, chunks - 1);
  ASSERT_OK(Run());
  EXPECT_EQ(Ask("SELECT count(*) FROM t"), "121");
}

TEST_F(LegacyWalTest, ASizeCostsNothing) {
  MakeWal();
  pairs()->SetSize(LegacyTag::kWal, uint64_t{17} << 40);
  ASSERT_OK(Run());
  EXPECT_EQ(Ask("SELECT count(*) FROM t"), "91");
}

TEST_F(LegacyWalTest, WithoutItsDatabaseItIsRefused) {
  MakeWal();
  for (uint32_t i = 0; i < 2; ++i) pairs()->DropChunk(LegacyTag::kMain, i);
  pairs()->SetSize(LegacyTag::kMain, 0);
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "is empty or missing"));
  pairs()->pairs()->erase(LegacyMetadataKey(LegacyTag::kMain));
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "is empty or missing"));
}

TEST_F(LegacyWalTest, AnotherPageSizeInItsHeader) {
  const std::string path = MakeWal(1024);
  const std::string other = MakeWal(4096);
  Clear();
  WriteFile(path, Contents(other));
  pairs()->AddDatabase(path);
  // What SQLite says: the frames of another database are read.
  const Status s = Run();
  const std::string native = AskNative(path, kContent);
  EXPECT_EQ(s.ok() ? Ask(kContent) : "error", native.substr(0, 40));
}

}  // namespace
}  // namespace actorkv
