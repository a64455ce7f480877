// These classes and functions read the URI parameters of an open.

#ifndef ACTORKV_VFS_SQLITE_URI_H_
#define ACTORKV_VFS_SQLITE_URI_H_

#include <chrono>
#include <optional>
#include <string>

#include "kv/base/status.h"
#include "kv/process/open_wait.h"
#include "vfs/sqlite/raw_uri.h"

namespace actorkv {

// UriParameters: the parameters of a database's name, as SQLite passes it to
// xOpen and answers it in sqlite3_db_filename(): those that SQLite read, and
// those of a URI that it did not read, which are a part of the full path name
// (vfs/sqlite/actor_path.h). Refers to the name.
class UriParameters {
 public:
  explicit UriParameters(const char* name);

  // The value of the first one with this name, valid as long as this object;
  // null: not given. So not of a temporary.
  const char* Find(const char* key) const&;
  const char* Find(const char* key) && = delete;

  // Does what sqlite3_uri_boolean() does.
  bool Boolean(const char* key, bool otherwise) const;

  // The name of the parameter at `index`, from 0, valid as long as this object;
  // null: there are no more.
  const char* KeyAt(size_t index) const&;
  const char* KeyAt(size_t index) && = delete;

  // Returns true when they come from a URI that SQLite did not read.
  bool is_raw() const { return !raw_.empty(); }

 private:
  const char* const name_;
  const UriPairs raw_;
};

// ReadOnly: why a file that was opened cannot be written.
enum class ReadOnly {
  kNo,
  kMode,     // mode=ro, or SQLITE_OPEN_READONLY
  kPast,     // asof=
  kNoLocks,  // nolock=1 or immutable=1
  kLegacy,   // legacy=1
};

struct UriOptions {
  bool named_vfs = false;    // vfs= was given
  bool never_locks = false;  // nolock=1 or immutable=1
  // The value of asof=: a point (kv/history/point.h) of the actor's history, to
  // be read only.
  std::optional<std::string> as_of;
  // legacy=1: the database in the pairs that the actor came with, to be read
  // only, whatever became of the actor since.
  bool legacy_pairs = false;
  std::string raw_mode;  // mode=, where SQLite did not heed it; empty: none
  // The value of open_timeout_ms=: how long an open for writing waits.
  std::chrono::milliseconds open_timeout = OpenWait::kDefaultLimit;
};

// Checks a parameter. Errors: kInvalidArgument for one that is neither SQLite's
// nor ours nor begins with '_', as those of drivers do: a misspelt one must not
// open something else than was meant. One without a value may be the rest of a
// name.
Status CheckUriParameter(const std::string& key, const std::string& value);

// `name` is the one that SQLite passes to xOpen of a main database. Errors:
// those of CheckUriParameter(); kInvalidArgument for a time that is no whole
// number from 0 on, and for legacy=1 together with asof=.
Status ParseUriOptions(const char* name, UriOptions* options);

// Reads open_timeout_ms alone, of a name of any VFS; *timeout is unchanged
// where it has none. A number too large counts as the largest. Errors:
// kInvalidArgument.
Status ParseOpenTimeout(const char* name, std::chrono::milliseconds* timeout);

}  // namespace actorkv

#endif  // ACTORKV_VFS_SQLITE_URI_H_
