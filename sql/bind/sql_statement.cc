#include "sql/bind/sql_statement.h"

#include "sql/bind/actor_connection.h"

namespace actorkv {

Status SqlStatement::Prepare(sqlite3* db, const std::string& sql) {
  sqlite3_stmt* made = nullptr;
  db_ = db;
  const int code = sqlite3_prepare_v2(db, sql.c_str(), -1, &made, nullptr);
  statement_.reset(made);
  return code == SQLITE_OK ? Status::Ok() : ConnectionError(db);
}

// What cannot be bound for want of memory fails at the step, as a value that
// was not given would.
void SqlStatement::BindBlob(int index, std::string_view bytes) {
  // A null pointer would be NULL, which a blob of no bytes is not.
  (void)sqlite3_bind_blob64(statement_.get(), index,
                            bytes.empty() ? "" : bytes.data(), bytes.size(),
                            SQLITE_TRANSIENT);
}

void SqlStatement::BindText(int index, std::string_view text) {
  (void)sqlite3_bind_text64(statement_.get(), index,
                            text.empty() ? "" : text.data(), text.size(),
                            SQLITE_TRANSIENT, SQLITE_UTF8);
}

void SqlStatement::BindReal(int index, double value) {
  sqlite3_bind_double(statement_.get(), index, value);
}

void SqlStatement::BindInt(int index, int64_t value) {
  (void)sqlite3_bind_int64(statement_.get(), index, value);
}

void SqlStatement::BindNull(int index) {
  (void)sqlite3_bind_null(statement_.get(), index);
}

Status SqlStatement::Step(bool* has_row) {
  const int code = sqlite3_step(statement_.get());
  *has_row = code == SQLITE_ROW;
  if (*has_row) return Status::Ok();
  Status s = code == SQLITE_DONE ? Status::Ok() : ConnectionError(db_);
  sqlite3_reset(statement_.get());
  return s;
}

Status SqlStatement::Run() {
  bool has_row = false;
  return Step(&has_row);
}

std::string SqlStatement::Bytes(int column) const {
  // The pointer comes before the size, which it may change. Of a text it is
  // asked for as such, which is UTF-8 whatever the database has.
  const void* const bytes = Type(column) == SQLITE_BLOB
                                ? sqlite3_column_blob(statement_.get(), column)
                                : sqlite3_column_text(statement_.get(), column);
  const auto size =
      static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column));
  return bytes == nullptr ? std::string()
                          : std::string(static_cast<const char*>(bytes), size);
}

std::optional<std::string> SqlStatement::BytesOrNull(int column) const {
  if (IsNull(column)) return std::nullopt;
  return Bytes(column);
}

Status QueryInt(sqlite3* db, const std::string& sql, int64_t* value) {
  SqlStatement statement;
  bool has_row = false;
  if (Status s = statement.Prepare(db, sql); !s.ok()) return s;
  if (Status s = statement.Step(&has_row); !s.ok()) return s;
  *value = has_row ? statement.Int(0) : 0;
  return Status::Ok();
}

}  // namespace actorkv
