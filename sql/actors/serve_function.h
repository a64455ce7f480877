// actorkv_serve(): a process that does nothing but own a store and serve it.

#ifndef ACTORKV_SQL_ACTORS_SERVE_FUNCTION_H_
#define ACTORKV_SQL_ACTORS_SERVE_FUNCTION_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Registers the function. Returns a code of SQLite.
int RegisterServeFunction(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_SERVE_FUNCTION_H_
