// Legacy databases of every shape: page sizes, encodings, free pages that were
// never written, sizes that lie, metadata that cannot be, errors and interrupts
// at every moment.

#include "vfs/legacy/legacy_recovery.h"

#include <gtest/gtest.h>

#include "tests/support/dump_loader.h"
#include "tests/support/recovery_harness.h"

namespace actorkv {
namespace {

constexpr char kCrashed[] = "tests/rivet/v213-crash-update-m50.jsonl.gz";
constexpr char kWalSample[] = "tests/rivet/n-wal-commits.jsonl.gz";

class LegacyRecoveryTest : public RecoveryTest {
 protected:
  // A database with a table, an index and `free` free pages or more.
  void MakeDatabase(const std::string& pragmas, int free_pages = 0) {
    SqliteDb db;
    std::filesystem::remove(File("made.db"));
    ASSERT_EQ(db.Open(File("made.db")), SQLITE_OK);
    ASSERT_EQ(
        db.Exec(pragmas +
                ";CREATE TABLE t(a INTEGER PRIMARY KEY, b, c);"
                "CREATE INDEX i ON t(b);"
                "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                "c WHERE i < 100) INSERT INTO t SELECT i, 'text ä ' || i, "
                "zeroblob(i * 30) FROM c;"
                "CREATE TABLE waste(x)"),
        SQLITE_OK)
        << db.Error();
    for (int i = 0; i < free_pages; ++i) {
      ASSERT_EQ(db.Exec("INSERT INTO waste SELECT randomblob(p * 4 / 5) FROM "
                        "(SELECT page_size AS p FROM pragma_page_size)"),
                SQLITE_OK);
    }
    ASSERT_EQ(db.Exec("DROP TABLE waste"), SQLITE_OK);
    content_ = db.QueryText(kContent);
    db.Close();
    pairs()->AddDatabase(File("made.db"));
  }

