// A clock of the machine that is wrong for a while: what people are shown and
// what they name are times of the wall clock, as it says them now.

#include "kv/base/time_text.h"
#include "kv/format/keys.h"
#include "kv/history/point.h"
#include "kv/process/store_registry.h"
#include "kv/process/upkeep.h"
#include "kv/store/clock.h"
#include "kv/store/store.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/sql_harness.h"

namespace actorkv {
namespace {

constexpr int64_t kHourUs = ShiftedClock::kHourUs;
constexpr int64_t kDayUs = ShiftedClock::kDayUs;

class ClockBackTest : public SqlTest {
 protected:
  void SetUp() override {
    SqlTest::SetUp();
    Run("CREATE TABLE note(body)");
    Pass(3 * kHourUs);
    Run("INSERT INTO note VALUES ('one')");
  }

  void Run(const std::string& sql, const std::string& actor = "alice") {
    SqliteDb db;
    ASSERT_EQ(db.Open(Uri(actor)), SQLITE_OK) << db.Error();
    ASSERT_EQ(db.Exec(sql), SQLITE_OK) << db.Error();
  }

  // Nobody looks at the clocks while they go on one after the other.
  void Pass(int64_t us) {
    const std::shared_ptr<Store> store = OpenStore();
    const ReclaimTurns::Turn turn = store->reclaim_turns()->Begin();
    clock_.Pass(us);
  }

  // The clock is ahead for one commit, and then right.
  void WriteAhead(int64_t by_us) {
    Pass(kHourUs);
    clock_.Set(by_us);
    Run("INSERT INTO note VALUES ('ahead')");
    clock_.Set(0);
  }

  std::string Notes(const std::string& actor) {
    SqliteDb db;
    if (db.Open(Uri(actor)) != SQLITE_OK) return "cannot open";
    return db.QueryText("SELECT group_concat(body) FROM note");
  }

  // What the actor held at a point.
  std::string At(const std::string& point) {
    const std::string fork = "fork" + std::to_string(forks_++);
    const std::string made =
        Ask("SELECT actorkv_fork('alice', '" + fork + "', '" + point + "')");
    return made.substr(0, 6) == "error:" ? made : Notes(fork);
  }

  // How many hours ago each commit was, oldest first, rounded.
  std::string HoursAgo() {
    return Ask("SELECT group_concat(ago) FROM (SELECT round((" +
               std::to_string(WallClockUs() / 1000) +
               " - committed_at_ms) / 3600000.0, 1) AS ago FROM "
               "actorkv_commits WHERE actor = 'alice' ORDER BY txid)");
  }

  std::string Warning(const std::string& name) {
    return Ask(
        "SELECT value FROM actorkv_info WHERE level = 'warning' AND "
        "name = '" +
        name + "'");
  }

  void Reopen() {
    db()->Close();
    StoreRegistry::Instance()->CloseIdle();
    ASSERT_EQ(db()->Open(":memory:"), SQLITE_OK);
    ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted("store") + ")"),
              File("store"));
  }

  ShiftedClock clock_;
  int forks_ = 0;
};

