#include "sql/import.h"

#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "kv/store_directory.h"
#include "sql/actor_connection.h"
#include "sql/target.h"
#include "vfs/actor_vfs.h"
#include "vfs/sqlite_error.h"

namespace actorkv {

namespace {

// Copied between two looks at sqlite3_interrupt().
constexpr int kPagesAtOnce = 256;

struct FinishBackup {
  void operator()(sqlite3_backup* backup) const {
    sqlite3_backup_finish(backup);
  }
};
using Backup = std::unique_ptr<sqlite3_backup, FinishBackup>;

// What a code of SQLite about the file says to the user.
Status SourceError(int code, const std::string& path) {
  switch (code) {
    case SQLITE_NOTADB:
      return Status::InvalidArgument(
          "not a SQLite database, or an encrypted one: " + path);
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

Status TargetError(int code, const Target& target) {
  const std::string text = TargetName(target) + ": " + sqlite3_errstr(code) +
                           " (" + LastError() + ")";
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Status::Busy("another connection is writing to the actor: " +
                          TargetName(target));
    case SQLITE_FULL:
      return Status::NoSpace(text);
    case SQLITE_CORRUPT:
      return Status::Corruption(text);
    default:
      return Status::IOError(text);
  }
}

// What can be said about the file before SQLite looks into it.
Status CheckSource(const std::string& path) {
  struct stat file = {};
  if (stat(path.c_str(), &file) != 0) {
    return errno == ENOENT ? Status::NotFound("no such file: " + path)
                           : SystemError("find", path, errno);
  }
  if (!S_ISREG(file.st_mode)) {
    return Status::InvalidArgument("not a file: " + path);
  }
  if (file.st_size == 0) {
    return Status::InvalidArgument("an empty file, no database in it: " + path);
  }
  return Status::Ok();
}

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
  if (Status s = target.store->OpenActor(target.actor, &actor); !s.ok()) {
    return s;
  }
  if (Status s = actor->Current(&state); !s.ok()) return s;
  if (!state->exists && !state->is_legacy) return Status::Ok();
  return Status::AlreadyExists("the actor exists already: " +
                               TargetName(target));
}

Status Copy(Connection* connection, sqlite3* source, const Target& target,
            uint64_t* page_count) {
  ActorConnection database;
  if (Status s = database.Open(target, Origin::kImport); !s.ok()) {
    return s.WithContext(TargetName(target));
  }
  Backup backup(sqlite3_backup_init(database.db(), "main", source, "main"));
  if (backup == nullptr) {
    return TargetError(sqlite3_extended_errcode(database.db()), target);
  }
  // Takes the locks and copies nothing. From here on nobody else can make
  // this actor, so it is looked for once more.
  int code = sqlite3_backup_step(backup.get(), 0);
  while (code == SQLITE_OK) {
    if (Status s = CheckIsNew(target); !s.ok()) return s;
    if (Status s = connection->KeepOn(); !s.ok()) return s;
    code = sqlite3_backup_step(backup.get(), kPagesAtOnce);
  }
  if (code != SQLITE_DONE) return TargetError(code, target);
  *page_count = static_cast<uint64_t>(sqlite3_backup_pagecount(backup.get()));
  return Status::Ok();
}

}  // namespace

Status ImportFile(Connection* connection, const std::string& actor,
                  const std::string& path, uint64_t* page_count) {
  Database source;
  const int timeout_ms = BusyTimeout(connection->db());
  if (Status s = OpenSource(path, timeout_ms, &source); !s.ok()) return s;
  Target target;
  if (Status s = ResolveTarget(connection, actor, StoreUse::kCreate, &target);
      !s.ok()) {
    return s;
  }
  if (Status s = CheckIsNew(target); !s.ok()) return s;
  return Copy(connection, source.get(), target, page_count);
}

}  // namespace actorkv
