// Journals that end before the records that their headers count. Where the
// database had not been written to, it is as it was; where it had, or nobody
// can know, it is refused. What is not refused is what SQLite makes of the same
// files.

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/recovery_harness.h"
#include "vfs/legacy/legacy_journal.h"

namespace actorkv {
namespace {

constexpr char kContent[] =
    "SELECT count(*), sum(a), group_concat(hex(b)) FROM t";
constexpr char kMagic[] = "\xd9\xd5\x05\xf9\x20\xa1\x63\xd7";
constexpr uint32_t kSeed = 0x12345678;

// Journals as pager.c writes them.
class JournalWriter {
 public:
  JournalWriter(std::string before, uint32_t page_size, uint32_t sector_bytes)
      : before_(std::move(before)),
        page_size_(page_size),
        sector_bytes_(sector_bytes) {}

  // A segment with the pages [first, last] as they were, which says that there
  // are `count`.
  void AddSegment(PageNo first, PageNo last, uint32_t count) {
    bytes_.resize((bytes_.size() + sector_bytes_ - 1) / sector_bytes_ *
                  sector_bytes_);
    std::string header(kMagic, 8);
    AppendBig32(&header, count);
    AppendBig32(&header, kSeed);
    AppendBig32(&header, page_count());
    AppendBig32(&header, sector_bytes_);
    AppendBig32(&header, page_size_);
    header.resize(sector_bytes_);
    bytes_ += header;
    for (PageNo pgno = first; pgno <= last; ++pgno) AddRecord(pgno);
  }

  const std::string& bytes() const { return bytes_; }
  uint32_t page_count() const {
    return static_cast<uint32_t>(before_.size() / page_size_);
  }
  size_t record_bytes() const { return page_size_ + 8; }

 private:
  void AddRecord(PageNo pgno) {
    const std::string page =
        before_.substr(size_t{pgno - 1} * page_size_, page_size_);
    uint32_t sum = kSeed;
    for (auto i = static_cast<int>(page_size_) - 200; i > 0; i -= 200) {
      sum += static_cast<uint8_t>(page[static_cast<size_t>(i)]);
    }
    AppendBig32(&bytes_, pgno);
    bytes_ += page;
    AppendBig32(&bytes_, sum);
  }

  const std::string before_;
  const uint32_t page_size_;
  const uint32_t sector_bytes_;
  std::string bytes_;
};

class LegacyJournalCutTest : public RecoveryTest {
 protected:
  // A database, and what is in it.
  void MakeDatabase(uint32_t page_size) {
    std::filesystem::remove(File("made.db"));
    SqliteDb db;
    ASSERT_EQ(db.Open(File("made.db")), SQLITE_OK);
    ASSERT_EQ(db.Exec("PRAGMA page_size = " + std::to_string(page_size) +
                      ";CREATE TABLE t(a INTEGER PRIMARY KEY, b);"
                      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                      " FROM c WHERE i < 12) INSERT INTO t SELECT i, "
                      "randomblob(" +
                      std::to_string(page_size * 3 / 5) + ") FROM c"),
              SQLITE_OK)
        << db.Error();
    content_ = db.QueryText(kContent);
    db.Close();
    before_ = Contents(File("made.db"));
    page_size_ = page_size;
  }

  // Recovers `main` with `journal`. What is not refused is the content of
  // before, and what SQLite makes of the files.
  Status Take(const std::string& main, const std::string& journal) {
    Clear();
    pairs()->AddFile(LegacyTag::kMain, main);
    pairs()->AddFile(LegacyTag::kJournal, journal);
    Status s = Run();
    if (!s.ok()) {
      EXPECT_EQ(s.code(), Code::kCorruption) << s.ToString();
      return s;
    }
    EXPECT_EQ(Ask(kContent) == content_, true);
    EXPECT_EQ(ImageBytes() == before_, true);
    WriteFile(File("plain.db"), main);
    WriteFile(File("plain.db-journal"), journal);
    EXPECT_EQ(AskNative(File("plain.db"), kContent) == content_, true);
    return s;
  }

  std::string ChangedPage(std::string main, PageNo pgno) const {
    main[size_t{pgno - 1} * page_size_ + page_size_ / 2] ^= 1;
    return main;
  }

