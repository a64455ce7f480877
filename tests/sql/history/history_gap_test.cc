// Points in the gaps of history, between a commit that a restore point keeps
// and those within the retention: what was the head there is not known any
// more, and no other commit is given for it.

#include "kv/base/time_text.h"
#include "kv/engine/prefix_scan.h"
#include "kv/format/keys.h"
#include "kv/history/history.h"
#include "kv/history/point.h"
#include "kv/store/store.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr int64_t kHourUs = ShiftedClock::kHourUs;
constexpr int64_t kDayUs = ShiftedClock::kDayUs;

class HistoryGapTest : public SqlTest {
 protected:
  // Kept are 2 ('january', by its name), which is 30 days old, and from 5
  // ('april') on, which was replaced 22 hours ago by 6 ('may').
  void SetUp() override {
    SqlTest::SetUp();
    Run("CREATE TABLE note(body)");
    Write("january");
    ASSERT_EQ(Ask("SELECT actorkv_restore_point('alice', 'old')"), "2");
    clock_.Pass(10 * kDayUs);
    Write("february");
    clock_.Pass(10 * kDayUs);
    Write("march");
    clock_.Pass(9 * kDayUs);
    Write("april");
    clock_.Pass(2 * kHourUs);
    Write("may");
    clock_.Pass(22 * kHourUs);
  }

  void Reclaim() {
    ASSERT_NE(Ask("SELECT actorkv_reclaim()").substr(0, 6), "error:");
  }

  void Run(const std::string& sql, const std::string& actor = "alice") {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(actor)), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }
  void Write(const std::string& body) {
    Run("INSERT INTO note VALUES ('" + body + "')");
  }

  std::string Notes(const std::string& actor) {
    SqliteDb db;
    if (db.Open(Uri(actor)) != SQLITE_OK) return "cannot open";
    return db.QueryText("SELECT group_concat(body) FROM note");
  }

  // What the actor held at a point, or the error.
  std::string At(const std::string& point, const std::string& actor = "alice") {
    SqliteDb past;
    if (past.Open(Uri(actor, "&asof=" + point),
                  SQLITE_OPEN_READONLY | SQLITE_OPEN_URI) != SQLITE_OK) {
      return Ask("SELECT actorkv_last_error()");
    }
    return past.QueryText("SELECT group_concat(body) FROM note");
  }

  void ExpectExpired(const std::string& answer, const std::string& oldest) {
    for (const std::string& text :
         {std::string("the commit has expired"),
          "the oldest that is available is " + oldest}) {
      EXPECT_NE(answer.find(text), std::string::npos) << answer;
    }
  }

  ShiftedClock clock_;
};

TEST_F(HistoryGapTest, EveryCallSaysWhatThereIsInstead) {
  Reclaim();
  ASSERT_EQ(Ask("SELECT group_concat(txid) FROM actorkv_commits"), "6,5,2");
  const std::string point = "-3 days";
  for (const std::string& call :
       {"actorkv_restore('alice', '" + point + "')",
        "actorkv_fork('alice', 'x', '" + point + "')",
        "actorkv_restore_set('" + point + "', 'alice')",
        "actorkv_restore_like('" + point + "', 'a%')",
        "actorkv_export('alice', " + Quoted("x.db") + ", 'db', '" + point +
            "')"}) {
    ExpectExpired(Ask("SELECT " + call), "2 of ");
  }
  for (const std::string& table :
       {"actorkv_diff('alice', '" + point + "')",
        "actorkv_diff('alice', 'head', '" + point + "')",
        "actorkv_restore_plan('alice', '" + point + "')",
        "actorkv_verify('alice', '" + point + "')"}) {
    ExpectExpired(Ask("SELECT * FROM " + table), "2 of ");
  }
  SqliteDb past;
  EXPECT_EQ(past.Open(Uri("alice", "&asof=" + point)), SQLITE_CANTOPEN);
  ExpectExpired(Ask("SELECT actorkv_last_error()"), "2 of ");
  EXPECT_EQ(Notes("alice"), "january,february,march,april,may");
  EXPECT_EQ(Listing(), "store");
}

