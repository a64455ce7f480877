// Connection and Statement: the little of SQLite's API that workloads use.
// An error ends the program with a message: a benchmark that goes on after
// one would measure something else.

#ifndef ACTORKV_BENCH_CONNECTION_H_
#define ACTORKV_BENCH_CONNECTION_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace actorkv::bench {

class Connection {
 public:
  // `name` may be a URI. Made when missing.
  explicit Connection(const std::string& name);

  void Execute(const char* sql);
  // The first column of the only row.
  int64_t QueryInt(const char* sql);
  sqlite3* get() const { return db_.get(); }

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  std::unique_ptr<sqlite3, Close> db_;
};

// Must be gone before its connection.
class Statement {
 public:
  Statement(const Connection& connection, const char* sql);

  // `index` from 1. Bound bytes must live until the statement ran.
  void Bind(int index, int64_t value);
  void Bind(int index, std::string_view blob);

  // Runs to the end and resets. Returns the rows seen.
  int Run();

  // The same; false when SQLite said SQLITE_BUSY.
  bool TryRun();

  // The same; what SQLite said, whatever it was.
  int RunCode();

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_CONNECTION_H_
