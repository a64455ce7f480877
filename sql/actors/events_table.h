// actorkv_events: the last events of the process (kv/base/events.h).

#ifndef ACTORKV_SQL_ACTORS_EVENTS_TABLE_H_
#define ACTORKV_SQL_ACTORS_EVENTS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterEventsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_EVENTS_TABLE_H_
