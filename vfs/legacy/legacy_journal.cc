#include "vfs/legacy/legacy_journal.h"

#include <algorithm>
#include <cstring>
#include <string_view>

#include "kv/base/coding.h"
#include "kv/base/types.h"
#include "kv/format/database_header.h"
#include "vfs/legacy/legacy_vfs.h"

namespace actorkv {

namespace {

// The first eight bytes of every header (SQLite database file format, section 3
// "The Rollback Journal").
constexpr std::string_view kMagic("\xd9\xd5\x05\xf9\x20\xa1\x63\xd7", 8);
constexpr size_t kJournalHeaderBytes = 28;
// SQLite writes this instead of a count where it does not sync the journal:
// then as many records count as there are.
constexpr uint32_t kNoCount = 0xffffffff;
constexpr uint32_t kMinSectorBytes = 32;
constexpr uint32_t kMaxSectorBytes = 65536;
// The sector size until a header says otherwise (LegacyVfs' xSectorSize).
constexpr uint32_t kDefaultSectorBytes = 512;
constexpr uint32_t kDefaultPageSize = 4096;
// The bytes behind the super-journal's name: length, sum, magic.
constexpr size_t kSuperTailBytes = 16;

std::string Number(uint64_t number) { return std::to_string(number); }

class JournalCheck {
 public:
  JournalCheck(LegacyFile* main, LegacyFile* journal, LegacyJournal* result)
      : main_(main), journal_(journal), result_(result) {}

  Status Run();

 private:
  struct Header {
    bool found = false;
    uint32_t record_count = 0;
    uint32_t seed = 0;
  };
  struct Record {
    PageNo pgno = 0;
    bool sound = false;
  };

  Status Refuse(const std::string& what) const;
  Status ReadExactly(uint64_t offset, size_t size, std::string* bytes);
  Status ReadSuperJournal();
  Status CheckWithoutDatabase();
  Status IsCold(bool* cold);
  Status TakeSizes(const std::string& header, bool* valid);
  Status ReadHeader(uint64_t offset, Header* header);
  Status ReadRecord(uint64_t offset, uint32_t seed, Record* record);
  Status CheckCounted(uint64_t offset, const Header& header);
  Status RefuseCut(uint64_t offset, uint64_t counted, uint64_t there) const;
  Status EqualsDatabase(PageNo pgno, bool* same);
  Status CheckUncounted(uint64_t offset, uint32_t seed);
  Status Walk();

  uint64_t record_bytes() const { return uint64_t{page_size_} + 8; }
  uint64_t size() const {
    return std::min(journal_->size_bytes(), kMaxLegacyFileBytes);
  }

