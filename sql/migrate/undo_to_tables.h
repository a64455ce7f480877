// UndoToTables() makes a live actor a legacy one with what it is now: its pairs
// are made anew of its database, and of the rows of tables in it
// (sql/migrate/table_pairs.h).

#ifndef ACTORKV_SQL_MIGRATE_UNDO_TO_TABLES_H_
#define ACTORKV_SQL_MIGRATE_UNDO_TO_TABLES_H_

#include "sql/bind/connection.h"
#include "sql/bind/target.h"
#include "sql/migrate/table_pairs.h"

namespace actorkv {

// REQUIRES: `from` is not kStored. Errors, with the actor as it was:
// kInvalidArgument, kNotSupported where the rows are no pairs, naming them, and
// how to export the actor instead; kNotFound where it never had pairs;
// kBusy when it is open, or was written meanwhile; kInterrupted; kNoSpace;
// kIOError; kCorruption. An actor that is legacy already is left alone.
Status UndoToTables(const Connection& connection, const Target& target,
                    PairsFrom from);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_UNDO_TO_TABLES_H_
