#include "vfs/legacy/table_removal.h"

#include <algorithm>
#include <utility>

#include "kv/base/coding.h"
#include "vfs/legacy/legacy_holes.h"
#include "vfs/legacy/legacy_vfs.h"

namespace actorkv {

namespace {

constexpr size_t kPageCountOffset = 28;
constexpr size_t kFirstTrunkOffset = 32;
constexpr size_t kFreeCountOffset = 36;
constexpr size_t kLargestRootOffset = 52;  // 0: no auto_vacuum
constexpr size_t kListBytes = 4;           // each number in a trunk
constexpr size_t kTrunkHeaderBytes = 8;    // next trunk, leaves
// SQLite leaves the last numbers of a trunk unused (section 1.5 "The
// Freelist").
constexpr size_t kUnusedNumbers = 8;

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

// FreeList: the free pages of a database, and their list.
class FreeList {
 public:
  FreeList(LegacyView* main, const LegacyDatabase& database)
      : main_(main), database_(database) {}

  Status Read();

  // Returns the last page that is not free; the page that SQLite locks counts
  // as free.
  PageNo LastUsed() const;

  // Writes a list of the pages up to `last`, and that as the page count.
  Status Write(PageNo last);

 private:
  size_t max_leaves() const {
    return database_.usable_bytes / kListBytes - kUnusedNumbers;
  }
  uint64_t OffsetOf(PageNo pgno) const {
    return uint64_t{pgno - 1} * database_.page_size;
  }
  Status ReadTrunk(PageNo pgno, PageNo* next);
  Status WriteTrunk(size_t first, size_t leaf_count, PageNo next);
  static Status Bad() {
    return Status::Corruption("the free list of the database is damaged");
  }

  LegacyView* const main_;
  const LegacyDatabase database_;
  std::vector<PageNo> pages_;  // in order, once read
};

Status FreeList::ReadTrunk(PageNo pgno, PageNo* next) {
  if (pgno < 2 || pgno > database_.page_count) return Bad();
  std::string page(database_.page_size, '\0');
  size_t copied = 0;
  if (Status s = main_->Read(OffsetOf(pgno), page.size(), page.data(), &copied);
      !s.ok()) {
    return s;
  }
  *next = LoadBig32(page.data());
  const uint32_t count = LoadBig32(page.data() + kListBytes);
  const size_t at_most =
      (database_.usable_bytes - kTrunkHeaderBytes) / kListBytes;
  if (count > at_most) return Bad();
  pages_.push_back(pgno);
  for (uint32_t i = 0; i < count; ++i) {
    pages_.push_back(
        LoadBig32(page.data() + kTrunkHeaderBytes + size_t{i} * kListBytes));
  }
  return Status::Ok();
}

Status FreeList::Read() {
  for (PageNo trunk = database_.first_trunk; trunk != 0;) {
    if (Status s = ReadTrunk(trunk, &trunk); !s.ok()) return s;
    // A list that goes in a circle ends here.
    if (pages_.size() > database_.free_count) return Bad();
  }
  // In order, so that a page which is listed twice stands beside itself, and
  // the free end of the file is the end of the list.
  std::sort(pages_.begin(), pages_.end());
  const bool sound =
      pages_.size() == database_.free_count &&
      std::adjacent_find(pages_.begin(), pages_.end()) == pages_.end() &&
      (pages_.empty() ||
       (pages_.front() > 1 && pages_.back() <= database_.page_count));
  return sound ? Status::Ok() : Bad();
}

PageNo FreeList::LastUsed() const {
  PageNo last = database_.page_count;
  size_t left = pages_.size();
  while (last > 1) {
    if (left > 0 && pages_[left - 1] == last) {
      --left;
    } else if (last != LockPage(database_.page_size)) {
      break;
    }
    --last;
  }
  return last;
}

// Writes pages_[first] as a trunk with the `leaf_count` pages behind it as its
// leaves.
Status FreeList::WriteTrunk(size_t first, size_t leaf_count, PageNo next) {
  std::string page(database_.page_size, '\0');
  StoreBig32(page.data(), next);
  StoreBig32(page.data() + kListBytes, static_cast<uint32_t>(leaf_count));
  for (size_t i = 0; i < leaf_count; ++i) {
    StoreBig32(page.data() + kTrunkHeaderBytes + i * kListBytes,
               pages_[first + 1 + i]);
  }
  return main_->Write(OffsetOf(pages_[first]), page.data(), page.size());
}

Status FreeList::Write(PageNo last) {
  // Pages behind the new end are no part of the file any more, and so of no
  // list.
  while (!pages_.empty() && pages_.back() > last) pages_.pop_back();
  const size_t of_a_trunk = 1 + max_leaves();
  for (size_t first = 0; first < pages_.size(); first += of_a_trunk) {
    const size_t behind = std::min(pages_.size(), first + of_a_trunk);
    const PageNo next = behind < pages_.size() ? pages_[behind] : 0;
    if (Status s = WriteTrunk(first, behind - first - 1, next); !s.ok()) {
      return s;
    }
  }
  char numbers[3 * kListBytes];
  static_assert(kFirstTrunkOffset == kPageCountOffset + kListBytes &&
                kFreeCountOffset == kFirstTrunkOffset + kListBytes);
  StoreBig32(numbers, last);
  StoreBig32(numbers + kListBytes, pages_.empty() ? 0 : pages_.front());
  StoreBig32(numbers + 2 * kListBytes, static_cast<uint32_t>(pages_.size()));
  return main_->Write(kPageCountOffset, numbers, sizeof numbers);
}

class Removal {
 public:
  Removal(PairReader* pairs, const std::function<Status()>& keep_on)
      : session_(std::make_unique<LegacySession>(pairs, keep_on)) {}

