// actorkv_salvage(actor, point): what is lost of a database.
// actorkv_salvage_rows(actor, table, point): what is left of a table.

#ifndef ACTORKV_SQL_SALVAGE_SALVAGE_TABLES_H_
#define ACTORKV_SQL_SALVAGE_SALVAGE_TABLES_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterSalvageTables(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_SALVAGE_TABLES_H_
