// Import: a plain SQLite file becomes an actor, or the pairs in it do.
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
#include <vector>

#include "kv/format/legacy_record.h"
#include "sql/bind/connection.h"
#include "sql/bind/target.h"
#include "sql/transfer/kv_file.h"

namespace actorkv {

struct ImportedActor {
  LegacyState state = LegacyState::kLegacy;
  // What it came as: "db", or by LegacyFormName().
  const char* form = "";
  // The size of a database; of an actor that comes as pairs, that of their keys
  // and values and of the pages of a sqlite.bin.
  uint64_t bytes = 0;
  // The pages of the database; where that is a legacy one, as its metadata say.
  // 0: none.
  uint64_t page_count = 0;
};

// ImportAs says what a file is to be taken for.
enum class ImportAs {
  kItsForm,   // what its content says
  kPairs,     // pairs: a dump, or the rows of table kv (sql/transfer/kv_file.h)
  kDatabase,  // a database, whatever its tables look like
  kOpaque,    // pairs of a dump, whose keys mean nothing
};

struct FileOptions {
  ImportAs as = ImportAs::kItsForm;
  // These are kept with an actor that comes as pairs: what an archive would say
  // of it, and what is to be told of its source.
  std::string metadata_json;
  std::vector<std::string> notes;
};

// Finds the actor to be; asked once, when the source is known to be good, so
// that no store is made for one that is not.
using FindTarget = std::function<Status(Target*)>;

// Imports the file `path`, which is absolute: as pairs where it is the database
// of RivetKit's driver, else as it is. Errors: kAlreadyExists; kNotFound
// (no such file); kInvalidArgument (empty, a directory, not a database,
// encrypted, in need of a rollback, without its -wal, not what it is to be
// taken for); kBusy (the file or the actor is being
// written); kInterrupted; kCorruption; kNoSpace; kIOError; those of
// `find_target`.
Status ImportFile(Connection* connection, const FindTarget& find_target,
                  const std::string& path, const FileOptions& options,
                  ImportedActor* imported);

// Looks into the file. Errors: as above.
Status LookAtKvFile(Connection* connection, const std::string& path,
                    KvFileContent* content);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_IMPORT_H_
