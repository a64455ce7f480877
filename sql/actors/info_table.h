// actorkv_info: versions, the default store, limits, and what is known to be
// wrong with the SQLite that runs.

#ifndef ACTORKV_SQL_ACTORS_INFO_TABLE_H_
#define ACTORKV_SQL_ACTORS_INFO_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterInfoTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_INFO_TABLE_H_
