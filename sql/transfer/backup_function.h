// actorkv_backup(path): a hot backup of the default store.

#ifndef ACTORKV_SQL_TRANSFER_BACKUP_FUNCTION_H_
#define ACTORKV_SQL_TRANSFER_BACKUP_FUNCTION_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterBackupFunction(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_BACKUP_FUNCTION_H_
