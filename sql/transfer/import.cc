#include "sql/transfer/import.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kv/base/system_error.h"
#include "kv/format/database_header.h"
#include "sql/bind/actor_connection.h"
#include "sql/bind/sql_statement.h"
#include "sql/bind/target.h"
#include "sql/transfer/import_pairs.h"
#include "vfs/migrate/image_commit.h"
#include "vfs/sqlite/default_vfs.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

// The number of pages copied between two looks at sqlite3_interrupt().
constexpr int kPagesAtOnce = 256;

struct FinishBackup {
  void operator()(sqlite3_backup* backup) const {
    sqlite3_backup_finish(backup);
  }
};
using Backup = std::unique_ptr<sqlite3_backup, FinishBackup>;

// Returns what a code of SQLite about the file says to the user.
Status SourceError(int code, const std::string& path) {
  switch (code) {
    case SQLITE_NOTADB:
      return Status::InvalidArgument(
          "not a SQLite database, or an encrypted one: " + path);
    // The source is opened read-only, so SQLite refuses what it would have to
    // write first: its message would not say what to do.
    case SQLITE_READONLY_ROLLBACK:
      return Status::InvalidArgument(
          "a transaction on it was cut short and " + path +
          "-journal has to be rolled back: open the file once with sqlite3, "
          "for instance to run 'PRAGMA integrity_check', then import it");
    case SQLITE_READONLY_RECOVERY:
    case SQLITE_READONLY_CANTINIT:
    case SQLITE_READONLY_DIRECTORY:
      return Status::InvalidArgument(
          "it is in WAL mode and its directory cannot be written: copy it "
          "with its -wal file to a place where it can be: " +
          path);
    default:
      break;
  }
  const std::string text = std::string(sqlite3_errstr(code)) + ": " + path;
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Status::Busy("another connection is writing to it: " + path);
    case SQLITE_CORRUPT:
      return Status::Corruption(text);
    default:
      return Status::IOError(text);
  }
}

Status TargetBusy(const Target& target) {
  return Status::Busy("another connection is writing to the actor: " +
                      TargetName(target));
}

Status TargetError(int code, const Target& target) {
  const std::string text = TargetName(target) + ": " + sqlite3_errstr(code) +
                           " (" + LastError() + ")";
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return TargetBusy(target);
    case SQLITE_FULL:
      return Status::NoSpace(text);
    case SQLITE_CORRUPT:
      return Status::Corruption(text);
    default:
      return Status::IOError(text);
  }
}

// Checks what can be said about the file before SQLite looks into it.
Status CheckSource(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? Status::NotFound("no such file: " + path)
                           : SystemError("find", path, errno);
  }
  if (!S_ISREG(file.st_mode)) {
    return Status::InvalidArgument("not a file: " + path);
  }
  // SQLite would take it for a database without pages.
  if (file.st_size == 0) {
    return Status::InvalidArgument("an empty file, no database in it: " + path);
  }
  return Status::Ok();
}

// The source waits as long as the user's connection does.
int BusyTimeout(sqlite3* db) {
  sqlite3_stmt* statement = nullptr;
  int timeout_ms = 0;
  if (sqlite3_prepare_v2(db, "PRAGMA busy_timeout", -1, &statement, nullptr) ==
          SQLITE_OK &&
      sqlite3_step(statement) == SQLITE_ROW) {
    timeout_ms = sqlite3_column_int(statement, 0);
  }
  sqlite3_finalize(statement);
  return timeout_ms;
}

// Opens the file and keeps one state of it until it is closed. The statement
// reads the header only: a schema that this SQLite does not understand is no
// obstacle.
Status OpenSource(const std::string& path, int timeout_ms, Database* source) {
  if (Status s = CheckSource(path); !s.ok()) return s;
  sqlite3* db = nullptr;
  int code =
      // The base VFS by its name: ours may be the default, and would take the
      // path for an actor's.
      sqlite3_open_v2(path.c_str(), &db, SQLITE_OPEN_READONLY, BaseVfsName());
  source->reset(db);
  if (db != nullptr) sqlite3_extended_result_codes(db, 1);
  if (code == SQLITE_OK) {
    sqlite3_busy_timeout(db, timeout_ms);
    code = sqlite3_exec(db, "BEGIN; PRAGMA user_version", nullptr, nullptr,
                        nullptr);
  }
  return code == SQLITE_OK ? Status::Ok() : SourceError(code, path);
}

