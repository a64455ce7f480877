// actorkv_pairs(path): the pairs of a dump, a row for each, without a store.

#ifndef ACTORKV_SQL_TRANSFER_PAIRS_TABLE_H_
#define ACTORKV_SQL_TRANSFER_PAIRS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterPairsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_PAIRS_TABLE_H_
