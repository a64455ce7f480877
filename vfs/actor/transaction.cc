#include "vfs/actor/transaction.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "kv/base/coding.h"
#include "kv/format/counters.h"
#include "kv/store/store.h"
#include "vfs/sqlite/btree_page.h"

namespace actorkv {

namespace {

constexpr uint32_t kDefaultPageSize = 4096;  // of a raw file without a header

uint32_t PagesFor(uint64_t bytes, uint32_t page_size) {
  return static_cast<uint32_t>((bytes + page_size - 1) / page_size);
}

// Two versions of page 1 that differ: only in what SQLite does not read, or in
// where pages lie, which auto-vacuum moves?
bool HaveSameRows(std::string_view before, std::string_view after,
                  uint32_t usable_bytes) {
  BtreePage a;
  BtreePage b;
  if (!BtreePage::Parse(1, before, usable_bytes, &a).ok() ||
      !BtreePage::Parse(1, after, usable_bytes, &b).ok() ||
      a.is_leaf() != b.is_leaf() || a.cell_count() != b.cell_count()) {
    return false;
  }
  for (uint32_t i = 0; i < a.cell_count(); ++i) {
    BtreeCell one;
    BtreeCell other;
    if (!a.Cell(i, &one).ok() || !b.Cell(i, &other).ok() ||
        one.rowid != other.rowid || one.payload_bytes != other.payload_bytes ||
        one.local != other.local) {
      return false;
    }
  }
  return true;
}

}  // namespace

Transaction::Transaction(std::shared_ptr<Store> store,
                         std::shared_ptr<Actor> actor,
                         std::shared_ptr<const HeadState> base,
                         std::optional<BasePageOne> page_one)
    : store_(std::move(store)),
      actor_(std::move(actor)),
      base_(std::move(base)),
      page_one_(page_one) {
  const Snapshot& snapshot = base_->head.snapshot;
  if (snapshot.page_count == 0) return;
  MakeWriter(snapshot.page_size);
  size_bytes_ = uint64_t{snapshot.page_count} * snapshot.page_size;
}

void Transaction::MakeWriter(uint32_t page_size) {
  writer_ = std::make_unique<BranchWriter>(store_, actor_, base_, page_size);
  page_.clear();
  ForgetFirstPage();
}

char* Transaction::Scratch() {
  page_.resize(writer_->page_size());
  return page_.data();
}

Status Transaction::ReadPart(const PagePart& part, char* buffer) {
  if (part.pgno == LockPage(writer_->page_size())) {
    std::memset(buffer, 0, part.size);
    if (!lock_page_.empty()) {
      std::memcpy(buffer, lock_page_.data() + part.begin, part.size);
    }
    return Status::Ok();
  }
  if (part.size == writer_->page_size()) {
    return writer_->ReadPage(part.pgno, buffer);
  }
  char* const page = Scratch();
  if (Status s = writer_->ReadPage(part.pgno, page); !s.ok()) return s;
  std::memcpy(buffer, page + part.begin, part.size);
  return Status::Ok();
}

Status Transaction::Read(const ReadRequest& request, size_t* copied) {
  const PagedSize file = {size_bytes_,
                          writer_ == nullptr ? 0 : writer_->page_size()};
  return ReadParts(request, file, copied,
                   [this](const PagePart& part, char* buffer) {
                     return ReadPart(part, buffer);
                   });
}

Status Transaction::Write(uint64_t offset, size_t size, const char* buffer) {
  if (writer_ == nullptr) {
    const auto whole = static_cast<uint32_t>(size);
    MakeWriter(IsLegalPageSize(whole) ? whole : kDefaultPageSize);
  }
  if (offset < kHeaderBytes) has_header_ = true;
  const uint32_t page_size = writer_->page_size();
  // Behind a file that ends in page 1 a write makes more of it.
  if (std::min(offset, size_bytes_) < page_size) ForgetFirstPage();
  for (size_t done = 0; done < size;) {
    const uint64_t at = offset + done;
    const PagePart part = FirstPart(at, size - done, page_size);
    const char* page = buffer + done;
    if (part.size != page_size) {
      char* const whole = Scratch();
      std::memset(whole, 0, page_size);
      if (part.pgno <= writer_->page_count()) {
        if (Status s = ReadPart({part.pgno, 0, page_size}, whole); !s.ok()) {
          return s;
        }
      }
      std::memcpy(whole + part.begin, buffer + done, part.size);
      page = whole;
    }
    if (part.pgno == LockPage(page_size)) lock_page_.assign(page, page_size);
    if (Status s = writer_->WritePage(part.pgno, page); !s.ok()) return s;
    done += part.size;
    size_bytes_ = std::max(size_bytes_, at + part.size);
  }
  return Status::Ok();
}

Status Transaction::Load(PageNo pgno, std::string_view page,
                         uint64_t page_hash) {
  if (writer_ == nullptr) MakeWriter(static_cast<uint32_t>(page.size()));
  if (pgno == 1) {
    has_header_ = true;
    ForgetFirstPage();
  }
  if (Status s = writer_->LoadPage(pgno, page.data(), page_hash); !s.ok()) {
    return s;
  }
  size_bytes_ = std::max(size_bytes_, uint64_t{pgno} * page.size());
  return Status::Ok();
}

Status Transaction::Save(LoadProgress* progress) {
  return writer_->SaveLoad(progress);
}

Status Transaction::Resume(const LoadProgress& progress, bool* resumed) {
  MakeWriter(progress.page_size);
  if (Status s = writer_->ResumeLoad(progress, resumed); !s.ok()) return s;
  if (*resumed) {
    size_bytes_ = uint64_t{progress.last_page} * progress.page_size;
    has_header_ = true;
  }
  return Status::Ok();
}

Status Transaction::Truncate(uint64_t size_bytes) {
  if (size_bytes >= size_bytes_) return Status::Ok();
  const uint32_t page_size = writer_->page_size();
  const uint32_t page_count = PagesFor(size_bytes, page_size);
  ForgetFirstPage();
  if (Status s = writer_->Truncate(page_count); !s.ok()) return s;
  size_bytes_ = size_bytes;
  const auto tail = static_cast<size_t>(size_bytes % page_size);
  if (tail == 0) return Status::Ok();
  char* const page = Scratch();
  if (Status s = ReadPart({page_count, 0, page_size}, page); !s.ok()) return s;
  std::memset(page + tail, 0, page_size - tail);
  return writer_->WritePage(page_count, page);
}

Status Transaction::ReadHeader(DatabaseHeader* header) {
  if (!header_.has_value()) {
    first_page_.resize(writer_ == nullptr ? 0 : writer_->page_size());
    const ReadRequest all = {0, first_page_.size(), first_page_.data()};
    size_t copied = 0;
    if (Status s = Read(all, &copied); !s.ok()) return s;
    header_ = ParseHeader(std::string_view{first_page_}.substr(0, copied));
  }
  *header = *header_;
  return Status::Ok();
}

Status Transaction::LoadPageOne() {
  if (page_one_.has_value()) return Status::Ok();
  const Snapshot& base = base_->head.snapshot;
  BasePageOne page_one;
  if (base.page_count > 0) {
    base_page_.resize(base.page_size);
    BranchReader reader(store_->engine());
    reader.SetSnapshot(base, base_->lineage);
    if (Status s = reader.ReadPage(1, base_page_.data()); !s.ok()) return s;
    page_one.page = base_page_;
    page_one.header = ParseHeader(base_page_);
  }
  page_one.pager = {page_one.header.change_counter, page_one.header.cookie};
  page_one_ = page_one;
  return Status::Ok();
}

Status Transaction::CountsNewVersion(bool* counts) {
  DatabaseHeader header;
  if (Status s = ReadHeader(&header); !s.ok()) return s;
  if (Status s = LoadPageOne(); !s.ok()) return s;
  *counts = has_header_ && header.valid &&
            header.change_counter != page_one_->pager.change;
  return Status::Ok();
}

Status Transaction::Differs(bool* differs) {
  if (writer_ == nullptr) {
    *differs = false;
    return Status::Ok();
  }
  return writer_->Differs(differs);
}

// Invariant 3. SQLite changes the mode in a transaction of its own, which
// touches nothing but bytes 18 and 19 (btree.c sqlite3BtreeSetVersion, 3.40.1);
// on an empty database it makes page 1, with a schema cookie of 0. A copy,
// however small, has another cookie (backup.c sqlite3_backup_step), but for an
// import.
Status Transaction::RefuseOrNormaliseWal(const DatabaseHeader& header,
                                         Origin origin, bool* changed) {
  if (header.write_version <= 1 && header.read_version <= 1) {
    return Status::Ok();
  }
  std::string page(writer_->page_size(), '\0');
  if (Status s = writer_->ReadPage(1, page.data()); !s.ok()) return s;
  page[kWriteVersionOffset] = 1;
  page[kReadVersionOffset] = 1;
  const Snapshot& base = base_->head.snapshot;
  bool only_mode =
      base.page_count == 0 && size_bytes_ == page.size() && header.cookie == 0;
  if (base.page_size == page.size()) {
    std::string base_page(page.size(), '\0');
    BranchReader reader(store_->engine());
    reader.SetSnapshot(base, base_->lineage);
    if (Status s = reader.ReadPage(1, base_page.data()); !s.ok()) return s;
    std::string new_page = page;
    ApplyStamp(0, base_page.data());
    ApplyStamp(0, new_page.data());
    only_mode = base_page == new_page;
  }
  if (only_mode && origin != Origin::kImport) {
    return Status::NotSupported(
        "an actor has no WAL mode, and needs none: readers never wait: actor=" +
        actor_->name());
  }
  *changed = true;
  ForgetFirstPage();
  return writer_->WritePage(1, page.data());
}

// Behind the header, page 1 has nothing but rows of the schema, or the way to
// them. They change without the cookie by PRAGMA writable_schema, and by
// SQLITE_DBCONFIG_RESET_DATABASE, which begins to count again. REQUIRES:
// ReadHeader() was called after the last change of page 1.
bool Transaction::SchemaRowsDiffer() const {
  const std::string_view before = page_one_->page;
  const std::string_view after = first_page_;
  if (before.size() != after.size()) return true;
  // At the end may be bytes that other VFSes fill, see byte 20.
  const auto reserved =
      static_cast<size_t>(static_cast<uint8_t>(after[kReservedOffset]));
  const size_t rows = after.size() - kHeaderBytes - reserved;
  return before.substr(kHeaderBytes, rows) !=
             after.substr(kHeaderBytes, rows) &&
         !HaveSameRows(before, after,
                       static_cast<uint32_t>(after.size() - reserved));
}

// Invariant 4.
uint32_t Transaction::CookieFor(const DatabaseHeader& header) const {
  const DatabaseHeader& base = page_one_->header;
  const uint32_t floor = base_->entry.cookie_floor;
  if (!base_->exists) {
    // A database may begin without a schema, with cookie 0.
    const bool is_fine = floor == 0 && header.cookie <= kMaxGivenCounter;
    return is_fine ? header.cookie : NextCounter(header.cookie, floor);
  }
  if (!base.valid) {
    const TxId txid = base_->head.snapshot.txid;
    return NextCounter(header.cookie, UnknownCounter(floor, txid));
  }
  const uint32_t above = std::max(base.cookie, floor);
  if (header.cookie != page_one_->pager.cookie) {
    return NextCounter(header.cookie, above);
  }
  return SchemaRowsDiffer() ? NextCounter(0, above) : base.cookie;
}

Status Transaction::PutCookie(const DatabaseHeader& header, bool* changed) {
  if (!has_header_) return Status::Ok();
  const uint32_t cookie = CookieFor(header);
  header_change_.written = true;
  header_change_.pager = {header.change_counter, header.cookie};
  header_change_.stored_cookie = cookie;
  if (cookie == header.cookie) return Status::Ok();
  *changed = true;
  char bytes[4];
  StoreBig32(bytes, cookie);
  return Write(kCookieOffset, sizeof bytes, bytes);
}

Status Transaction::PutPageCount(uint32_t page_count) {
  char bytes[4];
  StoreBig32(bytes, page_count);
  return Write(kPageCountOffset, sizeof bytes, bytes);
}

// Invariant 2.
std::optional<uint32_t> Transaction::Stamp(const DatabaseHeader& header,
                                           bool changed) const {
  const uint32_t base =
      base_->head.snapshot.stamp.value_or(page_one_->header.change_counter);
  const uint32_t floor = std::max(base, base_->entry.stamp_floor);
  // A file that is no database has no counter to show; the floor is kept for
  // the database that may follow.
  if (!header.valid) {
    return size_bytes_ == 0 && floor != 0 ? std::optional<uint32_t>(floor)
                                          : std::nullopt;
  }
  const uint32_t stamp = NextCounter(header.change_counter, floor);
  if (stamp != header.change_counter) return stamp;
  if (changed) return stamp + 1;
  return header.counters_agree ? std::optional<uint32_t>(stamp) : std::nullopt;
}

Status Transaction::Recut(uint32_t page_size, uint32_t page_count) {
  auto cut = std::make_unique<BranchWriter>(store_, actor_, base_, page_size);
  std::string page(page_size, '\0');
  for (PageNo pgno = 1; pgno <= page_count; ++pgno) {
    size_t copied = 0;
    const uint64_t offset = uint64_t{pgno - 1} * page_size;
    if (Status s = Read({offset, page_size, page.data()}, &copied); !s.ok()) {
      return s;
    }
    if (Status s = cut->WritePage(pgno, page.data()); !s.ok()) return s;
  }
  writer_ = std::move(cut);
  ForgetFirstPage();
  return Status::Ok();
}

Status Transaction::Prepare(Origin origin, PendingCommit* commit) {
  if (writer_ == nullptr) MakeWriter(kDefaultPageSize);
  DatabaseHeader header;
  if (Status s = ReadHeader(&header); !s.ok()) return s;
  if (Status s = LoadPageOne(); !s.ok()) return s;
  commit->spec.origin = origin;
  const uint32_t page_size =
      header.valid ? header.page_size : writer_->page_size();
  commit->spec.page_count = header.valid && header.page_count > 0
                                ? header.page_count
                                : PagesFor(size_bytes_, page_size);
  bool changed = false;
  if (header.valid) {
    Status s = PutCookie(header, &changed);
    if (s.ok()) s = RefuseOrNormaliseWal(header, origin, &changed);
    if (!s.ok()) return s;
  }
  commit->spec.stamp = Stamp(header, changed);
  if (header.valid && !header.counters_agree &&
      commit->spec.stamp.has_value()) {
    // The stamp makes them agree, and with that the page count beside them
    // count. SQLite before 3.7 left it as it was.
    if (Status s = PutPageCount(commit->spec.page_count); !s.ok()) return s;
  }
  if (page_size != writer_->page_size()) {
    if (Status s = Recut(page_size, commit->spec.page_count); !s.ok()) return s;
  }
  commit->writer = writer_.get();
  return Status::Ok();
}

}  // namespace actorkv
