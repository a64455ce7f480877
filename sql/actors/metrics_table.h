// actorkv_metrics and actorkv_metrics_text(): what the process counts about
// itself (kv/base/metrics.h).

#ifndef ACTORKV_SQL_ACTORS_METRICS_TABLE_H_
#define ACTORKV_SQL_ACTORS_METRICS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterMetrics(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_METRICS_TABLE_H_
