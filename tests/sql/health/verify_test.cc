// actorkv_verify(): whatever is damaged has a row, whatever is sound has none.

#include <filesystem>
#include <functional>
#include <utility>

#include "kv/format/get_record.h"
#include "kv/format/keys.h"
#include "kv/store/catalog.h"
#include "kv/store/store.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

class VerifyTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    MakeActor("alice", 20);
    MakeActor("bob", 20);
  }

  std::shared_ptr<const HeadState> State(const std::string& name) const {
    const std::shared_ptr<Store> store = OpenStore();
    std::shared_ptr<const HeadState> state;
    EXPECT_OK(LoadHeadState(store->engine()->NewReader().get(), name, &state));
    return state;
  }

  // Replaces the value of a key; nullopt removes it.
  void Put(Partition partition, const std::string& key,
           const std::optional<std::string>& value) const {
    const std::shared_ptr<Store> store = OpenStore();
    Batch batch;
    if (value.has_value()) {
      batch.Put(partition, key, *value);
    } else {
      batch.Delete(partition, key);
    }
    EXPECT_TRUE(store->Commit(batch, Durability::kBuffered).done());
  }

  std::string Get(Partition partition, const std::string& key) const {
    const std::shared_ptr<Store> store = OpenStore();
    std::optional<std::string> value;
    EXPECT_OK(
        GetValue(store->engine()->NewReader().get(), partition, key, &value));
    return value.value_or("");
  }

  void Flip(Partition partition, const std::string& key, size_t byte) const {
    std::string value = Get(partition, key);
    ASSERT_LT(byte, value.size());
    value[byte] = static_cast<char>(value[byte] ^ 1);
    Put(partition, key, value);
  }

  // The rows for alice, and that bob and the rest are sound.
  std::string Rows(const std::string& columns) {
    EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify WHERE actor IS NOT "
                  "'alice'"),
              "0");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_verify('bob')"), "");
    std::string rows =
        Ask("SELECT " + columns + " FROM actorkv_verify('alice')");
    EXPECT_EQ(Ask("SELECT " + columns + " FROM actorkv_verify"), rows);
    return rows;
  }
};

TEST_F(VerifyTest, ASoundStoreHasNoRows) {
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify(NULL)"), "");
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify('$DIR/store/alice')"), "");
  ExpectBad({
      {"SELECT * FROM actorkv_verify('nobody')", SQLITE_ERROR,
       "actorkv_verify: no such actor: actor=nobody"},
      {"SELECT * FROM actorkv_verify('$DIR/none/alice')", SQLITE_ERROR,
       "$DIR/none"},
      {"SELECT * FROM actorkv_verify('a', 'b', 'c')", SQLITE_ERROR,
       "too many arguments"},
  });
}

TEST_F(VerifyTest, EveryKindOfActorIsSound) {
  ASSERT_EQ(Ask("SELECT actorkv_delete('alice')"), "2");
  MakeActor("alice");
  ASSERT_EQ(Ask("SELECT actorkv_rename('alice', 'carol')"), "1");
  ASSERT_EQ(Ask("SELECT actorkv_takeover('carol')"), "2");
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("carol")), SQLITE_OK);
  // Staged; shrunk; with a page of zeros inside; with another page size.
  ASSERT_EQ(db.Exec("INSERT INTO t VALUES(randomblob(20000000));"
                    "DELETE FROM t; VACUUM; PRAGMA page_size=512; VACUUM;"
                    "INSERT INTO t VALUES(zeroblob(100000)); DELETE FROM t;"),
            SQLITE_OK)
      << db.Error();
  EXPECT_EQ(Ask("SELECT * FROM actorkv_verify"), "");
}

