// SqliteDb and SqliteStatement: a SQLite connection and a statement for tests.
// They own what they open and close it when they go.

#ifndef ACTORKV_TESTS_SUPPORT_SQLITE_DB_H_
#define ACTORKV_TESTS_SUPPORT_SQLITE_DB_H_

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <string>
#include <utility>

namespace actorkv {

class SqliteStatement {
 public:
  // Prepares the first statement of `sql`; code() tells the outcome.
  SqliteStatement(sqlite3* db, const std::string& sql) {
    code_ = sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr);
  }
  ~SqliteStatement() { sqlite3_finalize(statement_); }
  SqliteStatement(const SqliteStatement&) = delete;
  SqliteStatement& operator=(const SqliteStatement&) = delete;

  // SQLITE_ROW, SQLITE_DONE or an error; the error of prepare if it failed.
  int Step() {
    if (statement_ != nullptr) code_ = sqlite3_step(statement_);
    return code_;
  }

  // The current row, its values joined by '|'; NULL is the empty text.
  std::string Row() const {
    std::string row;
    for (int i = 0; i < sqlite3_column_count(statement_); ++i) {
      if (i > 0) row += '|';
      const void* text = sqlite3_column_text(statement_, i);
      int size_bytes = sqlite3_column_bytes(statement_, i);
      row.append(text == nullptr ? "" : static_cast<const char*>(text),
                 static_cast<size_t>(size_bytes));
    }
    return row;
  }

  // A value of the current row as bytes.
  std::string Blob(int column) const {
    const void* bytes = sqlite3_column_blob(statement_, column);
    const int size_bytes = sqlite3_column_bytes(statement_, column);
    return bytes == nullptr ? std::string()
                            : std::string(static_cast<const char*>(bytes),
                                          static_cast<size_t>(size_bytes));
  }

  int code() const { return code_; }
  sqlite3_stmt* get() const { return statement_; }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int code_ = SQLITE_OK;
};

class SqliteDb {
 public:
  SqliteDb() = default;
  ~SqliteDb() { Close(); }
  SqliteDb(const SqliteDb&) = delete;
  SqliteDb& operator=(const SqliteDb&) = delete;

  static constexpr int kReadWriteCreate =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI;

  // Opens a path or URI with extended result codes and returns the code. An
  // open connection is closed before.
  int Open(const std::string& name, int flags = kReadWriteCreate) {
    Close();
    int code = sqlite3_open_v2(name.c_str(), &db_, flags, nullptr);
    if (db_ == nullptr) return code;  // no memory for it
    sqlite3_extended_result_codes(db_, 1);
    return code == SQLITE_OK ? code : sqlite3_extended_errcode(db_);
  }

  // Closes; the code is SQLITE_BUSY when statements of it are still there.
  int Close() {
    int code = sqlite3_close(db_);
    if (code != SQLITE_OK) sqlite3_close_v2(db_);
    db_ = nullptr;
    return code;
  }

  // Runs all statements of `sql`; returns the extended result code.
  int Exec(const std::string& sql) {
    return sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr);
  }

  // The rows of one statement: values joined by '|', rows by newline (none at
  // the end). An error gives "error: TEXT"; ErrorCode() has its number.
  std::string QueryText(const std::string& sql) {
    SqliteStatement statement(db_, sql);
    std::string rows;
    bool first = true;
    while (statement.code() == SQLITE_OK || statement.code() == SQLITE_ROW) {
      if (statement.Step() != SQLITE_ROW) break;
      rows += (first ? "" : "\n") + statement.Row();
      first = false;
    }
    if (statement.code() == SQLITE_DONE) return rows;
    return "error: " + Error();
  }

  // The first value of the first row; fails the test when there is none.
  int64_t QueryInt(const std::string& sql) {
    SqliteStatement statement(db_, sql);
    if (statement.Step() != SQLITE_ROW) {
      ADD_FAILURE() << sql << ": " << Error();
      return -1;
    }
    return sqlite3_column_int64(statement.get(), 0);
  }

  // Code (extended) and text of the last call that failed.
  int ErrorCode() const { return sqlite3_extended_errcode(db_); }
  std::string Error() const { return sqlite3_errmsg(db_); }

  sqlite3* get() const { return db_; }

 private:
  sqlite3* db_ = nullptr;
};

}  // namespace actorkv

#endif  // ACTORKV_TESTS_SUPPORT_SQLITE_DB_H_
