#include "bench/connection.h"

#include "bench/die.h"

namespace actorkv::bench {

namespace {

void Check(int code, sqlite3* db, const std::string& what) {
  if (code == SQLITE_OK) return;
  Die(what + ": " + sqlite3_errmsg(db));
}

}  // namespace

Connection::Connection(const std::string& name) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                         SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &db, kFlags, nullptr);
  db_.reset(db);
  Check(code, db, "open " + name);
}

void Connection::Execute(const char* sql) {
  Check(sqlite3_exec(get(), sql, nullptr, nullptr, nullptr), get(), sql);
}

int64_t Connection::QueryInt(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v2(get(), sql, -1, &statement, nullptr), get(), sql);
  if (sqlite3_step(statement) != SQLITE_ROW) Die(std::string("no row: ") + sql);
  const int64_t value = sqlite3_column_int64(statement, 0);
  sqlite3_finalize(statement);
  return value;
}

void Connection::Close::operator()(sqlite3* db) const {
  if (sqlite3_close(db) != SQLITE_OK) Die("a connection is still in use");
}

Statement::Statement(const Connection& connection, const char* sql) {
  sqlite3_stmt* statement = nullptr;
  Check(sqlite3_prepare_v2(connection.get(), sql, -1, &statement, nullptr),
        connection.get(), sql);
  statement_.reset(statement);
}

void Statement::Bind(int index, int64_t value) {
  sqlite3_bind_int64(statement_.get(), index, value);
}

void Statement::Bind(int index, std::string_view blob) {
  sqlite3_bind_blob(statement_.get(), index, blob.data(),
                    static_cast<int>(blob.size()), SQLITE_STATIC);
}

int Statement::Run() {
  int row_count = 0;
  while (sqlite3_step(statement_.get()) == SQLITE_ROW) ++row_count;
  Check(sqlite3_reset(statement_.get()), sqlite3_db_handle(statement_.get()),
        sqlite3_sql(statement_.get()));
  return row_count;
}

bool Statement::TryRun() {
  const int code = RunCode();
  if ((code & 0xff) == SQLITE_BUSY) return false;  // or an extended code of it
  Check(code, sqlite3_db_handle(statement_.get()),
        sqlite3_sql(statement_.get()));
  return true;
}

int Statement::RunCode() {
  while (sqlite3_step(statement_.get()) == SQLITE_ROW) {
  }
  return sqlite3_reset(statement_.get());
}

void Statement::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

}  // namespace actorkv::bench