  uint32_t page_size_ = 0;
  std::string before_;
  std::string content_;
};

TEST_F(LegacyJournalCutTest, NothingWasWritten) {
  for (const uint32_t page_size : {512u, 4096u, 65536u}) {
    MakeDatabase(page_size);
    for (const uint32_t sector : {512u, 4096u, 65536u}) {
      if (sector > page_size && page_size > 512) continue;
      SCOPED_TRACE(std::to_string(page_size) + " " + std::to_string(sector));
      JournalWriter journal(before_, page_size, sector);
      const PageNo last = journal.page_count();
      journal.AddSegment(1, last, last);
      const size_t record = journal.record_bytes();
      for (PageNo records = 0; records < last; ++records) {
        for (const size_t into : {size_t{0}, size_t{4}, record - 1}) {
          const size_t size = sector + records * record + into;
          const Status s = Take(before_, journal.bytes().substr(0, size));
          if (records == 0) {
            EXPECT_TRUE(IsError(s, Code::kCorruption, "is cut short")) << into;
            continue;
          }
          ASSERT_OK(s);
          EXPECT_EQ(Repairs(),
                    "rolled back a hot journal: " + std::to_string(records) +
                        (records == 1 ? " page" : " pages") + " (its other " +
                        std::to_string(last - records) +
                        (last - records == 1 ? " record" : " records") +
                        " had not been written, nor had the database)");
        }
      }
      ASSERT_OK(Take(before_, journal.bytes()));
      EXPECT_EQ(Repairs(), "rolled back a hot journal: " +
                               std::to_string(last) + " pages");
    }
  }
}

// At each byte of the header, and of the sector that it has.
TEST_F(LegacyJournalCutTest, CutInItsHeader) {
  MakeDatabase(1024);
  for (const uint32_t sector : {512u, 2048u}) {
    JournalWriter journal(before_, page_size_, sector);
    journal.AddSegment(1, journal.page_count(), journal.page_count());
    for (size_t size = 0; size < sector; size += size < 40 ? 1 : 97) {
      const Status s = Take(before_, journal.bytes().substr(0, size));
      const bool none = size < 12;  // up to the count it is no header
      EXPECT_EQ(s.ok(), none) << size << " " << s.ToString();
    }
  }
}

// A page of a record that is there was written already.
TEST_F(LegacyJournalCutTest, SomethingWasWritten) {
  for (const uint32_t page_size : {512u, 4096u}) {
    SCOPED_TRACE(page_size);
    MakeDatabase(page_size);
    JournalWriter journal(before_, page_size, 512);
    const PageNo last = journal.page_count();
    journal.AddSegment(1, last, last);
    for (PageNo changed = 1; changed <= last; ++changed) {
      const std::string main = ChangedPage(before_, changed);
      for (PageNo records = changed; records < last; ++records) {
        const size_t size = 512 + records * journal.record_bytes();
        EXPECT_TRUE(IsError(Take(main, journal.bytes().substr(0, size)),
                            Code::kCorruption, "is cut short"));
      }
      EXPECT_OK(Take(main, journal.bytes()));
    }
    // It had begun to grow, or is not whole.
    const std::string cut =
        journal.bytes().substr(0, 512 + 3 * journal.record_bytes());
    for (const std::string& main :
         {before_ + std::string(page_size, 'x'),
          before_.substr(0, before_.size() - page_size)}) {
      EXPECT_TRUE(IsError(Take(main, cut), Code::kCorruption, "is cut short"));
    }
  }
}

// The cache was full twice: the pages of the first segment are written, those
// of the second are not.
TEST_F(LegacyJournalCutTest, InALaterSegment) {
  for (const uint32_t page_size : {512u, 4096u}) {
    for (const uint32_t sector : {512u, 4096u}) {
      SCOPED_TRACE(std::to_string(page_size) + " " + std::to_string(sector));
      MakeDatabase(page_size);
      JournalWriter journal(before_, page_size, sector);
      const PageNo last = journal.page_count();
      const PageNo half = last / 2;
      journal.AddSegment(1, half, half);
      const size_t first_end = journal.bytes().size();
      journal.AddSegment(half + 1, last, last - half);
      const size_t second = (first_end + sector - 1) / sector * sector + sector;
      std::string main =
          before_ + std::string(size_t{3} * page_size, 'n');  // grown
      for (PageNo pgno = 1; pgno <= half; ++pgno) {
        main = ChangedPage(std::move(main), pgno);
      }
      for (PageNo records = 0; records + half < last; ++records) {
        for (const size_t into : {0U, 5U}) {
          const size_t size = second + records * journal.record_bytes() + into;
          const std::string cut = journal.bytes().substr(0, size);
          const Status s = Take(main, cut);
          EXPECT_EQ(s.ok(), records > 0) << s.ToString();
          if (!s.ok()) continue;
          EXPECT_EQ(Repairs().substr(0, Repairs().find(" (")),
                    "rolled back a hot journal: " +
                        std::to_string(half + records) + " pages");
          for (PageNo pgno = half + 1; pgno <= half + records; ++pgno) {
            EXPECT_TRUE(IsError(Take(ChangedPage(main, pgno), cut),
                                Code::kCorruption, "is cut short"));
          }
        }
      }
    }
  }
}

// Without a count, or with none that counts, the length is what there is.
TEST_F(LegacyJournalCutTest, OtherCounts) {
  MakeDatabase(1024);
  for (const uint32_t count : {0u, 0xffffffffu}) {
    SCOPED_TRACE(count);
    JournalWriter journal(before_, page_size_, 512);
    journal.AddSegment(1, journal.page_count(), count);
    for (size_t size = 512; size <= journal.bytes().size(); size += 129) {
      EXPECT_OK(Take(before_, journal.bytes().substr(0, size)));
    }
  }
  // A count that nothing could have.
  JournalWriter journal(before_, page_size_, 512);
  journal.AddSegment(1, 3, 0xfffffffe);
  EXPECT_OK(Take(before_, journal.bytes()));
  EXPECT_TRUE(IsError(Take(ChangedPage(before_, 2), journal.bytes()),
                      Code::kCorruption, "is cut short"));
}

// Whole, but damaged or lost where it counts.
TEST_F(LegacyJournalCutTest, DamagedOrHoled) {
  MakeDatabase(4096);
  JournalWriter journal(before_, page_size_, 512);
  journal.AddSegment(1, journal.page_count(), journal.page_count());
  const size_t record = journal.record_bytes();
  const std::string cut = journal.bytes().substr(0, 512 + 4 * record + 100);
  ASSERT_OK(Take(before_, cut));
  std::string bad = cut;
  bad[512 + record + 4 + 4096 - 200] ^= 1;
  EXPECT_TRUE(
      IsError(Take(before_, bad), Code::kCorruption, "is damaged: record 2"));
  for (uint32_t chunk = 1; chunk * kLegacyChunkBytes < cut.size(); ++chunk) {
    ASSERT_OK(Take(before_, cut));
    pairs()->DropChunk(LegacyTag::kJournal, chunk);
    EXPECT_TRUE(IsError(Run(), Code::kCorruption, "has a hole at byte"));
  }
}

}  // namespace
}  // namespace actorkv
