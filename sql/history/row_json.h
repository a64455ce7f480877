// Rows of a table as JSON, read one by one.
//
// A row is an object with a member for each column that is stored; values are
// as sql/history/value_json.h writes them.

#ifndef ACTORKV_SQL_HISTORY_ROW_JSON_H_
#define ACTORKV_SQL_HISTORY_ROW_JSON_H_

#include <memory>
#include <string>
#include <vector>

#include "sql/history/version.h"
#include "sql/history/version_diff.h"

namespace actorkv {

// Reads the columns of the key of a table WITHOUT ROWID, in the order in which
// it is stored. *columns is empty for a table that has rowids.
Status ReadKeyColumns(sqlite3* db, const std::string& table,
                      std::vector<std::string>* columns);

class RowJson {
 public:
  // Prepares to read rows of the table. `encoding` is that of the database.
  // `db` must outlive this object.
  Status Open(sqlite3* db, int encoding, const std::string& table,
              const std::vector<std::string>& key_columns);

  // Reads the row with that rowid or key. *json is empty where it cannot be
  // asked for: the table has columns called rowid, _rowid_ and oid. Errors:
  // kCorruption when it is not there.
  Status Read(const ChangedRow& row, std::string* json);

  // Makes JSON of the key: a number, or for a table WITHOUT ROWID an array.
  Status Key(const ChangedRow& row, std::string* json);

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_finalize(statement);
    }
  };

  Status Bind(const ChangedRow& row);

  sqlite3* db_ = nullptr;
  int encoding_ = 0;
  std::string table_;
  size_t key_count_ = 0;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

std::string SqliteValueJson(sqlite3_value* value);

// Returns {"type":...,"sql":...}.
std::string SchemaJson(const SchemaItem& item);

}  // namespace actorkv

#endif  // ACTORKV_SQL_HISTORY_ROW_JSON_H_
