// actorkv_import_all(dir): imports every actor of an archive, or of an engine's
// directory, a row as each lands.

#ifndef ACTORKV_SQL_TRANSFER_IMPORT_ALL_TABLE_H_
#define ACTORKV_SQL_TRANSFER_IMPORT_ALL_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterImportAllTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_IMPORT_ALL_TABLE_H_
