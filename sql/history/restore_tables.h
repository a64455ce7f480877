// actorkv_restore_points and actorkv_restores.

#ifndef ACTORKV_SQL_HISTORY_RESTORE_TABLES_H_
#define ACTORKV_SQL_HISTORY_RESTORE_TABLES_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterRestoreTables(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_RESTORE_TABLES_H_