TEST_F(HistoryGapTest, TimesMeanWhatWasTheHead) {
  for (const bool reclaimed : {false, true}) {
    if (reclaimed) Reclaim();
    EXPECT_EQ(At("-0 seconds"), "january,february,march,april,may");
    EXPECT_EQ(At("-21 hours"), "january,february,march,april,may");
    EXPECT_EQ(At("-23 hours"), "january,february,march,april");
    EXPECT_EQ(At("old"), "january");
    EXPECT_EQ(At("2"), "january");
    EXPECT_EQ(At("head"), "january,february,march,april,may");
    EXPECT_NE(At("-40 days").find("there is no commit at or before"),
              std::string::npos);
    for (const char* point : {"-25 hours", "-9 days", "-19 days", "-25 days"}) {
      const std::string answer = At(point);
      if (!reclaimed) {
        EXPECT_EQ(answer.substr(0, 7), "january") << answer;
        continue;
      }
      ExpectExpired(answer, "2 of ");
      EXPECT_NE(answer.find("the next that is available is 5 of "),
                std::string::npos)
          << answer;
    }
  }
  // Without its name nothing is left before the gap either.
  ASSERT_EQ(Ask("SELECT actorkv_drop_restore_point('alice', 'old')"), "2");
  Reclaim();
  ExpectExpired(At("-25 hours"), "5 of ");
  ExpectExpired(At("-29 days"), "5 of ");
  EXPECT_NE(At("-40 days").find("there is no commit at or before"),
            std::string::npos);
}

TEST_F(HistoryGapTest, CommitsAreCountedOrRefused) {
  EXPECT_EQ(At("-1 commit"), "january,february,march,april");
  EXPECT_EQ(At("-3 commits"), "january,february");
  EXPECT_EQ(At("-5 commits"), "");
  EXPECT_NE(At("-6 commits").find("there are not 6 commits before the head"),
            std::string::npos);
  Reclaim();
  EXPECT_EQ(At("-0 commits"), "january,february,march,april,may");
  EXPECT_EQ(At("-1 commit"), "january,february,march,april");
  for (const char* point : {"-2 commits", "-3 commits", "-9 commits"}) {
    const std::string answer = At(point);
    ExpectExpired(answer, "2 of ");
    EXPECT_NE(answer.find("kept without a gap: 1;"), std::string::npos)
        << answer;
  }
}

// A restore point in the middle, so that there are two gaps.
TEST_F(HistoryGapTest, BeforeAndAfterEachCommitThatIsKept) {
  ASSERT_EQ(Ask("SELECT actorkv_retention(NULL, '0')"), "24 hours");
  Write("june");
  ASSERT_EQ(Ask("SELECT actorkv_restore_point('alice', 'june')"), "7");
  clock_.Pass(kHourUs);
  Write("july");
  clock_.Pass(kHourUs);
  Write("august");
  clock_.Pass(kHourUs);
  Reclaim();
  ASSERT_EQ(Ask("SELECT group_concat(txid) FROM actorkv_commits"), "9,7,2");
  ExpectExpired(At("-1 commit"), "2 of ");
  ExpectExpired(At("-90 minutes"), "2 of ");
  ExpectExpired(At("-150 minutes"), "2 of ");
  EXPECT_EQ(At("-30 minutes").substr(0, 7), "january");
  EXPECT_EQ(At("june"), "january,february,march,april,may,june");
}

// Those that were written before commits said what they replaced.
TEST_F(HistoryGapTest, OldRecordsSayItByTheirNumbers) {
  Reclaim();
  {
    const std::shared_ptr<Store> store = OpenStore();
    const auto reader = store->engine()->NewReader();
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(LoadHeadState(reader.get(), "alice", &state));
    const Partition partition = ActorPartition(state->entry.actor);
    const std::string prefix = CommitPrefix();
    Batch batch;
    ASSERT_OK(ForEachPair(
        reader.get(), {partition, prefix, prefix},
        [&](const KeyValue& pair) -> Status {
          CommitRecord record;
          Status s = DecodeRecord(pair.key, pair.value, &record);
          record.replaced_txid.reset();
          batch.Put(partition, pair.key, EncodeRecord(pair.key, record));
          return s;
        }));
    ASSERT_EQ(batch.op_count(), 3u);
    ASSERT_TRUE(store->Commit(batch, Durability::kSynced).done());
  }
  EXPECT_EQ(At("-23 hours"), "january,february,march,april");
  EXPECT_EQ(At("-1 commit"), "january,february,march,april");
  ExpectExpired(At("-25 hours"), "2 of ");
  ExpectExpired(At("-2 commits"), "2 of ");
  // What is written now says it.
  Write("june");
  clock_.Pass(kHourUs);
  EXPECT_EQ(At("-1 commit"), "january,february,march,april,may");
  EXPECT_EQ(At("-2 commits"), "january,february,march,april");
  ExpectExpired(At("-3 commits"), "2 of ");
}

