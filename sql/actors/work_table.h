// actorkv_work: what is worked on now, and how far it is.

#ifndef ACTORKV_SQL_ACTORS_WORK_TABLE_H_
#define ACTORKV_SQL_ACTORS_WORK_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterWorkTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_WORK_TABLE_H_
