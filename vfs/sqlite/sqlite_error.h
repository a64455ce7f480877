// These functions make a SQLite code of a Status, by the place where it
// happens.
//
// SQLite treats codes differently at different calls (3.40.1, pager.c
// pager_error() and vdbeaux.c vdbeCommit()):
//
// - At FCNTL_SYNC and at xDelete of a super-journal never SQLITE_BUSY: the
//   transaction would stay open, and the COMMIT repeated by the user would
//   write no pages.
// - At COMMIT_PHASETWO only the IOERR family and SQLITE_FULL put the pager
//   into its error state; with others the connection goes on with uncommitted
//   pages in its cache.
//
// Status     | open       | read       | lock             | write
// -----------|------------|------------|------------------|--------
// NotFound   | CANTOPEN   | IOERR_DATA | IOERR_LOCK       | IOERR_x
// Busy       | BUSY*      | IOERR_READ | BUSY             | IOERR_x
// Conflict   | CANTOPEN   | IOERR_READ | BUSY_SNAPSHOT    | IOERR_x
// Fenced     | CANTOPEN   | IOERR_READ | READONLY_DBMOVED | IOERR_x
// NoSpace    | FULL       | IOERR_READ | IOERR_LOCK       | FULL
// Corruption | IOERR_DATA | IOERR_DATA | IOERR_LOCK       | IOERR_x
// NoMemory   | NOMEM      | IOERR_NOMEM, here and in all columns but function
// ReadOnly   | CANTOPEN   | IOERR_READ | READONLY         | IOERR_x
// others     | CANTOPEN   | IOERR_READ | IOERR_LOCK       | IOERR_x
//
// Status     | sync             | phase two   | SQL function
// -----------|------------------|-------------|-------------
// NotFound   | IOERR_FSYNC      | IOERR_FSYNC | ERROR
// Busy       | IOERR_FSYNC      | IOERR_FSYNC | BUSY
// Conflict   | BUSY_SNAPSHOT    | IOERR_FSYNC | ERROR
// Fenced     | READONLY_DBMOVED | IOERR_FSYNC | ERROR
// NoSpace    | FULL             | FULL        | FULL
// Corruption | IOERR_FSYNC      | IOERR_FSYNC | CORRUPT
// IOError    | IOERR_FSYNC      | IOERR_FSYNC | IOERR
// NoMemory   | IOERR_NOMEM      | IOERR_NOMEM | NOMEM
// ReadOnly   | IOERR_FSYNC      | IOERR_FSYNC | READONLY
// Interrupted| IOERR_FSYNC      | IOERR_FSYNC | INTERRUPT
// others     | IOERR_FSYNC      | IOERR_FSYNC | ERROR
//
// * a store that another process holds, after the open has waited for it
//   (kv/process/open_wait.h): SQLite asks no busy handler at an open. x is
//   WRITE, TRUNCATE, FSTAT or DELETE.

#ifndef ACTORKV_VFS_SQLITE_SQLITE_ERROR_H_
#define ACTORKV_VFS_SQLITE_SQLITE_ERROR_H_

#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "vfs/sqlite/last_error.h"

namespace actorkv {

enum class Place {
  kOpen,
  kRead,
  kLock,
  kWrite,
  kTruncate,
  kFileSize,
  kDelete,  // xDelete of anything but a super-journal
  kSync,    // FCNTL_SYNC, xSync, xDelete of a super-journal
  kPhaseTwo,
  kFunction,  // SQL functions and tables
};

// Returns the code; SQLITE_OK for an ok status.
int SqliteCode(Place place, const Status& status);

// Returns what SqliteCode() does, keeps the text (vfs/sqlite/last_error.h) and
// sends it to SQLite's error log: a VFS has no other way to say more than a
// code. Bytes that are no UTF-8 are escaped.
int ReportError(Place place, const Status& status,
                const ErrorOwner& owner = {});

// Does the same for a code that comes from elsewhere. Returns it.
int ReportCode(int code, std::string_view text, const ErrorOwner& owner = {});

// Reports what was thrown like ReportError() does, as kNoMemory or kIOError:
// see kv/base/thrown.h. REQUIRES: called in a catch clause.
int ReportThrown(Place place, const ErrorOwner& owner) noexcept;

// Says an error in SQLite's error log and nowhere else: it follows from one
// that was reported. Does nothing for an ok status.
void LogError(int code, const Status& status);

// Says it as a notice: something that nobody depends on did not work.
void NoteIgnored(const Status& status);

// Returns the text of the calling thread's last error; empty if none.
std::string LastError();

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_SQLITE_ERROR_H_