Status CheckIsNew(const Target& target) {
  std::shared_ptr<Actor> actor;
  std::shared_ptr<const HeadState> state;
  if (Status s = target.Open(&actor); !s.ok()) {
    return s;
  }
  if (Status s = actor->Current(&state); !s.ok()) return s;
  if (!state->exists && !state->is_legacy) return Status::Ok();
  return Status::AlreadyExists("the actor exists already: " +
                               TargetName(target));
}

// Returns the file as SQLite has it open: a descriptor of our own would drop
// SQLite's locks when it is closed (os_unix.c, "Posix Advisory Locking").
sqlite3_file* FileOf(sqlite3* db) {
  sqlite3_file* file = nullptr;
  (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  return file;
}

// Reads the file as SQLite does: a read past its end is filled with zeros.
int ReadFile(sqlite3_file* file, uint64_t offset, size_t size, char* buffer) {
  const int code = file->pMethods->xRead(file, buffer, static_cast<int>(size),
                                         static_cast<sqlite3_int64>(offset));
  return code == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : code;
}

// Says whether the pages are what stands in the file, and how many there are,
// by the rule of SQLite (btree.c lockBtree, 3.40.1).
bool StandsInFile(sqlite3* db, PageSource* pages) {
  constexpr uint8_t kRollbackVersion = 1;
  sqlite3_file* const file = FileOf(db);
  char bytes[kHeaderBytes];
  sqlite3_int64 size_bytes = 0;
  if (file == nullptr || file->pMethods == nullptr ||
      ReadFile(file, 0, sizeof bytes, bytes) != SQLITE_OK ||
      file->pMethods->xFileSize(file, &size_bytes) != SQLITE_OK) {
    return false;
  }
  const DatabaseHeader header =
      ParseHeader(std::string_view(bytes, sizeof bytes));
  const std::string wal = std::string(sqlite3_db_filename(db, "main")) + "-wal";
  if (!header.valid || header.write_version > kRollbackVersion ||
      header.read_version > kRollbackVersion ||
      access(wal.c_str(), F_OK) == 0) {
    return false;
  }
  pages->page_size = header.page_size;
  pages->page_count =
      header.page_count > 0
          ? header.page_count
          : static_cast<uint32_t>(static_cast<uint64_t>(size_bytes) /
                                  header.page_size);
  return true;
}

// Checks that the file is as long as its header says. SQLite would take the
// bytes that a last page lacks for zeros.
Status CheckLength(sqlite3* source, const PageSource& pages) {
  sqlite3_int64 size_bytes = 0;
  sqlite3_file* const file = FileOf(source);
  const int code = file->pMethods->xFileSize(file, &size_bytes);
  const std::string path = sqlite3_db_filename(source, "main");
  if (code != SQLITE_OK) return SourceError(code, path);
  const uint64_t expected = uint64_t{pages.page_count} * pages.page_size;
  if (static_cast<uint64_t>(size_bytes) >= expected) return Status::Ok();
  return Status::Corruption("it has " + std::to_string(size_bytes) +
                            " bytes, and its header says " +
                            std::to_string(expected) + ": " + path);
}

// Import: of a file that SQLite has open as `source`.
struct Import {
  Connection* connection;
  sqlite3* source;
  const Target& target;
  WorkMeter* work;
};

// Loads the pages of a file that StandsInFile().
Status Load(const Import& import, PageSource pages) {
  const auto& [connection, source, target, work] = import;
  work->Enter("read", uint64_t{pages.page_count} * pages.page_size);
  const std::string path = sqlite3_db_filename(source, "main");
  pages.read = [file = FileOf(source), page_size = pages.page_size, path](
                   PageNo first, uint32_t count, char* buffer) {
    const int code = ReadFile(file, uint64_t{first - 1} * page_size,
                              size_t{count} * page_size, buffer);
    return code == SQLITE_OK ? Status::Ok() : SourceError(code, path);
  };
  ImageCommit commit;
  commit.store = target.store;
  commit.name = target.actor;
  commit.pages = std::move(pages);
  commit.origin = Origin::kImport;
  commit.keep_on = [&import] { return import.connection->KeepOn(); };
  commit.work = work;
  commit.copied = [&import] {
    import.work->Enter("commit");
    return Status::Ok();
  };
  Status s = CommitImage(commit);
  if (s.ok()) return s;
  if (s.code() == Code::kInterrupted) return s;
  return s.code() == Code::kBusy ? TargetBusy(target)
                                 : s.WithContext(TargetName(target));
}

uint64_t PageCountOf(sqlite3_backup* backup) {
  return static_cast<uint64_t>(sqlite3_backup_pagecount(backup));
}

Status Copy(const Import& import, ImportedActor* imported) {
  const auto& [connection, source, target, work] = import;
  work->Enter("read");
  ActorConnection database;
  if (Status s = database.Open(target, Origin::kImport); !s.ok()) {
    return s.WithContext(TargetName(target));
  }
  std::optional<std::string> text;
  if (Status s = QueryText(source, "PRAGMA page_size", &text); !s.ok()) {
    return s;
  }
  const uint64_t page_size = std::stoull(text.value_or("0"));
  // What is in a WAL is in no place of the file, so SQLite copies it page by
  // page.
  Backup backup(sqlite3_backup_init(database.db(), "main", source, "main"));
  if (backup == nullptr) {
    return TargetError(sqlite3_extended_errcode(database.db()), target);
  }
  // A step of 0 pages takes the locks and copies nothing. From here on nobody
  // else can make this actor, so it is looked for once more.
  int code = sqlite3_backup_step(backup.get(), 0);
  while (code == SQLITE_OK) {
    if (Status s = CheckIsNew(target); !s.ok()) return s;
    if (Status s = connection->KeepOn(); !s.ok()) return s;
    work->Enter("read", PageCountOf(backup.get()) * page_size);
    const int left = sqlite3_backup_remaining(backup.get());
    code = sqlite3_backup_step(backup.get(), kPagesAtOnce);
    const int copied = left - sqlite3_backup_remaining(backup.get());
    work->Add(static_cast<uint64_t>(std::max(copied, 0)) * page_size);
  }
  if (code != SQLITE_DONE) return TargetError(code, target);
  imported->page_count = PageCountOf(backup.get());
  imported->bytes = imported->page_count * page_size;
  return Status::Ok();
}

Status Bring(const Import& import, ImportedActor* imported) {
  ImportedActor made;
  made.state = LegacyState::kLive;
  made.form = "db";
  PageSource pages;
  // A file without a WAL is loaded as it stands, in order and past SQLite's
  // page cache.
  if (!StandsInFile(import.source, &pages)) {
    if (Status s = Copy(import, &made); !s.ok()) return s;
  } else {
    if (Status s = CheckLength(import.source, pages); !s.ok()) return s;
    made.page_count = pages.page_count;
    made.bytes = uint64_t{pages.page_count} * pages.page_size;
    if (Status s = Load(import, std::move(pages)); !s.ok()) return s;
  }
  *imported = made;
  return Status::Ok();
}

// Checks that a file which has nothing, in WAL mode, did not leave all that it
// had behind: a program that was killed has everything in its -wal, and only an
// empty page in the file.
Status CheckHasWal(sqlite3* source) {
  constexpr uint8_t kWalVersion = 2;
  sqlite3_file* const file = FileOf(source);
  const std::string path = sqlite3_db_filename(source, "main");
  char bytes[kHeaderBytes];
  sqlite3_int64 size_bytes = 0;
  if (file == nullptr || file->pMethods == nullptr ||
      ReadFile(file, 0, sizeof bytes, bytes) != SQLITE_OK ||
      file->pMethods->xFileSize(file, &size_bytes) != SQLITE_OK) {
    return Status::Ok();  // what reads the pages says so
  }
  const DatabaseHeader header =
      ParseHeader(std::string_view(bytes, sizeof bytes));
  struct stat wal = {};
  const bool has_wal =
      stat((path + "-wal").c_str(), &wal) == 0 && wal.st_size > 0;
  if (!header.valid || header.write_version != kWalVersion || has_wal ||
      size_bytes > static_cast<sqlite3_int64>(header.page_size)) {
    return Status::Ok();
  }
  int64_t count = 0;
  // What is wrong with a schema, the import says.
  const Status counted =
      QueryInt(source, "SELECT count(*) FROM sqlite_schema", &count);
  if (!counted.ok() || count != 0) return Status::Ok();
  return Status::InvalidArgument(
      "its -wal is missing: the file is in WAL mode and has no table, as where "
      "a program was killed that had all in " +
      path + "-wal: copy that beside it; an empty database it is with " +
      "actorkv_import(actor, path, 'db'): " + path);
}

// Says whether the file is to become pairs.
Status FindWhetherPairs(const Connection& connection, sqlite3* source,
                        ImportAs as, bool* pairs) {
  *pairs = as == ImportAs::kPairs;
  if (as == ImportAs::kDatabase) return Status::Ok();
  if (Status s = CheckHasWal(source); !s.ok()) return s;
  if (as != ImportAs::kItsForm) return Status::Ok();
  Status s = IsKvFile(connection, source, pairs);
  // What is wrong with the file, its import as a database says.
  return s.code() == Code::kInterrupted ? s : Status::Ok();
}

Status ImportRows(Connection* connection, const Target& target, sqlite3* source,
                  const FileOptions& options, ImportedActor* imported) {
  std::unique_ptr<PairSource> pairs;
  if (Status s =
          OpenKvFile(source, sqlite3_db_filename(source, "main"), &pairs);
      !s.ok()) {
    return s;
  }
  ImportSpec spec;
  spec.name = target.actor;
  spec.form = LegacyForm::kDriverFile;
  spec.metadata_json = options.metadata_json;
  spec.notes = options.notes;
  spec.keep_on = [connection] { return connection->KeepOn(); };
  return ImportLegacy(target.store, spec, pairs.get(), imported);
}

}  // namespace