TEST_F(ClockBackTest, TimesRecoverWithTheClock) {
  WriteAhead(2 * kDayUs);
  Pass(kHourUs);
  Run("INSERT INTO note VALUES ('two')");
  Pass(kHourUs);
  Run("INSERT INTO note VALUES ('three')");
  Pass(kHourUs / 2);
  for (int opened = 0; opened < 2; ++opened) {
    // That of the commit which was ahead is known to be before the next one.
    EXPECT_EQ(HoursAgo(), "6.5,3.5,1.5,1.5,0.5");
    EXPECT_EQ(At("-1 hour"), "one,ahead,two");
    EXPECT_EQ(At("-2 hours"), "one");
    EXPECT_EQ(At("-3 hours"), "one");
    EXPECT_EQ(At("-4 hours"), "");
    EXPECT_EQ(At("-1 second"), "one,ahead,two,three");
    EXPECT_EQ(At(TimeText(WallClockUs() - 1'000'000)), "one,ahead,two,three");
    EXPECT_NE(At(TimeText(WallClockUs() + kHourUs)).find("in the future"),
              std::string::npos);
    EXPECT_NE(Warning("clock_ahead").find("the store is 46 hours ahead"),
              std::string::npos)
        << Warning("clock_ahead");
    EXPECT_EQ(
        Ask("SELECT max(created_at_ms) <= " +
            std::to_string(WallClockUs() / 1000) +
            " AND max(modified_at_ms) <= " +
            std::to_string(WallClockUs() / 1000) + " FROM actorkv_actors"),
        "1");
    Reopen();
  }
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

// As at the time when no store knew of steps: the clock limit is ten years
// ahead, and so are some commits.
TEST_F(ClockBackTest, AStoreThatIsAheadAlreadyIsRightAtOnce) {
  {
    const std::shared_ptr<Store> store = OpenStore();
    Batch batch;
    batch.Put(CatalogPartition(),
              ClockLimitKey(WallClockUs() + 3650 * uint64_t{kDayUs}), "");
    ASSERT_TRUE(store->engine()->Commit(batch, Durability::kSynced).done());
  }
  Reopen();
  Pass(kHourUs);
  Run("INSERT INTO note VALUES ('two')");
  Pass(kHourUs);
  Run("INSERT INTO note VALUES ('three')");
  EXPECT_EQ(HoursAgo(), "5.0,2.0,1.0,0.0");
  EXPECT_EQ(At("-30 minutes"), "one,two");
  EXPECT_NE(Warning("clock_ahead").find("9 years ahead"), std::string::npos)
      << Warning("clock_ahead");
}

TEST_F(ClockBackTest, AStoreThatWasMadeAheadIsRightAtOnce) {
  clock_.Set(2 * kDayUs);
  ASSERT_EQ(Ask("SELECT actorkv_store(" + Quoted("other") + ")"),
            File("other"));
  Ask("SELECT actorkv_import('alice', " + Quoted("x.db") + ")");
  SqliteDb db;
  ASSERT_EQ(db.Open("file:" + File("other") + "/alice?vfs=actorkv"), SQLITE_OK);
  ASSERT_EQ(db.Exec("CREATE TABLE note(body)"), SQLITE_OK);
  clock_.Set(0);
  Pass(kHourUs);
  ASSERT_EQ(db.Exec("INSERT INTO note VALUES ('one')"), SQLITE_OK);
  Pass(kHourUs);
  EXPECT_EQ(HoursAgo(), "1.0,1.0");
  EXPECT_EQ(Ask("SELECT value <= " + std::to_string(WallClockUs() / 1000) +
                " FROM actorkv_info WHERE name = 'store_created_at_ms'"),
            "1");
}

// A machine that does not know the date until it is told.
TEST_F(ClockBackTest, AClockThatWasBehindChangesNothingThatWas) {
  const auto since_1970 = static_cast<int64_t>(WallClockUs());
  std::string notes = "one";
  for (const int64_t behind_us : {since_1970 - kHourUs, 3 * kDayUs}) {
    SCOPED_TRACE(behind_us);
    Pass(kHourUs);
    clock_.Set(-behind_us);
    Run("INSERT INTO note VALUES ('behind')");
    EXPECT_EQ(Warning("wall_clock").empty(), behind_us == 3 * kDayUs);
    EXPECT_EQ(At("-0 seconds"), notes + ",behind");
    clock_.Set(0);
    Pass(kHourUs / 10);
    Run("INSERT INTO note VALUES ('right')");
    Pass(kHourUs / 10);
    EXPECT_EQ(At("-10 minutes"), notes + ",behind");
    EXPECT_EQ(At("-1 second"), notes + ",behind,right");
    notes += ",behind,right";
  }
  // In 1970 there was no telling what time it was.
  EXPECT_EQ(HoursAgo(), "5.4,2.4,2.4,1.3,0.2,0.1");
}

TEST_F(ClockBackTest, WhatIsKeptByTimeGoesByTheWall) {
  WriteAhead(9 * kDayUs);
  EXPECT_EQ(Ask("SELECT actorkv_retention(NULL, '2 hours')"), "24 hours");
  clock_.Set(9 * kDayUs);
  const std::string named =
      Ask("SELECT actorkv_restore_point('alice', 'p', 3600000)");
  EXPECT_EQ(Ask("SELECT actorkv_restore('alice', '-1 commit') > 0"), "1");
  clock_.Set(0);
  Run("INSERT INTO note VALUES ('two')");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim()"), "0");
  // Of an hour and of seven days, from now.
  EXPECT_EQ(Ask("SELECT group_concat(round((expires_at_ms - " +
                std::to_string(WallClockUs() / 1000) +
                ") / 3600000.0)) FROM actorkv_restore_points"),
            "1.0,168.0");
  EXPECT_EQ(Ask("SELECT actorkv_fork('alice', 'of-p', 'p') > 0"), "1");
  Pass(3 * kHourUs / 2);
  EXPECT_NE(At("p").find("expired at"), std::string::npos);
  // The first commit was replaced two and a half hours ago, the second later.
  EXPECT_NE(Ask("SELECT actorkv_reclaim()").substr(0, 6), "error:");
  EXPECT_EQ(Ask("SELECT min(txid) FROM actorkv_commits WHERE actor = 'alice'"),
            "2");
  EXPECT_EQ(At("-1 hour"), "one,two");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_verify"), "0");
}

TEST_F(ClockBackTest, ADeletedActorStaysAsLongAsItWasPromised) {
  clock_.Set(9 * kDayUs);
  ASSERT_EQ(Ask("SELECT actorkv_delete('alice')"), "2");
  clock_.Set(0);
  Pass(23 * kHourUs);
  Run("CREATE TABLE note(body)", "bob");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim() > 0, count(*) FROM actorkv_actors "
                "WHERE actor = 'alice'"),
            "0|1");
  EXPECT_EQ(Ask("SELECT actorkv_undelete('alice')"), "2");
}

