// actorkv_export_all(dir [, form]): exports every actor of the default store,
// a row as each is written.

#ifndef ACTORKV_SQL_TRANSFER_EXPORT_ALL_TABLE_H_
#define ACTORKV_SQL_TRANSFER_EXPORT_ALL_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterExportAllTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_EXPORT_ALL_TABLE_H_
