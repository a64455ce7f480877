// Records that are whole, with a right check, and say what cannot be: of
// another commit or branch than their key, or of a parent that is not older.
// Every call says that it is damage, or does without; none goes on for ever,
// other actors work, and the store can be closed.

#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "kv/engine/prefix_scan.h"
#include "kv/format/chunk.h"
#include "kv/format/history_records.h"
#include "kv/format/keys.h"
#include "kv/format/records.h"
#include "kv/process/store_registry.h"
#include "kv/process/upkeep.h"
#include "kv/store/clock_step.h"
#include "kv/store/store.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

// A call that does not come back ends the test, and not later than this.
constexpr unsigned kSecondsUntilAlarm = 600;

// What is asked of the actor, with at most so many rows.
constexpr const char* kCalls[] = {
    "SELECT count(*), sum(history_bytes) FROM actorkv_actors",
    "SELECT count(*) FROM (SELECT 1 FROM actorkv_commits LIMIT 1000)",
    "SELECT count(*) FROM (SELECT 1 FROM actorkv_verify LIMIT 1000)",
    "SELECT count(*) FROM (SELECT 1 FROM actorkv_verify('a') LIMIT 1000)",
    "SELECT count(*) FROM actorkv_verify('a', '2')",
    "SELECT count(*) FROM actorkv_doctor('a')",
    "SELECT count(*) FROM actorkv_diff('a', '2')",
    "SELECT count(*) FROM actorkv_diff('a', 'p', '-1 commit')",
    "SELECT * FROM actorkv_restore_plan('a', '2')",
    "SELECT * FROM actorkv_restore_plan('a', '-0 seconds')",
    "SELECT count(*) FROM actorkv_restore_points",
    "SELECT count(*) FROM actorkv_restores",
    "SELECT count(*) FROM actorkv_reclaim_plan",
    "SELECT count(*) FROM actorkv_info",
    "SELECT actorkv_fork('a', 'new1', '-1 commit')",
    "SELECT actorkv_fork('a', 'new2', '-0 seconds')",
    "SELECT actorkv_fork('a', 'new3', 'p')",
    "SELECT actorkv_restore_point('a', 'q')",
    "SELECT actorkv_restore('a', '-1 commit')",
    "SELECT actorkv_restore('a', '2')",
    "SELECT actorkv_restore('a', 'p')",
    "SELECT actorkv_undo_restore('a')",
    "SELECT actorkv_reclaim('a')",
    "SELECT actorkv_reclaim()",
    "SELECT actorkv_retention('a', '0')",
    "SELECT actorkv_reclaim()",
    "SELECT actorkv_takeover('a')",
};

class ForgedRecordsTest : public SqlTest {
 protected:
  void SetUp() override {
    alarm(kSecondsUntilAlarm);
    ASSERT_EQ(db()->Open(":memory:"), SQLITE_OK);
  }
  void TearDown() override {
    SqlTest::TearDown();
    alarm(0);
  }

