// Read-only tables and table-valued functions. A TableSpec declares the
// columns and opens a RowSource; RegisterTables() gives it to a connection,
// where it is there without CREATE VIRTUAL TABLE ("eponymous").
//
// Rows are made one at a time, when SQLite asks for them. An equality on the
// key column reaches the row source, so that WHERE actor = 'alice' is one
// look-up.

#ifndef ACTORKV_SQL_TABLE_H_
#define ACTORKV_SQL_TABLE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "kv/status.h"
#include "sql/connection.h"
#include "sql/value.h"
#include "vfs/sqlite_api.h"

namespace actorkv {

class RowSource {
 public:
  virtual ~RowSource() = default;

  // Goes to the next row, the first at the first call. *has_row is false past
  // the last.
  virtual Status Next(bool* has_row) = 0;

  // The value of a column of the current row.
  virtual void Column(int index, Result* result) const = 0;
};

struct TableSpec {
  const char* name;
  const char* declaration;  // "CREATE TABLE x(...)", for sqlite3_declare_vtab
  int key_column;           // -1: none
  // The key column is hidden: it is the argument of a table-valued function.
  bool key_is_argument;
  // `key`: rows with another value of the key column are not wanted; nullopt:
  // there is no such wish, or the wish is NULL.
  Status (*open)(Connection* connection, const std::optional<std::string>& key,
                 std::unique_ptr<RowSource>* rows);
};

// TableSpec::open of a table that reads the default store: Rows is made from
// the store and the key.
template <typename Rows>
Status OpenStoreRows(Connection* connection,
                     const std::optional<std::string>& key,
                     std::unique_ptr<RowSource>* rows) {
  std::shared_ptr<Store> store;
  if (Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
      !s.ok()) {
    return s;
  }
  *rows = std::make_unique<Rows>(std::move(store), key);
  return Status::Ok();
}

int ConnectTable(const TableSpec& spec, sqlite3* db, void* connection,
                 sqlite3_vtab** table);

template <const TableSpec& kSpec>
int ConnectCallback(sqlite3* db, void* connection, int /*argc*/,
                    const char* const* /*argv*/, sqlite3_vtab** table,
                    char** /*error*/) {
  return ConnectTable(kSpec, db, connection, table);
}

int RegisterTable(Connection* connection, const TableSpec& spec,
                  const sqlite3_module* module);

// The methods of every table but the one that knows its spec.
sqlite3_module TableModule(int (*connect)(sqlite3*, void*, int,
                                          const char* const*, sqlite3_vtab**,
                                          char**));

template <const TableSpec& kSpec>
const sqlite3_module* ModuleOf() {
  static const sqlite3_module module = TableModule(ConnectCallback<kSpec>);
  return &module;
}

// Returns a SQLite code.
template <const TableSpec&... kSpecs>
int RegisterTables(Connection* connection) {
  int code = SQLITE_OK;
  static_cast<void>(
      ((code = RegisterTable(connection, kSpecs, ModuleOf<kSpecs>()),
        code == SQLITE_OK) &&
       ...));
  return code;
}

}  // namespace actorkv

#endif  // ACTORKV_SQL_TABLE_H_
