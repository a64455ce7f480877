// SqlStatement: a statement on a connection of our own, and the values of its
// rows.

#ifndef ACTORKV_SQL_BIND_SQL_STATEMENT_H_
#define ACTORKV_SQL_BIND_SQL_STATEMENT_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kv/base/status.h"
#include "vfs/sqlite/sqlite_api.h"

namespace actorkv {

// Must end before its connection. Belongs to one thread at a time.
class SqlStatement {
 public:
  // Errors: those of ConnectionError().
  Status Prepare(sqlite3* db, const std::string& sql);

  // These give a value to a parameter, from 1 on. The bytes are copied.
  void BindBlob(int index, std::string_view bytes);
  void BindText(int index, std::string_view text);
  void BindReal(int index, double value);
  void BindInt(int index, int64_t value);
  void BindNull(int index);

  // Goes to the next row. *has_row is false past the last, and then the
  // statement can be run again with other values.
  Status Step(bool* has_row);

  // Runs a statement that has no rows.
  Status Run();

  int column_count() const { return sqlite3_column_count(statement_.get()); }

  // The values of the row, by column from 0 on.
  bool IsNull(int column) const { return Type(column) == SQLITE_NULL; }
  int Type(int column) const {
    return sqlite3_column_type(statement_.get(), column);
  }
  int64_t Int(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }
  double Real(int column) const {
    return sqlite3_column_double(statement_.get(), column);
  }
  // The bytes of a blob, or of a text in UTF-8; empty for NULL.
  std::string Bytes(int column) const;
  std::optional<std::string> BytesOrNull(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };
  sqlite3* db_ = nullptr;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

// Reads the number that the first row of `sql` has; 0 without a row.
Status QueryInt(sqlite3* db, const std::string& sql, int64_t* value);

}  // namespace actorkv

#endif  // ACTORKV_SQL_BIND_SQL_STATEMENT_H_
