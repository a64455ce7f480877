#include "tests/crash/notebook.h"

#include <random>

#include "kv/base/types.h"
#include "tests/support/child_process.h"
#include "tests/support/store_access.h"

namespace actorkv {

namespace {

constexpr char kActor[] = "notebook";

// Rows of the large table, and bytes of each: past what a transaction keeps
// in memory.
constexpr int kLargeRows = 900;
constexpr int kLargeRowBytes = 10000;
static_assert(size_t{kLargeRows} * kLargeRowBytes > kTransactionMemoryBytes,
              "large transactions must be staged");

// The text of note `id`, as SQL.
constexpr char kBody[] = "id || ':' || hex(zeroblob((id * 37) % 1000))";

std::string AddNote(bool large) {
  const std::string flag = large ? "1" : "0";
  return "INSERT INTO note SELECT id, " + std::string(kBody) + ", " + flag +
         " FROM (SELECT 1 + ifnull(max(id), 0) AS id FROM note);";
}

std::string RewriteLargeTable() {
  return "DELETE FROM large;"
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
         "LIMIT " +
         std::to_string(kLargeRows) +
         ") INSERT INTO large SELECT i, (SELECT max(id) FROM note), "
         "randomblob(" +
         std::to_string(kLargeRowBytes) + ") FROM n;";
}

void WriteOnce(SqliteDb* db, std::mt19937_64* rng) {
  const uint64_t choice = (*rng)() % 100;
  if (choice < 85) {
    MustRun(db, AddNote(false));
    ChildSay(kSaysCommitted);
  } else if (choice < 92) {
    MustRun(db, "BEGIN;" + AddNote(true) + RewriteLargeTable() + "COMMIT");
    ChildSay(kSaysCommitted);
  } else if (choice < 94) {
    MustRun(db, "BEGIN;" + AddNote(true) + RewriteLargeTable() + "ROLLBACK");
    ChildSay(kSaysDone);
  } else if (choice < 97) {
    MustRun(db, "VACUUM");
    ChildSay(kSaysDone);
  } else {
    const int sizes[] = {512, 1024, 4096, 16384, 65536};
    MustRun(db, "PRAGMA page_size=" + std::to_string(sizes[(*rng)() % 5]) +
                    "; VACUUM");
    ChildSay(kSaysDone);
  }
}

}  // namespace

void WriteNotes(const LifePlan& plan) {
  std::mt19937_64 rng(plan.seed);
  SqliteDb db;
  if (db.Open(ActorUri(plan.store, kActor)) != SQLITE_OK) {
    MustRun(&db, "SELECT 'open'");
  }
  MustRun(&db, "PRAGMA synchronous=" + plan.synchronous);
  // A small cache spills pages before the commit.
  if (rng() % 3 == 0) MustRun(&db, "PRAGMA cache_size=20");
  ChildSay(kSaysBegan);
  MustRun(&db,
          "CREATE TABLE IF NOT EXISTS note"
          "(id INTEGER PRIMARY KEY, body TEXT, is_large INT);"
          "CREATE TABLE IF NOT EXISTS large"
          "(id INTEGER PRIMARY KEY, note INT, body BLOB)");
  for (;;) WriteOnce(&db, &rng);
}

int64_t CheckNotes(const std::string& store) {
  SqliteDb db;
  if (db.Open(ActorUri(store, kActor),
              SQLITE_OPEN_READWRITE | SQLITE_OPEN_URI) != SQLITE_OK) {
    EXPECT_EQ(db.ErrorCode(), SQLITE_CANTOPEN) << db.Error();
    return 0;
  }
  EXPECT_EQ(db.QueryText("PRAGMA integrity_check"), "ok");
  const std::string tables =
      db.QueryText("SELECT count(*) FROM sqlite_schema WHERE type = 'table'");
  if (tables == "0" || tables == "1") return 0;
  EXPECT_EQ(tables, "2");
  const int64_t count = db.QueryInt("SELECT count(*) FROM note");
  EXPECT_EQ(db.QueryInt("SELECT ifnull(max(id), 0) FROM note"), count);
  EXPECT_EQ(db.QueryInt("SELECT count(*) FROM note WHERE body <> " +
                        std::string(kBody)),
            0);
  // The large table is of the last note that came with it, as a whole.
  EXPECT_EQ(db.QueryText("SELECT ifnull(max(id), 0) FROM note WHERE is_large"),
            db.QueryText("SELECT ifnull(max(note), 0) FROM large"));
  EXPECT_EQ(db.QueryText("SELECT ifnull(min(note), 0) FROM large"),
            db.QueryText("SELECT ifnull(max(note), 0) FROM large"));
  const int64_t rows = db.QueryInt("SELECT count(*) FROM large");
  EXPECT_TRUE(rows == 0 || rows == kLargeRows) << rows;
  return count;
}

int64_t CheckNothingLost(const LifePlan& plan, const Life& life,
                         int64_t before) {
  const int64_t count = CheckNotes(plan.store);
  EXPECT_GE(count, before + life.committed_count) << "acknowledged and lost";
  EXPECT_LE(count, before + life.committed_count + 1) << "from nowhere";
  CloseStore(plan.store);
  return count;
}

}  // namespace actorkv
