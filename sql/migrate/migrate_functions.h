// actorkv_migrate(), actorkv_unmigrate(), actorkv_drop_legacy().

#ifndef ACTORKV_SQL_MIGRATE_MIGRATE_FUNCTIONS_H_
#define ACTORKV_SQL_MIGRATE_MIGRATE_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterMigrateFunctions(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_MIGRATE_FUNCTIONS_H_
