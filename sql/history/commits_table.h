// actorkv_commits: the commits of each actor of the default store, newest
// first.

#ifndef ACTORKV_SQL_HISTORY_COMMITS_TABLE_H_
#define ACTORKV_SQL_HISTORY_COMMITS_TABLE_H_

#include "sql/bind/connection.h"

namespace actorkv {

// Returns a SQLite code.
int RegisterCommitsTable(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_COMMITS_TABLE_H_
