// actorkv_sessions: the processes that share the default store, as its owner
// knows them. Of a store that nobody serves there are none.

#ifndef ACTORKV_SQL_ACTORS_SESSIONS_TABLE_H_
#define ACTORKV_SQL_ACTORS_SESSIONS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterSessionsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_SESSIONS_TABLE_H_