  // A store with two actors: one with commits on two branches, a restore point,
  // a restore and a fork, the other with nothing of that; and one whose name
  // was taken again.
  void Make(const std::string& name) {
    name_ = name;
    ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted(name) + ")"), File(name));
    for (const char* sql :
         {"CREATE TABLE t(x); INSERT INTO t VALUES (zeroblob(20000))",
          "INSERT INTO t VALUES (2)", "UPDATE t SET x = 3 WHERE x = 2"}) {
      Run("a", sql);
    }
    Run("gone", "CREATE TABLE t(x)");
    Run("b", "CREATE TABLE t(x); INSERT INTO t VALUES ('b')");
    for (const char* sql :
         {"SELECT actorkv_restore_point('a', 'p')",
          "SELECT actorkv_restore('a', '2')", "SELECT actorkv_fork('a', 'f')",
          "SELECT actorkv_delete('gone')"}) {
      ASSERT_NE(Ask(sql).substr(0, 6), "error:") << sql;
    }
    Run("gone", "CREATE TABLE t(x)");
    Run("a", "INSERT INTO t VALUES (5)");
  }

  void Run(const std::string& actor, const std::string& sql) {
    SqliteDb db;
    ASSERT_EQ(db.Open(UriOf(actor)), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }

  std::string UriOf(const std::string& actor) const {
    return "file:" + File(name_) + "/" + actor + "?vfs=actorkv";
  }

  void Reopen() {
    db()->Close();
    StoreRegistry::Instance()->CloseIdle();
    ASSERT_EQ(db()->Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted(name_) + ")"), File(name_));
  }

  Partition PartitionOf(const std::string& actor) {
    std::shared_ptr<const HeadState> state;
    const auto store = OpenStore(name_);
    EXPECT_OK(LoadHeadState(store->engine()->NewReader().get(), actor, &state));
    return ActorPartition(state->entry.actor);
  }

  std::vector<KeyValue> Pairs(Partition partition, const std::string& prefix) {
    std::vector<KeyValue> pairs;
    const auto reader = OpenStore(name_)->engine()->NewReader();
    EXPECT_OK(ForEachPair(reader.get(), {partition, prefix, prefix},
                          [&](const KeyValue& pair) {
                            pairs.push_back(pair);
                            return Status::Ok();
                          }));
    EXPECT_FALSE(pairs.empty()) << prefix;
    return pairs;
  }

  void Put(Partition partition, const std::string& key,
           const std::string& value) {
    Batch batch;
    batch.Put(partition, key, value);
    ASSERT_TRUE(
        OpenStore(name_)->engine()->Commit(batch, Durability::kSynced).done());
  }

  // Changes the record of this kind, the `index`th of the actor.
  template <typename Record>
  void Forge(const std::string& prefix, size_t index,
             const std::function<void(Record*)>& change) {
    const Partition partition = PartitionOf("a");
    const std::vector<KeyValue> pairs = Pairs(partition, prefix);
    ASSERT_LT(index, pairs.size());
    const std::string& key = pairs[index].key;
    Record record;
    ASSERT_OK(DecodeRecord(key, pairs[index].value, &record));
    change(&record);
    Put(partition, key, EncodeRecord(key, record));
  }

  // All calls come back; the damage is seen where it `is_damage`.
  void ExpectEnds(const std::string& name, const std::function<void()>& forge,
                  bool is_damage = true) {
    SCOPED_TRACE(name);
    ASSERT_NO_FATAL_FAILURE(Make(name));
    ASSERT_NO_FATAL_FAILURE(forge());
    ASSERT_NO_FATAL_FAILURE(Reopen());
    EXPECT_EQ(Ask("SELECT count(*) > 0 FROM actorkv_verify"),
              is_damage ? "1" : "0");
    for (const char* call : kCalls) {
      const std::string answer = Ask(call);
      EXPECT_NE(answer, "1000") << call << ": rows without end";
    }
    for (const char* point : {"2", "p", "-1 commit", "-0 seconds"}) {
      SqliteDb past;
      if (past.Open(UriOf("a") + "&asof=" + point) != SQLITE_OK) continue;
      past.QueryText("SELECT count(*) FROM t");
    }
    ExpectBackgroundEnds();
    SqliteDb b;
    EXPECT_EQ(b.Open(UriOf("b")), SQLITE_OK);
    EXPECT_EQ(b.Exec("INSERT INTO t VALUES ('more')"), SQLITE_OK) << b.Error();
    EXPECT_EQ(b.QueryText("SELECT group_concat(x) FROM t"), "b,more");
  }

  // As the process would at its exit, which waits for a piece of it.
  void ExpectBackgroundEnds() {
    const std::shared_ptr<Store> store = OpenStore(name_);
    const std::shared_ptr<Upkeep> upkeep =
        StoreRegistry::Instance()->UpkeepForTesting(store.get());
    upkeep->ReclaimSoonForTesting();
    bool more = true;
    for (int i = 0; i < 20; ++i)
      static_cast<void>(upkeep->Maintain(&more).ok());
  }

  std::string name_;
};

