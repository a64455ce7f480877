// actorkv_retention, actorkv_quota, actorkv_set; actorkv_reclaim,
// actorkv_undelete and actorkv_purge; and the tables actorkv_settings and
// actorkv_reclaim_plan.

#ifndef ACTORKV_SQL_ACTORS_RETENTION_FUNCTIONS_H_
#define ACTORKV_SQL_ACTORS_RETENTION_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Return a SQLite code.
int RegisterRetentionFunctions(Connection* connection);
int RegisterRetentionTables(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_RETENTION_FUNCTIONS_H_
