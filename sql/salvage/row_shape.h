// RowShape: how the rows of a table are stored, and what their columns are
// called.

#ifndef ACTORKV_SQL_SALVAGE_ROW_SHAPE_H_
#define ACTORKV_SQL_SALVAGE_ROW_SHAPE_H_

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "kv/base/status.h"
#include "kv/base/types.h"

namespace actorkv {

// StoredItem is a row of the schema table that has pages.
struct StoredItem {
  std::string type;   // "table" or "index"
  std::string name;   // UTF-8
  std::string table;  // that it belongs to
  PageNo root = 0;
  std::string sql;  // empty: made by SQLite itself
};

// The place of a column that is computed whenever it is read.
constexpr size_t kNotStored = ~size_t{0};

struct ShapeColumn {
  std::string name;
  size_t stored_index = 0;   // among the values of a stored row, or kNotStored
  bool is_rowid = false;     // it is stored as NULL, and is the rowid
  bool is_real = false;      // whole numbers are stored as integers
  std::string default_json;  // of rows that are older than the column
};

struct RowShape {
  bool has_rowids = true;
  size_t stored_count = 0;  // of values in a row
  // The columns in the order of the table, with those that are not stored; none
  // of an index.
  std::vector<ShapeColumn> columns;
};

// ShapeReader makes the shape of `item`, a table or an index of `table`.
// Errors: kCorruption where its SQL is not understood.
using ShapeReader = std::function<Status(
    const StoredItem& item, const StoredItem& table, RowShape* shape)>;

// The reader that asks SQLite, over a database in memory that has nothing but
// the schema of this table. Nothing that the schema names is run.
Status ReadShape(const StoredItem& item, const StoredItem& table,
                 RowShape* shape);

}  // namespace actorkv

#endif  // ACTORKV_SQL_SALVAGE_ROW_SHAPE_H_