  Status Run(const std::vector<SchemaTable>& tables,
             RemainingDatabase* remaining);

 private:
  Status Connect();
  Status Failure(int code) const;
  Status Execute(const std::string& sql);
  Status Query(const std::string& sql, bool* any);
  Status FindAndDrop(const std::vector<SchemaTable>& tables, bool* dropped);
  Status Shrink();
  Status IsBlank(bool* blank);

  std::unique_ptr<LegacySession> session_;
  std::unique_ptr<sqlite3, CloseDatabase> db_;
};

Status Removal::Failure(int code) const {
  if (!session_->error().ok()) return session_->error();
  const std::string text =
      "cannot leave tables out of the exported database: " +
      std::string(db_ == nullptr ? sqlite3_errstr(code)
                                 : sqlite3_errmsg(db_.get())) +
      " (" + std::to_string(code) + ")";
  switch (code & 0xff) {
    case SQLITE_FULL:
      return Status::NoSpace(text + ": free some where temporary files are");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Status::Corruption(text);
    default:
      return Status::IOError(text);
  }
}

Status Removal::Execute(const std::string& sql) {
  const int code =
      sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : Failure(code);
}

// Runs a query; *any: it has a row.
Status Removal::Query(const std::string& sql, bool* any) {
  sqlite3_stmt* statement = nullptr;
  int code =
      sqlite3_prepare_v2(db_.get(), sql.c_str(), -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  Status s =
      code == SQLITE_ROW || code == SQLITE_DONE ? Status::Ok() : Failure(code);
  sqlite3_finalize(statement);
  *any = code == SQLITE_ROW;
  return s;
}

// Opens the connection. Nothing of its work outlives an error, so no journal is
// needed.
Status Removal::Connect() {
  sqlite3* db = nullptr;
  const int code = OpenConnection(session_.get(), &db);
  db_.reset(db);
  if (code != SQLITE_OK) return Failure(code);
  return Execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = OFF;"
      "PRAGMA foreign_keys = OFF; PRAGMA secure_delete = ON;"
      "PRAGMA temp_store = FILE");
}

std::string Quoted(const std::string& text, char quote) {
  std::string quoted(1, quote);
  for (const char c : text) {
    if (c == quote) quoted += quote;
    quoted += c;
  }
  return quoted + quote;
}

Status Removal::FindAndDrop(const std::vector<SchemaTable>& tables,
                            bool* dropped) {
  // All are dropped in one transaction: with journal_mode = OFF an error in
  // between would leave half of it, and then nothing is used.
  std::string drops;
  for (const SchemaTable& table : tables) {
    bool found = false;
    if (Status s = Query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND "
                         "name = " +
                             Quoted(table.name, '\'') +
                             " AND sql = " + Quoted(table.sql, '\''),
                         &found);
        !s.ok()) {
      return s;
    }
    // The text was the same, too: a table of that name may be somebody else's.
    if (found) drops += "DROP TABLE main." + Quoted(table.name, '"') + ";";
  }
  *dropped = !drops.empty();
  if (drops.empty()) return Status::Ok();
  return Execute("BEGIN;" + drops + "COMMIT");
}

Status Removal::Shrink() {
  char largest_root[kListBytes];
  size_t copied = 0;
  if (Status s = session_->main()->Read(kLargestRootOffset, kListBytes,
                                        largest_root, &copied);
      !s.ok()) {
    return s;
  }
  // A database with auto_vacuum has pointer maps, which only SQLite keeps
  // right.
  if (LoadBig32(largest_root) != 0) {
    return Execute("PRAGMA incremental_vacuum");
  }
  // The connection is closed, as SQLite may have pages in memory that this
  // changes.
  db_.reset();
  // VACUUM would do it as well, and would write the whole database anew, with
  // other page numbers.
  if (Status s = CutFreePages(session_->main()); !s.ok()) return s;
  return Connect();
}

Status Removal::IsBlank(bool* blank) {
  bool any = false;
  Status s = Query(
      // What only a user can have set makes it a database of the user's, also
      // without a table.
      "SELECT 1 FROM sqlite_master UNION ALL "
      "SELECT 1 FROM pragma_user_version WHERE user_version <> 0 UNION ALL "
      "SELECT 1 FROM pragma_application_id WHERE application_id <> 0",
      &any);
  *blank = !any;
  return s;
}

Status Removal::Run(const std::vector<SchemaTable>& tables,
                    RemainingDatabase* remaining) {
  bool dropped = false;
  RemainingDatabase made;
  if (Status s = session_->Open(); !s.ok()) return s;
  if (session_->main()->size_bytes() > 0) {
    if (Status s = Connect(); !s.ok()) return s;
    if (Status s = FindAndDrop(tables, &dropped); !s.ok()) return s;
  }
  if (dropped) {
    LegacyDatabase database;
    if (Status s = Shrink(); !s.ok()) return s;
    if (Status s = IsBlank(&made.blank); !s.ok()) return s;
    db_.reset();
    if (Status s = ReadLegacyDatabase(session_->main(), &database); !s.ok()) {
      return s;
    }
    session_->Unregister();
    made.image = std::make_unique<RecoveredImage>(
        std::move(session_), database, nullptr, std::vector<std::string>());
  }
  *remaining = std::move(made);
  return Status::Ok();
}

}  // namespace

Status RemoveTables(PairReader* pairs, const std::vector<SchemaTable>& tables,
                    const std::function<Status()>& keep_on,
                    RemainingDatabase* remaining) {
  return Removal(pairs, keep_on).Run(tables, remaining);
}

Status CutFreePages(LegacyView* main) {
  LegacyDatabase database;
  if (Status s = ReadLegacyDatabase(main, &database); !s.ok()) return s;
  FreeList list(main, database);
  if (Status s = list.Read(); !s.ok()) return s;
  const PageNo last = list.LastUsed();
  if (last == database.page_count) return Status::Ok();
  if (Status s = list.Write(last); !s.ok()) return s;
  return main->Truncate(uint64_t{last} * database.page_size);
}

}  // namespace actorkv
