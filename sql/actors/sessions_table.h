// actorkv_sessions: the processes that share the default store, as its owner
// knows them. Of a store that nobody serves there are none.

#ifndef ACTORKV_SQL_ACTORS_SESSIONS_TABLE_H_
#define ACTORKV_SQL_ACTORS_SESSIONS_TABLE_H_

#include <cstdint>
#include <vector>

#include "kv/share/share_server.h"
#include "sql/bind/connection.h"

namespace actorkv {

class Store;

struct ShownSession {
  SessionInfo info;
  uint64_t oldest_age_ms = 0;  // of the oldest commit that it reads; 0: none
};

// The sessions of a store that is open here, as its owner knows them. Errors:
// those of ShareClient::RunInOwner().
Status LoadSessions(Connection* connection, Store* store,
                    std::vector<ShownSession>* sessions);

// Returns a SQLite code.
int RegisterSessionsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_ACTORS_SESSIONS_TABLE_H_
