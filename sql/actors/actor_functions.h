// actorkv_delete(actor), actorkv_rename(actor, new) and
// actorkv_takeover(actor [, 'writer']).

#ifndef ACTORKV_SQL_ACTORS_ACTOR_FUNCTIONS_H_
#define ACTORKV_SQL_ACTORS_ACTOR_FUNCTIONS_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterActorFunctions(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_ACTOR_FUNCTIONS_H_
