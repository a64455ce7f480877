// Import of one actor from a file, in whatever form the file is.

#ifndef ACTORKV_SQL_TRANSFER_IMPORT_ONE_H_
#define ACTORKV_SQL_TRANSFER_IMPORT_ONE_H_

#include <string>

#include "sql/bind/connection.h"
#include "sql/transfer/import.h"

namespace actorkv {

// Reads what a file is to be taken for: 'pairs', 'db' or 'opaque'. Errors:
// kInvalidArgument, naming them.
Status ParseImportAs(const std::string& text, ImportAs* as);

// Imports the file `path`, which is absolute. Errors: kInvalidArgument for a
// file that is not one actor, or not what it is to be taken for, saying what it
// is and what to do; those of ImportFile() and ImportDump().
Status ImportOne(Connection* connection, const FindTarget& find_target,
                 const std::string& path, const FileOptions& options,
                 ImportedActor* imported);

// Says whether `path` is the dump of one actor. Errors: kInvalidArgument, which
// says what it is and what to do; kNotFound; kCorruption; kIOError.
Status CheckIsDump(const std::string& path);

// Returns what to do with a store of ours, at `path`, instead of importing it.
std::string StoreAdvice(const std::string& path);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_IMPORT_ONE_H_