TEST_F(VerifyTest, ADamagedChunkOfTheHead) {
  const Snapshot snapshot = State("alice")->head.snapshot;
  const Partition branch = BranchPartition(snapshot.branch);
  for (const size_t byte : {size_t{0}, size_t{1}, size_t{8}, size_t{20},
                            size_t{24}, size_t{2000}}) {
    SCOPED_TRACE(byte);
    Flip(branch, ChunkKey(3, snapshot.txid), byte);
    EXPECT_EQ(Rows("severity, actor, pgno, txid, length(mend) > 0"),
              "error|alice|3|2|1\nerror|alice|3|2|1\nwarning|alice|||1");
    Flip(branch, ChunkKey(3, snapshot.txid), byte);
    EXPECT_EQ(Rows("*"), "");
  }
}

TEST_F(VerifyTest, ADamagedChunkOfHistoryOnly) {
  {
    SqliteDb db;  // a page that is no delta
    ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
    ASSERT_EQ(db.Exec("UPDATE t SET x = hex(randomblob(250))"), SQLITE_OK);
  }
  const Snapshot snapshot = State("alice")->head.snapshot;
  Flip(BranchPartition(snapshot.branch), ChunkKey(3, TxId{2}), 30);
  EXPECT_EQ(Rows("actor, pgno, txid"), "alice|3|2");
}

TEST_F(VerifyTest, AMissingPage) {
  const Snapshot snapshot = State("alice")->head.snapshot;
  Put(BranchPartition(snapshot.branch), ChunkKey(3, snapshot.txid),
      std::nullopt);
  EXPECT_EQ(Rows("pgno, detail LIKE '%page missing%'"), "3|1\n|0");
}

// Only the digest can tell: the older version of the page is sound.
TEST_F(VerifyTest, AStalePage) {
  const Snapshot snapshot = State("alice")->head.snapshot;
  Put(BranchPartition(snapshot.branch), ChunkKey(2, snapshot.txid),
      std::nullopt);
  EXPECT_EQ(Rows("pgno IS NULL, txid, detail LIKE '%digest%'"), "1|2|1");
}

TEST_F(VerifyTest, AChunkOfAnotherPlace) {
  const Snapshot snapshot = State("alice")->head.snapshot;
  const Partition branch = BranchPartition(snapshot.branch);
  Put(branch, ChunkKey(3, snapshot.txid),
      Get(branch, ChunkKey(4, snapshot.txid)));
  EXPECT_EQ(Rows("pgno, detail LIKE '%checksum mismatch%'"), "3|1\n3|1\n|0");
}

TEST_F(VerifyTest, DamagedRecords) {
  const auto state = State("alice");
  const Snapshot snapshot = state->head.snapshot;
  const Partition actor = ActorPartition(state->entry.actor);
  const struct {
    Partition partition;
    std::string key;
    const char* detail;
  } kCases[] = {
      {CatalogPartition(), ActorEntryKey("alice"), "%actor entry%"},
      {actor, HeadKey(), "%head record damaged%"},
      {actor, CommitKey(snapshot.branch, snapshot.txid), "%commit record%"},
      {actor, CommitKey(snapshot.branch, TxId{1}), "%commit record%"},
      {actor, BranchRecordKey(snapshot.branch), "%branch record%"},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.key);
    const std::string before = Get(test.partition, test.key);
    ASSERT_NE(before, "");
    Flip(test.partition, test.key, before.size() / 2);
    const std::string rows = Rows("detail LIKE '" + std::string(test.detail) +
                                  "' OR detail LIKE '%checksum%'");
    EXPECT_EQ(rows.substr(0, 1), "1") << Rows("*");
    Put(test.partition, test.key, before);
    EXPECT_EQ(Rows("*"), "");
  }
}

TEST_F(VerifyTest, MissingRecords) {
  const auto state = State("alice");
  const Snapshot snapshot = state->head.snapshot;
  const Partition actor = ActorPartition(state->entry.actor);
  const struct {
    std::string key;
    const char* detail;
  } kCases[] = {
      {HeadKey(), "corruption: head record missing"},
      {CommitKey(snapshot.branch, snapshot.txid),
       "corruption: the head's commit record is missing"},
  };
  for (const auto& test : kCases) {
    SCOPED_TRACE(test.key);
    const std::string before = Get(actor, test.key);
    Put(actor, test.key, std::nullopt);
    EXPECT_EQ(Rows("detail"), test.detail);
    Put(actor, test.key, before);
  }
}

