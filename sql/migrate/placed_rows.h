// The rows of the tables _actorkv_... (sql/migrate/legacy_tables.h) as the
// pairs that they were, with what was changed in them since.
//
// A key or value may be a blob, or a text, which counts as its UTF-8; the id of
// a message is a whole number. A key must be one of the namespaces that its
// table is for. A table that is not there, or was given other columns, holds
// nothing: then its pairs are those that the actor came with.

#ifndef ACTORKV_SQL_MIGRATE_PLACED_ROWS_H_
#define ACTORKV_SQL_MIGRATE_PLACED_ROWS_H_

#include <memory>
#include <vector>

#include "kv/format/legacy_record.h"
#include "kv/rivet/pairs.h"
#include "vfs/legacy/table_removal.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// Gives the pairs in the order of their keys, without those of SQLite files.
// `stored` gives what the actor came with, in layout 1, or as it is where it is
// opaque (`record`); it and `db` must outlive them. *tables: those that are
// there. Errors: those of SQLite. Next() fails with kInvalidArgument for a row
// that is no pair, and for a key that comes twice, naming table and key.
Status OpenPlacedPairs(sqlite3* db, const LegacyRecord& record,
                       PairReader* stored, std::vector<SchemaTable>* tables,
                       std::unique_ptr<PairSource>* pairs);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_PLACED_ROWS_H_
