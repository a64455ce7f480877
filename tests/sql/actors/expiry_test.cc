// History that is reclaimed while somebody reads it: between any two reads of a
// statement all that is not kept goes. The statement then gives what it would
// have given, or says that the version has expired. Never rows or pages of
// another version, and never "damaged".

#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "kv/cache/page_cache.h"
#include "kv/format/keys.h"
#include "kv/history/restore.h"
#include "kv/process/store_registry.h"
#include "kv/reclaim/reclaim.h"
#include "kv/store/clock.h"
#include "tests/support/forget_history.h"
#include "tests/support/memory_engine.h"
#include "tests/support/read_hook.h"
#include "tests/support/sql_harness.h"
#include "vfs/sqlite/sqlite_error.h"

namespace actorkv {
namespace {

class ExpiryTest : public testing::Test {
 protected:
  void SetUp() override {
    StoreRegistry::Instance()->SetEngineFactoryForTesting(
        [this](const std::string& /*directory*/, OpenMode /*mode*/,
               std::unique_ptr<Engine>* engine) {
          *engine = std::make_unique<ReadHookEngine>(
              NewMemoryEngine(UnboundedLimits()), hook_);
          return Status::Ok();
        });
  }

  void TearDown() override {
    Forget();
    StoreRegistry::Instance()->SetEngineFactoryForTesting(nullptr);
  }

  // A store with an actor of four versions. It stays open, so that its head is
  // known and nobody reads it while he holds a lock that reclaim takes.
  void Prepare() {
    Forget();
    name_ = "store" + std::to_string(count_++);
    ASSERT_EQ(db_.Open(":memory:"), SQLITE_OK);
    db_.QueryText("SELECT actorkv_store('" + directory_.File(name_) + "')");
    ASSERT_EQ(alice_.Open(Uri("alice")), SQLITE_OK);
    for (const char* sql :
         {"CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT);"
          "CREATE TABLE w(k TEXT PRIMARY KEY, x) WITHOUT ROWID",
          "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c"
          " WHERE i < 30) INSERT INTO t SELECT i, hex(zeroblob(300)) FROM c;"
          "INSERT INTO w SELECT id, x FROM t LIMIT 5",
          "UPDATE t SET x = 'two' || x WHERE id % 7 = 0",
          "DELETE FROM w WHERE k = '3'; UPDATE t SET x = 'three' || x"}) {
      ASSERT_EQ(alice_.Exec(std::string("BEGIN;") + sql + ";COMMIT"),
                SQLITE_OK);
    }
    ASSERT_OK(StoreRegistry::Instance()->Acquire(directory_.File(name_),
                                                 OpenMode::kExisting, &store_));
    if (!prepare_also_.empty()) {
      ASSERT_NE(db_.QueryText(prepare_also_).substr(0, 6), "error:");
    }
  }

  void Forget() {
    hook_->Set(0, nullptr);
    alice_.Close();
    db_.Close();
    store_.reset();
    StoreRegistry::Instance()->CloseIdle();
  }

  std::string Uri(const std::string& actor) const {
    return "file:" + directory_.File(name_) + "/" + actor + "?vfs=actorkv";
  }

  // What the head alone does not need goes: because the retention is over, or
  // that of restores as well.
  void ReclaimAllHistory() {
    if (after_undo_ends_) return ReclaimAfterUndoEnds();
    uint64_t ignored = 0;
    ASSERT_OK(ForgetHistory(store_.get(), &ignored));
  }

  // All that an actor holds, and that it is sound; empty: there is none.
  std::string Content(const std::string& actor) {
    SqliteDb db;
    if (db.Open(Uri(actor), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) !=
        SQLITE_OK) {
      return "";
    }
    return db.QueryText(
               "SELECT (SELECT count(*) || max(x) FROM t) ||"
               " (SELECT group_concat(k) FROM w)") +
           db.QueryText("PRAGMA integrity_check") +
           db_.QueryText(
               "SELECT count(*) || ifnull(max(detail), '') FROM"
               " actorkv_verify WHERE actor IS NOT NULL");
  }

