// actorkv_import(actor, path) and actorkv_export(actor, path, ...): plain
// SQLite files in and out of a store.

#ifndef ACTORKV_SQL_TRANSFER_TRANSFER_FUNCTIONS_H_
#define ACTORKV_SQL_TRANSFER_TRANSFER_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterTransferFunctions(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_TRANSFER_FUNCTIONS_H_
