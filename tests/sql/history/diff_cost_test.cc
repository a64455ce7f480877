// What actorkv_diff() reads: in proportion to what changed, also right after
// the store was opened, and with a restore or a large transaction in between.

#include <string>

#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr int64_t kPages = 4000;  // of the table that hardly changes, at least
constexpr int64_t kLargePages = 2300;  // past kTransactionMemoryBytes

class DiffCostTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    Run("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT);"
        "CREATE TABLE blobs(id INTEGER PRIMARY KEY, b);"
        "CREATE TABLE large(x);"
        "BEGIN; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
        " WHERE i < 40000) INSERT INTO t SELECT i, hex(zeroblob(200)) FROM c;"
        "INSERT INTO blobs SELECT id, zeroblob(20000) FROM t LIMIT 10; COMMIT");
    from_ = Ask("SELECT head_txid FROM actorkv_actors");
    ASSERT_GT(Number("SELECT page_count FROM actorkv_actors"), kPages);
  }

  void Run(const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error() << " in " << sql;
  }

  int64_t Number(const std::string& sql) { return db()->QueryInt(sql); }

  int64_t EngineReads() {
    return Number(
        "SELECT value FROM actorkv_metrics WHERE name = 'engine_reads'");
  }

  // Of a store that was just opened.
  int64_t ReadsOfDiff(const std::string& count) {
    db()->Close();
    StoreRegistry::Instance()->CloseIdle();
    EXPECT_EQ(db()->Open(":memory:"), SQLITE_OK);
    EXPECT_EQ(Ask("SELECT actorkv_store(" + Quoted("store") + ")"),
              File("store"));
    const int64_t before = EngineReads();
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_diff('alice', " + from_ + ")"),
              count);
    return EngineReads() - before;
  }

  std::string from_;
};

constexpr char kFewRows[] = "UPDATE t SET x = 'new' || x WHERE id % 4000 = 0";
constexpr int64_t kFewReads = kPages / 10;

TEST_F(DiffCostTest, AfterCommits) {
  EXPECT_LT(ReadsOfDiff("0"), kFewReads);
  Run(kFewRows);
  Run("DELETE FROM t WHERE id BETWEEN 77 AND 78");
  Run("INSERT INTO t VALUES(100000, 'more')");
  EXPECT_LT(ReadsOfDiff("13"), kFewReads);
}

TEST_F(DiffCostTest, AfterARestore) {
  Run("UPDATE t SET x = 'gone' || x WHERE id % 3999 = 0");
  Ask("SELECT actorkv_restore('alice', " + from_ + ")");
  EXPECT_LT(ReadsOfDiff("0"), kFewReads);
  Run(kFewRows);
  EXPECT_LT(ReadsOfDiff("10"), kFewReads);
  Ask("SELECT actorkv_undo_restore('alice')");
  EXPECT_LT(ReadsOfDiff("10"), kFewReads);
}

TEST_F(DiffCostTest, AfterALargeTransaction) {
  Run("BEGIN; WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
      " WHERE i < 2400) INSERT INTO large SELECT zeroblob(4000) FROM c; "
      "COMMIT");
  Run(kFewRows);
  const int64_t reads = ReadsOfDiff("2410");
  EXPECT_GT(reads, kLargePages) << "the rows that came";
  EXPECT_LT(reads, kLargePages + kPages / 4);
}

// An update of a row that goes on at overflow pages frees these, and takes
// others or the same ones; who else has overflow is not looked at.
TEST_F(DiffCostTest, WithOverflow) {
  Run("UPDATE blobs SET b = randomblob(20000) WHERE id = 3");
  EXPECT_LT(ReadsOfDiff("1"), kFewReads);
  Run("UPDATE blobs SET b = randomblob(30000) WHERE id = 4;"
      "UPDATE blobs SET b = randomblob(20000) WHERE id = 5");
  EXPECT_LT(ReadsOfDiff("3"), kFewReads);
}

}  // namespace
}  // namespace actorkv
