#include "sql/bind/read_only.h"

#include "vfs/actor/actor_file.h"
#include "vfs/legacy/recovered_file.h"

namespace actorkv {

namespace {

// The pragma is the only way in which SQLite tells of the flag. It costs a few
// microseconds.
Status QueryOnly(sqlite3* db, bool* on) {
  sqlite3_stmt* statement = nullptr;
  int code =
      sqlite3_prepare_v2(db, "PRAGMA query_only", -1, &statement, nullptr);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  const bool value =
      code == SQLITE_ROW && sqlite3_column_int(statement, 0) != 0;
  sqlite3_finalize(statement);
  if (code == SQLITE_INTERRUPT) return Status::Interrupted("interrupted");
  if (code != SQLITE_ROW) {
    // An authorizer of the host can deny the pragma. Then the flag counts as
    // set: a denied look must not open a way to write.
    return Status::ReadOnly(
        "it is not known whether PRAGMA query_only is on: let the authorizer "
        "of the connection allow that pragma");
  }
  *on = value;
  return Status::Ok();
}

// Reason says why a database of the connection cannot be written.
struct Reason {
  const char* text = nullptr;  // said of the schema; null: it can
  bool is_actor = false;
  bool was_asked_for = true;
};

Reason ReasonOf(ReadOnly read_only) {
  switch (read_only) {
    case ReadOnly::kNo:
      return {nullptr, true, false};
    case ReadOnly::kMode:
      return {"was opened with mode=ro or SQLITE_OPEN_READONLY", true, true};
    case ReadOnly::kPast:
      return {"is a version of the past, asof=", true, true};
    case ReadOnly::kLegacy:
      return {"was opened with legacy=1, as the pairs that the actor came with",
              true, true};
    case ReadOnly::kNoLocks:
      return {"was opened with nolock=1 or immutable=1", true, true};
  }
  return {};
}

Reason FindReason(sqlite3* db, const char* schema) {
  sqlite3_file* file = nullptr;
  ActorFile* live = nullptr;
  RecoveredFile* legacy = nullptr;
  sqlite3_file_control(db, schema, SQLITE_FCNTL_FILE_POINTER, &file);
  if (FileMethods<ActorFile>::Cast(file, &live)) {
    return ReasonOf(live->read_only());
  }
  // A legacy actor is read-only by its kind, which forbids nothing else: the
  // call that migrates it comes on just such a connection.
  if (FileMethods<RecoveredFile>::Cast(file, &legacy)) {
    if (legacy->read_only() != ReadOnly::kNo) {
      return ReasonOf(legacy->read_only());
    }
    return {
        "is a legacy actor: SELECT actorkv_migrate(actor), then open it "
        "again",
        true, false};
  }
  // The files of this module were asked first: sqlite3_db_readonly() knows the
  // flag of the open, and not why.
  if (sqlite3_db_readonly(db, schema) == 1) return {"is read-only"};
  return {};
}

}  // namespace

Status CheckMayWriteFile(sqlite3* db) {
  bool query_only = false;
  if (Status s = QueryOnly(db, &query_only); !s.ok()) return s;
  if (!query_only) return Status::Ok();
  return Status::ReadOnly(
      "PRAGMA query_only is on: this connection changes no store and writes no "
      "file");
}

Status CheckMayChangeStore(sqlite3* db) {
  if (Status s = CheckMayWriteFile(db); !s.ok()) return s;
  const Reason reason = FindReason(db, "main");
  if (reason.text == nullptr || !reason.was_asked_for) return Status::Ok();
  return Status::ReadOnly(std::string("main ") + reason.text +
                          ": this connection changes no store, call it on one "
                          "that may write");
}

std::string ReadOnlyNote(sqlite3* db) {
  std::string note;
  const auto add = [&note](const std::string& text) {
    note += (note.empty() ? "" : "; ") + text;
  };
  constexpr char kFails[] = ", so a write to it fails with code 8";
  for (int i = 0;; ++i) {
    // All databases of the connection are looked at: the write that failed may
    // have been to any of them. sqlite3_db_name() is there since SQLite 3.39.
    const char* schema = sqlite3_db_name(db, i);
    if (schema == nullptr) break;
    const Reason reason = FindReason(db, schema);
    if (reason.text == nullptr || !reason.is_actor) continue;
    add(std::string(schema) + " " + reason.text + kFails);
  }
  bool query_only = false;
  if (QueryOnly(db, &query_only).ok() && query_only) {
    add("PRAGMA query_only is on, so every write fails with code 8");
  }
  return note;
}

}  // namespace actorkv
