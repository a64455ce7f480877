#include "tests/crash/bank.h"

#include <random>

#include "kv/base/types.h"
#include "tests/support/child_process.h"
#include "tests/support/store_access.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

constexpr int kActors = 3;
constexpr int kAccounts = 20;  // of each actor
constexpr int kMoney = 1000;   // of each account at first
constexpr int kLargeRows = 900;
constexpr int kLargeRowBytes = 10000;
static_assert(size_t{kLargeRows} * kLargeRowBytes > kTransactionMemoryBytes,
              "large transactions must be staged");

std::string Schema(int actor) { return "a" + std::to_string(actor); }

// Opens main as the plan says, and attaches the three actors.
int OpenBank(const LifePlan& plan, SqliteDb* db) {
  const std::string main =
      plan.kind == kMainIsMemory ? ":memory:" : ActorUri(plan.store, "hub");
  int code = db->Open(main);
  for (int i = 0; i < kActors && code == SQLITE_OK; ++i) {
    const std::string schema = Schema(i);
    code =
        db->Exec("ATTACH '" + ActorUri(plan.store, schema) + "' AS " + schema);
    db->Exec("PRAGMA " + schema + ".synchronous=" + plan.synchronous);
  }
  return code;
}

void Found(SqliteDb* db) {
  if (db->QueryText("SELECT count(*) FROM a0.sqlite_schema") != "0") return;
  std::string sql = "BEGIN;";
  for (int i = 0; i < kActors; ++i) {
    const std::string schema = Schema(i);
    sql += "CREATE TABLE " + schema +
           ".account(id INTEGER PRIMARY KEY, money INT, note TEXT);"
           "CREATE TABLE " +
           schema +
           ".large(id INTEGER PRIMARY KEY, at INT, body BLOB);"
           "CREATE TABLE " +
           schema +
           ".counter(n INT, large_at INT);"
           "INSERT INTO " +
           schema +
           ".counter VALUES(1, 0);"
           "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
           "LIMIT " +
           std::to_string(kAccounts) + ") INSERT INTO " + schema +
           ".account SELECT i, " + std::to_string(kMoney) +
           ", hex(zeroblob(200)) FROM n;";
  }
  MustRun(db, sql + "COMMIT");
  ChildSay(kSaysCommitted);
}

std::string RewriteLargeTable(const std::string& schema) {
  return "DELETE FROM " + schema + ".large; UPDATE " + schema +
         ".counter SET large_at = n;"
         "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
         "LIMIT " +
         std::to_string(kLargeRows) + ") INSERT INTO " + schema +
         ".large SELECT i, (SELECT n FROM " + schema +
         ".counter), randomblob(" + std::to_string(kLargeRowBytes) +
         ") FROM n;";
}

void Transfer(SqliteDb* db, std::mt19937_64* rng) {
  const auto account = [&] { return std::to_string(1 + (*rng)() % kAccounts); };
  const int from = static_cast<int>((*rng)() % kActors);
  const int to = (from + 1 + static_cast<int>((*rng)() % 2)) % kActors;
  const std::string amount = std::to_string((*rng)() % 100);
  std::string sql = "BEGIN;";
  for (int i = 0; i < kActors; ++i) {
    sql += "UPDATE " + Schema(i) + ".counter SET n = n + 1;";
  }
  sql += "UPDATE " + Schema(from) + ".account SET money = money - " + amount +
         " WHERE id = " + account() + ";";
  if ((*rng)() % 20 == 0) sql += RewriteLargeTable(Schema(to));
  sql += "UPDATE " + Schema(to) + ".account SET money = money + " + amount +
         " WHERE id = " + account() + ";";
  const bool commits = (*rng)() % 20 != 0;
  MustRun(db, sql + (commits ? "COMMIT" : "ROLLBACK"));
  ChildSay(commits ? kSaysCommitted : kSaysDone);
}

// What one actor alone must satisfy. Returns its count of transactions.
std::string CheckActor(SqliteDb* db, const std::string& schema) {
  EXPECT_EQ(db->QueryText("PRAGMA " + schema + ".integrity_check"), "ok");
  EXPECT_EQ(db->QueryInt("SELECT count(*) FROM " + schema + ".account"),
            kAccounts);
  const std::string large_at =
      db->QueryText("SELECT large_at FROM " + schema + ".counter");
  const std::string whole =
      std::to_string(kLargeRows) + "|" + large_at + "|" + large_at;
  EXPECT_EQ(db->QueryText("SELECT count(*), ifnull(min(at), 0), "
                          "ifnull(max(at), 0) FROM " +
                          schema + ".large"),
            large_at == "0" ? "0|0|0" : whole);
  return db->QueryText("SELECT n FROM " + schema + ".counter");
}

}  // namespace

void TransferMoney(const LifePlan& plan) {
  std::mt19937_64 rng(plan.seed);
  SqliteDb db;
  if (OpenBank(plan, &db) != SQLITE_OK) MustRun(&db, "SELECT 'open'");
  if (rng() % 3 == 0) MustRun(&db, "PRAGMA a1.cache_size=20");
  ChildSay(kSaysBegan);
  Found(&db);
  for (;;) Transfer(&db, &rng);
}

int64_t CheckBank(const LifePlan& plan) {
  SqliteDb db;
  EXPECT_EQ(OpenBank(plan, &db), SQLITE_OK) << LastError();
  std::string tables;
  for (int i = 0; i < kActors; ++i) {
    tables +=
        db.QueryText("SELECT count(*) FROM " + Schema(i) + ".sqlite_schema");
  }
  if (tables == "000") return 0;
  EXPECT_EQ(tables, "333") << "the founding is torn";
  const std::string count = CheckActor(&db, "a0");
  EXPECT_EQ(CheckActor(&db, "a1"), count) << "torn";
  EXPECT_EQ(CheckActor(&db, "a2"), count) << "torn";
  EXPECT_EQ(db.QueryInt("SELECT (SELECT sum(money) FROM a0.account) + "
                        "(SELECT sum(money) FROM a1.account) + "
                        "(SELECT sum(money) FROM a2.account)"),
            kActors * kAccounts * kMoney);
  return db.QueryInt("SELECT n FROM a0.counter");
}

int64_t CheckNoTransferLost(const LifePlan& plan, const Life& life,
                            int64_t before) {
  const int64_t count = CheckBank(plan);
  EXPECT_GE(count, before + life.committed_count) << "acknowledged and lost";
  EXPECT_LE(count, before + life.committed_count + 1) << "from nowhere";
  CloseStore(plan.store);
  return count;
}

}  // namespace actorkv
