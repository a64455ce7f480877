#include "vfs/sqlite/sqlite_error.h"

#include <optional>

#include "kv/base/thrown.h"
#include "kv/base/utf8.h"
#include "vfs/sqlite/last_errno.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

namespace {

// The tables are switches without a default, so that a new code does not
// compile until each place has one for it. The header has them side by side.

// SQLITE_CANTOPEN is what hosts expect of an open. Codes of their own have
// those after which a host does something else: wait, make room, restore.
int OpenCode(Code code) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kNoSpace:
      return SQLITE_FULL;
    case Code::kCorruption:
      return SQLITE_IOERR_DATA;
    case Code::kBusy:
      return SQLITE_BUSY;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kIOError:
    case Code::kNotSupported:
    case Code::kReadOnly:
    case Code::kInterrupted:
      return SQLITE_CANTOPEN;
    case Code::kNoMemory:
      return SQLITE_NOMEM;
  }
  return SQLITE_INTERNAL;
}

// What is missing inside a database is damage too: every page of it is stored.
int ReadCode(Code code) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kNotFound:
    case Code::kCorruption:
      return SQLITE_IOERR_DATA;
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kBusy:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kNoSpace:
    case Code::kIOError:
    case Code::kNotSupported:
    case Code::kReadOnly:
    case Code::kInterrupted:
      return SQLITE_IOERR_READ;
    case Code::kNoMemory:
      return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_INTERNAL;
}

// A conflict and a fence show when a lock is taken, while SQLite can still
// answer them: BUSY_SNAPSHOT makes a host begin its transaction anew, DBMOVED
// ends it.
int LockCode(Code code) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kBusy:
      return SQLITE_BUSY;
    case Code::kConflict:
      return SQLITE_BUSY_SNAPSHOT;
    case Code::kFenced:
      return SQLITE_READONLY_DBMOVED;
    case Code::kReadOnly:
      return SQLITE_READONLY;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kNoSpace:
    case Code::kCorruption:
    case Code::kIOError:
    case Code::kNotSupported:
    case Code::kInterrupted:
      return SQLITE_IOERR_LOCK;
    case Code::kNoMemory:
      return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_INTERNAL;
}

// Only SQLITE_FULL and codes of I/O roll back cleanly in the middle of a
// commit; after any other the pager keeps pages that were not committed
// (pager.c pager_error, 3.40.1).
int WriteCode(Code code, int io_error) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kNoSpace:
      return SQLITE_FULL;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kBusy:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kCorruption:
    case Code::kIOError:
    case Code::kNotSupported:
    case Code::kReadOnly:
    case Code::kInterrupted:
      return io_error;
    case Code::kNoMemory:
      return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_INTERNAL;
}

// Never SQLITE_BUSY: the transaction would stay open, and the COMMIT that the
// user repeats would write nothing.
int SyncCode(Code code) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kConflict:
      return SQLITE_BUSY_SNAPSHOT;
    case Code::kFenced:
      return SQLITE_READONLY_DBMOVED;
    case Code::kNoSpace:
      return SQLITE_FULL;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kBusy:
    case Code::kCorruption:
    case Code::kIOError:
    case Code::kNotSupported:
    case Code::kReadOnly:
    case Code::kInterrupted:
      return SQLITE_IOERR_FSYNC;
    case Code::kNoMemory:
      return SQLITE_IOERR_NOMEM;
  }
  return SQLITE_INTERNAL;
}

// A function has its own text, so that SQLITE_ERROR is enough where a host can
// do nothing else than show it.
int FunctionCode(Code code) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kBusy:
      return SQLITE_BUSY;
    case Code::kNoSpace:
      return SQLITE_FULL;
    case Code::kCorruption:
      return SQLITE_CORRUPT;
    case Code::kIOError:
      return SQLITE_IOERR;
    case Code::kReadOnly:
      return SQLITE_READONLY;
    case Code::kInterrupted:
      return SQLITE_INTERRUPT;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kNotSupported:
      return SQLITE_ERROR;
    case Code::kNoMemory:
      return SQLITE_NOMEM;
  }
  return SQLITE_INTERNAL;
}

// Returns false for busy and conflict, which are part of a normal day; a log
// line each would hide what matters.
bool IsWorthALine(int code) {
  const int primary = code & 0xff;
  return primary != SQLITE_BUSY && primary != SQLITE_INTERRUPT;
}

// Reports without allocating anything.
int ReportNoMemory(int code, const ErrorOwner& owner) noexcept {
  KeepError(code, {}, owner);
  sqlite3_log(code, "actorkv: out of memory");
  return code;
}

}  // namespace

int SqliteCode(Place place, const Status& status) {
  const Code code = status.code();
  switch (place) {
    case Place::kOpen:
      return OpenCode(code);
    case Place::kRead:
      return ReadCode(code);
    case Place::kLock:
      return LockCode(code);
    case Place::kWrite:
      return WriteCode(code, SQLITE_IOERR_WRITE);
    case Place::kTruncate:
      return WriteCode(code, SQLITE_IOERR_TRUNCATE);
    case Place::kFileSize:
      return WriteCode(code, SQLITE_IOERR_FSTAT);
    case Place::kDelete:
      return WriteCode(code, SQLITE_IOERR_DELETE);
    case Place::kSync:
      return SyncCode(code);
    case Place::kPhaseTwo:
      return WriteCode(code, SQLITE_IOERR_FSYNC);
    case Place::kFunction:
      return FunctionCode(code);
  }
  return SQLITE_INTERNAL;
}

int ReportError(Place place, const Status& status, const ErrorOwner& owner) {
  const int code = SqliteCode(place, status);
  if (status.ok()) return code;
  // The number is set before the text, which takes memory.
  SetLastErrno(status);
  if (status.code() == Code::kNoMemory) return ReportNoMemory(code, owner);
  return ReportCode(code, status.ToString(), owner);
}

int ReportCode(int code, std::string_view text, const ErrorOwner& owner) {
  // Names in messages may be any bytes; the log and SQL have UTF-8.
  const std::string readable = EscapedUtf8(text);
  KeepError(code, readable, owner);
  // The text is an argument, not the format: names may have a '%'.
  if (IsWorthALine(code)) sqlite3_log(code, "actorkv: %s", readable.c_str());
  return code;
}

int ReportThrown(Place place, const ErrorOwner& owner) noexcept {
  const Status status = ThrownStatus();
  // The code for the case that reporting runs out of memory itself.
  int code = SqliteCode(place, Status::NoMemory());
  const bool reported =
      IfMemory([&] { code = ReportError(place, status, owner); });
  return reported ? code : ReportNoMemory(code, owner);
}

void LogError(int code, const Status& status) {
  if (status.ok() || !IsWorthALine(code)) return;
  sqlite3_log(code, "actorkv: %s", EscapedUtf8(status.ToString()).c_str());
}

void NoteIgnored(const Status& status) { LogError(SQLITE_NOTICE, status); }

std::string LastError() {
  const std::optional<KeptError> error = ErrorOfThread();
  return error.has_value() ? error->text : std::string();
}

}  // namespace actorkv
