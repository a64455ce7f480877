#include "vfs/sqlite_error.h"

#include <mutex>

#include "vfs/last_errno.h"
#include "vfs/sqlite_api.h"

namespace actorkv {

namespace {

int OpenCode(Code code) {
  switch (code) {
    case Code::kOk:
      return SQLITE_OK;
    case Code::kNoSpace:
      return SQLITE_FULL;
    case Code::kCorruption:
      return SQLITE_IOERR_DATA;
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kBusy:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kIOError:
    case Code::kNotSupported:
      return SQLITE_CANTOPEN;
  }
  return SQLITE_INTERNAL;
}

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
      return SQLITE_IOERR_READ;
  }
  return SQLITE_INTERNAL;
}

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
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kNoSpace:
    case Code::kCorruption:
    case Code::kIOError:
    case Code::kNotSupported:
      return SQLITE_IOERR_LOCK;
  }
  return SQLITE_INTERNAL;
}

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
      return io_error;
  }
  return SQLITE_INTERNAL;
}

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
      return SQLITE_IOERR_FSYNC;
  }
  return SQLITE_INTERNAL;
}

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
    case Code::kNotFound:
    case Code::kAlreadyExists:
    case Code::kInvalidArgument:
    case Code::kConflict:
    case Code::kFenced:
    case Code::kNotSupported:
      return SQLITE_ERROR;
  }
  return SQLITE_INTERNAL;
}

struct ErrorText {
  std::mutex mutex;
  std::string text;
};

ErrorText* LastErrorText() {
  static auto* const last = new ErrorText;
  return last;
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

int ReportError(Place place, const Status& status) {
  const int code = SqliteCode(place, status);
  if (status.ok()) return code;
  SetLastErrno(status);
  const std::string text = status.ToString();
  {
    ErrorText* last = LastErrorText();
    std::lock_guard<std::mutex> lock(last->mutex);
    last->text = text;
  }
  // Busy and conflict are part of a normal day; a log line each would hide
  // what matters.
  if (status.code() != Code::kBusy && status.code() != Code::kConflict) {
    sqlite3_log(code, "actorkv: %s", text.c_str());
  }
  return code;
}

void NoteIgnored(const Status& status) {
  if (status.ok()) return;
  sqlite3_log(SQLITE_NOTICE, "actorkv: %s", status.ToString().c_str());
}

std::string LastError() {
  ErrorText* last = LastErrorText();
  std::lock_guard<std::mutex> lock(last->mutex);
  return last->text;
}

}  // namespace actorkv