  static constexpr char kContent[] =
      "SELECT count(*), sum(a), group_concat(b), sum(length(c)) FROM t";
  std::string content_;
};

TEST_F(LegacyRecoveryTest, PageSizesEncodingsAndAutoVacuum) {
  for (int page_size = 512; page_size <= 65536; page_size *= 2) {
    for (const char* encoding : {"UTF-8", "UTF-16le", "UTF-16be"}) {
      for (const char* vacuum : {"NONE", "FULL", "INCREMENTAL"}) {
        SCOPED_TRACE(std::to_string(page_size) + encoding + vacuum);
        Clear();
        MakeDatabase("PRAGMA page_size = " + std::to_string(page_size) +
                     "; PRAGMA encoding = '" + encoding +
                     "'; PRAGMA auto_vacuum = " + vacuum);
        ASSERT_OK(RunBothWays());
        EXPECT_EQ(Repairs(), "");
        EXPECT_EQ(ImageBytes() == Contents(File("made.db")), true);
        EXPECT_EQ(image()->page_size(), static_cast<uint32_t>(page_size));
      }
    }
  }
}

// Free pages without a chunk are healthy; any other is lost.
TEST_F(LegacyRecoveryTest, OnlyFreePagesMayBeMissing) {
  for (const int page_size : {4096, 8192, 65536}) {
    SCOPED_TRACE(page_size);
    Clear();
    MakeDatabase("PRAGMA page_size = " + std::to_string(page_size), 6);
    const std::string bytes = Contents(File("made.db"));
    const uint32_t trunk = LoadBig32(bytes.data() + 32);
    const size_t trunk_at = size_t{trunk - 1} * static_cast<size_t>(page_size);
    const uint32_t leaf_count = LoadBig32(bytes.data() + trunk_at + 4);
    ASSERT_GE(leaf_count, 3u);
    std::vector<bool> leaf(bytes.size() / static_cast<size_t>(page_size) + 1);
    for (uint32_t i = 0; i < leaf_count; ++i) {
      leaf[LoadBig32(bytes.data() + trunk_at + 8 + size_t{i} * 4)] = true;
    }
    const auto all = *pairs()->pairs();
    const auto chunks = static_cast<uint32_t>(bytes.size() / 4096);
    const auto per_page = static_cast<uint32_t>(page_size) / 4096;
    for (uint32_t i = 1; i < chunks; ++i) {
      *pairs()->pairs() = all;
      pairs()->DropChunk(LegacyTag::kMain, i);
      const uint32_t pgno = i / per_page + 1;
      const Status s = RunBothWays();
      EXPECT_EQ(s.ok(), static_cast<bool>(leaf[pgno])) << i << s.ToString();
      if (s.ok()) {
        EXPECT_EQ(Ask(kContent), content_);
        EXPECT_EQ(Repairs(),
                  "1 free page that was never written reads as zeros");
      }
    }
    *pairs()->pairs() = all;
    for (uint32_t i = 0; i < chunks; ++i) {
      if (leaf[i / per_page + 1]) pairs()->DropChunk(LegacyTag::kMain, i);
    }
    ASSERT_OK(RunBothWays());
    EXPECT_EQ(Ask(kContent), content_);
    EXPECT_EQ(Repairs(), std::to_string(leaf_count) +
                             " free pages that were never written read as "
                             "zeros");
  }
}

// quick_check takes a chain that ends in zeros for a chain that ends.
TEST_F(LegacyRecoveryTest, TheLastOverflowPageIsMissed) {
  SqliteDb db;
  ASSERT_EQ(db.Open(File("made.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA page_size = 4096; CREATE TABLE waste(x);"
                    "INSERT INTO waste VALUES(randomblob(40000));"
                    "CREATE TABLE t(x); INSERT INTO t VALUES(randomblob(9000));"
                    "DROP TABLE waste"),
            SQLITE_OK);
  ASSERT_GT(db.QueryInt("PRAGMA freelist_count"), 5);
  db.Close();
  pairs()->AddDatabase(File("made.db"));
  ASSERT_OK(RunBothWays());
  int refused = 0;
  const auto all = *pairs()->pairs();
  for (uint32_t i = 1; i < image()->page_count(); ++i) {
    *pairs()->pairs() = all;
    pairs()->DropChunk(LegacyTag::kMain, i);
    const Status s = RunBothWays();
    if (!s.ok()) ++refused;
    *pairs()->pairs() = all;
    ASSERT_OK(RunBothWays());
  }
  // Table, its root and two overflow pages, the trunk of the free list.
  EXPECT_GE(refused, 4);
}

TEST_F(LegacyRecoveryTest, SizesThatLie) {
  MakeDatabase("PRAGMA page_size = 1024", 3);
  const auto all = *pairs()->pairs();
  const uint64_t bytes = Contents(File("made.db")).size();
  const struct {
    uint64_t size;
    bool ok;
  } cases[] = {
      {bytes, true},
      {bytes + 1, true},
      {bytes + uint64_t{100} * 4096, true},
      {uint64_t{1} << 44, true},  // 2^32 pages of 4096, none with 32 bits
      {uint64_t{17} << 40, true},
      {~uint64_t{0}, true},
      {bytes - 1024, false},
      {4096, false},
      {1, false},
  };
  for (const auto& sample : cases) {
    *pairs()->pairs() = all;
    pairs()->SetSize(LegacyTag::kMain, sample.size);
    const Status s = RunBothWays();
    EXPECT_EQ(s.ok(), sample.ok) << sample.size << " " << s.ToString();
    if (s.ok()) {
      EXPECT_EQ(ImageBytes() == Contents(File("made.db")), true);
      EXPECT_EQ(Repairs(), sample.size == bytes
                               ? ""
                               : "the metadata say a size of " +
                                     std::to_string(sample.size) +
                                     " bytes, the database has " +
                                     std::to_string(bytes / 1024) +
                                     " pages of 1024 bytes: that is its size");
    }
  }
  // More than the header says, and written: SQLite has that, too.
  *pairs()->pairs() = all;
  pairs()->SetSize(LegacyTag::kMain, bytes + 4096);
  pairs()->PutChunk(LegacyTag::kMain,
                    static_cast<uint32_t>((bytes + 4095) / 4096), "x");
  ASSERT_OK(RunBothWays());
  EXPECT_EQ(Repairs(), "");
  // The header's count is not valid, so the size counts.
  std::string main = Contents(File("made.db"));
  main[95] = static_cast<char>(main[95] ^ 1);
  *pairs()->pairs() = all;
  pairs()->AddFile(LegacyTag::kMain, main);
  ASSERT_OK(RunBothWays());
  EXPECT_EQ(image()->size_bytes(), bytes);
  pairs()->SetSize(LegacyTag::kMain, uint64_t{17} << 40);
  EXPECT_TRUE(
      IsError(RunBothWays(), Code::kCorruption, "pages are not stored, and"));
  // The header's count lies.
  main = Contents(File("made.db"));
  StoreBig32(main.data() + 28, 0x7fffffff);
  pairs()->AddFile(LegacyTag::kMain, main);
  pairs()->SetSize(LegacyTag::kMain, uint64_t{17} << 40);
  EXPECT_TRUE(IsError(RunBothWays(), Code::kCorruption,
                      "of 2147483647 pages are not stored, and the free list"));
  // And so does the free list's.
  StoreBig32(main.data() + 36, 0x7fffffff);
  pairs()->AddFile(LegacyTag::kMain, main);
  pairs()->SetSize(LegacyTag::kMain, uint64_t{17} << 40);
  EXPECT_TRUE(
      IsError(RunBothWays(), Code::kCorruption, "has 2147483647 pages ("));
}

TEST_F(LegacyRecoveryTest, AFreeListInACircleEnds) {
  MakeDatabase("PRAGMA page_size = 4096", 5);
  std::string main = Contents(File("made.db"));
  const uint32_t trunk = LoadBig32(main.data() + 32);
  StoreBig32(main.data() + size_t{trunk - 1} * 4096, trunk);
  StoreBig32(main.data() + size_t{trunk - 1} * 4096 + 4, 0);
  StoreBig32(main.data() + 36, 5000);
  pairs()->AddFile(LegacyTag::kMain, main);
  pairs()->DropChunk(LegacyTag::kMain, trunk);
  EXPECT_TRUE(IsError(RunBothWays(), Code::kCorruption, "are not stored"));
}

TEST_F(LegacyRecoveryTest, NoFileAndNoBytesAreAnEmptyDatabase) {
  ASSERT_OK(RunBothWays());
  EXPECT_EQ(image()->page_count(), 0u);
  EXPECT_EQ(image()->page_size(), 0u);
  pairs()->SetSize(LegacyTag::kMain, 0);
  ASSERT_OK(RunBothWays());
  EXPECT_EQ(image()->page_count(), 0u);
  // A chunk behind the size is none.
  pairs()->PutChunk(LegacyTag::kMain, 0, "x");
  ASSERT_OK(RunBothWays());
  char page[1];
  EXPECT_TRUE(IsError(image()->ReadPage(1, page), Code::kInvalidArgument,
                      "no such page: pgno=1 page_count=0"));
}

TEST_F(LegacyRecoveryTest, BadPairsAreRefused) {
  MakeDatabase("");
  const auto all = *pairs()->pairs();
  const std::string first =
      pairs()->pairs()->at(LegacyChunkKey(LegacyTag::kMain, 0));
  const auto with = [&](size_t at, const std::string& bytes) {
    std::string chunk = first;
    return chunk.replace(at, bytes.size(), bytes);
  };
  const struct {
    std::string key;
    std::string value;
    Code code;
    const char* text;
  } cases[] = {
      {LegacyMetadataKey(LegacyTag::kMain), "short", Code::kCorruption,
       "metadata of 5 bytes"},
      {LegacyMetadataKey(LegacyTag::kWal), "short", Code::kCorruption,
       "of the SQLite file 'wal'"},
      {LegacyMetadataKey(LegacyTag::kJournal),
       std::string("\7\0\0\0\0\0\0\0\0\0", 10), Code::kNotSupported,
       "version 7, not 1 of the SQLite file 'journal'"},
      {LegacyChunkKey(LegacyTag::kMain, 0), with(0, "sqlite"),
       Code::kCorruption, "not a SQLite database"},
      {LegacyChunkKey(LegacyTag::kMain, 0), with(16, std::string(1, 3)),
       Code::kCorruption, "not a SQLite database"},
      {LegacyChunkKey(LegacyTag::kMain, 0), with(18, "\3"), Code::kNotSupported,
       "newer version of SQLite"},
      {LegacyChunkKey(LegacyTag::kMain, 0), with(19, "\3"), Code::kCorruption,
       "not a SQLite database"},
      {LegacyChunkKey(LegacyTag::kMain, 0), with(100, "\1"), Code::kCorruption,
       "the database is damaged"},
      {LegacyChunkKey(LegacyTag::kMain, 1), std::string(4096, 'x'),
       Code::kCorruption, "quick_check says: "},
      {LegacyChunkKey(LegacyTag::kMain, 0), "", Code::kCorruption,
       "not a SQLite database"},
  };
  for (const auto& bad : cases) {
    *pairs()->pairs() = all;
    pairs()->Put(bad.key, bad.value);
    EXPECT_TRUE(IsError(RunBothWays(), bad.code, bad.text));
  }
  // The metadata of the shared memory do not matter.
  *pairs()->pairs() = all;
  pairs()->Put(LegacyMetadataKey(LegacyTag::kShm), "short");
  EXPECT_OK(RunBothWays());
  // Without quick_check only what SQLite needs is looked at.
  pairs()->PutChunk(LegacyTag::kMain, 1, std::string(4096, 'x'));
  EXPECT_OK(Run({false, nullptr}));
}

TEST_F(LegacyRecoveryTest, TheWriteVersionAloneIsReset) {
  MakeDatabase("");
  std::string main = Contents(File("made.db"));
  main[18] = 2;
  pairs()->AddFile(LegacyTag::kMain, main);
  ASSERT_OK(Run());
  EXPECT_EQ(ImageBytes() == Contents(File("made.db")), true);
}

TEST_F(LegacyRecoveryTest, RowsThatBreakACheckAreNoDamage) {
  SqliteDb db;
  ASSERT_EQ(db.Open(File("made.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA ignore_check_constraints = 1;"
                    "CREATE TABLE t(x CHECK (x > 0));"
                    "INSERT INTO t VALUES(-1)"),
            SQLITE_OK);
  db.Close();
  pairs()->AddDatabase(File("made.db"));
  EXPECT_OK(Run());
}

TEST_F(LegacyRecoveryTest, EveryErrorOfThePairsComesThrough) {
  for (const char* sample : {kCrashed, kWalSample}) {
    SCOPED_TRACE(sample);
    Clear();
    LoadDump(sample, pairs());
    uint64_t call = 0;
    for (bool failed = true; failed;) {
      pairs()->FailAt(++call);
      const Status s = Run();
      failed = pairs()->failed();
      if (failed) {
        EXPECT_TRUE(IsError(s, Code::kIOError, "bad day")) << call;
      } else {
        EXPECT_OK(s);
      }
    }
    pairs()->FailAt(0);
    EXPECT_GT(call, 20u);
  }
}

TEST_F(LegacyRecoveryTest, CanBeInterruptedAtAnyMoment) {
  LoadDump("tests/rivet/v221-crash-grow-m50.jsonl.gz", pairs());
  int last = 0;
  for (int at = 1; last == 0; ++at) {
    int calls = 0;
    RecoveryOptions options;
    options.keep_on = [&] {
      return ++calls == at ? Status::Busy("interrupted") : Status::Ok();
    };
    const Status s = Run(options);
    if (calls < at) {
      EXPECT_OK(s);
      last = at;
    } else {
      EXPECT_TRUE(IsError(s, Code::kBusy, "interrupted")) << at;
    }
  }
  EXPECT_GT(last, 3);
}

TEST_F(LegacyRecoveryTest, NobodyElseOpensItsFiles) {
  ASSERT_EQ(RegisterLegacyVfs(), SQLITE_OK);
  EXPECT_NE(sqlite3_vfs_find(kLegacyVfsName), sqlite3_vfs_find(nullptr));
  SqliteDb db;
  EXPECT_EQ(db.Open("file:x.db?vfs=actorkv-legacy"), SQLITE_CANTOPEN);
  EXPECT_EQ(db.Open(std::string("file:") + File("x") + "?vfs=actorkv-legacy"),
            SQLITE_CANTOPEN);
}

}  // namespace
}  // namespace actorkv
