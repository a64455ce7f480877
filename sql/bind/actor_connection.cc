#include "sql/bind/actor_connection.h"

#include "vfs/actor/actor_file.h"
#include "vfs/actor/vfs_name.h"
#include "vfs/sqlite/actor_path.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

Status ConnectionError(sqlite3* db) {
  const int code = sqlite3_extended_errcode(db);
  std::string text = sqlite3_errmsg(db);
  const bool from_vfs = (code & 0xff) == SQLITE_IOERR ||
                        (code & 0xff) == SQLITE_CANTOPEN ||
                        (code & 0xff) == SQLITE_FULL;
  // SQLite has one text for each code, such as "disk I/O error"; the VFS knows
  // what really happened.
  if (from_vfs) text += " (" + LastError() + ")";
  // The low byte is the primary code: all extended ones of it are answered
  // alike (SQLite result codes, "Primary Result Codes versus Extended Result
  // Codes").
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Status::Busy("another connection is writing to the actor: " +
                          text);
    case SQLITE_INTERRUPT:
      return Status::Interrupted(text);
    case SQLITE_FULL:
      return Status::NoSpace(text);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Status::Corruption(text);
    default:
      return Status::IOError(text);
  }
}

Status Execute(sqlite3* db, const std::string& sql) {
  const int code = sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db);
}

Status QueryText(sqlite3* db, const std::string& sql,
                 std::optional<std::string>* text) {
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  Status status;
  text->reset();
  if (code == SQLITE_ROW) {
    // The text belongs to the statement, and is copied before that ends.
    const auto* value = sqlite3_column_text(statement, 0);
    if (value != nullptr) *text = reinterpret_cast<const char*>(value);
  } else if (code != SQLITE_DONE) {
    status = ConnectionError(db);
  }
  sqlite3_finalize(statement);
  return status;
}

Status ActorConnection::Open(const Target& target, Origin origin) {
  // By its name, which must still mean the store of the target.
  if (Status s = target.engine()->CheckNotMoved(); !s.ok()) return s;
  sqlite3* db = nullptr;
  const std::string name = FullName({target.store_path(), target.actor});
  const int code = sqlite3_open_v2(
      name.c_str(), &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, kVfsName);
  // sqlite3_open_v2() hands out a connection when it fails, too, and that must
  // be closed.
  database_.reset(db);
  if (code != SQLITE_OK) return ConnectionError(db);
  sqlite3_extended_result_codes(db, 1);
  // A SQLite can be built with another default (SQLITE_DEFAULT_SYNCHRONOUS).
  if (Status s = Execute(db, "PRAGMA synchronous = FULL"); !s.ok()) return s;
  sqlite3_file* file = nullptr;
  ActorFile* actor_file = nullptr;
  sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
  // The origin goes with every commit of this connection: it tells an import
  // from a transaction of a user.
  if (FileMethods<ActorFile>::Cast(file, &actor_file))
    actor_file->set_origin(origin);
  return Status::Ok();
}

}  // namespace actorkv
