// Rollback journals of legacy databases: SQLite rolls back what is whole, and
// what is not is refused.

#include "vfs/legacy/legacy_journal.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/recovery_harness.h"

namespace actorkv {
namespace {

constexpr char kContent[] = "SELECT count(*), sum(a), sum(length(b)) FROM t";
constexpr size_t kSectorBytes = 512;

uint32_t Big32(const std::string& bytes, size_t at) {
  return LoadBig32(bytes.data() + at);
}

class LegacyJournalTest : public RecoveryTest {
 protected:
  // A database whose transaction has written pages and did not end: the path
  // of copies of its files, and what was in it before in content_.
  std::string MakeHot(const std::string& pragmas, int page_size = 1024) {
    SqliteDb db;
    EXPECT_EQ(db.Open(File("hot.db")), SQLITE_OK);
    EXPECT_EQ(db.Exec("PRAGMA page_size = " + std::to_string(page_size) + ";" +
                      pragmas +
                      ";CREATE TABLE t(a INTEGER PRIMARY KEY, b);"
                      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                      " FROM c WHERE i < 120)"
                      "INSERT INTO t SELECT i, randomblob(700) FROM c"),
              SQLITE_OK)
        << db.Error();
    content_ = db.QueryText(kContent);
    EXPECT_EQ(db.Exec("PRAGMA cache_size = 10; BEGIN;"
                      "UPDATE t SET b = randomblob(500);"
                      "INSERT INTO t SELECT a + 1000, b FROM t;"),
              SQLITE_OK)
        << db.Error();
    std::string path = CopyFiles("hot.db");
    db.Close();
    std::filesystem::remove(File("hot.db"));
    journal_ = Contents(path + "-journal");
    pairs()->AddDatabase(path);
    return path;
  }

  // The journal becomes `bytes`; chunks behind them go.
  void SetJournal(const std::string& bytes) {
    for (uint32_t i = 0; i * kLegacyChunkBytes < journal_.size(); ++i) {
      pairs()->pairs()->erase(LegacyChunkKey(LegacyTag::kJournal, i));
    }
    pairs()->AddFile(LegacyTag::kJournal, bytes);
  }

