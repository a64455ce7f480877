// The URI parameters of an open.

#ifndef ACTORKV_VFS_URI_H_
#define ACTORKV_VFS_URI_H_

#include <optional>
#include <string>

#include "kv/status.h"

namespace actorkv {

struct UriOptions {
  bool named_vfs = false;    // vfs= was given
  bool never_locks = false;  // nolock=1 or immutable=1
  // asof=: a point (kv/point.h) of the actor's history, to be read only.
  std::optional<std::string> as_of;
};

// `name` is the one that SQLite passes to xOpen of a main database. Parameters
// of SQLite are known; those that begin with '_' belong to drivers and are
// passed over. Errors: kInvalidArgument for any other, naming it: a misspelt
// parameter must not open something else than was meant.
Status ParseUriOptions(const char* name, UriOptions* options);

}  // namespace actorkv

#endif  // ACTORKV_VFS_URI_H_