TEST_F(VerifyTest, AKeyOfNoKnownKind) {
  Put(ActorPartition(State("alice")->entry.actor), "Z", "x");
  EXPECT_EQ(Rows("detail LIKE '%no known kind%'"), "1");
}

// One damaged actor does not hide the others from the list.
TEST_F(VerifyTest, ActorsListsADamagedOne) {
  Flip(ActorPartition(State("alice")->entry.actor), HeadKey(), 9);
  EXPECT_EQ(Ask("SELECT actor, state, page_count FROM actorkv_actors"),
            "alice|damaged|\nbob|live|5");
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_actors WHERE actor = 'bob'"), "bob");
}

// It is a row, an error or nothing, as sql/bind/actor_walk.h says, and who asks
// for another actor never meets it.
TEST_F(VerifyTest, WhatTablesMakeOfADamagedActor) {
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('bob', 'kept')"), "2");
  const auto state = State("alice");
  for (const auto& [partition, key] :
       {std::pair(ActorPartition(state->entry.actor), HeadKey()),
        std::pair(CatalogPartition(), ActorEntryKey("alice"))}) {
    SCOPED_TRACE(key);
    const std::string before = Get(partition, key);
    Flip(partition, key, 9);
    for (const char* table :
         {"actorkv_actors", "actorkv_commits", "actorkv_restore_points",
          "actorkv_restores", "actorkv_hints", "actorkv_kv"}) {
      SCOPED_TRACE(table);
      // The damaged one is the first at or after this name.
      EXPECT_EQ(
          Ask("SELECT * FROM " + std::string(table) + " WHERE actor = 'al'"),
          "");
    }
    EXPECT_EQ(Ask("SELECT txid FROM actorkv_commits WHERE actor = 'bob'"),
              "2\n1");
    EXPECT_EQ(Ask("SELECT name FROM actorkv_restore_points WHERE actor = "
                  "'bob'"),
              "kept");
    ExpectBad({
        {"SELECT * FROM actorkv_commits", SQLITE_CORRUPT, "actor=alice"},
        {"SELECT * FROM actorkv_restore_points", SQLITE_CORRUPT, "actor=alice"},
        {"SELECT * FROM actorkv_restores", SQLITE_CORRUPT, "actor=alice"},
        {"SELECT actorkv_restore_like('head', 'a%')", SQLITE_CORRUPT,
         "actor=alice"},
    });
    ExpectBad({{"SELECT actorkv_restore_like('head', 'c%')", SQLITE_ERROR,
                "no live actor matches"}});
    EXPECT_EQ(Ask("SELECT * FROM actorkv_hints"), "");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_kv"), "");
    EXPECT_EQ(Ask("SELECT * FROM actorkv_migrations"), "");
    EXPECT_EQ(Ask("SELECT actor, action, reason LIKE '%actor=alice%' FROM "
                  "actorkv_migrate_plan"),
              "alice|refuse|1");
    EXPECT_EQ(Ask("SELECT actor, state, error LIKE '%actor=alice%' FROM "
                  "actorkv_export_all('$DIR/out')"),
              "alice|failed|1\nbob|exported|");
    std::filesystem::remove_all(File("out"));
    Put(partition, key, before);
  }
}

TEST_F(VerifyTest, RowsComeWhileTheWorkGoesOn) {
  const Snapshot snapshot = State("alice")->head.snapshot;
  Flip(BranchPartition(snapshot.branch), ChunkKey(3, snapshot.txid), 50);
  Flip(BranchPartition(State("bob")->head.snapshot.branch),
       ChunkKey(3, snapshot.txid), 50);
  EXPECT_EQ(Ask("SELECT actor FROM actorkv_verify LIMIT 1"), "alice");
  EXPECT_EQ(Ask("SELECT DISTINCT actor FROM actorkv_verify"), "alice\nbob");
}

}  // namespace
}  // namespace actorkv