Status ImportFile(Connection* connection, const FindTarget& find_target,
                  const std::string& path, const FileOptions& options,
                  ImportedActor* imported) {
  Database source;
  const int timeout_ms = BusyTimeout(connection->db());
  if (Status s = OpenSource(path, timeout_ms, &source); !s.ok()) return s;
  bool pairs = false;
  if (Status s =
          FindWhetherPairs(*connection, source.get(), options.as, &pairs);
      !s.ok()) {
    return s;
  }
  Target target;
  // The file is opened first: a bad one must not make a store.
  if (Status s = find_target(&target); !s.ok()) return s;
  if (Status s = CheckIsNew(target); !s.ok()) return s;
  if (pairs) {
    return ImportRows(connection, target, source.get(), options, imported);
  }
  WorkMeter work = target.BeginWork(WorkKind::kImport);
  return work.Ended(Bring({connection, source.get(), target, &work}, imported));
}

Status LookAtKvFile(Connection* connection, const std::string& path,
                    KvFileContent* content) {
  Database source;
  const int timeout_ms = BusyTimeout(connection->db());
  if (Status s = OpenSource(path, timeout_ms, &source); !s.ok()) return s;
  if (Status s = CheckHasWal(source.get()); !s.ok()) return s;
  return FindKvFileContent(source.get(), content).WithContext(path);
}

}  // namespace actorkv