// Restores leave a line of commits behind on another branch, and go on.
TEST_F(HistoryGapTest, AcrossRestores) {
  Reclaim();
  ASSERT_EQ(Ask("SELECT actorkv_restore('alice', 'old')"), "7");
  clock_.Pass(kHourUs);
  Write("new");
  clock_.Pass(kHourUs);
  EXPECT_EQ(At("-30 minutes"), "january,new");
  EXPECT_EQ(At("-90 minutes"), "january");
  EXPECT_EQ(At("-3 hours"), "january,february,march,april,may");
  EXPECT_EQ(At("-2 commits"), "january,february,march,april,may");
  // The head before it is kept by its name, for a week.
  clock_.Pass(2 * kDayUs);
  Reclaim();
  ASSERT_EQ(Ask("SELECT group_concat(txid) FROM actorkv_commits WHERE actor = "
                "'alice'"),
            "8,6,2");
  EXPECT_EQ(At("undo-7"), "january,february,march,april,may");
  ExpectExpired(At("-1 commit"), "2 of ");
  ExpectExpired(At("-2970 minutes"), "2 of ");
  ExpectExpired(At("-51 hours"), "2 of ");
  EXPECT_EQ(At("-48 hours"), "january,new");
  ASSERT_EQ(Ask("SELECT actorkv_undo_restore('alice')"), "9");
  EXPECT_EQ(Notes("alice"), "january,february,march,april,may");
}

TEST_F(HistoryGapTest, AForkBeginsWithItsFirstCommit) {
  ASSERT_EQ(Ask("SELECT actorkv_fork('alice', 'fork', 'old')"), "3");
  clock_.Pass(kHourUs);
  Run("INSERT INTO note VALUES ('of fork')", "fork");
  EXPECT_EQ(At("-1 commit", "fork"), "january");
  EXPECT_EQ(At("-30 minutes", "fork"), "january");
  EXPECT_NE(At("-2 hours", "fork").find("there is no commit at or before"),
            std::string::npos);
  EXPECT_NE(At("-2 commits", "fork").find("there are not 2 commits"),
            std::string::npos);
}

TEST_F(HistoryGapTest, DeletedActorsAlike) {
  Reclaim();
  ASSERT_EQ(Ask("SELECT actorkv_delete('alice')"), "6");
  EXPECT_EQ(At("-23 hours"), "january,february,march,april");
  ExpectExpired(At("-3 days"), "2 of ");
  EXPECT_EQ(At("old"), "january");
}

// A moment is one cut through all actors: of a transaction over two of them
// both commits come along, or none.
TEST_F(HistoryGapTest, AMomentCutsNoTransaction) {
  Run("CREATE TABLE note(body)", "bob");
  std::vector<std::string> moments;
  SqliteDb db;
  ASSERT_EQ(db.Open(Uri("alice")), SQLITE_OK);
  ASSERT_EQ(db.Exec("ATTACH '" + Uri("bob") + "' AS bob"), SQLITE_OK);
  ASSERT_EQ(db.Exec("DELETE FROM main.note"), SQLITE_OK);
  for (int i = 0; i < 12; ++i) {
    // The clock is set now and then.
    clock_.Set((i % 4 - 1) * kHourUs);
    const std::string value = "('" + std::to_string(i) + "'); ";
    ASSERT_EQ(db.Exec("BEGIN; INSERT INTO main.note VALUES " + value +
                      "INSERT INTO bob.note VALUES " + value + "COMMIT"),
              SQLITE_OK);
    clock_.Pass(kHourUs / 4);
  }
  clock_.Set(0);
  for (int minutes = 0; minutes < 240; minutes += 7) {
    const std::string point = "-" + std::to_string(minutes) + " minutes";
    if (Ask("SELECT actorkv_restore_set('" + point + "', 'alice', 'bob')") !=
        "2") {
      continue;
    }
    const std::string alice = Notes("alice");
    // Before the first of them alice had other notes.
    if (alice.substr(0, 7) != "january") {
      EXPECT_EQ(alice, Notes("bob")) << point;
    }
    ASSERT_EQ(Ask("SELECT actorkv_undo_restore('alice') > 0"), "1");
    ASSERT_EQ(Ask("SELECT actorkv_undo_restore('bob') > 0"), "1");
  }
}

