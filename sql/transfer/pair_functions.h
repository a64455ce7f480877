// actorkv_pair_set(key, value [, 'opaque']), an aggregate that stages the pairs
// of a query, and actorkv_import_pairs(actor, set) around it, which makes them
// an actor. SQLite calls a function around an aggregate only when the aggregate
// ended well, so that a query that fails leaves nothing.

#ifndef ACTORKV_SQL_TRANSFER_PAIR_FUNCTIONS_H_
#define ACTORKV_SQL_TRANSFER_PAIR_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterPairFunctions(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_PAIR_FUNCTIONS_H_
