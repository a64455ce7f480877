// The database of an actor under RivetKit's file-system driver, 2.1.3 to 2.2.1:
// a SQLite file with one table,
//
//     CREATE TABLE kv (key BLOB PRIMARY KEY NOT NULL, value BLOB NOT NULL)
//
// which holds the pairs of the actor, its database among them. It comes in as
// these pairs, not as a database that has them as rows.

#ifndef ACTORKV_SQL_TRANSFER_KV_FILE_H_
#define ACTORKV_SQL_TRANSFER_KV_FILE_H_

#include <memory>
#include <string>

#include "kv/rivet/pairs.h"
#include "sql/bind/connection.h"

namespace actorkv {

// Says whether the opened file is such a database by all that can be seen: its
// schema has nothing but that table, a row has the key of the state, 01, and
// all keys are blobs of a form that is known. Reads the keys, not the values.
// Errors: kInterrupted; kCorruption, kIOError.
Status IsKvFile(const Connection& connection, sqlite3* source, bool* is);

// KvFileContent: what there is in the database of an actor whose pairs may be
// elsewhere.
enum class KvFileContent {
  kPairs,    // table kv, with a row at least
  kNothing,  // no table, or an empty kv alone
  kTables,   // tables of the user's
};
Status FindKvFileContent(sqlite3* source, KvFileContent* content);

// Gives the rows of table kv in the order of their keys. `source` must outlive
// the pairs. Errors: kInvalidArgument where there is no such table. Next()
// fails with kInvalidArgument for a key or value that is no blob, naming it,
// and where there is no row.
Status OpenKvFile(sqlite3* source, const std::string& path,
                  std::unique_ptr<PairSource>* pairs);

}  // namespace actorkv

#endif  // ACTORKV_SQL_TRANSFER_KV_FILE_H_