// ---- Waiting for an hour ----------------------------------------------------

class HistoryHoldTest : public ClockBackTest {
 protected:
  // A pass of the background. It says itself what it is to wait for.
  void PassInBackground() {
    const std::shared_ptr<Store> store = OpenStore();
    const std::shared_ptr<Upkeep> upkeep =
        StoreRegistry::Instance()->UpkeepForTesting(store.get());
    upkeep->ReclaimSoonForTesting();
    bool more = true;
    for (int i = 0; i < 50; ++i) ASSERT_OK(upkeep->Maintain(&more));
  }
  std::string Commits() {
    return Ask("SELECT count(*) FROM actorkv_commits WHERE actor = 'alice'");
  }
};

TEST_F(HistoryHoldTest, AfterAnOpenWithAClockThatIsAhead) {
  Run("INSERT INTO note VALUES ('two')");
  Reopen();
  clock_.Set(2 * kDayUs);
  Reopen();
  EXPECT_NE(Warning("history_held")
                .find("2 days beyond the newest time of the store"),
            std::string::npos)
      << Warning("history_held");
  PassInBackground();
  EXPECT_EQ(Commits(), "3");
  // Another process, after this one has written.
  Run("INSERT INTO note VALUES ('three')");
  Reopen();
  EXPECT_NE(Warning("history_held"), "");
  PassInBackground();
  EXPECT_EQ(Commits(), "4");
  EXPECT_NE(Ask("SELECT reason FROM actorkv_reclaim_plan").find("the clock"),
            std::string::npos);
  Pass(kHourUs - 60'000'000);
  PassInBackground();
  EXPECT_EQ(Commits(), "4");
  Pass(120'000'000);
  EXPECT_EQ(Warning("history_held"), "");
  PassInBackground();
  EXPECT_EQ(Commits(), "2");
}

TEST_F(HistoryHoldTest, AfterAJumpWhileItIsOpen) {
  const std::shared_ptr<Store> open = OpenStore();
  Run("INSERT INTO note VALUES ('two')");
  Pass(25 * kHourUs);
  clock_.Set(200'000'000);
  EXPECT_NE(Warning("history_held").find("set by 3 minutes"), std::string::npos)
      << Warning("history_held");
  PassInBackground();
  EXPECT_EQ(Commits(), "3");
  EXPECT_EQ(Ask("SELECT actorkv_reclaim() > 0"), "1") << "on call";
  EXPECT_EQ(Commits(), "1");
}

// What is not kept by time does not wait, but for its restore points.
TEST_F(HistoryHoldTest, NothingToHold) {
  Run("INSERT INTO note VALUES ('two')");
  EXPECT_EQ(Ask("SELECT actorkv_retention('alice', '0')"), "24 hours");
  EXPECT_EQ(Ask("SELECT actorkv_restore_point('alice', 'p', 3600000) > 0"),
            "1");
  Run("INSERT INTO note VALUES ('three')");
  EXPECT_EQ(Commits(), "4");
  clock_.Set(2 * kDayUs);
  PassInBackground();
  EXPECT_EQ(Commits(), "2");
  EXPECT_EQ(Ask("SELECT count(*) FROM actorkv_restore_points"), "1");
  clock_.Set(0);
  EXPECT_EQ(At("p"), "one,two");
}

// The clock since boot says that it was only not used.
TEST_F(HistoryHoldTest, AStoreThatWasIdleDoesNotWaitTwice) {
  Run("INSERT INTO note VALUES ('two')");
  clock_.Pass(2 * kDayUs);
  Reopen();
  EXPECT_NE(Warning("history_held"), "") << "nobody can know";
  Run("INSERT INTO note VALUES ('three')");
  Pass(2 * kDayUs);
  Reopen();
  EXPECT_EQ(Warning("history_held"), "");
  PassInBackground();
  EXPECT_EQ(Commits(), "1");
}

}  // namespace
}  // namespace actorkv
