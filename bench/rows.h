// The table that all workloads use, and what its rows hold: 100 bytes each,
// half of them incompressible, from a fixed seed.

#ifndef ACTORKV_BENCH_ROWS_H_
#define ACTORKV_BENCH_ROWS_H_

#include <cstdint>
#include <random>
#include <string>
#include <string_view>

#include "bench/connection.h"

namespace actorkv::bench {

inline constexpr size_t kBodyBytes = 100;

inline constexpr char kInsertSql[] = "INSERT INTO note(body) VALUES (?1)";
inline constexpr char kUpdateSql[] = "UPDATE note SET body = ?1 WHERE id = ?2";
inline constexpr char kSelectSql[] = "SELECT body FROM note WHERE id = ?1";

// Not thread-safe: one for each thread.
class RowSource {
 public:
  explicit RowSource(uint64_t seed) : random_(seed), body_(kBodyBytes, '.') {}

  // Valid until the next call.
  std::string_view NextBody();

  // 1 to `row_count`.
  int64_t NextId(int64_t row_count);

 private:
  std::mt19937_64 random_;
  std::string body_;
};

// As many as make a database of `size_bytes` or a little more.
int64_t RowsOf(uint64_t size_bytes);

void CreateTable(Connection* connection);

// Inserts in one transaction.
void InsertRows(Connection* connection, int64_t row_count, RowSource* rows);

}  // namespace actorkv::bench

#endif  // ACTORKV_BENCH_ROWS_H_
