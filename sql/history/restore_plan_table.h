// actorkv_restore_plan(actor, point): what a restore would change. The work is
// kv/history/restore_plan.h's.

#ifndef ACTORKV_SQL_HISTORY_RESTORE_PLAN_TABLE_H_
#define ACTORKV_SQL_HISTORY_RESTORE_PLAN_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterRestorePlanTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_RESTORE_PLAN_TABLE_H_
