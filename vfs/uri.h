// The URI parameters of an open.

#ifndef ACTORKV_VFS_URI_H_
#define ACTORKV_VFS_URI_H_

#include <chrono>
#include <optional>
#include <string>

#include "kv/open_wait.h"
#include "kv/status.h"

namespace actorkv {

struct UriOptions {
  bool named_vfs = false;    // vfs= was given
  bool never_locks = false;  // nolock=1 or immutable=1
  // asof=: a point (kv/point.h) of the actor's history, to be read only.
  std::optional<std::string> as_of;
  // open_timeout_ms=: how long an open for writing waits.
  std::chrono::milliseconds open_timeout = OpenWait::kDefaultLimit;
};

// `name` is the one that SQLite passes to xOpen of a main database. Parameters
// of SQLite are known; those that begin with '_' belong to drivers and are
// passed over. Errors: kInvalidArgument for any other, naming it: a misspelt
// parameter must not open something else than was meant; and for a time that is
// no whole number from 0 on.
Status ParseUriOptions(const char* name, UriOptions* options);

// Its open_timeout_ms alone, of a name of any VFS; unchanged where it has none.
// A number too large counts as the largest. Errors: kInvalidArgument.
Status ParseOpenTimeout(const char* name, std::chrono::milliseconds* timeout);

}  // namespace actorkv

#endif  // ACTORKV_VFS_URI_H_
