// Registers every SQL function and table of the module.
//
// It runs at every open of a connection, so it prepares no statement and
// touches no store.

#ifndef ACTORKV_SQL_REGISTER_H_
#define ACTORKV_SQL_REGISTER_H_

#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// Once for each connection; again does nothing. Returns a SQLite code.
int RegisterSql(sqlite3* db);

// Has the process run what others that share its stores send to it
// (sql/bind/owner_call.h).
void ServeCalls();

}  // namespace actorkv

#endif  // ACTORKV_SQL_REGISTER_H_
