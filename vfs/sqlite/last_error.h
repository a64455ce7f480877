// These keep the last errors of this module, which SQLite shows as codes: by
// connection, by thread, and by the full name of the actor that they are about.
//
// A connection is asked for first, because pools move it between threads, and a
// thread for what has no connection: an open that failed. A name is for those
// who have neither.
//
// Invariants:
//  1. Whoever asks gets whole errors: code, time and text of one moment. Only
//     where there was no memory for the text another one says so.
//  2. A call of a connection that went well ends its own error, wherever that
//     was kept but by name: a thread does not go on telling of it.
//  3. Errors of the connections that this module opens for its own work are
//     of nobody's thread, and neither do their opens end a thread's error. They
//     are kept by name, and for who does the work (InnerWork).
//  4. Where there is no memory left, the code and the time are kept all the
//     same, for the connection and the thread.
//
// May be called from any thread. Functions that keep or end an error do not
// throw.

#ifndef ACTORKV_VFS_SQLITE_LAST_ERROR_H_
#define ACTORKV_VFS_SQLITE_LAST_ERROR_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// The number of names and of threads whose errors are known: those of the
// newest ones.
constexpr size_t kMaxErrorNames = 1000;
constexpr size_t kMaxErrorThreads = 1000;

struct KeptError {
  int code = 0;  // of SQLite, extended
  uint64_t at_us = 0;
  std::string text;  // UTF-8

  // Writes it as "TEXT (code 14, 2026-11-20T10:00:00.123456Z)".
  std::string ToString() const;
};

// ErrorOwner: the connection and the name that an error belongs to.
struct ErrorOwner {
  sqlite3* db = nullptr;  // null: not known, as while it is being opened
  // The full name of the actor, STORE/ACTOR; empty: of no single actor.
  std::string_view name;
};

// Keeps an error for the connection, the calling thread and the name. `text`
// is UTF-8; empty: memory ran out.
void KeepError(int code, std::string_view text, const ErrorOwner& owner);

// Keeps it for the name alone: a row of a table told of it.
void KeepErrorOfName(int code, std::string_view text, std::string_view name);

// Has the errors of `db` kept from then on, as long as it is not forgotten.
void WatchConnection(sqlite3* db);
void ForgetConnection(sqlite3* db);

// Tells that a call of the connection which ends its error went well. Null:
// does nothing.
void EndErrorOfConnection(sqlite3* db);

// Tells that the calling thread opened a database.
void EndErrorOfThread();

// Returns what to tell somebody who asks on `db`: its error, else the thread's.
// An open that failed in this thread is of no connection, and may have been an
// ATTACH of this one, so it comes first where it is newer.
std::optional<KeptError> ErrorFor(sqlite3* db);

// These return the newest error that counts; nothing where there is none.
std::optional<KeptError> ErrorOfConnection(sqlite3* db);
std::optional<KeptError> ErrorOfThread();
std::optional<KeptError> ErrorOfName(std::string_view name);

// InnerWork: while one lives, the calling thread does this module's own work:
// invariant 3. ErrorOfThread() then tells of the errors since the outermost one
// began.
class InnerWork {
 public:
  InnerWork();
  ~InnerWork();
  InnerWork(const InnerWork&) = delete;
  InnerWork& operator=(const InnerWork&) = delete;

  // Returns true while the calling thread is at it.
  static bool UnderWay();
};

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_LAST_ERROR_H_
