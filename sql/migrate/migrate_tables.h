// actorkv_migrate_all(): migrates every legacy actor, a row as each finishes.
// actorkv_migrate_plan: what that would do. actorkv_migrations: what was done.

#ifndef ACTORKV_SQL_MIGRATE_MIGRATE_TABLES_H_
#define ACTORKV_SQL_MIGRATE_MIGRATE_TABLES_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterMigrateTables(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_MIGRATE_TABLES_H_
