// Restore points, restore, undo and fork as SQL functions.

#ifndef ACTORKV_SQL_HISTORY_HISTORY_FUNCTIONS_H_
#define ACTORKV_SQL_HISTORY_HISTORY_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterHistoryFunctions(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_HISTORY_FUNCTIONS_H_
