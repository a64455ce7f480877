// actorkv_verify([actor [, point]]): a row for whatever is wrong in a store, in
// one actor, or in one version of it; none when all is sound. The work is
// kv/inspect/verify.h's and kv/inspect/version_check.h's.

#ifndef ACTORKV_SQL_HEALTH_VERIFY_TABLE_H_
#define ACTORKV_SQL_HEALTH_VERIFY_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterVerifyTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HEALTH_VERIFY_TABLE_H_