  // Where the segments that count begin, and where their records end.
  struct Segment {
    size_t begin, end;
  };
  std::vector<Segment> Segments(size_t page_size) const {
    std::vector<Segment> segments;
    for (size_t at = 0; at + kSectorBytes <= journal_.size();) {
      if (journal_.compare(at, 4, "\xd9\xd5\x05\xf9") != 0) break;
      const size_t end =
          at + kSectorBytes + Big32(journal_, at + 8) * (page_size + 8);
      segments.push_back({at, end});
      at = (end + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
    }
    return segments;
  }

  std::string content_;
  std::string journal_;
};

TEST_F(LegacyJournalTest, RollsBackWhatSqliteDoes) {
  for (int page_size = 512; page_size <= 65536; page_size *= 2) {
    SCOPED_TRACE(page_size);
    Clear();
    const std::string path = MakeHot("", page_size);
    ASSERT_OK(Run());
    EXPECT_EQ(Ask(kContent), content_);
    EXPECT_EQ(AskNative(path, kContent), content_);
    EXPECT_EQ(image()->page_size(), static_cast<uint32_t>(page_size));
    if (page_size <= 4096) {
      EXPECT_GT(Segments(static_cast<size_t>(page_size)).size(), 1u);
      EXPECT_NE(Repairs().find("rolled back a hot journal: "),
                std::string::npos);
    }
  }
}

// Of a database that was written to. Records whose pages were not are no reason
// to refuse a cut behind them (legacy_journal_cut_test.cc).
TEST_F(LegacyJournalTest, EveryCutIsRefusedOrHarmless) {
  const std::string path = MakeHot("");
  const std::vector<Segment> segments = Segments(1024);
  ASSERT_GT(segments.size(), 2u);
  const size_t counted = segments.back().end;
  int refused = 0;
  for (const Segment& segment : segments) {
    const size_t first = segment.begin + kSectorBytes;
    for (size_t cut = first; cut < segment.end; cut += 1032) {
      for (const size_t into : {0U, 4U, 500U, 1028U, 1031U}) {
        SetJournal(journal_.substr(0, cut + into));
        const Status s = Run();
        if (s.ok()) {
          WriteFile(path + "-journal", journal_.substr(0, cut + into));
          EXPECT_EQ(Ask(kContent), AskNative(path, kContent)) << cut + into;
          continue;
        }
        EXPECT_TRUE(IsError(s, Code::kCorruption, "is cut short"))
            << cut + into;
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 300);
  // Behind what counts.
  for (size_t cut = counted; cut < journal_.size(); cut += 515) {
    SetJournal(journal_.substr(0, cut));
    ASSERT_OK(Run());
    EXPECT_EQ(Ask(kContent), content_);
  }
  for (const size_t cut : {1U, 27U, 100U, 511U}) {
    SetJournal(journal_.substr(0, cut));
    const Status s = Run({false, nullptr});
    EXPECT_EQ(s.ok(), cut < 12) << cut;  // too short for a count
    if (!s.ok()) {
      EXPECT_TRUE(IsError(s, Code::kCorruption, "too few for the"));
    }
  }
}

TEST_F(LegacyJournalTest, EveryLostChunkIsRefused) {
  MakeHot("");
  const std::vector<Segment> segments = Segments(1024);
  const auto all = *pairs()->pairs();
  for (uint32_t i = 0; i * kLegacyChunkBytes < segments.back().end; ++i) {
    *pairs()->pairs() = all;
    pairs()->DropChunk(LegacyTag::kJournal, i);
    const Status s = Run();
    EXPECT_TRUE(IsError(s, Code::kCorruption, "rolling back only a part")) << i;
    const char* text = i == 0 ? "lost its header (chunk 0)" : " at byte ";
    EXPECT_TRUE(IsError(s, Code::kCorruption, text)) << i;
  }
}

TEST_F(LegacyJournalTest, DamagedRecordsAreRefused) {
  MakeHot("");
  const size_t record = kSectorBytes + 1032;  // the second
  const struct {
    size_t at;
    bool refused;
  } cases[] = {
      {record + 3, false},       // another page, which exists
      {record + 4 + 24, true},   // 200 bytes are summed, from the end
      {record + 4 + 25, false},  // these are not
      {record + 4 + 824, true},
      {record + 1028, true},  // the sum
      {12, true},             // the seed
  };
  for (const auto& sample : cases) {
    std::string bytes = journal_;
    bytes[sample.at] = static_cast<char>(bytes[sample.at] ^ 1);
    SetJournal(bytes);
    const Status s = Run({false, nullptr});
    if (sample.refused) {
      EXPECT_TRUE(IsError(s, Code::kCorruption, "is damaged: record "))
          << sample.at;
    } else {
      EXPECT_OK(s) << sample.at;
    }
  }
  // Page numbers that end a journal.
  std::string bytes = journal_;
  bytes.replace(record, 4, std::string(4, '\0'));
  SetJournal(bytes);
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "record 2 of "));
}

TEST_F(LegacyJournalTest, ColdJournalsAreIgnored) {
  for (const char* mode : {"PERSIST", "TRUNCATE", "DELETE"}) {
    SCOPED_TRACE(mode);
    Clear();
    SqliteDb db;
    ASSERT_EQ(db.Open(File("cold.db")), SQLITE_OK);
    ASSERT_EQ(db.Exec(std::string("PRAGMA journal_mode = ") + mode +
                      ";CREATE TABLE t(a, b);INSERT INTO t VALUES(1, 'x');"
                      "INSERT INTO t VALUES(2, 'y')"),
              SQLITE_OK);
    pairs()->AddDatabase(CopyFiles("cold.db"));
    db.Close();
    std::filesystem::remove(File("cold.db"));
    std::filesystem::remove(File("cold.db-journal"));
    const size_t journals =
        pairs()->pairs()->count(LegacyMetadataKey(LegacyTag::kJournal));
    EXPECT_EQ(journals, mode == std::string("DELETE") ? 0u : 1u);
    ASSERT_OK(Run());
    EXPECT_EQ(Repairs(), "");
    EXPECT_EQ(Ask(kContent), "2|3|2");
  }
}

TEST_F(LegacyJournalTest, InvalidHeadersAreCold) {
  // A commit that is over but for the journal.
  SqliteDb db;
  ASSERT_EQ(db.Open(File("cold.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE t(a, b);INSERT INTO t VALUES(1, 'x')"),
            SQLITE_OK);
  pairs()->AddDatabase(CopyFiles("cold.db"));
  const std::string magic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
  std::string odd_page = magic + std::string(1024 - 8, '\0');
  odd_page[22] = 2;  // sector size 512
  odd_page[25] = 1;  // page size 65536 + 3
  odd_page[27] = 3;
  const std::string cases[] = {
      std::string(1024, '\0'),
      std::string(1024, 'x'),
      magic.substr(0, 7) + std::string(1000, 'x'),
      magic + std::string(1016, '\0'),
      odd_page,
      std::string(3, '\xd9'),
  };
  for (const std::string& bytes : cases) {
    journal_ = bytes;
    SetJournal(bytes);
    ASSERT_OK(Run());
    EXPECT_EQ(Repairs(), "");
    EXPECT_EQ(Ask(kContent), "1|1|1");
  }
  // Metadata without a chunk: it was made, and nothing was written.
  pairs()->DropChunk(LegacyTag::kJournal, 0);
  ASSERT_OK(Run());
  // Chunks without metadata: it is being deleted.
  pairs()->PutChunk(LegacyTag::kJournal, 0, magic + std::string(1016, 'x'));
  pairs()->pairs()->erase(LegacyMetadataKey(LegacyTag::kJournal));
  ASSERT_OK(Run());
  EXPECT_EQ(Ask(kContent), "1|1|1");
}

TEST_F(LegacyJournalTest, WithoutACountATornEndIsTheEnd) {
  MakeHot("PRAGMA synchronous = OFF");
  ASSERT_EQ(Big32(journal_, 8), 0xffffffffu);
  ASSERT_OK(Run());
  EXPECT_EQ(Ask(kContent), content_);
  const std::string expected = Repairs();
  // A record that the crash cut short was not yet needed.
  for (const size_t torn : {1U, 4U, 5U, 1000U, 1031U}) {
    SetJournal(journal_ + journal_.substr(kSectorBytes, torn));
    ASSERT_OK(Run());
    EXPECT_EQ(Repairs(), expected);
    EXPECT_EQ(Ask(kContent), content_);
  }
  // A whole one that is not sound, at the end.
  SetJournal(journal_ + std::string(1032, '\1'));
  ASSERT_OK(Run());
  EXPECT_EQ(Ask(kContent), content_);
  // In the middle.
  std::string bytes = journal_;
  bytes[kSectorBytes + 1032 + 4 + 824] ^= 1;
  SetJournal(bytes);
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "is damaged before record 3"));
  SetJournal(journal_);
  pairs()->DropChunk(LegacyTag::kJournal, 3);
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "a hole at byte 12288"));
}

