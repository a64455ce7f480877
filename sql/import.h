// Import: a plain SQLite file becomes an actor, through SQLite's backup API.
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
// file or the actor is being written; interrupted); kCorruption; kNoSpace;
// kIOError.
Status ImportFile(Connection* connection, const std::string& actor,
                  const std::string& path, uint64_t* page_count);

}  // namespace actorkv

#endif  // ACTORKV_SQL_IMPORT_H_
