// actorkv_queue: the messages in the queues of actors. actorkv_workflow: what
// their workflows have. Of pairs and of Rivet's tables alike.

#ifndef ACTORKV_SQL_MIGRATE_QUEUE_TABLES_H_
#define ACTORKV_SQL_MIGRATE_QUEUE_TABLES_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterQueueTables(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_MIGRATE_QUEUE_TABLES_H_
