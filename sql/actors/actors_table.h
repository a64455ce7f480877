// actorkv_actors: the actors of the default store, in the order of their names,
// deleted ones included.

#ifndef ACTORKV_SQL_ACTORS_ACTORS_TABLE_H_
#define ACTORKV_SQL_ACTORS_ACTORS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterActorsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_ACTORS_TABLE_H_