TEST_F(LegacyJournalTest, ASizeCostsNothing) {
  MakeHot("PRAGMA synchronous = OFF");
  pairs()->SetSize(LegacyTag::kJournal, uint64_t{17} << 40);
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "has a hole at byte "));
}

// A transaction on several files is committed when its super-journal goes, and
// that was never among the pairs.
TEST_F(LegacyJournalTest, AGoneSuperJournalMeansCommitted) {
  MakeHot("");
  const std::string name = "/somewhere/app.db-mj01234567";
  uint32_t sum = 0;
  for (const char byte : name) sum += static_cast<uint32_t>(byte);
  std::string record("\0\0\0\0", 4);
  StoreBig32(record.data(), LockPage(1024));
  record += name;
  AppendBig32(&record, static_cast<uint32_t>(name.size()));
  AppendBig32(&record, sum);
  record += journal_.substr(0, 8);
  SetJournal(journal_ + record);
  ASSERT_OK(Run({false, nullptr}));
  EXPECT_EQ(Repairs(),
            "ignored a journal that names a super-journal, which is gone: its "
            "transaction is committed");
  EXPECT_EQ(
      ImageBytes() ==
          Contents(File("crashed-hot.db")).substr(0, image()->size_bytes()),
      true);
  // A sum that is wrong: no name, so the journal is hot.
  record[record.size() - 9] ^= 1;
  SetJournal(journal_ + record);
  ASSERT_OK(Run());
  EXPECT_EQ(Ask(kContent), content_);
}

TEST_F(LegacyJournalTest, WithoutItsDatabaseItIsRefused) {
  MakeHot("");
  auto* all = pairs()->pairs();
  all->erase(all->lower_bound(LegacyChunkKey(LegacyTag::kMain, 0)),
             all->lower_bound(LegacyChunkKey(LegacyTag::kJournal, 0)));
  pairs()->SetSize(LegacyTag::kMain, 0);
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "is empty or missing"));
  all->erase(LegacyMetadataKey(LegacyTag::kMain));
  EXPECT_TRUE(IsError(Run(), Code::kCorruption, "is empty or missing"));
}

TEST_F(LegacyJournalTest, TheFirstTransactionLeavesNothing) {
  SqliteDb db;
  ASSERT_EQ(db.Open(File("first.db")), SQLITE_OK);
  ASSERT_EQ(db.Exec("PRAGMA cache_size = 5; BEGIN; CREATE TABLE t(a, b);"
                    "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                    " FROM c WHERE i < 100)"
                    "INSERT INTO t SELECT i, randomblob(2000) FROM c"),
            SQLITE_OK);
  pairs()->AddDatabase(CopyFiles("first.db"));
  ASSERT_GT(Contents(File("crashed-first.db")).size(), 4096u);
  ASSERT_OK(Run());
  EXPECT_EQ(image()->page_count(), 0u);
  EXPECT_EQ(image()->page_size(), 0u);
  EXPECT_EQ(Repairs(),
            "rolled back a hot journal: the first transaction of the database, "
            "which is empty again");
  // The crash came before anything was written to the database.
  pairs()->SetSize(LegacyTag::kMain, 0);
  ASSERT_OK(Run());
  EXPECT_EQ(image()->page_count(), 0u);
}

}  // namespace
}  // namespace actorkv
