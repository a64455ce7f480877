// Read-only tables and table-valued functions. A TableSpec declares the
// columns and opens a RowSource; RegisterTables() gives it to a connection,
// where it is there without CREATE VIRTUAL TABLE ("eponymous").
//
// No schema but temp reads them: all are SQLITE_VTAB_DIRECTONLY, and a file
// cannot have one under a name of its own.
//
// Rows are made one at a time, when SQLite asks for them. An equality on the
// key column reaches the row source, so that WHERE actor = 'alice' is one
// look-up.

#ifndef ACTORKV_SQL_BIND_TABLE_H_
#define ACTORKV_SQL_BIND_TABLE_H_

#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "kv/base/status.h"
#include "sql/bind/connection.h"
#include "sql/bind/function.h"
#include "sql/bind/value.h"
#include "vfs/sqlite/sqlite_api.h"

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

constexpr int kMaxTableArguments = 4;

// TableArguments has the values that the key column was compared with, or that
// were given as arguments: as many as there can be, nullopt where there is
// none, or NULL.
using TableArguments = std::vector<std::optional<std::string>>;

struct TableSpec {
  const char* name;
  const char* declaration;  // "CREATE TABLE x(...)", for sqlite3_declare_vtab
  int key_column;           // -1: none
  // The key column and those behind it are hidden: the arguments of a
  // table-valued function. 0: the key is a column like others, and rows with
  // another value are not wanted.
  int argument_count;
  Status (*open)(Connection* connection, const TableArguments& arguments,
                 std::unique_ptr<RowSource>* rows);
  // Making rows has these effects, as with functions.
  Effects effects = Effects::kNone;
};

// TableSpec::open of a table that reads the default store: Rows is made from
// the store, and of a table with a key from that too; with the connection
// before them, where it asks for that because a row may take long.
template <typename Rows>
Status OpenStoreRows(Connection* connection,
                     [[maybe_unused]] const TableArguments& arguments,
                     std::unique_ptr<RowSource>* rows) {
  std::shared_ptr<Store> store;
  if (Status s = connection->OpenDefaultStore(StoreUse::kRead, &store);
      !s.ok()) {
    return s;
  }
  if constexpr (std::is_constructible_v<Rows, std::shared_ptr<Store>>) {
    *rows = std::make_unique<Rows>(std::move(store));
  } else if constexpr (std::is_constructible_v<Rows, Connection*,
                                               std::shared_ptr<Store>,
                                               std::optional<std::string>>) {
    *rows = std::make_unique<Rows>(connection, std::move(store), arguments[0]);
  } else {
    *rows = std::make_unique<Rows>(std::move(store), arguments[0]);
  }
  return Status::Ok();
}

// ConnectCall is what SQLite hands to xConnect.
struct ConnectCall {
  void* connection;
  int argument_count;
  const char* const* arguments;  // the module, the schema, the table
  char** error;
};

int ConnectTable(const TableSpec& spec, const ConnectCall& call,
                 sqlite3_vtab** table);

template <const TableSpec& kSpec>
int ConnectCallback(sqlite3* /*db*/, void* connection, int argc,
                    const char* const* argv, sqlite3_vtab** table,
                    char** error) {
  return ConnectTable(kSpec, {connection, argc, argv, error}, table);
}

int RegisterTable(Connection* connection, const TableSpec& spec,
                  const sqlite3_module* module);

// Returns the methods of every table but the one that knows its spec.
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

#endif  // ACTORKV_SQL_BIND_TABLE_H_
