// actorkv_version(), actorkv_last_error(), actorkv_store([path]) and
// actorkv_default_vfs(0 or 1).

#ifndef ACTORKV_SQL_ACTORS_INFO_FUNCTIONS_H_
#define ACTORKV_SQL_ACTORS_INFO_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterInfoFunctions(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_INFO_FUNCTIONS_H_
