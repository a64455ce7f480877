#include "vfs/legacy/legacy_recovery.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kv/format/database_header.h"
#include "vfs/legacy/legacy_holes.h"
#include "vfs/legacy/legacy_journal.h"
#include "vfs/legacy/legacy_vfs.h"
#include "vfs/legacy/legacy_wal.h"
#include "vfs/sqlite/last_error.h"

namespace actorkv {

namespace {

// The number of lines of quick_check in an error.
constexpr int kShownLines = 3;

// The number of opcodes between two looks at keep_on while a statement runs.
constexpr int kOpcodesBetweenLooks = 1000;

constexpr uint8_t kRollbackVersion = 1;  // in header bytes 18 and 19
constexpr uint8_t kWalVersion = 2;

constexpr char kRestore[] = ": restore the actor's pairs from a backup";

struct CloseDatabase {
  void operator()(sqlite3* db) const { sqlite3_close(db); }
};

// Joins the first lines of `text`.
std::string FirstLines(const std::string& text) {
  std::string lines;
  size_t begin = 0;
  for (int i = 0; i < kShownLines; ++i) {
    const size_t end = text.find('\n', begin);
    if (end == std::string::npos) break;
    lines += (i == 0 ? "" : "; ") + text.substr(begin, end - begin);
    begin = end + 1;
  }
  return lines;
}

// Writes a number of things: "1 page", "2 pages".
std::string Count(uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

std::string RollbackText(const LegacyJournal& journal) {
  std::string text = "rolled back a hot journal: ";
  if (journal.record_count > 0) {
    text += Count(journal.record_count, "page");
  } else if (journal.page_count == 0) {
    text += "the first transaction of the database, which is empty again";
  } else {
    text += "no page was to be put back, the database has its " +
            Count(journal.page_count, "page") + " again";
  }
  if (journal.missing_record_count > 0) {
    text += " (its other " + Count(journal.missing_record_count, "record") +
            " had not been written, nor had the database)";
  }
  return text;
}

// Refuses a database that has a size, but not the chunk with its header: it was
// not always so.
Status CheckFirstChunk(LegacyFile* main) {
  if (main->size_bytes() == 0) return Status::Ok();
  std::optional<LegacyFile::Chunk> first;
  if (Status s = main->NextChunk(0, &first); !s.ok()) return s;
  if (first.has_value() && first->index == 0) return Status::Ok();
  const std::string size = Count(main->size_bytes(), "byte");
  return Status::Corruption(
      first.has_value()
          ? "chunk 0 of the database, which has its header, is not stored "
            "(size " +
                size + ", the first chunk that is there is " +
                std::to_string(first->index) + ")" + kRestore
          : "no chunk of the database is stored, and its metadata say " + size +
                kRestore);
}

class Recovery {
 public:
  Recovery(PairReader* pairs, const RecoveryOptions& options)
      : options_(options),
        pairs_(pairs),
        session_(std::make_unique<LegacySession>(pairs, options.keep_on)) {
    session_->set_work(options.work);
  }

  Status Run(std::unique_ptr<RecoveredImage>* image);

 private:
  Status Check();
  Status Connect();
  Status RollBack();
  Status ApplyWal();
  Status CheckVersions();
  Status CheckSize();
  Status CheckPages();
  Status CheckHoles();
  Status QuickCheck();
  Status Execute(const char* sql);
  Status Failure(int code) const;
  static int Progress(void* recovery);

  const RecoveryOptions& options_;
  PairReader* const pairs_;
  std::unique_ptr<LegacySession> session_;
  std::unique_ptr<sqlite3, CloseDatabase> db_;
  LegacyJournal journal_;
  LegacyDatabase database_;
  std::unique_ptr<LegacyHoles> holes_;  // null once they were looked at
  std::vector<std::string> repairs_;
};

// Says what SQLite's code means here. A file's own error says more than a code.
Status Recovery::Failure(int code) const {
  if (!session_->error().ok()) return session_->error();
  const std::string text =
      std::string(db_ == nullptr ? sqlite3_errstr(code)
                                 : sqlite3_errmsg(db_.get())) +
      " (" + std::to_string(code) + ")";
  switch (code & 0xff) {
    case SQLITE_NOTADB:
      return Status::Corruption(
          "it is not a SQLite database, or an encrypted one: " + text +
          kRestore);
    case SQLITE_FULL:
      return Status::NoSpace(
          "no space for the recovery of a legacy database: " + text +
          ": free some where temporary files are, and repeat");
    case SQLITE_NOMEM:
      return Status::IOError(
          "no memory for the recovery of a legacy database: repeat it when "
          "there is");
    // A write version that SQLite does not know makes the database read-only
    // (SQLite database file format, section 1.3.3 "File format version
    // numbers").
    case SQLITE_READONLY:
      return Status::NotSupported(
          "the database was written by a newer version of SQLite: " + text);
    case SQLITE_CORRUPT:
    case SQLITE_ERROR:  // a schema that SQLite does not understand
      return Status::Corruption("the database is damaged: " + text + kRestore);
    default:
      return Status::IOError("SQLite cannot recover the database: " + text);
  }
}

Status Recovery::Execute(const char* sql) {
  const int code = sqlite3_exec(db_.get(), sql, nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : Failure(code);
}

int Recovery::Progress(void* recovery) {
  auto* self = static_cast<Recovery*>(recovery);
  return self->session_->KeepOnNow().ok() ? 0 : 1;
}

// Says what can be said before SQLite looks.
Status Recovery::Check() {
  LegacyFile* main = session_->main()->base();
  const uint64_t wal_bytes = session_->wal()->size_bytes();
  // SQLite deletes a WAL beside a database of no bytes.
  if (main->size_bytes() == 0 && wal_bytes > kWalHeaderBytes) {
    return Status::Corruption(
        "there is a WAL of " + std::to_string(wal_bytes) +
        " bytes, but the database that it belongs to is empty or missing" +
        kRestore);
  }
  if (Status s =
          CheckLegacyJournal(main, session_->journal()->base(), &journal_);
      !s.ok()) {
    return s;
  }
  if (journal_.hot) repairs_.push_back(RollbackText(journal_));
  // A hot journal may put the first chunk back, so it is missed only where none
  // does.
  if (!journal_.hot) {
    if (Status s = CheckFirstChunk(main); !s.ok()) return s;
  }
  if (!journal_.super_journal.empty()) {
    repairs_.emplace_back(
        "ignored a journal that names a super-journal, which is gone: its "
        "transaction is committed");
  }
  return Status::Ok();
}

Status Recovery::Connect() {
  sqlite3* db = nullptr;
  const int code = OpenConnection(session_.get(), &db);
  db_.reset(db);
  if (code != SQLITE_OK) return Failure(code);
  // Reads and writes ask as well (vfs/legacy/legacy_vfs.h); a long statement
  // over pages in memory does neither.
  sqlite3_progress_handler(db, kOpcodesBetweenLooks, Progress, this);
  // The CHECK constraints are ignored: rows that break one are no damage.
  return Execute(
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA ignore_check_constraints = 1;"
      "PRAGMA cell_size_check = 1; PRAGMA temp_store = FILE");
}

// Makes the first access, at which SQLite rolls back a hot journal. It reads
// the header only, so that a schema that this SQLite does not understand is no
// obstacle.
Status Recovery::RollBack() {
  if (Status s = Execute("BEGIN; PRAGMA user_version; COMMIT"); !s.ok()) {
    return s;
  }
  return ReadLegacyDatabase(session_->main(), &database_);
}

Status Recovery::ApplyWal() {
  const bool has_wal = session_->wal()->base()->size_bytes() > 0;
  if (!has_wal && database_.read_version != kWalVersion) return Status::Ok();
  int frame_count = 0;
  int code = sqlite3_wal_checkpoint_v2(
      db_.get(), "main", SQLITE_CHECKPOINT_PASSIVE, &frame_count, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  frame_count = std::max(frame_count, 0);
  uint64_t transaction_count = 0;
  // The pairs are looked at before the checkpoint that truncates, while
  // frame_count is what SQLite could reach.
  if (Status s = CheckLegacyWal(session_->wal()->base(),
                                static_cast<uint32_t>(frame_count),
                                &transaction_count);
      !s.ok()) {
    return s;
  }
  code = sqlite3_wal_checkpoint_v2(
      db_.get(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  if (code != SQLITE_OK) return Failure(code);
  // An actor has no WAL, and its header says so from here on.
  if (Status s = Execute("PRAGMA journal_mode = DELETE"); !s.ok()) return s;
  repairs_.push_back(
      frame_count == 0
          ? "left WAL mode: there were no frames to apply"
          : "applied " +
                Count(static_cast<uint64_t>(frame_count), "WAL frame") + " (" +
                Count(transaction_count, "transaction") + ")");
  return ReadLegacyDatabase(session_->main(), &database_);
}

Status Recovery::CheckVersions() {
  const uint8_t newest =
      std::max(database_.write_version, database_.read_version);
  if (newest <= kRollbackVersion) return Status::Ok();
  if (newest > kWalVersion) {
    return Status::NotSupported(
        "the database was written by a newer version of SQLite: header bytes "
        "18 and 19 are " +
        std::to_string(database_.write_version) + " and " +
        std::to_string(database_.read_version));
  }
  // Only the write version may be 2 here, which SQLite leaves as it is.
  const char versions[] = {kRollbackVersion, kRollbackVersion};
  return session_->main()->Write(kWriteVersionOffset, versions,
                                 sizeof versions);
}

// Tells of a size in the metadata that never was the file's: SQLite always
// writes the last page when a file grows, so the chunk at its end would be
// stored.
Status Recovery::CheckSize() {
  LegacyFile* stored = session_->main()->base();
  const uint64_t size = stored->size_bytes();
  const uint64_t bytes = uint64_t{database_.page_count} * database_.page_size;
  if (size <= bytes) return Status::Ok();
  std::optional<LegacyFile::Chunk> last;
  if (size <= kMaxLegacyFileBytes) {
    const auto index = static_cast<uint32_t>((size - 1) / kLegacyChunkBytes);
    if (Status s = stored->NextChunk(index, &last); !s.ok()) return s;
  }
  if (last.has_value()) return Status::Ok();
  repairs_.push_back("the metadata say a size of " + Count(size, "byte") +
                     ", the database has " +
                     Count(database_.page_count, "page") + " of " +
                     Count(database_.page_size, "byte") + ": that is its size");
  return Status::Ok();
}

Status Recovery::QuickCheck() {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db_.get(), "PRAGMA main.quick_check(10)", -1,
                                &statement, nullptr);
  std::string findings;  // a line each; a row may have several
  while (code == SQLITE_OK || code == SQLITE_ROW) {
    code = sqlite3_step(statement);
    if (code != SQLITE_ROW) break;
    const auto* text = sqlite3_column_text(statement, 0);
    if (text == nullptr) continue;
    findings += std::string(reinterpret_cast<const char*>(text)) + "\n";
  }
  // The error is taken before the statement goes, and the message with it.
  Status failure = code == SQLITE_DONE ? Status::Ok() : Failure(code);
  sqlite3_finalize(statement);
  if (!failure.ok()) return failure;
  // quick_check takes a page that could not be read for damage, and goes on.
  if (!session_->error().ok()) return session_->error();
  if (findings == "ok\n") return Status::Ok();
  return Status::Corruption("the database is damaged, quick_check says: " +
                            FirstLines(findings) + kRestore);
}

Status Recovery::CheckHoles() {
  uint64_t missing_count = 0;
  if (Status s = holes_->Check(options_.keep_on, &missing_count); !s.ok()) {
    return s;
  }
  if (missing_count > 0) repairs_.push_back(UnwrittenPages(missing_count));
  holes_.reset();
  return Status::Ok();
}

Status Recovery::CheckPages() {
  holes_ = std::make_unique<LegacyHoles>(session_->main(), database_);
  const uint64_t bytes = uint64_t{database_.page_count} * database_.page_size;
  if (bytes > options_.unchecked_bytes) {
    if (Status s = CheckHoles(); !s.ok()) return s;
  }
  if (!options_.quick_check) return Status::Ok();
  Status checked = QuickCheck();
  if (checked.code() != Code::kCorruption || holes_ == nullptr) return checked;
  // Lost pages say more than the damage that follows from them.
  if (Status s = CheckHoles(); !s.ok()) return s;
  return checked;
}

Status Recovery::Run(std::unique_ptr<RecoveredImage>* image) {
  // The order is that in which SQLite would meet the files: the journal is
  // rolled back before the WAL is applied, and only then the pages are those of
  // the database.
  if (Status s = session_->Open(); !s.ok()) return s;
  if (Status s = CheckDatabaseKeys(pairs_, session_->main()->exists());
      !s.ok()) {
    return s;
  }
  if (Status s = Check(); !s.ok()) return s;
  if (session_->main()->exists()) {
    if (Status s = Connect(); !s.ok()) return s;
    if (Status s = RollBack(); !s.ok()) return s;
    if (Status s = ApplyWal(); !s.ok()) return s;
    if (Status s = CheckVersions(); !s.ok()) return s;
    if (Status s = CheckSize(); !s.ok()) return s;
    if (Status s = CheckPages(); !s.ok()) return s;
    db_.reset();
  }
  if (!session_->error().ok()) return session_->error();
  // The connection is closed by here; the image reads the views without SQLite.
  session_->Unregister();
  session_->set_work(nullptr);
  *image = std::make_unique<RecoveredImage>(
      std::move(session_), database_, std::move(holes_), std::move(repairs_));
  return Status::Ok();
}

}  // namespace

Status Recover(PairReader* pairs, const RecoveryOptions& options,
               std::unique_ptr<RecoveredImage>* image) {
  // Errors of the private connection are of nobody's thread
  // (vfs/sqlite/last_error.h, invariant 3).
  const InnerWork inner;
  return Recovery(pairs, options).Run(image);
}

}  // namespace actorkv
