#include "tests/fault/fault_world.h"

#include <utility>
#include <vector>

#include "kv/process/store_registry.h"
#include "kv/rocksdb/rocksdb_engine.h"
#include "tests/support/forwarding_engine.h"
#include "tests/support/memory_engine.h"
#include "tests/support/store_access.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {

namespace {

constexpr size_t kMaxBatchBytes = 128 << 10;  // half of it stays in memory
constexpr int kBigRows = 90;
constexpr size_t kBigRowBytes = 1000;
static_assert(kBigRows * kBigRowBytes > kMaxBatchBytes / 2,
              "big transactions must be staged");

std::string TextOf(const ActorModel& model) {
  const std::string at = std::to_string(model.big_at);
  const std::string rows = std::to_string(model.big_at == 0 ? 0 : kBigRows);
  return std::to_string(model.n) + "|" + rows + "|" + at + "|" + at;
}

std::string LookInto(SqliteDb* db, const std::string& schema) {
  return db->QueryText("SELECT n, (SELECT count(*) FROM " + schema +
                       ".big), (SELECT ifnull(min(at), 0) FROM " + schema +
                       ".big), (SELECT ifnull(max(at), 0) FROM " + schema +
                       ".big) FROM " + schema + ".counter");
}

}  // namespace

std::string ExpectedText(const Model& model) {
  return TextOf(model.a) + " " + TextOf(model.b);
}

void FaultWorld::UseEngines(Base base) {
  EngineLimits limits = UnboundedLimits();
  limits.max_batch_bytes = kMaxBatchBytes;
  const std::shared_ptr<Engine> kept =
      base == Base::kMemory ? NewMemoryEngine(UnboundedLimits()) : nullptr;
  StoreRegistry::Instance()->SetEngineFactoryForTesting(
      [kept, limits, plan = plan_](const std::string& directory, OpenMode mode,
                                   std::unique_ptr<Engine>* engine) {
        std::unique_ptr<Engine> opened;
        if (kept != nullptr) {
          opened = std::make_unique<ForwardingEngine>(kept);
        } else if (Status s = OpenRocksDbEngine(directory, mode, &opened);
                   !s.ok()) {
          return s;
        }
        *engine = NewHostileEngine(std::move(opened), plan, limits);
        return Status::Ok();
      });
}

FaultWorld::FaultWorld(Base base) {
  UseEngines(base);
  Open();
  for (const std::string schema : {"a", "b"}) {
    EXPECT_EQ(two_.Exec("BEGIN; CREATE TABLE " + schema +
                        ".counter(n INT); INSERT INTO " + schema +
                        ".counter VALUES(0); CREATE TABLE " + schema +
                        ".big(id INTEGER PRIMARY KEY, at INT, body BLOB);"
                        "COMMIT"),
              SQLITE_OK)
        << two_.Error();
  }
  // Now both know the tables: SQLite does not tell an error that it meets
  // while it looks whether its schema is old.
  EXPECT_EQ(Look(), ExpectedText(model_));
}

FaultWorld::~FaultWorld() {
  one_.Close();
  two_.Close();
  CloseStore(store_);
  StoreRegistry::Instance()->SetEngineFactoryForTesting(nullptr);
}

void FaultWorld::Open() {
  const std::string a = ActorUri(store_, "a");
  const std::string b = ActorUri(store_, "b");
  EXPECT_EQ(one_.Open(a), SQLITE_OK) << LastError();
  EXPECT_EQ(one_.Exec("ATTACH '" + b + "' AS b"), SQLITE_OK);
  EXPECT_EQ(two_.Open(":memory:"), SQLITE_OK);
  EXPECT_EQ(two_.Exec("ATTACH '" + a + "' AS a; ATTACH '" + b + "' AS b"),
            SQLITE_OK);
  for (SqliteDb* db : {&one_, &two_}) db->Exec("PRAGMA cache_size=10");
}

std::string FaultWorld::Look() {
  std::string seen = LookInto(&one_, "main") + " " + LookInto(&one_, "b");
  EXPECT_EQ(LookInto(&two_, "a") + " " + LookInto(&two_, "b"), seen);
  for (const std::string name : {"a", "b"}) {
    SqliteDb fresh;
    EXPECT_EQ(fresh.Open(ActorUri(store_, name)), SQLITE_OK) << LastError();
    const std::string text = LookInto(&fresh, "main");
    EXPECT_EQ(name == "a" ? seen.substr(0, text.size())
                          : seen.substr(seen.size() - text.size()),
              text);
    EXPECT_EQ(fresh.QueryText("PRAGMA integrity_check"), "ok") << LastError();
    // No one holds the reservation.
    EXPECT_EQ(fresh.Exec("BEGIN IMMEDIATE; ROLLBACK"), SQLITE_OK);
  }
  return seen;
}

std::string FaultWorld::LookAfterRestart() {
  one_.Close();
  two_.Close();
  CloseStore(store_);
  Open();
  return Look();
}

StepResult RunStep(FaultWorld* world, const Step& step) {
  SqliteDb* const db = step.on_two ? world->two() : world->one();
  if (!step.statement.empty()) return {db->Exec(step.statement), false};
  StepResult result{db->Exec("BEGIN;" + step.body), false};
  if (result.code == SQLITE_OK) {
    result = {db->Exec(step.end), true};
    // Else the user would repeat a COMMIT that writes no pages.
    EXPECT_NE(sqlite3_get_autocommit(db->get()), 0) << result.code;
  }
  // SQLITE_FULL and an error of a SELECT leave it open, as for files.
  if (sqlite3_get_autocommit(db->get()) == 0) {
    EXPECT_EQ(db->Exec("ROLLBACK"), SQLITE_OK) << db->Error();
  }
  return result;
}

std::string CountIn(const std::string& schema) {
  return "UPDATE " + schema + ".counter SET n = n + 1;";
}

std::string RewriteBigIn(const std::string& schema) {
  return CountIn(schema) + "DELETE FROM " + schema +
         ".big; WITH RECURSIVE i(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM i "
         "LIMIT " +
         std::to_string(kBigRows) + ") INSERT INTO " + schema +
         ".big SELECT i, (SELECT n FROM " + schema + ".counter), randomblob(" +
         std::to_string(kBigRowBytes) + ") FROM i;";
}

}  // namespace actorkv
