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

#ifndef ACTORKV_SQL_IMPORT_H_
#define ACTORKV_SQL_IMPORT_H_

#include <cstdint>
#include <string>

#include "sql/connection.h"

namespace actorkv {

// `actor` as in ResolveTarget(); its store is made where it is missing.
// `path` is absolute. *page_count: of the new actor.
// Errors: kAlreadyExists; kNotFound (no such file); kInvalidArgument (empty,
// a directory, not a database, encrypted, in need of a rollback); kBusy (the
// file or the actor is being written); kInterrupted; kCorruption; kNoSpace;
// kIOError.
Status ImportFile(Connection* connection, const std::string& actor,
                  const std::string& path, uint64_t* page_count);

}  // namespace actorkv

#endif  // ACTORKV_SQL_IMPORT_H_
