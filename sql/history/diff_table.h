// actorkv_diff(actor, from, to): the rows in which two versions differ.

#ifndef ACTORKV_SQL_HISTORY_DIFF_TABLE_H_
#define ACTORKV_SQL_HISTORY_DIFF_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterDiffTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_DIFF_TABLE_H_
