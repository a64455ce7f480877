// actorkv_hints: which pages are read together when an actor is opened, and how
// often they were used (kv/cache/hint_learner.h).

#ifndef ACTORKV_SQL_ACTORS_HINTS_TABLE_H_
#define ACTORKV_SQL_ACTORS_HINTS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterHintsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_HINTS_TABLE_H_
