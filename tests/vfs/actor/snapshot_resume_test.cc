// A transaction that begins where the last one of its connection ended takes
// its snapshot without a lock (vfs/actor/actor_file.cc ResumeSnapshot). It must
// be as new, and as safe from reclaim, as one that is taken anew.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "kv/cache/page_cache.h"
#include "tests/support/actor_harness.h"
#include "tests/support/forget_history.h"
#include "tests/support/sqlite_db.h"
#include "tests/support/store_access.h"

namespace actorkv {
namespace {

constexpr char kSum[] = "SELECT sum(v), count(*) FROM t";

class SnapshotResumeTest : public ActorTest {
 protected:
  void Open(SqliteDb* db) { ASSERT_EQ(db->Open(Uri("a")), SQLITE_OK); }

  void Fill(SqliteDb* db) {
    Open(db);
    ASSERT_EQ(db->Exec("CREATE TABLE t(k INTEGER PRIMARY KEY, v, pad);"
                       "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT "
                       "i + 1 FROM c WHERE i < 200) INSERT INTO t SELECT i, "
                       "1, hex(zeroblob(400)) FROM c;"),
              SQLITE_OK);
  }

  // Removes all that nobody needs now; returns its bytes.
  uint64_t Reclaim() {
    std::shared_ptr<Store> store;
    EXPECT_OK(StoreRegistry::Instance()->Acquire(StorePath(),
                                                 OpenMode::kExisting, &store));
    uint64_t bytes = 0;
    EXPECT_OK(ForgetHistory(store.get(), &bytes));
    return bytes;
  }

  // Only the store knows pages now.
  static void ForgetPages(SqliteDb* db) {
    PageCache* const cache = PageCache::Instance();
    const size_t capacity = cache->capacity_bytes();
    cache->SetCapacity(0);
    cache->SetCapacity(capacity);
    sqlite3_db_release_memory(db->get());
  }
};

TEST_F(SnapshotResumeTest, SeesEveryCommitThatWasDone) {
  SqliteDb writer;
  SqliteDb reader;
  Fill(&writer);
  Open(&reader);
  for (int i = 0; i < 50; ++i) {
    for (int again = 0; again < 3; ++again) {
      ASSERT_EQ(reader.QueryText(kSum), std::to_string(200 + i) + "|200");
    }
    ASSERT_EQ(writer.Exec("UPDATE t SET v = v + 1 WHERE k = 7"), SQLITE_OK);
  }
}

TEST_F(SnapshotResumeTest, ReclaimLeavesWhatItReads) {
  SqliteDb writer;
  SqliteDb reader;
  Fill(&writer);
  Open(&reader);
  // The first transactions take the snapshot, the last one resumes it.
  for (int i = 0; i < 3; ++i) ASSERT_EQ(reader.QueryText(kSum), "200|200");
  ASSERT_EQ(reader.Exec("BEGIN; SELECT v FROM t WHERE k = 1"), SQLITE_OK);
  ASSERT_EQ(writer.Exec("UPDATE t SET v = 2"), SQLITE_OK);
  // No delta: those would keep the first version as their base.
  ASSERT_EQ(writer.Exec("UPDATE t SET v = 3, pad = hex(randomblob(400))"),
            SQLITE_OK);
  EXPECT_GT(Reclaim(), 0u) << "the version between";
  ForgetPages(&reader);
  EXPECT_EQ(reader.QueryText(kSum), "200|200");
  ASSERT_EQ(reader.Exec("COMMIT"), SQLITE_OK);
  EXPECT_GT(Reclaim(), 0u) << "a snapshot that rests keeps nothing";
  ForgetPages(&reader);
  EXPECT_EQ(reader.QueryText(kSum), "600|200");
}

// An engine that looks as if another process wrote: each CatchUp() makes the
// actor read its head anew for whoever asks it for one.
class EpochEngine : public ForwardingEngine {
 public:
  using ForwardingEngine::ForwardingEngine;

  Status CatchUp(std::atomic<uint64_t>* epoch) override {
    ++*epoch;
    return Status::Ok();
  }
};

class OwnCommitTest : public SnapshotResumeTest {
 protected:
  void SetUp() override {
    StoreRegistry::Instance()->SetEngineFactoryForTesting(
        [this](const std::string& /*directory*/, OpenMode /*mode*/,
               std::unique_ptr<Engine>* engine) {
          *engine = std::make_unique<EpochEngine>(shared_);
          return Status::Ok();
        });
  }

  void TearDown() override {
    CloseStore(StorePath());  // its engine is not counted
    SnapshotResumeTest::TearDown();
  }

  // Answers `sql`, and says in *asked whether the actor was asked for its head:
  // then it read the engine. SQLite has the pages.
  std::string Query(SqliteDb* db, const std::string& sql, bool* asked) {
    std::shared_ptr<Store> store;
    EXPECT_OK(StoreRegistry::Instance()->Acquire(StorePath(),
                                                 OpenMode::kExisting, &store));
    EXPECT_OK(store->CatchUp());
    plan_->Reset();
    std::string answer = db->QueryText(sql);
    *asked = plan_->read_count() > 0;
    return answer;
  }

