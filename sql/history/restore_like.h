// actorkv_restore_like(point, pattern), and what it would do:
// actorkv_restore_like_plan(point, pattern), a row for each actor that it
// takes.

#ifndef ACTORKV_SQL_HISTORY_RESTORE_LIKE_H_
#define ACTORKV_SQL_HISTORY_RESTORE_LIKE_H_

namespace actorkv {

class Connection;

// Returns a SQLite code.
int RegisterRestoreLike(Connection* connection);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_RESTORE_LIKE_H_