  // The newest version of a page that the last commit stored.
  void DamageHead() {
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(
        LoadHeadState(store_->engine()->NewReader().get(), "alice", &state));
    const Snapshot& head = state->head.snapshot;
    std::vector<std::optional<KeyValue>> pairs;
    const std::unique_ptr<EngineReader> reader = store_->engine()->NewReader();
    const Partition partition = BranchPartition(head.branch);
    for (PageNo pgno = 4; pgno <= head.page_count; ++pgno) {
      const std::string key = ChunkKey(pgno, head.txid);
      ASSERT_OK(reader->Seek(partition, {key}, &pairs));
      if (!pairs[0].has_value() || pairs[0]->key != key) continue;
      Batch batch;
      batch.Put(partition, key, "damaged");
      ASSERT_TRUE(store_->Commit(batch, Durability::kBuffered).done());
      PageCache::Instance()->SetCapacity(0);
      PageCache::Instance()->UseDefaultCapacity();
      return;
    }
    FAIL() << "the last commit stored no such page";
  }

  void ReclaimAfterUndoEnds() {
    const ReclaimTurns::Turn turn = store_->reclaim_turns()->Begin();
    ReclaimOptions options;
    options.now_us = WallClockUs() + kUndoTtlUs + 1'000'000;
    Reclaimer reclaimer(store_.get(), options);
    std::optional<SpaceUse> use;
    for (bool done = false; !done;) ASSERT_OK(reclaimer.Step(&use, &done));
  }

  void Expect(const std::string& sql) {
    SCOPED_TRACE(sql);
    ASSERT_NO_FATAL_FAILURE(Prepare());
    const std::string before = Content("alice");
    const std::string good = db_.QueryText(sql);
    ASSERT_NE(good.substr(0, 6), "error:") << good;
    const std::string after = Content("alice");
    const std::string fork = Content("fork");
    int expired = 0;
    bool ran = true;
    for (uint64_t n = 1; ran; ++n) {
      SCOPED_TRACE("read " + std::to_string(n));
      ASSERT_NO_FATAL_FAILURE(Prepare());
      hook_->Set(n, [this] { ReclaimAllHistory(); });
      const std::string answer = db_.QueryText(sql);
      ran = hook_->ran();
      hook_->Set(0, nullptr);
      const bool ok = answer == good;
      if (!ok) {
        ++expired;
        EXPECT_TRUE(answer.find("the oldest that is available is") !=
                        std::string::npos ||
                    answer.find("expired") != std::string::npos)
            << answer;
      }
      EXPECT_EQ(Content("alice"), ok ? after : before);
      EXPECT_EQ(Content("fork"), ok ? fork : "");
      if (HasFailure()) return;
    }
    EXPECT_GT(expired, 0);
  }

