#include "sql/history/row_json.h"

#include <algorithm>
#include <utility>

#include "sql/history/row_format.h"
#include "sql/history/value_json.h"

namespace actorkv {

namespace {

int BindValue(sqlite3_stmt* statement, int index, const StoredValue& value,
              int encoding) {
  switch (value.kind) {
    case StoredValue::Kind::kNull:
      return sqlite3_bind_null(statement, index);
    case StoredValue::Kind::kInteger:
      return sqlite3_bind_int64(statement, index, value.integer);
    case StoredValue::Kind::kReal:
      return sqlite3_bind_double(statement, index, value.real);
    case StoredValue::Kind::kText:
      return sqlite3_bind_text64(statement, index, value.bytes.data(),
                                 value.bytes.size(), SQLITE_TRANSIENT,
                                 static_cast<unsigned char>(encoding));
    case StoredValue::Kind::kBlob:
      return sqlite3_bind_blob64(statement, index,
                                 value.bytes.empty() ? "" : value.bytes.data(),
                                 value.bytes.size(), SQLITE_TRANSIENT);
  }
  return SQLITE_INTERNAL;
}

// Finds a name by which a statement can ask for the rowid; empty where columns
// have all three names.
Status RowidName(sqlite3* db, const std::string& table, std::string* name) {
  std::vector<std::string> columns;
  if (Status s = QueryTexts(db, "SELECT name FROM pragma_table_xinfo(?1)",
                            table, &columns);
      !s.ok()) {
    return s;
  }
  name->clear();
  for (const char* candidate : {"oid", "_rowid_", "rowid"}) {
    const bool taken = std::any_of(
        columns.begin(), columns.end(), [&](const std::string& column) {
          return sqlite3_stricmp(column.c_str(), candidate) == 0;
        });
    if (!taken) *name = candidate;
  }
  return Status::Ok();
}

}  // namespace

std::string SqliteValueJson(sqlite3_value* value) {
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      return std::to_string(sqlite3_value_int64(value));
    case SQLITE_FLOAT:
      return RealJson(sqlite3_value_double(value));
    case SQLITE_TEXT:
      return JsonText(TextOf(value));
    case SQLITE_BLOB: {
      const void* bytes = sqlite3_value_blob(value);
      const auto size = static_cast<size_t>(sqlite3_value_bytes(value));
      if (size == 0) return BlobJson({});
      return BlobJson({static_cast<const char*>(bytes), size});
    }
    default:
      return "null";
  }
}

std::string SchemaJson(const SchemaItem& item) {
  return "{\"type\":" + JsonText(item.type) +
         ",\"sql\":" + (item.sql.empty() ? "null" : JsonText(item.sql)) + "}";
}

Status ReadKeyColumns(sqlite3* db, const std::string& table,
                      std::vector<std::string>* columns) {
  return QueryTexts(db,
                    "SELECT x.name FROM pragma_index_list(?1) AS i, "
                    "pragma_index_xinfo(i.name) AS x "
                    // The order of the index is that of the stored row.
                    "WHERE i.origin = 'pk' AND x.key = 1 ORDER BY x.seqno",
                    table, columns);
}

Status RowJson::Open(sqlite3* db, int encoding, const std::string& table,
                     const std::vector<std::string>& key_columns) {
  db_ = db;
  encoding_ = encoding;
  table_ = table;
  key_count_ = key_columns.size();
  statement_.reset();
  // Generated columns that are not stored (2) may need functions that only the
  // application has.
  std::vector<std::string> columns;
  if (Status s = QueryTexts(db,
                            "SELECT name FROM pragma_table_xinfo(?1) WHERE "
                            "hidden IN (0, 3)",
                            table, &columns);
      !s.ok()) {
    return s;
  }
  std::string where;
  if (key_columns.empty()) {
    std::string rowid;
    if (Status s = RowidName(db, table, &rowid); !s.ok()) return s;
    // Without a name for the rowid no statement can ask for one row: the key is
    // told, the values are not.
    if (rowid.empty()) return Status::Ok();
    where = rowid + " = ?1";
  }
  for (size_t i = 0; i < key_columns.size(); ++i) {
    where += (i == 0 ? "" : " AND ") + QuotedName(key_columns[i]) + " = ?" +
             std::to_string(i + 1);
  }
  std::string sql = "SELECT ";
  for (size_t i = 0; i < columns.size(); ++i) {
    sql += (i == 0 ? "" : ", ") + QuotedName(columns[i]);
  }
  sql += " FROM " + QuotedName(table) + " WHERE " + where;
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &made, nullptr);
  statement_.reset(made);
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db);
}

Status RowJson::Bind(const ChangedRow& row) {
  int code = SQLITE_OK;
  if (key_count_ == 0) {
    code = sqlite3_bind_int64(statement_.get(), 1, row.rowid);
  } else {
    std::vector<StoredValue> values;
    if (Status s = ReadValues(row.key, key_count_, &values); !s.ok()) return s;
    for (size_t i = 0; i < values.size() && code == SQLITE_OK; ++i) {
      code = BindValue(statement_.get(), static_cast<int>(i + 1), values[i],
                       encoding_);
    }
  }
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db_);
}

Status RowJson::Read(const ChangedRow& row, std::string* row_json) {
  row_json->clear();
  if (statement_ == nullptr) return Status::Ok();
  sqlite3_stmt* const statement = statement_.get();
  if (Status s = Bind(row); !s.ok()) return s;
  Status status;
  const int code = sqlite3_step(statement);
  if (code == SQLITE_ROW) {
    *row_json = "{";
    for (int i = 0; i < sqlite3_column_count(statement); ++i) {
      const char* const name = sqlite3_column_name(statement, i);
      if (name == nullptr) return ConnectionError(db_);  // no memory for it
      if (i > 0) *row_json += ',';
      *row_json += JsonText(name) + ":" +
                   SqliteValueJson(sqlite3_column_value(statement, i));
    }
    *row_json += '}';
  } else if (code == SQLITE_DONE) {
    // The key is from the pages of this version, so a row of it that SQLite
    // does not find is damage.
    status = Status::Corruption(
        "SQLite does not find a row by its key: table=" + table_);
  } else {
    status = ConnectionError(db_);
  }
  // The statement is used again for the next row.
  sqlite3_reset(statement);
  return status;
}

Status RowJson::Key(const ChangedRow& row, std::string* key_json) {
  if (key_count_ == 0) {
    *key_json = std::to_string(row.rowid);
    return Status::Ok();
  }
  // The key goes through a statement, because its text can be UTF-16, and
  // SQLite makes UTF-8 of it.
  sqlite3_stmt* made = nullptr;
  std::string sql = "SELECT ?1";
  for (size_t i = 2; i <= key_count_; ++i) sql += ", ?" + std::to_string(i);
  std::unique_ptr<sqlite3_stmt, Finalize> echo;
  const int code = sqlite3_prepare_v2(db_, sql.c_str(), -1, &made, nullptr);
  echo.reset(made);
  if (code != SQLITE_OK) return ConnectionError(db_);
  // Bind() binds to statement_.
  std::swap(echo, statement_);
  Status status = Bind(row);
  std::swap(echo, statement_);
  if (!status.ok()) return status;
  if (sqlite3_step(echo.get()) != SQLITE_ROW) return ConnectionError(db_);
  *key_json = "[";
  for (int i = 0; i < sqlite3_column_count(echo.get()); ++i) {
    if (i > 0) *key_json += ',';
    *key_json += SqliteValueJson(sqlite3_column_value(echo.get(), i));
  }
  *key_json += ']';
  return Status::Ok();
}

}  // namespace actorkv