TEST_F(ForgedRecordsTest, Commits) {
  const auto forge = [this](const std::function<void(CommitRecord*)>& change) {
    for (const size_t index : {0, 1}) {
      Forge<CommitRecord>(CommitPrefix(), index, change);
    }
  };
  const TxId far = {99};
  ExpectEnds("later", [&] {
    forge([&](CommitRecord* record) { record->snapshot.txid = far; });
  });
  ExpectEnds("earlier", [&] {
    forge([&](CommitRecord* record) { record->snapshot.txid = {1}; });
  });
  ExpectEnds("none", [&] {
    forge([&](CommitRecord* record) { record->snapshot.txid = {0}; });
  });
  ExpectEnds("last", [&] {
    forge([&](CommitRecord* record) { record->snapshot.txid = kLastTxId; });
  });
  ExpectEnds("branch", [&] {
    forge([&](CommitRecord* record) { record->snapshot.branch = {7}; });
  });
  ExpectEnds("base", [&] {
    forge([&](CommitRecord* record) { record->base_txid = far; });
  });
  ExpectEnds("replaced", [&] {
    forge([&](CommitRecord* record) { record->replaced_txid = far; });
  });
  ExpectEnds("page_size", [&] {
    forge([&](CommitRecord* record) { record->snapshot.page_size = 0; });
  });
}

// Nobody can tell that a time is not the right one.
TEST_F(ForgedRecordsTest, TimesOfCommits) {
  for (const uint64_t at_us : {uint64_t{0}, uint64_t{1}, ~uint64_t{0}}) {
    ExpectEnds(
        "time" + std::to_string(at_us),
        [&] {
          Forge<CommitRecord>(CommitPrefix(), 1, [&](CommitRecord* record) {
            record->committed_at_us = at_us;
          });
        },
        /*is_damage=*/false);
  }
}

TEST_F(ForgedRecordsTest, Branches) {
  const std::string prefix = BranchRecordPrefix();
  // A loop of one, and of two.
  ExpectEnds("itself", [&] {
    const Partition partition = PartitionOf("a");
    const std::vector<KeyValue> pairs = Pairs(partition, prefix);
    for (const KeyValue& pair : pairs) {
      BranchId branch;
      BranchRecord record;
      ASSERT_OK(ParseBranchRecordKey(pair.key, &branch));
      ASSERT_OK(DecodeRecord(pair.key, pair.value, &record));
      record.parent = BranchPoint{ActorId{partition.id}, branch, {1}};
      Put(partition, pair.key, EncodeRecord(pair.key, record));
    }
  });
  ExpectEnds("each_other", [&] {
    const Partition partition = PartitionOf("a");
    const std::vector<KeyValue> pairs = Pairs(partition, prefix);
    ASSERT_EQ(pairs.size(), 2u);
    BranchId newer;
    ASSERT_OK(ParseBranchRecordKey(pairs[1].key, &newer));
    Forge<BranchRecord>(prefix, 0, [&](BranchRecord* record) {
      record->parent = BranchPoint{ActorId{partition.id}, newer, {0}};
    });
  });
  ExpectEnds("late_parent", [&] {
    Forge<BranchRecord>(prefix, 1, [](BranchRecord* record) {
      record->parent->txid = record->first_txid;
    });
  });
  ExpectEnds("late_first", [&] {
    Forge<BranchRecord>(prefix, 1, [](BranchRecord* record) {
      record->first_txid = {1'000'000};
    });
  });
}

