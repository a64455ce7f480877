// Import: a plain SQLite file becomes an actor.
//
// SQLite opens the file, locks it against writers and keeps the lock to the
// end. Then its pages are what stands in the file, and are read from there in
// large pieces. With a WAL they are not: such a file comes through SQLite's
// backup API, page by page.
//
// Invariants:
//  1. The actor comes into being with one commit, or not at all; an existing
//     actor is never written to.
//  2. The file is opened read-only. Its WAL is applied on the way, its bytes
//     are not changed.

#ifndef ACTORKV_SQL_TRANSFER_IMPORT_H_
#define ACTORKV_SQL_TRANSFER_IMPORT_H_

#include <cstdint>
#include <functional>
#include <string>

#include "kv/format/legacy_record.h"
#include "sql/bind/connection.h"
#include "sql/bind/target.h"

namespace actorkv {

struct ImportedActor {
  LegacyState state = LegacyState::kLegacy;
  // The size of a database; of an actor that comes as pairs, that of their keys
  // and values and of the pages of a sqlite.bin.
  uint64_t bytes = 0;
  // The pages of the database; where that is a legacy one, as its metadata say.
  // 0: none.
  uint64_t page_count = 0;
};

// Finds the actor to be; asked once, when the source is known to be good, so
// that no store is made for one that is not.
using FindTarget = std::function<Status(Target*)>;

// Imports the file `path`, which is absolute. Errors: kAlreadyExists; kNotFound
// (no such file); kInvalidArgument (empty, a directory, not a database,
// encrypted, in need of a rollback); kBusy (the file or the actor is being
// written); kInterrupted; kCorruption; kNoSpace; kIOError; those of
// `find_target`.
Status ImportFile(Connection* connection, const FindTarget& find_target,
                  const std::string& path, ImportedActor* imported);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_IMPORT_H_
