// actorkv_kv: the legacy pairs of actors as they are stored, in every state.

#ifndef ACTORKV_SQL_MIGRATE_KV_TABLE_H_
#define ACTORKV_SQL_MIGRATE_KV_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterKvTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_KV_TABLE_H_