TEST_F(ForgedRecordsTest, Heads) {
  ExpectEnds("txid", [&] {
    Forge<Head>(HeadKey(), 0, [](Head* head) { head->snapshot.txid = {1}; });
  });
  ExpectEnds("future", [&] {
    Forge<Head>(HeadKey(), 0, [](Head* head) { head->snapshot.txid = {99}; });
  });
  ExpectEnds("branch", [&] {
    Forge<Head>(HeadKey(), 0, [](Head* head) { head->snapshot.branch = {7}; });
  });
  ExpectEnds("page_size", [&] {
    Forge<Head>(HeadKey(), 0, [](Head* head) { head->snapshot.page_size = 0; });
  });
}

TEST_F(ForgedRecordsTest, HistoryRecords) {
  ExpectEnds("point_branch", [&] {
    Forge<RestorePointRecord>(
        RestorePointPrefix(), 0,
        [](RestorePointRecord* point) { point->branch = {7}; });
    EXPECT_NE(Ask("SELECT actorkv_fork('a', 'x', 'p')")
                  .find("commit on another branch: name=p"),
              std::string::npos);
  });
  ExpectEnds("point_txid", [&] {
    Forge<RestorePointRecord>(
        RestorePointPrefix(), 0,
        [](RestorePointRecord* point) { point->txid = kLastTxId; });
  });
  ExpectEnds("restore_of_itself", [&] {
    Forge<RestoreRecord>(RestorePrefix(), 0, [](RestoreRecord* restore) {
      restore->from_txid = {99};
    });
  });
  ExpectEnds("restore_of_another", [&] {
    Forge<RestoreRecord>(RestorePrefix(), 0, [](RestoreRecord* restore) {
      restore->undo_name = "undo-99";
    });
  });
  ExpectEnds("fork", [&] {
    const std::string key = ForkKey({9}, {9});
    Put(PartitionOf("a"), key, EncodeRecord(key, ForkRecord{{7}, {1}, 1}));
  });
  ExpectEnds(
      "setting",
      [&] {
        const std::string key = SettingKey("retention_ms");
        Put(PartitionOf("a"), key, EncodeRecord(key, SettingRecord{~0ull}));
      },
      /*is_damage=*/false);
}

TEST_F(ForgedRecordsTest, Catalog) {
  ExpectEnds("deleted", [&] {
    const KeyValue pair = Pairs(CatalogPartition(), DeletedEntryPrefix())[0];
    ActorEntry entry;
    ASSERT_OK(DecodeRecord(pair.key, pair.value, &entry));
    entry.actor = ActorId{PartitionOf("a").id};
    Put(CatalogPartition(), pair.key, EncodeRecord(pair.key, entry));
  });
  ExpectEnds("clock_step", [&] {
    ClockStep step;
    step.begin_us = 7;
    step.wall_us = 8;
    const std::string key = ClockStepKey(step.begin_us);
    Put(CatalogPartition(), key, EncodeRecord(key, step));
    EXPECT_NE(Ask("SELECT actorkv_restore('a', '-1 second')")
                  .find("clock step record damaged"),
              std::string::npos);
  });
}

// A delta whose base is itself, or younger.
TEST_F(ForgedRecordsTest, Chunks) {
  for (const uint64_t more : {0, 1}) {
    ExpectEnds("delta" + std::to_string(more), [&] {
      std::shared_ptr<const HeadState> state;
      const auto store = OpenStore(name_);
      ASSERT_OK(LoadHeadState(store->engine()->NewReader().get(), "a", &state));
      const Snapshot& head = state->head.snapshot;
      StoredForm form;
      form.base = TxId{head.txid.value + more};
      form.changed.Add(0);
      const std::string page(head.page_size, 'x');
      const ChunkId id = {head.branch, 2, head.txid};
      Put(BranchPartition(id.branch), ChunkKey(id.pgno, id.txid),
          EncodeDeltaChunk(id, EncodeDelta(form, page), PageHash(2, page)));
    });
  }
}

}  // namespace
}  // namespace actorkv
