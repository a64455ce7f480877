// actorkv_dump([actor [, prefix]]): every stored pair of the catalog, or of an
// actor, decoded. The work is kv/inspect/dump.h's.

#ifndef ACTORKV_SQL_HEALTH_DUMP_TABLE_H_
#define ACTORKV_SQL_HEALTH_DUMP_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterDumpTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HEALTH_DUMP_TABLE_H_