  void FailNextCommit(CommitFault fault) {
    plan_->Reset();
    plan_->FailCommit(1, fault);
  }

 private:
  const std::shared_ptr<HostilePlan> plan_ = std::make_shared<HostilePlan>();
  const std::shared_ptr<Engine> shared_ =
      NewHostileEngine(NewMemoryEngine(UnboundedLimits()), plan_);
};

TEST_F(OwnCommitTest, TheNextTransactionDoesNotAskTheActor) {
  SqliteDb db;
  SqliteDb other;
  Fill(&db);
  Open(&other);
  ASSERT_EQ(other.QueryText(kSum), "200|200");
  bool asked = true;
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(db.Exec("UPDATE t SET v = v + 1 WHERE k = 7"), SQLITE_OK);
    EXPECT_EQ(Query(&db, kSum, &asked), std::to_string(200 + i) + "|200");
    EXPECT_FALSE(asked) << "it published this head itself";
    EXPECT_EQ(Query(&other, kSum, &asked), std::to_string(200 + i) + "|200");
    EXPECT_TRUE(asked) << "it cannot know of the commit";
    // The first has to look again, as the actor was given another state.
    EXPECT_EQ(Query(&db, kSum, &asked), std::to_string(200 + i) + "|200");
    EXPECT_TRUE(asked);
  }
}

TEST_F(OwnCommitTest, AfterACommitOfSeveralActorsToo) {
  SqliteDb db;
  Fill(&db);
  ASSERT_EQ(db.Exec(Attach("b", "b") + "CREATE TABLE b.u(x);"), SQLITE_OK);
  ASSERT_EQ(db.Exec("BEGIN; UPDATE t SET v = 2 WHERE k = 1;"
                    "INSERT INTO u VALUES(5); COMMIT"),
            SQLITE_OK);
  bool asked = true;
  EXPECT_EQ(
      Query(&db, "SELECT (SELECT sum(v) FROM t), (SELECT x FROM u)", &asked),
      "201|5");
  EXPECT_FALSE(asked);
}

// What a connection believes after its own commit is never what another has
// replaced since.
TEST_F(OwnCommitTest, TwoWritersInTurnSeeEachOther) {
  SqliteDb one;
  SqliteDb two;
  Fill(&one);
  Open(&two);
  int64_t sum = 200;
  for (int i = 0; i < 20; ++i) {
    SqliteDb* const writer = i % 3 == 0 ? &one : &two;
    ASSERT_EQ(writer->Exec("UPDATE t SET v = v + 1 WHERE k = 7"), SQLITE_OK);
    ++sum;
    for (SqliteDb* db : {&one, &two}) {
      ASSERT_EQ(db->QueryText(kSum), std::to_string(sum) + "|200");
    }
  }
  // Between the commit and the end of the lock as well.
  ASSERT_EQ(one.Exec("SELECT actorkv_restore_point('a', 'p')"), SQLITE_OK);
  ASSERT_EQ(one.Exec("UPDATE t SET v = 0"), SQLITE_OK);
  ASSERT_EQ(two.Exec("SELECT actorkv_restore('a', 'p')"), SQLITE_OK);
  EXPECT_EQ(one.QueryText(kSum), std::to_string(sum) + "|200");
  EXPECT_EQ(two.QueryText(kSum), std::to_string(sum) + "|200");
}

TEST_F(OwnCommitTest, ACommitThatFailedIsNotBelieved) {
  SqliteDb db;
  Fill(&db);
  ASSERT_EQ(db.Exec("UPDATE t SET v = 3 WHERE k = 1"), SQLITE_OK);
  for (const CommitFault fault :
       {CommitFault::kFailed, CommitFault::kUnknownLost}) {
    FailNextCommit(fault);
    EXPECT_NE(db.Exec("UPDATE t SET v = 9 WHERE k = 1"), SQLITE_OK);
    EXPECT_EQ(db.QueryText(kSum), "202|200");
  }
  FailNextCommit(CommitFault::kUnknownLanded);
  EXPECT_EQ(db.Exec("UPDATE t SET v = 4 WHERE k = 1"), SQLITE_OK);
  bool asked = true;
  EXPECT_EQ(Query(&db, kSum, &asked), "203|200");
  EXPECT_FALSE(asked);
}

// Readers of unchanged and of moving heads beside a writer and reclaim.
TEST_F(SnapshotResumeTest, ReadersBesideAWriterAndReclaim) {
  SqliteDb writer;
  Fill(&writer);
  Reclaim();
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> readers;
  readers.reserve(3);
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      SqliteDb reader;
      if (reader.Open(Uri("a")) != SQLITE_OK) ++failures;
      reader.Exec("PRAGMA cache_size = 5");
      while (!stop) {
        // All rows have the same value in every commit.
        if (reader.QueryText("SELECT count(DISTINCT v), count(*) FROM t") !=
            "1|200") {
          ++failures;
        }
      }
    });
  }
  for (int i = 0; i < 60; ++i) {
    if (writer.Exec("UPDATE t SET v = v + 1") != SQLITE_OK) ++failures;
    if (i % 10 == 0) Reclaim();
  }
  stop = true;
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace actorkv