// An ISO time with its distance from UTC was a name once.
TEST_F(HistoryGapTest, ANameThatIsATimeNow) {
  const std::string name = "2026-11-20T10:00:00+00:00";
  ExpectBad(
      {{"SELECT actorkv_restore_point('alice', "
        "'2026-11-20T10:00:00+00:00')",
        SQLITE_ERROR, "means something else"}});
  {
    const std::shared_ptr<Store> store = OpenStore();
    std::shared_ptr<const HeadState> state;
    ASSERT_OK(
        LoadHeadState(store->engine()->NewReader().get(), "alice", &state));
    RestorePointRecord point;
    point.branch = state->head.snapshot.branch;
    point.txid = {3};
    point.created_at_us = 1;
    const std::string key = RestorePointKey(name);
    Batch batch;
    batch.Put(ActorPartition(state->entry.actor), key,
              EncodeRecord(key, point));
    ASSERT_TRUE(store->Commit(batch, Durability::kSynced).done());
  }
  EXPECT_EQ(At(name), "january,february");
  EXPECT_EQ(Ask("SELECT actorkv_drop_restore_point('alice', '" + name + "')"),
            "3");
  // Whoever writes a time so means that time.
  std::string when = TimeText(WallClockUs() - 23 * uint64_t{kHourUs});
  when.back() = '+';
  EXPECT_EQ(At(when + "00:00"), "january,february,march,april");
  EXPECT_NE(At("2999-01-01T00:00:00+01:00").find("it is in the future"),
            std::string::npos);
}

TEST_F(HistoryGapTest, WhatIsNoPointSaysWhatIsOne) {
  ExpectBad({
      {"SELECT actorkv_restore('alice', 'now')", SQLITE_ERROR,
       "or the name of a restore point; now is 'head'"},
      {"SELECT actorkv_restore('alice', '2026-11-20')", SQLITE_ERROR,
       "; a time has a day that there is, an hour and a minute"},
      {"SELECT actorkv_restore('alice', '-5')", SQLITE_ERROR,
       "; write what is counted"},
      {"SELECT actorkv_restore('alice', '-5 parsecs')", SQLITE_ERROR,
       "; write what is counted"},
      {"SELECT actorkv_retention('alice', 7)", SQLITE_ERROR,
       "a duration without its unit: 7: write a number and weeks, days"},
      {"SELECT actorkv_retention(NULL, '7')", SQLITE_ERROR,
       "a duration without its unit: 7"},
      {"SELECT actorkv_restore_point('alice', 'x', 9223372036854775807)",
       SQLITE_ERROR, "ttl_ms is 9223372036854775807, the limit is "},
      {"SELECT actorkv_restore_point('alice', 'x', 3155760000001)",
       SQLITE_ERROR, "which is 100 years"},
      {"SELECT actorkv_set('retention_ms', 3155760000001)", SQLITE_ERROR,
       "the limit is 3155760000000"},
  });
  EXPECT_EQ(Ask("SELECT actorkv_restore_point('alice', 'x', 3155760000000)"),
            "6");
  EXPECT_EQ(Ask("SELECT expires_at_ms - created_at_ms FROM "
                "actorkv_restore_points WHERE name = 'x'"),
            "3155760000000");
  EXPECT_EQ(Ask("SELECT actorkv_set('retention_ms', 7000)"), "86400000");
  EXPECT_EQ(Ask("SELECT actorkv_retention(NULL, 0)"), "7 seconds");
}

}  // namespace
}  // namespace actorkv