  const TempDir directory_;
  const std::shared_ptr<ReadHook> hook_ = std::make_shared<ReadHook>();
  int count_ = 0;
  std::string name_;
  SqliteDb db_;
  SqliteDb alice_;
  std::shared_ptr<Store> store_;
  std::string prepare_also_;  // SQL, at the end of Prepare()
  bool after_undo_ends_ = false;
};

TEST_F(ExpiryTest, Restore) { Expect("SELECT actorkv_restore('alice', '2')"); }

TEST_F(ExpiryTest, Fork) { Expect("SELECT actorkv_fork('alice', 'fork', 2)"); }

TEST_F(ExpiryTest, UndoOfARestore) {
  prepare_also_ = "SELECT actorkv_restore('alice', 2)";
  after_undo_ends_ = true;
  Expect("SELECT actorkv_undo_restore('alice')");
  ASSERT_NO_FATAL_FAILURE(Prepare());
  ReclaimAllHistory();
  const std::string text =
      "there is no commit 4; the oldest that is available"
      " is 5 of ";
  EXPECT_NE(db_.QueryText("SELECT actorkv_undo_restore('alice')").find(text),
            std::string::npos)
      << db_.Error();
  EXPECT_EQ(db_.QueryText("SELECT from_txid, undo_name FROM actorkv_restores"),
            "4|undo-5")
      << "it stays in the table";
}

TEST_F(ExpiryTest, ARestorePointThatEnds) {
  ASSERT_NO_FATAL_FAILURE(Prepare());
  ASSERT_EQ(db_.QueryText("SELECT actorkv_restore_point('alice', 'p', 1)"),
            "4");
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  for (const char* sql : {"SELECT actorkv_restore('alice', 'p')",
                          "SELECT actorkv_fork('alice', 'fork', 'p')",
                          "SELECT * FROM actorkv_verify('alice', 'p')",
                          "SELECT * FROM actorkv_diff('alice', 'p')"}) {
    const std::string answer = db_.QueryText(sql);
    EXPECT_NE(answer.find("the restore point 'p' expired at "),
              std::string::npos)
        << answer;
    EXPECT_NE(answer.find("; the oldest that is available is 1 of "),
              std::string::npos)
        << answer;
  }
}

// The head is damaged. What the doctor finds in older commits goes while it
// looks: it finds one, or none, and never takes what has gone for damage.
TEST_F(ExpiryTest, Doctor) {
  constexpr char kSql[] =
      "SELECT group_concat(severity || ' ' || ifnull(txid, '') || ' ' ||"
      " ifnull(pgno, ''), ','), group_concat(mend)"
      " FROM actorkv_doctor('alice')";
  std::string good;
  std::string none;
  ASSERT_NO_FATAL_FAILURE(Prepare());
  DamageHead();
  good = db_.QueryText(kSql);
  EXPECT_NE(good.find("SELECT actorkv_restore('alice', 3)"), std::string::npos)
      << good;
  ReclaimAllHistory();
  none = db_.QueryText(kSql);
  EXPECT_NE(none.find("import the last export"), std::string::npos) << none;
  bool ran = true;
  int lost = 0;
  for (uint64_t n = 1; ran; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(Prepare());
    DamageHead();
    hook_->Set(n, [this] { ReclaimAllHistory(); });
    const std::string answer = db_.QueryText(kSql);
    ran = hook_->ran();
    hook_->Set(0, nullptr);
    ASSERT_TRUE(answer == good || answer == none) << answer;
    if (answer == none) ++lost;
  }
  EXPECT_GT(lost, 0);
}

TEST_F(ExpiryTest, Verify) {
  Expect("SELECT count(*), max(detail) FROM actorkv_verify('alice', 2)");
}

TEST_F(ExpiryTest, RestorePlan) {
  // How many commits would leave the line depends on how many there are.
  Expect(
      "SELECT page_count, changed_page_count, bytes"
      " FROM actorkv_restore_plan('alice', 2)");
}

TEST_F(ExpiryTest, Diff) {
  Expect(
      "SELECT count(*), max(key), max(old), max(new), min(new)"
      " FROM actorkv_diff('alice', 2, 3)");
}

TEST_F(ExpiryTest, Export) {
  Expect("SELECT actorkv_export('alice', '" + directory_.File("x.db") +
         "', 'db', '2', 1)");
  SqliteDb file;
  ASSERT_EQ(file.Open(directory_.File("x.db")), SQLITE_OK);
  EXPECT_EQ(file.QueryText("SELECT count(*), length(max(x)) FROM t"), "30|600");
  EXPECT_EQ(file.QueryText("PRAGMA integrity_check"), "ok");
}

TEST_F(ExpiryTest, AsOf) {
  bool ran = true;
  int expired = 0;
  for (uint64_t n = 1; ran; ++n) {
    SCOPED_TRACE("read " + std::to_string(n));
    ASSERT_NO_FATAL_FAILURE(Prepare());
    hook_->Set(n, [this] { ReclaimAllHistory(); });
    SqliteDb past;
    const int code = past.Open(Uri("alice") + "&asof=2",
                               SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    std::string answer;
    if (code == SQLITE_OK) {
      answer = past.QueryText(
          "SELECT count(*), max(length(x)), (SELECT count(*) FROM w) FROM t");
    }
    ran = hook_->ran();
    hook_->Set(0, nullptr);
    if (code != SQLITE_OK) {
      ++expired;
      EXPECT_EQ(code, SQLITE_CANTOPEN);
      EXPECT_NE(LastError().find("the oldest that is available is 4 of"),
                std::string::npos)
          << LastError();
      continue;
    }
    EXPECT_EQ(answer, "30|600|5");
  }
  EXPECT_GT(expired, 0);
}

}  // namespace
}  // namespace actorkv
