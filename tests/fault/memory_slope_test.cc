// Memory must not grow with the size of a database: one actor grows to 1, 2, 4
// and 8 GiB; at each size random rows are read and a large transaction runs;
// the anonymous memory of the process is sampled all the time. Prints the
// slope in MiB per GiB.
//
// Takes minutes and 30 GiB of disk under $TMPDIR, so it runs with `make
// stress` only. ACTORKV_SLOPE_GIB sets another last size.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/support/memory_use.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"
#include "tests/support/testing.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

constexpr int64_t kRowBytes = 8000;        // two pages
constexpr int64_t kTransactionRows = 800;  // 6 MB: not staged
constexpr int64_t kLargeRows = 32000;      // 256 MB
constexpr int kReads = 20000;
constexpr double kMaxSlope = 8;  // MiB per GiB

class Grower {
 public:
  explicit Grower(const std::string& store) {
    EXPECT_EQ(db_.Open(ActorUri(store, "a")), SQLITE_OK) << LastError();
    Run("PRAGMA synchronous = NORMAL;"
        "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)");
  }

  double gib() {
    return static_cast<double>(db_.QueryInt("PRAGMA page_count")) * 4096 /
           (1 << 30);
  }

  void Insert(int64_t rows) {
    Run("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        "LIMIT " +
        std::to_string(rows) + ") INSERT INTO t(body) SELECT randomblob(" +
        std::to_string(kRowBytes) + ") FROM n");
    rows_ += rows;
  }

  // Rewrites rows all over the database.
  void Rewrite(int64_t rows) {
    Run("UPDATE t SET body = randomblob(" + std::to_string(kRowBytes) +
        ") WHERE id % " + std::to_string(std::max<int64_t>(rows_ / rows, 1)) +
        " = 0");
  }

  void ReadAll() {
    EXPECT_EQ(db_.QueryInt("SELECT count(*) FROM t WHERE substr(body, -1) "
                           "IS NOT NULL"),
              rows_);
  }

  void ReadAtRandom(int count) {
    SqliteStatement statement(db_.get(),
                              "SELECT length(body), substr(body, 7000, 1) "
                              "FROM t WHERE id = 1 + abs(random()) % ?1");
    for (int i = 0; i < count; ++i) {
      sqlite3_bind_int64(statement.get(), 1, rows_);
      ASSERT_EQ(statement.Step(), SQLITE_ROW) << LastError();
      sqlite3_reset(statement.get());
    }
  }

 private:
  void Run(const std::string& sql) {
    ASSERT_EQ(db_.Exec(sql), SQLITE_OK) << db_.Error() << LastError();
  }

  SqliteDb db_;
  int64_t rows_ = 0;
};

TEST(MemorySlopeTest, MemoryDoesNotGrowWithTheDatabase) {
  if (EnvironmentNumber("ACTORKV_STRESS", 1) < 2) {
    GTEST_SKIP() << "takes minutes: make stress";
  }
  const auto last =
      static_cast<double>(EnvironmentNumber("ACTORKV_SLOPE_GIB", 8));
  TempDir temp;
  Grower grower(temp.File("store"));
  MemorySampler sampler;
  double first_mib = 0;
  double slope = 0;
  for (double size = 1; size <= last; size *= 2) {
    sampler.Restart();
    while (grower.gib() < size && !testing::Test::HasFailure()) {
      grower.Insert(kTransactionRows);
    }
    const double growing_mib = sampler.peak_mib();
    sampler.Restart();
    // Fills the caches, which are bounded, before the first size is measured.
    grower.ReadAll();
    grower.ReadAtRandom(kReads);
    const double reading_mib = sampler.peak_mib();
    sampler.Restart();
    grower.Rewrite(kLargeRows);
    ASSERT_FALSE(testing::Test::HasFailure());
    const double peak_mib =
        std::max({growing_mib, reading_mib, sampler.peak_mib()});
    if (size == 1) first_mib = peak_mib;
    if (size > 1) slope = (peak_mib - first_mib) / (size - 1);
    std::printf(
        "%.0f GiB: anonymous memory at most %.0f MiB growing, %.0f reading, "
        "%.0f in a transaction of 256 MB; now %.0f, VmHWM %.0f; slope %.1f "
        "MiB per GiB\n",
        size, growing_mib, reading_mib, sampler.peak_mib(),
        StatusMib("RssAnon"), StatusMib("VmHWM"), slope);
    std::fflush(stdout);
  }
  EXPECT_LT(slope, kMaxSlope);
}

}  // namespace
}  // namespace actorkv