  LegacyFile* const main_;
  LegacyFile* const journal_;
  LegacyJournal* const result_;
  uint32_t page_size_ = 0;
  uint32_t sector_bytes_ = kDefaultSectorBytes;
  uint32_t page_count_ = 0;  // of the database before the transaction
  std::string page_;         // scratch
};

Status JournalCheck::Refuse(const std::string& what) const {
  return Status::Corruption(
      "the rollback journal of an unfinished transaction " + what +
      "; rolling back only a part would mix two states of the database: "
      "restore the actor's pairs from a backup");
}

Status JournalCheck::ReadExactly(uint64_t offset, size_t size,
                                 std::string* bytes) {
  bytes->assign(size, '\0');
  size_t copied = 0;
  return journal_->Read(offset, size, bytes->data(), &copied);
}

// Finds the name of a super-journal as pager.c readSuperJournal does.
Status JournalCheck::ReadSuperJournal() {
  if (size() < kSuperTailBytes) return Status::Ok();
  std::string tail;
  const uint64_t name_end = size() - kSuperTailBytes;
  if (Status s = ReadExactly(name_end, kSuperTailBytes, &tail); !s.ok()) {
    return s;
  }
  const uint32_t length = LoadBig32(tail.data());
  uint32_t sum = LoadBig32(tail.data() + 4);
  if (tail.substr(8) != kMagic || length == 0 || length > kLegacyMaxPathname ||
      length > name_end) {
    return Status::Ok();
  }
  std::string name;
  if (Status s = ReadExactly(name_end - length, length, &name); !s.ok()) {
    return s;
  }
  for (const char byte : name) {
    // SQLite sums chars, which have a sign on most machines.
    sum -= static_cast<uint32_t>(int32_t{static_cast<signed char>(byte)});
  }
  if (sum == 0 && name[0] != '\0') result_->super_journal = name;
  return Status::Ok();
}

// Looks at a journal beside a database of no bytes. SQLite deletes it, which is
// right for the first transaction of a new one.
Status JournalCheck::CheckWithoutDatabase() {
  std::string header;
  if (Status s = ReadExactly(0, kJournalHeaderBytes, &header); !s.ok()) {
    return s;
  }
  const uint32_t page_count = LoadBig32(header.data() + 16);
  if (header.substr(0, kMagic.size()) != kMagic || page_count == 0) {
    return Status::Ok();
  }
  return Refuse("belongs to a database of " + Number(page_count) +
                " pages, which is empty or missing");
}

Status JournalCheck::IsCold(bool* cold) {
  *cold = true;
  if (!journal_->exists() || size() == 0) return Status::Ok();
  if (main_->size_bytes() == 0) return CheckWithoutDatabase();
  std::optional<LegacyFile::Chunk> first;
  if (Status s = journal_->NextChunk(0, &first); !s.ok()) return s;
  // it was made, and nothing written
  if (!first.has_value()) return Status::Ok();
  if (first->index != 0) return Refuse("lost its header (chunk 0)");
  std::string start;
  if (Status s = ReadExactly(0, kJournalHeaderBytes, &start); !s.ok()) return s;
  // A commit may end a journal by zeros over its header (journal_mode =
  // PERSIST): such a one is cold.
  if (start.substr(0, kMagic.size()) != kMagic) return Status::Ok();
  // SQLite takes a journal that is shorter than a sector for empty (pager.c
  // readJournalHdr, 3.40.1).
  if (size() >= kDefaultSectorBytes) {
    *cold = false;
    return Status::Ok();
  }
  const uint32_t count = LoadBig32(start.data() + kMagic.size());
  if (count == 0 || count == kNoCount) return Status::Ok();
  return Refuse("has " + Number(size()) + " bytes, too few for the " +
                Number(count) + " records that its header counts");
}

Status JournalCheck::TakeSizes(const std::string& header, bool* valid) {
  const uint32_t sector_bytes = LoadBig32(header.data() + 20);
  uint32_t page_size = LoadBig32(header.data() + 24);
  if (page_size == 0) {  // SQLite before 3.5.8
    std::string start(kHeaderBytes, '\0');
    size_t copied = 0;
    if (Status s = main_->Read(0, start.size(), start.data(), &copied);
        !s.ok()) {
      return s;
    }
    const DatabaseHeader database = ParseHeader(start);
    page_size = database.valid ? database.page_size : kDefaultPageSize;
  }
  *valid = IsLegalPageSize(page_size) && sector_bytes >= kMinSectorBytes &&
           sector_bytes <= kMaxSectorBytes &&
           (sector_bytes & (sector_bytes - 1)) == 0;
  if (!*valid) return Status::Ok();
  page_size_ = page_size;
  sector_bytes_ = sector_bytes;
  return Status::Ok();
}

// Reads the header of a segment; header->found is false where SQLite finds
// none, which ends the journal.
Status JournalCheck::ReadHeader(uint64_t offset, Header* header) {
  header->found = false;
  if (offset + sector_bytes_ > size()) return Status::Ok();
  std::string bytes;
  if (Status s = ReadExactly(offset, kJournalHeaderBytes, &bytes); !s.ok()) {
    return s;
  }
  if (bytes.substr(0, kMagic.size()) != kMagic) return Status::Ok();
  header->found = true;
  header->record_count = LoadBig32(bytes.data() + 8);
  header->seed = LoadBig32(bytes.data() + 12);
  // Sizes are in the first header only; SQLite ignores those of the others.
  if (offset != 0) return Status::Ok();
  page_count_ = LoadBig32(bytes.data() + 16);
  result_->page_count = page_count_;
  return TakeSizes(bytes, &header->found);
}

Status JournalCheck::ReadRecord(uint64_t offset, uint32_t seed,
                                Record* record) {
  if (Status s = ReadExactly(offset, record_bytes(), &page_); !s.ok()) return s;
  const char* page = page_.data() + 4;
  uint32_t sum = seed;
  // The sum is that of pager.c pager_cksum.
  for (auto i = static_cast<int>(page_size_) - 200; i > 0; i -= 200) {
    sum += static_cast<uint8_t>(page[i]);
  }
  record->pgno = LoadBig32(page_.data());
  record->sound =
      record->pgno != 0 && record->pgno != LockPage(page_size_) &&
      (record->pgno > page_count_ || sum == LoadBig32(page + page_size_));
  return Status::Ok();
}

Status JournalCheck::CheckCounted(uint64_t offset, const Header& header) {
  const std::string where =
      "(segment at byte " + Number(offset - sector_bytes_) + ")";
  const uint64_t room =
      offset > size() ? 0 : (size() - offset) / record_bytes();
  const bool cut = room < header.record_count;
  // Without a record nothing tells whether the database was written to.
  if (cut && room == 0) return RefuseCut(offset, header.record_count, room);
  const uint64_t count = std::min<uint64_t>(room, header.record_count);
  const uint64_t end = cut ? size() : offset + count * record_bytes();
  uint64_t hole = 0;
  if (Status s = journal_->FindHole(offset, end, &hole); !s.ok()) return s;
  if (hole < end) {
    return Refuse("has a hole at byte " + Number(hole) + " " + where);
  }
  for (uint64_t i = 0; i < count; ++i) {
    Record record;
    if (Status s =
            ReadRecord(offset + i * record_bytes(), header.seed, &record);
        !s.ok()) {
      return s;
    }
    if (!record.sound) {
      return Refuse("is damaged: record " + Number(i + 1) + " of " +
                    Number(header.record_count) + " " + where);
    }
    if (record.pgno <= page_count_) ++result_->record_count;
    bool same = true;
    // A record whose page is as it was proves that the database was not written
    // to before the cut.
    if (cut) {
      if (Status s = EqualsDatabase(record.pgno, &same); !s.ok()) return s;
    }
    if (!same) return RefuseCut(offset, header.record_count, room);
  }
  // No segment is before the first one, so nothing was written at all: the
  // database must have the size that it had.
  if (cut && offset == sector_bytes_ &&
      main_->size_bytes() != uint64_t{page_count_} * page_size_) {
    return RefuseCut(offset, header.record_count, room);
  }
  result_->missing_record_count = header.record_count - count;
  return Status::Ok();
}

Status JournalCheck::RefuseCut(uint64_t offset, uint64_t counted,
                               uint64_t there) const {
  return Refuse("is cut short: its header counts " + Number(counted) +
                " records, and there are " + Number(there) +
                " (segment at byte " + Number(offset - sector_bytes_) + ")");
}

// Tells whether the page of the record that was read last is as the database
// has it.
Status JournalCheck::EqualsDatabase(PageNo pgno, bool* same) {
  std::string page(page_size_, '\0');
  size_t copied = 0;
  const uint64_t begin = uint64_t{pgno - 1} * page_size_;
  if (Status s = main_->Read(begin, page.size(), page.data(), &copied);
      !s.ok()) {
    return s;
  }
  *same = copied == page.size() && page_.compare(4, page.size(), page) == 0;
  return Status::Ok();
}

Status JournalCheck::CheckUncounted(uint64_t offset, uint32_t seed) {
  const uint64_t count =
      offset > size() ? 0 : (size() - offset) / record_bytes();
  const uint64_t end = offset + count * record_bytes();
  uint64_t hole = 0;
  if (Status s = journal_->FindHole(offset, end, &hole); !s.ok()) return s;
  if (hole < end) return Refuse("has a hole at byte " + Number(hole));
  bool ended = false;
  for (uint64_t i = 0; i < count; ++i) {
    Record record;
    if (Status s = ReadRecord(offset + i * record_bytes(), seed, &record);
        !s.ok()) {
      return s;
    }
    // SQLite skips pages that were new without a look at their checksum, so
    // they tell nothing behind the end.
    if (!record.sound) {
      ended = true;
    } else if (record.pgno <= page_count_) {
      if (ended) return Refuse("is damaged before record " + Number(i + 1));
      ++result_->record_count;
    }
  }
  return Status::Ok();
}

// Goes over the segments as pager.c pager_playback does.
Status JournalCheck::Walk() {
  uint64_t offset = 0;
  bool synced = true;
  for (;;) {
    Header header;
    if (Status s = ReadHeader(offset, &header); !s.ok()) return s;
    if (!header.found) break;
    result_->hot = true;
    const uint64_t records = offset + sector_bytes_;
    if (header.record_count == kNoCount) {
      return CheckUncounted(records, header.seed);
    }
    if (Status s = CheckCounted(records, header); !s.ok()) return s;
    synced = header.record_count > 0;
    const uint64_t end = records + header.record_count * record_bytes();
    // The next header begins at the next sector (pager.c journalHdrOffset).
    offset = (end - 1) / sector_bytes_ * sector_bytes_ + sector_bytes_;
  }
  // A counted segment may have a header behind it that is not there.
  if (!synced || offset + sector_bytes_ > size() || offset == 0) {
    return Status::Ok();
  }
  uint64_t hole = 0;
  const uint64_t end = offset + kJournalHeaderBytes;
  if (Status s = journal_->FindHole(offset, end, &hole); !s.ok()) return s;
  return hole == end
             ? Status::Ok()
             : Refuse("lost the header of a segment at byte " + Number(offset));
}

Status JournalCheck::Run() {
  bool cold = true;
  if (Status s = IsCold(&cold); !s.ok()) return s;
  if (cold) return Status::Ok();
  if (Status s = ReadSuperJournal(); !s.ok()) return s;
  // The super-journal is a file beside the database, and pairs have none: it is
  // gone, which tells SQLite that the transaction is committed.
  if (!result_->super_journal.empty()) return Status::Ok();
  return Walk();
}

}  // namespace

Status CheckLegacyJournal(LegacyFile* main, LegacyFile* journal,
                          LegacyJournal* result) {
  LegacyJournal found;
  if (Status s = JournalCheck(main, journal, &found).Run(); !s.ok()) return s;
  *result = std::move(found);
  return Status::Ok();
}

}  // namespace actorkv
